"""Single precision in interpreted Python: a `Single` is the plain twin of the lanes `singles`.

numpy computes float32 times a float64 scalar (a parameter, say) in float64, but in a function
whatever meets a single is rounded to float32 first, so that neither literals nor parameters widen a
computation."""

import operator

import numpy as np


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
