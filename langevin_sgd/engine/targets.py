"""Where kernels run: on the CPU, on NVIDIA's GPUs, or in numba's simulator of these."""

from functools import cache

import numba

from ..arguments import choice
from .cuda_found import find_cuda, why_no_cuda

TARGETS = "cpu", "cuda", "auto"
SIMULATED = bool(numba.config.ENABLE_CUDASIM)


def chosen_target(value, name="target"):
    """Where kernels run, "cpu" or "cuda", for one of TARGETS; "auto" is "cuda" if it can be used.

    Raises
    ------
    RuntimeError
        If it is "cuda" and cannot be used here; the message says what was found and what to
        install.
    """
    if choice(value, name, TARGETS) == "cpu":
        return "cpu"
    reason = _why_not()
    if value == "cuda" and reason:
        raise RuntimeError(f"{name}='cuda' cannot be used here: {reason}")
    return "cpu" if reason else "cuda"


def decided(options):
    """Options of `simulate`, "auto" among them decided: what is written down says where it ran."""
    if options.get("target") == "auto":
        return options | {"target": chosen_target("auto")}
    return options


@cache
def _why_not():
    return why_no_cuda(find_cuda())
