"""The vector type: the text for ONE particle, compiled for WIDTH particles at once.

+ - * / and comparisons work lane by lane, scalars widen, `where` selects. Nothing is left to LLVM's auto-vectoriser. A comparison
gives a mask: `where(x[0] > 0.0, a, b)` is fine, `if x[0] > 0.0:` is not, for lanes may disagree (the engine then runs the text
particle by particle, see `views.column`). In interpreted Python WIDTH is 1 and a lane is a plain number, so that the same texts
run there.
"""

import operator

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.imputils import lower_builtin
from numba.core.typeconv import Conversion
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_cast, models, register_model

from . import bits

WIDTH = 16 if bits.JIT else 1
_SCALARS = (types.Float, types.Integer)


class LanesType(types.Type):
    """The same quantity of WIDTH particles: `float` (float64), `int` (int64), `word` (uint64) or `mask` (true or false)."""

    def __init__(self, kind):
        self.kind = kind
        super().__init__(f"{kind}x{WIDTH}")

    def unify(self, context, other):
        return self if self.widens(other) else None

    def can_convert_from(self, context, other):
        return Conversion.safe if self.widens(other) else None

    def widens(self, other):
        accepted = {"float": _SCALARS, "int": types.Integer, "word": types.Integer, "mask": types.Boolean}
        return isinstance(other, accepted[self.kind])


floats, ints, words, mask = (LanesType(kind) for kind in ("float", "int", "word", "mask"))
_LLVM = {floats: ir.VectorType(ir.DoubleType(), WIDTH), mask: ir.VectorType(ir.IntType(1), WIDTH)}
_LLVM[ints] = _LLVM[words] = ir.VectorType(ir.IntType(64), WIDTH)
_SCALAR_OF = {floats: types.float64, ints: types.int64, words: types.uint64, mask: types.boolean}


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, fe_type):
        super().__init__(manager, fe_type, _LLVM[fe_type])


# ---- arithmetic
# ------------------------------------------------------------------------------------------------------------------


def _broadcast(builder, scalar, vector):
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.IntType(32)(0))
    return builder.shuffle_vector(
        one, ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), WIDTH), [0] * WIDTH)
    )


def _widen(context, builder, from_type, to_type, value):
    if isinstance(from_type, LanesType):
        return value
    scalar = context.cast(builder, value, from_type, _SCALAR_OF[to_type])
    if to_type == mask:
        scalar = builder.trunc(scalar, ir.IntType(1)) if scalar.type.width > 1 else scalar
    return _broadcast(builder, scalar, _LLVM[to_type])


for _kind in (types.Float, types.Integer, types.Boolean):
    lower_cast(_kind, LanesType)(_widen)


def _add_operator(op, emit, kinds, result=None):
    """Teach numba `op` on lanes; `emit(builder, kind, a, b)` writes the instruction."""

    class Template(AbstractTemplate):
        key = op

        def generic(self, args, kws):
            kind = next((a for a in args if isinstance(a, LanesType)), None)
            if kind in kinds and all(a == kind or kind.widens(a) for a in args):
                return signature(result or kind, *args)

    infer_global(op)(Template)

    def lower(context, builder, sig, args):
        kind = next(a for a in sig.args if isinstance(a, LanesType))
        return emit(builder, kind, *(_widen(context, builder, t, kind, v) for v, t in zip(args, sig.args, strict=True)))

    for pair in ((LanesType, LanesType), (LanesType, types.Any), (types.Any, LanesType)):
        lower_builtin(op, *pair)(lower)


def _both(op, emit, kinds):
    _add_operator(op, emit, kinds)
    _add_operator(getattr(operator, "i" + op.__name__.strip("_")), emit, kinds)


def _float_or_int(float_instruction, int_instruction):
    return lambda builder, kind, a, b: getattr(builder, float_instruction if kind == floats else int_instruction)(a, b)


_both(operator.add, _float_or_int("fadd", "add"), (floats, ints, words))
_both(operator.sub, _float_or_int("fsub", "sub"), (floats, ints, words))
_both(operator.mul, _float_or_int("fmul", "mul"), (floats, ints, words))
_both(operator.truediv, lambda builder, kind, a, b: builder.fdiv(a, b), (floats,))
_both(operator.and_, lambda builder, kind, a, b: builder.and_(a, b), (ints, words, mask))
_both(operator.or_, lambda builder, kind, a, b: builder.or_(a, b), (ints, words, mask))
_both(operator.xor, lambda builder, kind, a, b: builder.xor(a, b), (ints, words, mask))
_both(operator.lshift, lambda builder, kind, a, b: builder.shl(a, b), (ints, words))
_both(operator.rshift, lambda builder, kind, a, b: (builder.ashr if kind == ints else builder.lshr)(a, b), (ints, words))

for _op, _sign in (
    (operator.lt, "<"),
    (operator.le, "<="),
    (operator.gt, ">"),
    (operator.ge, ">="),
    (operator.eq, "=="),
    (operator.ne, "!="),
):

    def _compare(builder, kind, a, b, sign=_sign):
        if kind == floats:
            return (builder.fcmp_unordered if sign == "!=" else builder.fcmp_ordered)(sign, a, b)
        return (builder.icmp_unsigned if kind == words else builder.icmp_signed)(sign, a, b)

    _add_operator(_op, _compare, (floats, ints, words), result=mask)


def _add_unary(op, emit, kinds):
    class Template(AbstractTemplate):
        key = op

        def generic(self, args, kws):
            if args[0] in kinds:
                return signature(args[0], args[0])

    infer_global(op)(Template)
    lower_builtin(op, LanesType)(lambda context, builder, sig, args: emit(builder, sig.args[0], args[0]))


def _llvm(builder, name, *args):
    form = ir.FunctionType(args[0].type, [a.type for a in args])
    return builder.call(builder.module.declare_intrinsic(f"{name}.v{WIDTH}f64", (), form), args)


_add_unary(operator.neg, lambda builder, kind, a: builder.fneg(a) if kind == floats else builder.neg(a), (floats, ints))
_add_unary(operator.pos, lambda builder, kind, a: a, (floats, ints))
_add_unary(operator.invert, lambda builder, kind, a: builder.not_(a), (ints, words, mask))
_add_unary(abs, lambda builder, kind, a: _llvm(builder, "llvm.fabs", a), (floats,))


# ---- functions
# -------------------------------------------------------------------------------------------------------------------


def teach(function, result, emit):
    """Teach numba `function` on new types: `result(*types)` is the type returned, or None; `emit(context, builder, sig, args)`
    its code.

    Lighter than `overload`, which compiles a function of its own for every call.
    """

    class Template(AbstractTemplate):
        key = function

        def generic(self, args, kws):
            returned = result(*args)
            return None if returned is None else signature(returned, *args)

    infer_global(function, types.Function(Template))
    lower_builtin(function, types.VarArg(types.Any))(emit)


def _fused(context, builder, sig, args):
    return _llvm(builder, "llvm.fma", *(_widen(context, builder, t, floats, v) for v, t in zip(args, sig.args, strict=True)))


def _select(context, builder, sig, args):
    a, b = (_widen(context, builder, sig.args[i], sig.return_type, args[i]) for i in (1, 2))
    condition = args[0] if sig.args[0] == mask else context.cast(builder, args[0], sig.args[0], types.boolean)
    return builder.select(condition, a, b)


def _selected_type(condition, a, b):
    kind = next((t for t in (a, b) if isinstance(t, LanesType)), floats if condition == mask else None)
    if kind and isinstance(condition, (types.Boolean, LanesType)) and all(t == kind or kind.widens(t) for t in (a, b)):
        return kind


def _fused_type(*terms):
    return floats if floats in terms and all(t == floats or floats.widens(t) for t in terms) else None


def _packed_all(context, builder, sig, args):
    packed = builder.bitcast(args[0], ir.IntType(WIDTH))
    return builder.icmp_unsigned("==", packed, ir.Constant(ir.IntType(WIDTH), (1 << WIDTH) - 1))


def _same_bits(context, builder, sig, args):
    return builder.bitcast(args[0], _LLVM[sig.return_type])


def all_lanes(condition):
    """True if `condition` holds in every lane."""
    return bool(condition)


teach(bits.float_bits, lambda x: ints if x == floats else None, _same_bits)
teach(bits.bits_float, lambda i: floats if i in (ints, words) else None, _same_bits)
teach(bits.fma, _fused_type, _fused)
teach(
    bits.sqrt, lambda x: floats if x == floats else None, lambda context, builder, sig, args: _llvm(builder, "llvm.sqrt", args[0])
)
teach(bits.where, _selected_type, _select)
teach(all_lanes, lambda condition: types.boolean if condition == mask else None, _packed_all)


def lane_numbers(first):
    """The numbers first, first + 1, ... of the particles of a group, as uint64 in each lane."""
    return np.uint64(first)


def _numbered(context, builder, sig, args):
    return builder.add(_widen(context, builder, sig.args[0], words, args[0]), ir.Constant(_LLVM[words], list(range(WIDTH))))


teach(lane_numbers, lambda first: words if isinstance(first, types.Integer) else None, _numbered)
