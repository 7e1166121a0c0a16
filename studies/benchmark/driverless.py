"""numba-cuda without a GPU or a driver: PTX from NVVM, registers and machine code from ptxas.

Internals of numba-cuda 0.30 are used in `ptx`, and only there: it asks the driver for the present
device when a kernel calls a device function, although the architecture is given. What is compiled
is rounded as the driver has it (`engine.fleet.unfused`)."""

import re
import subprocess
from importlib.metadata import files
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import NamedTuple
from unittest.mock import patch

import numba
from numba.cuda import compiler, dispatcher

from langevin_sgd.engine.fleet import unfused

ARCHITECTURES = (75, 80, 90, 100, 120)
# what was not inlined, what is called, heap memory, and arithmetic that may be fused or rounded
# otherwise
FORBIDDEN = {
    "function": re.compile(r"^\s*(\.visible\s+)?\.func\b", re.MULTILINE),
    "call": re.compile(r"^\s*(@%p\d+\s+)?call\b", re.MULTILINE),
    "heap": re.compile(r"\b(malloc|NRT_\w+)\b"),
    "rounding": re.compile(
        r"\b(?:add|sub|mul|div|sqrt|fma|rcp)(?!\.rn)(?:\.\w+)*\.f(?:64|32)\b|\bapprox\b|\.ftz\b"
    ),
}


def ptx(kernel, arguments, architectures=ARCHITECTURES):
    """{architecture: PTX} of a kernel for these host arguments; types and LLVM code are made once
    for all.
    """
    kinds = tuple(numba.typeof(argument) for argument in arguments)
    device = SimpleNamespace(compute_capability=divmod(architectures[0], 10))
    with patch.object(dispatcher, "get_current_device", lambda: device), unfused():
        options = {"device": False, "abi": "numba", "cc": device.compute_capability}
        library, _ = compiler._compile_pyfunc_with_fixup(kernel, kinds, **options)
        return {
            architecture: library.get_asm_strs(cc=divmod(architecture, 10))[0]
            for architecture in architectures
        }


def defects(text):
    """Which of FORBIDDEN a kernel's PTX has."""
    return [what for what, pattern in FORBIDDEN.items() if pattern.search(text)]


class Assembled(NamedTuple):
    """What ptxas made of a kernel."""

    registers: int  # of a thread
    stack: int  # bytes of a thread's own memory
    spilled: int  # bytes stored and loaded because registers were too few
    shared: int  # bytes of a block
    code: bytes  # the machine code, in its file format


def assembled(text, architecture, *options):
    """The `Assembled` of a kernel's PTX; an error if ptxas refuses it."""
    with TemporaryDirectory() as folder:
        place = Path(folder) / "kernel.cubin"
        command = [_tool("ptxas", "nvidia-cuda-nvcc"), "-v", f"-arch=sm_{architecture}", *options]
        done = subprocess.run(
            [*command, "-o", str(place), "/dev/stdin"], input=text, text=True, capture_output=True
        )
        if done.returncode:
            raise RuntimeError(f"ptxas refused the PTX for sm_{architecture}:\n{done.stderr}")
        code = place.read_bytes()

    def number(pattern):
        found = re.search(rf"(\d+) {pattern}", done.stderr)
        return int(found[1]) if found else 0

    return Assembled(
        registers=int(re.search(r"Used (\d+) registers", done.stderr)[1]),
        stack=number("bytes stack frame"),
        spilled=number("bytes spill stores") + number("bytes spill loads"),
        shared=number("bytes smem"),
        code=code,
    )


def machine_code(code):
    """The instructions of `Assembled.code`, as NVIDIA's nvdisasm writes them."""
    with TemporaryDirectory() as folder:
        place = Path(folder) / "kernel.cubin"
        place.write_bytes(code)
        command = [_tool("nvdisasm", "nvidia-cuda-nvdisasm"), "-c", str(place)]
        return subprocess.run(command, text=True, capture_output=True, check=True).stdout


def _tool(name, package):
    """The path of a program that a package brought."""
    return str(next(file.locate() for file in files(package) if file.name == name))
