"""The few operations that Python and numba do not spell alike: bit casts, fused multiply-add,
square root and select.

Each is a plain function (it runs in interpreted Python and in the CUDA simulator) with a compiled
form beside it, so that one function gives the same bits interpreted and compiled. The compiled
forms are intrinsics inlined at the call, which is what builds for CUDA without a driver."""

import ctypes

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from .python_single import Single, any_single, rounded

JIT = not numba.config.DISABLE_JIT
LOW_WORD, WORD_BITS = np.uint64(0xFFFFFFFF), np.uint64(32)  # of a 32-bit word in a uint64

# "numpy": a division by zero gives inf; the default adds a raising branch to every division, which
# costs 3-5x. No fastmath: it makes isnan return False and the bits depend on the machine.
OPTIONS = {"error_model": "numpy", "nogil": True}
kernel = numba.njit(**OPTIONS, forceinline=True)


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
    """a*b + c with one rounding (IEEE 754 fusedMultiplyAdd), float64; float32 if one of them is a
    single.
    """
    if any_single(a, b, c):
        return Single(_fma_single(rounded(a), rounded(b), rounded(c)))
    return np.float64(_fma_interpreted(a, b, c))


def sqrt(x):
    """Square root of `x`, correctly rounded; nan below zero."""
    if any_single(x):
        return Single(np.sqrt(np.float32(x)))
    return np.sqrt(np.float64(x))


def where(condition, a, b):
    """`a` where `condition` holds, else `b`; both are always computed, so no branch keeps a loop
    from running in lanes.
    """
    chosen = a if condition else b
    return Single(rounded(chosen)) if any_single(condition, a, b) else chosen


@intrinsic
def _float_bits(typingctx, x):
    return types.int64(types.float64), lambda context, builder, sig, args: builder.bitcast(
        args[0], ir.IntType(64)
    )


@intrinsic
def _bits_float(typingctx, i):
    return types.float64(types.int64), lambda context, builder, sig, args: builder.bitcast(
        args[0], ir.DoubleType()
    )


@intrinsic
def _fma(typingctx, a, b, c):
    return types.float64(*[types.float64] * 3), lambda context, builder, sig, args: builder.fma(
        *args
    )


@intrinsic
def _sqrt(typingctx, x):
    def codegen(context, builder, sig, args):
        double = ir.DoubleType()
        root = builder.module.declare_intrinsic(
            "llvm.sqrt", [double], ir.FunctionType(double, [double])
        )
        return builder.call(root, args)

    return types.float64(types.float64), codegen


@intrinsic
def _chosen(typingctx, condition, a, b):
    return a(types.boolean, a, a), lambda context, builder, sig, args: builder.select(*args)


def _all(kind, *arguments):
    return all(isinstance(a, kind) for a in arguments)


@overload(float_bits, inline="always")
def _(x):
    if _all(types.Float, x):
        return lambda x: _float_bits(x)


@overload(bits_float, inline="always")
def _(i):
    if _all(types.Integer, i):
        return lambda i: _bits_float(i)


@overload(fma, inline="always")
def _(a, b, c):
    if _all(types.Number, a, b, c):
        return lambda a, b, c: _fma(a, b, c)


@overload(sqrt, inline="always")
def _(x):
    if _all(types.Number, x):
        return lambda x: _sqrt(x)


@overload(where, inline="always")
def _(condition, a, b):
    if isinstance(condition, types.Boolean) and _all(types.Number, a, b):
        if _all(types.Integer, a, b):
            return lambda condition, a, b: _chosen(condition, a, b)
        return lambda condition, a, b: _chosen(condition, np.float64(a), np.float64(b))
