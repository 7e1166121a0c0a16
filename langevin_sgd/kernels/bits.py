"""The few operations that Python and numba do not spell alike: bit casts, fused multiply-add,
square root, select and changes of precision.

Each is a plain function here (it runs in interpreted Python and in the CUDA simulator) and is
taught to numba in `lanes`, for scalars and lanes alike, so that it gives the same bits interpreted
and compiled.

Single precision in interpreted Python is a `Single`, the plain twin of the lanes `singles`: numpy
computes float32 times a float64 scalar (a parameter, say) in float64, but in a function whatever
meets a single is rounded to float32 first, so that neither literals nor parameters widen a
computation."""

import ctypes
import operator
from functools import wraps

import numba
import numpy as np

JIT = not numba.config.DISABLE_JIT
LOW_WORD, WORD_BITS = np.uint64(0xFFFFFFFF), np.uint64(32)  # of a 32-bit word in a uint64

# "numpy": a division by zero gives inf; the default adds a raising branch to every division, which
# costs 3-5x. No fastmath: it makes isnan return False and the bits depend on the machine.
OPTIONS = {"error_model": "numpy", "nogil": True}
kernel = numba.njit(**OPTIONS, forceinline=True)
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


# ---- from one precision to the other -------------------------------------------------------------


def as_double(x):
    """A number in float64, exactly.

    Parameters
    ----------
    x : float, or one of each lane
        In either precision.

    Returns
    -------
    float
        `x` in float64.

    Examples
    --------
    >>> print(f"{ls.elementary.as_double(np.float32(0.1)) - 0.1:.3e}")  # float32 was rounded
    1.490e-09
    """
    return np.float64(x)


def as_single(x):
    """A number rounded to float32, as everything is that meets it then.

    Parameters
    ----------
    x : float, or one of each lane
        In either precision.

    Returns
    -------
    float32
        `x` in float32.

    Examples
    --------
    >>> third = ls.elementary.as_single(1.0) / 3.0
    >>> print(f"{float(third) - 1 / 3:.1e}")  # half a unit of float32 is 1.5e-8
    9.9e-09
    """
    return Single(rounded(x))


def like(x, y):
    """The float64 `x`, rounded to float32 if `y` is a single."""
    return as_single(x) if any_single(y) else x


def low_word(w):
    """The low 32 bits of the uint64 `w` as an int32."""
    return np.uint32(int(w) & 0xFFFFFFFF).view(np.int32)


def signed_single(i):
    """The int32 `i` rounded to a single."""
    return Single(i)


def unsigned_single(i):
    """The int32 `i`, read as a uint32, rounded to a single."""
    return Single(i.view(np.uint32))


def _kernel_named(original, function):
    function = wraps(original)(function)
    del function.__wrapped__  # the compiler would read the original's signature
    return kernel(function)


def in_double(original):
    """`original(x)` compiled, and for singles computed in float64 and rounded once."""
    inner = kernel(original)
    return _kernel_named(original, lambda x: like(inner(as_double(x)), x))


def pair_in_double(original):
    """Like `in_double`, for a function that returns two numbers."""
    inner = kernel(original)

    def function(x):
        a, b = inner(as_double(x))
        return like(a, x), like(b, x)

    return _kernel_named(original, function)


# ---- single precision in interpreted Python ------------------------------------------------------


class SingleMask:
    """Outcome of a comparison of singles: `where` under it gives a single, even of two literals."""

    __array_ufunc__ = None  # numpy scalars leave the operators to this class

    def __init__(self, holds):
        self.holds = bool(holds)

    def __bool__(self):
        return self.holds

    def __and__(self, other):
        return SingleMask(self.holds & bool(other))

    def __or__(self, other):
        return SingleMask(self.holds | bool(other))

    def __xor__(self, other):
        return SingleMask(self.holds ^ bool(other))

    def __invert__(self):
        return SingleMask(not self.holds)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__


class Single(np.float32):
    """A float32 that rounds what it meets to float32."""

    __array_ufunc__ = None
    __hash__ = np.float32.__hash__

    def __neg__(self):
        return Single(-np.float32(self))

    def __pos__(self):
        return self

    def __abs__(self):
        return Single(abs(np.float32(self)))


def rounded(number):
    """`number` as a float32, by way of float64 (which matters for integers beyond 2^53)."""
    return number if isinstance(number, np.float32) else np.float32(np.float64(number))


def _forward(op, kind):
    return lambda a, b: kind(op(np.float32(a), np.float32(rounded(b))))


def _backward(op, kind):
    return lambda a, b: kind(op(np.float32(rounded(b)), np.float32(a)))


for _name in ("add", "sub", "mul", "truediv"):
    setattr(Single, f"__{_name}__", _forward(getattr(operator, _name), Single))
    setattr(Single, f"__r{_name}__", _backward(getattr(operator, _name), Single))
for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Single, f"__{_name}__", _forward(getattr(operator, _name), SingleMask))


class Singles(np.ndarray):
    """A float32 array whose entries come out as singles."""

    def __getitem__(self, place):
        entry = super().__getitem__(place)
        return Single(entry) if isinstance(entry, np.float32) else entry


def any_single(*values):
    """True if one of the values is a single or the outcome of a comparison of singles."""
    return not _SINGLES.isdisjoint(map(type, values))  # in the innermost loop of the interpreted


_SINGLES = {Single, SingleMask}
