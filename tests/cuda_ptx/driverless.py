"""numba-cuda without a GPU or a driver: PTX from NVVM, registers and spills from ptxas.

Internals of numba-cuda 0.30 are used in `ptx`, and only there. It asks the driver for the present
device when a kernel calls a device function, although the architecture is given; and it has no
option for NVVM's `fma`, which is off here: then the only fused operations are those that a text
asks for, and every operation is rounded as IEEE 754 says, on the GPU as on the CPU."""

import re
import subprocess
from functools import partial
from importlib.metadata import files
from types import SimpleNamespace
from unittest.mock import patch

import numba
from numba.cuda import compiler, dispatcher
from numba.cuda.cudadrv import nvvm

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
    with (
        patch.object(dispatcher, "get_current_device", lambda: device),
        patch.object(nvvm, "compile_ir", partial(nvvm.compile_ir, fma=False)),
    ):
        options = {"device": False, "abi": "numba", "cc": device.compute_capability}
        library, _ = compiler._compile_pyfunc_with_fixup(kernel, kinds, **options)
        return {
            architecture: library.get_asm_strs(cc=divmod(architecture, 10))[0]
            for architecture in architectures
        }


def defects(text):
    """Which of FORBIDDEN a kernel's PTX has."""
    return [what for what, pattern in FORBIDDEN.items() if pattern.search(text)]


def assembled(text, architecture, *options):
    """ptxas' account of the PTX: registers, and bytes of stack frame and of spills; an error if it
    is refused.
    """
    program = next(file.locate() for file in files("nvidia-cuda-nvcc") if file.name == "ptxas")
    command = [
        str(program),
        "-v",
        f"-arch=sm_{architecture}",
        *options,
        "-o",
        "/dev/null",
        "/dev/stdin",
    ]
    report = subprocess.run(command, input=text, text=True, capture_output=True)
    if report.returncode:
        raise RuntimeError(f"ptxas refused the PTX for sm_{architecture}:\n{report.stderr}")
    stack, stores, loads = re.search(
        r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", report.stderr
    ).groups()
    registers = re.search(r"Used (\d+) registers", report.stderr)[1]
    return {"registers": int(registers), "stack": int(stack), "spilled": int(stores) + int(loads)}
