"""The few operations that Python and numba do not spell alike: bit casts, fused multiply-add,
square root and select.

Each is a plain function here (it runs in interpreted Python and in the CUDA simulator) and is
taught to numba in `lanes`, for scalars and lanes alike, so that it gives the same bits interpreted
and compiled. `precisions` has what goes from one precision to the other."""

import ctypes

import numba
import numpy as np

from .single_precision import Single, SingleMask, rounded

JIT = not numba.config.DISABLE_JIT
LOW_WORD, WORD_BITS = np.uint64(0xFFFFFFFF), np.uint64(32)  # of a 32-bit word in a uint64

# "numpy": a division by zero gives inf; the default adds a raising branch to every division, which
# costs 3-5x. No fastmath: it makes isnan return False and the bits depend on the machine.
OPTIONS = {"error_model": "numpy", "nogil": True}
kernel = numba.njit(**OPTIONS, forceinline=True, no_cfunc_wrapper=True)
# For what kernels alone call: it has no way in from Python, whose code would take longer to compile
# than the function. A call from there ends the process.
inlined = numba.njit(**OPTIONS, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)


@inlined
def word_product(a, b):
    """The 64-bit product of two 32-bit words, each in a uint64; one instruction on a GPU too."""
    return a * b


def _libm_fma(name, kind):
    """The C library's fused multiply-add, loaded already. `math.fma` of Python 3.13 raises where
    IEEE 754 gives inf or nan.
    """
    function = getattr(ctypes.CDLL(None), name)
    function.restype, function.argtypes = kind, [kind] * 3
    return function


_fma_interpreted, _fma_single = _libm_fma("fma", ctypes.c_double), _libm_fma("fmaf", ctypes.c_float)


def float_bits(x):
    """The 64 bits of the float64 `x` as an int64; the 32 bits of a single as an int32."""
    if any_single(x):
        return np.float32(x).view(np.int32)
    return np.float64(x).view(np.int64)


def bits_float(i):
    """The float64 whose 64 bits are the int64 `i`; the single whose 32 bits are the int32 `i`."""
    if isinstance(i, np.int32):
        return Single(i.view(np.float32))
    return np.int64(i).view(np.float64)


def fma(a, b, c):
    """The fused multiply-add a*b + c, with one rounding (IEEE 754 fusedMultiplyAdd).

    Parameters
    ----------
    a, b, c : float, or one of each lane
        Any numbers.

    Returns
    -------
    float
        a*b + c, in float64; in float32 if one of them is a single.

    Examples
    --------
    >>> print(0.1 * 10.0 - 1.0, f"{ls.elementary.fma(0.1, 10.0, -1.0):.3e}")  # 0.1 is not exact
    0.0 5.551e-17
    """
    if any_single(a, b, c):
        return Single(_fma_single(rounded(a), rounded(b), rounded(c)))
    return np.float64(_fma_interpreted(a, b, c))


def sqrt(x):
    """Square root of x, correctly rounded.

    Parameters
    ----------
    x : float, or one of each lane
        Any number.

    Returns
    -------
    float
        The root; nan below zero.

    Examples
    --------
    >>> print(ls.elementary.sqrt(2.0) == np.sqrt(2.0), ls.elementary.sqrt(0.25))
    True 0.5
    """
    if any_single(x):
        return Single(np.sqrt(np.float32(x)))
    return np.sqrt(np.float64(x))


def where(condition, a, b):
    """One of two numbers by a condition, without a branch.

    Parameters
    ----------
    condition : bool, or one of each lane
        A comparison, or some joined by & and |.
    a, b : float, or one of each lane
        Both are always computed, so that no branch keeps a loop from running in lanes.

    Returns
    -------
    float
        `a` where the condition holds, else `b`.

    Examples
    --------
    >>> print(ls.elementary.where(-2.0 < 0.0, 0.0, 1.0))  # what an `if` may not do
    0.0
    """
    chosen = a if condition else b
    return Single(rounded(chosen)) if any_single(condition, a, b) else chosen


def all_lanes(condition):
    """True if `condition` holds in every lane; the condition itself where it is a scalar."""
    return bool(condition)


def any_single(*values):
    """True if one of the values is a single or the outcome of a comparison of singles."""
    return not _SINGLES.isdisjoint(map(type, values))  # in the innermost loop of the interpreted


_SINGLES = {Single, SingleMask}
