"""What an installation is made of, and whether it works: python -m langevin_sgd doctor.

Whatever is broken becomes a line of the report: a broken machine is what a doctor is called for."""

import importlib.metadata
import os
import platform
import re
import tempfile
import textwrap
import warnings
from importlib.util import find_spec
from pathlib import Path

import numba
from llvmlite import binding

import langevin_sgd as ls

from .command_line.words import width_of_text
from .engine.chunks import available_threads
from .engine.cuda_found import find_cuda, version_of, why_no_cuda
from .kernels.bits import JIT
from .kernels.compile_cache import SIZE_LIMIT, VARIABLE, cache_folder
from .kernels.rng import GENERATOR

PIP_COMMAND = re.compile(r'pip install "[^"]*"')
NEEDED = ("numba", "llvmlite", "numpy", "scipy", "xarray", "matplotlib", "h5netcdf", "h5py")
VECTORS = {"avx512f": 512, "avx2": 256, "avx": 256, "sse2": 128, "neon": 128}  # bits
REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+).*extra == [\"'](\w+)[\"']")
NO_BREAK = "\0"  # a space at which no line ends
PARTICLES, STEPS = 19, 10
MIB, GIB = 2**20, 2**30


def examine(out):
    """Write the report to `out`; the exit code: 0 if a run on the CPU works."""
    parts = {
        "versions": _versions,
        "extras": _extras,
        "processor": _processor,
        "compiled kernels": _cache,
        "CUDA": _cuda,
    }
    for title, lines in parts.items():
        print(title, file=out)
        _print_lines(_or_trouble(lines), out)
    verdict, works = _small_run("cpu")
    print("verdict", file=out)
    _print_lines([verdict, *_or_trouble(lambda: [_verdict_on_cuda()])], out)
    return int(not works)


def _print_lines(lines, out):
    for line in lines:
        whole = PIP_COMMAND.sub(lambda found: found.group().replace(" ", NO_BREAK), line)
        wrapped = textwrap.fill(
            whole,
            width_of_text(),
            initial_indent="  ",
            subsequent_indent="    ",
            break_on_hyphens=False,
        )
        print(wrapped.replace(NO_BREAK, " "), file=out)


def _or_trouble(lines):
    """What `lines()` returns, or what went wrong in it."""
    try:
        return list(lines())
    except Exception as error:  # of a broken installation, which is told like all else
        return [f"cannot be told: {_sentence_of(error)}"]


def _sentence_of(error):
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


# ---- the parts -----------------------------------------------------------------------------------


def _versions():
    yield f"langevin_sgd {ls.__version__} in {Path(__file__).parent}"
    yield f"python {platform.python_version()} on {platform.platform()}"
    yield ", ".join(f"{library} {version_of(library) or 'missing'}" for library in NEEDED)
    yield f"random words by {GENERATOR}"


def _extras():
    try:
        required = importlib.metadata.requires("langevin_sgd") or []
    except importlib.metadata.PackageNotFoundError:
        yield "not known: the package was not installed by pip"
        return
    extras = {}
    for package, extra in (found.groups() for found in map(REQUIREMENT.match, required) if found):
        extras.setdefault(extra, []).append(package)
    for extra, packages in extras.items():
        versions = (f"{package} {version_of(package) or 'missing'}" for package in packages)
        yield f"{extra}: {', '.join(versions)}"


def _processor():
    name = numba.config.CPU_NAME or binding.get_host_cpu_name()
    features = _features()
    bits = max((VECTORS[each] for each in VECTORS if each in features), default=64)
    yield f"{_model()}, to the compiler {name}"
    yield f"{available_threads()} of {os.cpu_count()} processors are this process's"
    yield f"vectors of {bits} bits: {', '.join(each for each in VECTORS if each in features)}"
    if "fma" not in features and platform.machine() in ("x86_64", "AMD64"):
        yield "no fused multiply-add: the same numbers, many times more slowly"
    if not JIT:
        yield "NUMBA_DISABLE_JIT is set: nothing is compiled"


def _model():
    """The processor's name as its maker writes it, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _features():
    """The names of what the processor can do, of those that kernels may use."""
    if numba.config.CPU_FEATURES is not None:
        wanted = numba.config.CPU_FEATURES.split(",")
        return {name[1:] for name in wanted if name.startswith("+")}
    return {name for name, has in binding.get_host_cpu_features().items() if has}


def _cache():
    setting = os.environ.get(VARIABLE, "")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        folder = cache_folder(setting)
    yield from (str(warning.message) for warning in told)
    if folder is None and setting == "off":
        yield f"not kept: {VARIABLE}=off"
    elif folder is None:
        yield (
            f"not kept: {setting or 'the cache folder of this user'} cannot be used. Each process "
            f"compiles anew; set {VARIABLE} to a folder of your own."
        )
    else:
        files = [each for each in folder.iterdir() if each.is_file()]
        size = sum(each.stat().st_size for each in files) / MIB
        yield f"{folder}: {len(files)} files, {size:.1f} of at most {SIZE_LIMIT // MIB} MiB"
        yield from _writing_trouble(folder)


def _writing_trouble(folder):
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        yield f"cannot be written to, so nothing new is kept: {error}"


def _cuda():
    found = find_cuda()
    if found.simulated:
        yield "numba's simulator stands in for a device: NUMBA_ENABLE_CUDASIM is set"
    driver = found.driver
    told = driver.trouble and f": {driver.trouble}"
    yield f"driver: for CUDA {driver.cuda}{told}" if driver.cuda else f"driver: none{told}"
    for number, device in enumerate(driver.devices):
        memory = device.memory / GIB
        capability = f"compute capability {device.capability}"
        size = f"{device.multiprocessors} multiprocessors, {memory:.1f} GiB"
        yield f"device {number}: {device.name}, {capability}, {size}"
    yield f"numba-cuda: {found.numba_cuda or 'missing'}"
    yield f"nvvm: {_end_of(found.nvvm)}"
    yield f"nvrtc: {f'of CUDA {found.nvrtc}' if found.nvrtc else 'missing'}"
    yield f"nvJitLink: {_end_of(found.nvjitlink)}"
    if find_spec("numba_cuda"):
        yield f"ptxas, which no run needs: {_end_of(_ptxas())}"


def _end_of(path):
    return "/".join(["...", *Path(path).parts[-5:]]) if path else "missing"


def _ptxas():
    from cuda.pathfinder import find_nvidia_binary_utility

    return find_nvidia_binary_utility("ptxas")


# ---- the verdict ---------------------------------------------------------------------------------


def _small_run(target):
    """What a small run ends in: the verdict on a target, and whether it works."""
    well, noise, sgd = ls.potentials.double_well(2), ls.noise.gaussian([0.1, 0.1]), ls.dynamics.sgd
    try:
        ls.simulate(well, sgd(0.02), noise, particles=PARTICLES, steps=STEPS, seed=1, target=target)
    except Exception as error:  # whatever it is, it is the answer
        return f'target="{target}" does NOT work: {_sentence_of(error)}', False
    return f'target="{target}" works: {PARTICLES} particles moved {STEPS} steps', True


def _verdict_on_cuda():
    reason = why_no_cuda(find_cuda())
    if reason:
        return f'target="cuda" would not work, and "auto" takes the CPU: {reason}'
    return _small_run("cuda")[0]
