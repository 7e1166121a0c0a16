"""The table of GPUs: python studies/throughput.py --target cuda.

First the bits: runs on the device must equal those on the CPU. Then particle-steps a second of the
double well of throughput.py, with and without a histogram, in both precisions, each at the best of
its block sizes; what share that is of what the device's units allow on paper; JAX and CuPy where
they are installed; and SciML's linear equation with three components, from the call of `simulate`
to its dataset. Where no device can be used, a sentence says why, and the exit code is 3. Numba's
simulator of a device is taken for a test of this program: tiny sizes, and no claim on speed.
"""

import argparse
import importlib.util
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr
from _runner import OUT, Claim, report

import langevin_sgd as ls
from benchmark.clock import best_seconds
from benchmark.peers import AMPLITUDE, GENERATORS, RATE, jax_scan
from benchmark.roofline import ON_PAPER, limit
from benchmark.sde import PUBLISHED, START, STEPS, linear_sde
from langevin_sgd.engine.cuda_found import find_cuda, why_no_cuda
from langevin_sgd.storage import sealed
from langevin_sgd.storage.provenance import global_attributes

NO_DEVICE = 3  # exit code
KEPT = Path(__file__).resolve().parent
KERNELS = KEPT / "cuda_kernels.nc"
EDGE, BINS, FEWEST = 2.0, 64, 10  # FEWEST steps have a reading
GOALS = {"float64, histogram": 5e10, "float32, histogram": 1e11}  # on an H100


class Sizes(NamedTuple):
    """How much is done."""

    particles: int  # of a run that is timed
    seconds: float  # that it should take
    rounds: int
    paths: int  # of SciML's equation
    compared: tuple  # particles, steps of the runs whose bits are compared
    peers: tuple  # particles, steps of another program's run


FULL = Sizes(2**20, 1.0, 3, 2**23, (1000, 1000), (2**20, 200))
TINY = Sizes(40, 0.0, 1, 4, (20, 12), (64, 3))
BLOCKS = (128, 256)


def runs(precision):
    """name -> (records and options of `simulate`), of the double well."""
    records = (
        ls.potentials.double_well(2),
        ls.dynamics.sgd(RATE),
        ls.noise.gaussian([AMPLITUDE**2] * 2),
    )
    histogram = ls.reducers.histogram(-EDGE, EDGE, BINS)
    tenth = ls.reducers.histogram(-EDGE, EDGE, BINS, every=10)
    readers = {"": (), ", histogram": (histogram,), ", histogram every 10": (tenth,)}
    return {
        f"{precision}{name}": (records, {"precision": precision, "reducers": of})
        for name, of in readers.items()
    }


def moving(records, options, particles, steps, **more):
    """A call that moves particles on the device."""
    given = {"particles": particles, "steps": steps, "seed": 1, "target": "cuda"}
    return lambda: ls.simulate(*records, **given | options | more)


def same_bits(sizes):
    """Names of the runs whose bits on the device are not the CPU's."""
    other, (particles, steps) = [], sizes.compared
    for precision in ("float64", "float32"):
        for name, (records, options) in runs(precision).items():
            pair = [
                moving(records, options, particles, steps, target=target, every=steps)()
                for target in ("cuda", "cpu")
            ]
            found, expected = (
                b"".join(run[key].values.tobytes() for key in sorted(run.data_vars)) for run in pair
            )
            if found != expected:
                other.append(name)
    return other


def steps_for(call, seconds):
    """Steps that take about so many seconds; `call(steps)` makes a run."""
    steps = FEWEST
    while True:
        begun = time.perf_counter()
        call(steps)()
        spent = time.perf_counter() - begun
        if spent >= seconds / 2 or steps >= 10**7:
            return steps
        steps = round(steps * min(20.0, max(2.0, seconds / max(spent, 1e-3))))


def measured(sizes, blocks=BLOCKS):
    """name -> (particle-steps a second, the best block size)."""
    rates = {}
    for precision in ("float64", "float32"):
        for name, (records, options) in runs(precision).items():

            def call(steps, records=records, options=options, block=blocks[0]):
                return moving(records, options, sizes.particles, steps, block_size=block)

            call(FEWEST)()  # compiles
            steps = steps_for(call, sizes.seconds)
            calls = {block: call(steps, block=block) for block in blocks}
            best = best_seconds(calls, sizes.rounds)
            block = min(best, key=best.get)
            rates[name] = sizes.particles * steps / best[block], f"blocks of {block}"
    return rates


def of_linear_equation(sizes):
    """Particle-steps a second of SciML's equation, from the call to the dataset."""
    x0 = np.full(3, START)
    call = moving(linear_sde(), {"precision": "float32"}, sizes.paths, STEPS, x0=x0)
    return sizes.paths * STEPS / best_seconds({"": call}, sizes.rounds)[""]


def array_loop(library, dtype):
    """NumPy's or CuPy's way: the whole ensemble at once, step by step."""

    def build(particles, steps):
        def call():
            random = library.random.default_rng(1)
            x = library.zeros((2, particles), dtype)
            for _ in range(steps):
                z = random.standard_normal(x.shape, dtype=dtype)
                g = library.stack([x[0] * (x[0] * x[0] - 1.0), x[1]])
                x = x - RATE * (g + AMPLITUDE * z)
            return float(x[0, 0])  # which waits for the device

        return call

    return build


def peers(sizes):
    """(name -> (particle-steps a second, variant), name -> why there is no number)."""
    builders, missing = {}, {}
    for dtype in (np.float64, np.float32):
        kind = np.dtype(dtype).name
        if importlib.util.find_spec("jax"):
            builders |= {("JAX", kind, each): jax_scan(each, dtype) for each in GENERATORS}
        if importlib.util.find_spec("cupy"):
            import cupy

            builders["CuPy", kind, "step by step"] = array_loop(cupy, dtype)
    for name in ("JAX", "CuPy"):
        if not any(key[0] == name for key in builders):
            missing[name] = f"not installed: {name.lower()}"
    particles, steps = sizes.peers
    calls = {key: build(particles, steps) for key, build in builders.items()}
    best, rates = best_seconds(calls, sizes.rounds), {}
    for (name, kind, variant), seconds in best.items():
        rate = particles * steps / seconds
        if rate > rates.get(f"{name}, {kind}", (0.0,))[0]:
            rates[f"{name}, {kind}"] = rate, variant
    return rates, missing


# ---- on paper ------------------------------------------------------------------------------------


def paper_of(device):
    """The `Gpu` on paper of a `cuda_found.Device`, with its own clock and multiprocessors; None
    where its units are not known."""
    paper = ON_PAPER.get(10 * device.capability.major + device.capability.minor)
    own = {"multiprocessors": device.multiprocessors, "clock": device.clock}
    return paper and paper._replace(name=device.name, **own)


def on_paper(gpu):
    """name -> particle-steps a second that a device's units allow, from the counted instructions of
    the committed kernels."""
    if gpu is None or not KERNELS.is_file():
        return {}
    kernels, allowed = ls.load(KERNELS), {}
    for precision, end in (("float64", ""), ("float32", ", float32")):
        for name in ("", ", histogram"):
            of = kernels.sel(kernel=f"double well{name}{end}", counted=gpu.architecture)
            counts = dict(zip(of.unit.values, of.instructions.values.tolist(), strict=True))
            allowed[f"{precision}{name}"] = limit(counts, gpu)[1]
    return allowed


# ---- the table -----------------------------------------------------------------------------------


def table(rates, missing, allowed):
    """The dataset of all rates, printed too."""
    print(f"{'program':38s} {'particle-steps/s':>17s} {'normals/s':>10s} {'of the paper':>13s}")
    names, shares = [*rates, *missing], []
    for name in names:
        rate, note = rates.get(name, (np.nan, missing.get(name)))
        shares.append(rate / allowed[name] if name in allowed else np.nan)
        normals = rate * (linear_sde()[0].dim if "linear" in name else 2)
        share = "" if np.isnan(shares[-1]) else f"{shares[-1]:13.0%}"
        print(f"{name:38s} {rate:17.3g} {normals:10.3g} {share:13s}  {note}")
    values = [rates[name][0] if name in rates else np.nan for name in names]
    notes = [rates[name][1] if name in rates else missing[name] for name in names]
    text = "particle-steps a second, nan where there is a reason instead"
    of_paper = "share of the particle-steps that the device's units allow on paper"
    why = {"long_name": "variant, or the reason for no number", "units": "1"}
    return xr.Dataset(
        {
            "rate": ("program", values, {"long_name": text, "units": "1 / s"}),
            "share": ("program", shares, {"long_name": of_paper, "units": "1"}),
        },
        {
            "program": ("program", names, {"long_name": "what is run", "units": "1"}),
            "variant": ("program", notes, why),
        },
    )


def claims_of(rates, other, is_fast):
    """What must hold: the bits; and the goals, on a device that is as fast as an H100."""
    told = f"{', '.join(other)} differ" if other else "equal"
    claims = [Claim("bits of the device are those of the CPU", not other, told)]
    if is_fast:
        claims += [
            Claim(
                f"{name}: at least {goal:g} a second",
                rates[name][0] >= goal,
                f"{rates[name][0]:.3g}",
            )
            for name, goal in GOALS.items()
        ]
    return claims


def main(arguments):
    """The command; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", choices=["cuda"], required=True)
    parser.add_argument("--quick", action="store_true", help="tiny sizes")
    parser.add_argument("--out", type=Path, help="folder of the dataset (default: out)")
    parser.add_argument("--update-data", action="store_true", help="write beside this program")
    given = parser.parse_args(arguments)
    found = find_cuda()
    reason = why_no_cuda(found)
    if reason:
        print(f'There is no table of GPUs: target="cuda" cannot be used. {reason}', file=sys.stderr)
        return NO_DEVICE
    begun, is_tiny = time.perf_counter(), given.quick or found.simulated
    sizes = TINY if is_tiny else FULL
    name = "simulator" if found.simulated else found.driver.devices[:1][0].name
    print(f"on {name}; bits first\n", flush=True)
    other = same_bits(sizes)
    rates = measured(sizes)
    rates["linear equation, float32, whole call"] = of_linear_equation(sizes), "3 components"
    others, missing = peers(sizes)
    gpu = None if found.simulated else paper_of(found.driver.devices[:1][0])
    dataset = table(rates | others, missing, on_paper(gpu))
    print(f"SciML's kernel of the linear equation, as published: {PUBLISHED:.2g}")
    passed = report(claims_of(rates, other, not is_tiny and "H100" in name))
    title = (__doc__ or "").splitlines()[0]
    about = global_attributes(title, f"python studies/throughput.py {' '.join(arguments)}")
    dataset = sealed(
        dataset.assign_attrs(about | {"device": name, "bits_differ": ", ".join(other)})
    )
    out = KEPT if given.update_data else given.out or (None if is_tiny else OUT)
    if out is not None and not (given.update_data and (is_tiny or not passed)):
        out.mkdir(parents=True, exist_ok=True)
        ls.save(dataset, out / "throughput_cuda.nc")
        print(f"wrote {out / 'throughput_cuda.nc'}")
    print(f"{time.perf_counter() - begun:.1f} s")
    return int(not passed)
