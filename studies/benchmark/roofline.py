"""What a GPU could do at most, on paper: particle-steps a second from the instructions of a step,
and how many threads stay on a processor.

Instructions a clock and multiprocessor for each unit: "Arithmetic Instructions" of NVIDIA's CUDA
C++ Programming Guide, table of throughputs. Multiprocessors and clock: the peak rates of the white
papers "NVIDIA H100 Tensor Core GPU Architecture" (FP64 33.5, FP32 66.9 TFLOPS, INT32 33.5 TOPS at
132 multiprocessors: 1.98 GHz) and "NVIDIA A100 Tensor Core GPU Architecture" (FP64 9.7 TFLOPS at
108: 1.41 GHz). Four schedulers issue one instruction of 32 threads each. Registers, warps and
blocks of a multiprocessor: "Features and Technical Specifications" of the same guide."""

from typing import NamedTuple

WARP, SCHEDULERS = 32, 4
REGISTERS, REGISTER_UNIT, WARP_UNIT = 65_536, 256, 4  # of a multiprocessor; per warp in steps of


class Gpu(NamedTuple):
    """A device on paper."""

    name: str
    architecture: int
    multiprocessors: int
    clock: float  # Hz
    rates: dict  # instructions of single threads a clock and multiprocessor, by unit


def _rates(float64, float32):
    return {
        "float64": float64,
        "float32": float32,
        "multiply": 64,
        "integer": 64,
        "special": 16,
        "memory": 32,
        "issue": WARP * SCHEDULERS,
    }


H100 = Gpu("H100 SXM", 90, 132, 1.98e9, _rates(64, 128))
A100 = Gpu("A100 SXM", 80, 108, 1.41e9, _rates(32, 64))
ON_PAPER = {gpu.architecture: gpu for gpu in (H100, A100)}
RESIDENT = {75: (32, 16), 80: (64, 32), 90: (64, 32), 100: (64, 32), 120: (48, 24)}  # warps, blocks


def limits(counts, gpu, share=1.0):
    """Particle-steps a second that each unit allows, from `sass.by_unit` of one of them; `share` of
    a step that a pass makes (two particles in a thread: 2)."""
    whole = gpu.multiprocessors * gpu.clock * share
    return {
        unit: whole * rate / counts[unit] for unit, rate in gpu.rates.items() if counts.get(unit)
    }


def limit(counts, gpu, share=1.0):
    """(unit, particle-steps a second) of the unit that allows least."""
    allowed = limits(counts, gpu, share)
    unit = min(allowed, key=allowed.get)
    return unit, allowed[unit]


def resident_threads(architecture, registers, threads_of_block):
    """Threads of a kernel that a multiprocessor holds at once; shared memory is not asked."""
    warps, blocks = RESIDENT[architecture]
    of_block = -(-threads_of_block // WARP)
    of_warp = -(-registers * WARP // REGISTER_UNIT) * REGISTER_UNIT
    fitting = REGISTERS // of_warp // WARP_UNIT * WARP_UNIT  # each scheduler has its own file
    return min(warps // of_block, blocks, fitting // of_block) * of_block * WARP


def occupancy(architecture, registers, threads_of_block):
    """The share of the threads that a multiprocessor could hold."""
    most = RESIDENT[architecture][0] * WARP
    return resident_threads(architecture, registers, threads_of_block) / most
