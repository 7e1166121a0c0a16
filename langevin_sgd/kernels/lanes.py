"""The vector type: the function for ONE particle, compiled for WIDTH particles at once.

+ - * / and comparisons work lane by lane, scalars widen, `where` selects. Nothing is left to LLVM's
auto-vectoriser. A comparison gives a mask: `where(x[0] > 0.0, a, b)` is fine, `if x[0] > 0.0:` is
not, for lanes may disagree (the engine then runs the function particle by particle, see
`views.column`). In interpreted Python WIDTH is 1 and a lane is a plain number, so that the same
functions run there.

Precision belongs to the lanes: scalars are float64, and where one meets `singles` it is rounded to
float32, so that no literal and no parameter widens a computation. `floats` and `singles` do not
mix: `precisions.as_double` and `as_single` say which is meant."""

import operator

from llvmlite import ir
from numba import types
from numba.core.imputils import lower_builtin
from numba.core.typeconv import Conversion
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_cast, models, register_model

from . import bits

WIDTH = 16 if bits.JIT else 1
SCALARS = (types.Float, types.Integer)


class LanesType(types.Type):
    """The same quantity of `width` particles.

    `float` (float64), `single` (float32), `int` (int64), `int32`, `word` (uint64), `mask` (true or
    false) or `single_mask`: the outcome of comparing singles, which `where` needs to know if it is
    given two literals. A lone single, of width 1, is what a function sees that runs one particle
    after the other."""

    def __init__(self, kind, width=WIDTH):
        self.kind, self.width = kind, width
        super().__init__(f"{kind}x{width}")

    @property
    def number(self):
        """The LLVM type of each of them."""
        return _NUMBERS[self.kind]

    def unify(self, context, other):
        return self if self.widens(other) else None

    def can_convert_from(self, context, other):
        return Conversion.safe if self.widens(other) else None

    def widens(self, other):
        """Whether `other`, a scalar or a lone single, may stand where lanes of this kind are
        wanted.
        """
        if isinstance(other, LanesType):
            return (other.kind == self.kind and other.width == 1 < self.width) or (
                other == mask and self == single_mask
            )
        accepted = SCALARS if self in _REAL else types.Boolean if self in _TRUTH else types.Integer
        return isinstance(other, accepted)


def vector_of(number, width):
    """The LLVM type of so many numbers."""
    return ir.VectorType(number, width) if width > 1 else number


floats, ints, words, mask = (LanesType(kind) for kind in ("float", "int", "word", "mask"))
singles, ints32, single_mask = (LanesType(kind) for kind in ("single", "int32", "single_mask"))
single, lone_mask = LanesType("single", 1), LanesType("single_mask", 1)
int32 = LanesType("int32", 1)
_NUMBERS = {"float": ir.DoubleType(), "single": ir.FloatType(), "int": ir.IntType(64)}
_NUMBERS |= {"word": ir.IntType(64), "int32": ir.IntType(32)}
_NUMBERS |= {"mask": ir.IntType(1), "single_mask": ir.IntType(1)}
_SCALAR_OF = {"float": types.float64, "single": types.float64, "int": types.int64}
_SCALAR_OF |= {"word": types.uint64, "int32": types.int32}
_SCALAR_OF |= {"mask": types.boolean, "single_mask": types.boolean}
_REAL, _WHOLE = (floats, singles, single), (ints, words, ints32, int32)
_TRUTH = mask, single_mask, lone_mask


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, fe_type):
        super().__init__(manager, fe_type, vector_of(fe_type.number, fe_type.width))


def common(*kinds):
    """The lanes among these types that all others may stand for; None if there are none."""
    lanes = (kind for kind in kinds if isinstance(kind, LanesType))
    return next(
        (kind for kind in lanes if all(other == kind or kind.widens(other) for other in kinds)),
        None,
    )


# ---- arithmetic ----------------------------------------------------------------------------------


def broadcast(builder, scalar, vector):
    """The scalar in all lanes of a vector type."""
    if not isinstance(vector, ir.VectorType):
        return scalar
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.IntType(32)(0))
    places = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), places)


def first_of(builder, lanes):
    """What is in the first lane."""
    if not isinstance(lanes.type, ir.VectorType):
        return lanes
    return builder.extract_element(lanes, ir.IntType(32)(0))


def _widen(context, builder, from_type, to_type, value):
    if not isinstance(to_type, LanesType):
        return context.cast(builder, value, from_type, to_type)
    vector = context.get_value_type(to_type)
    if isinstance(from_type, LanesType):
        return (
            value
            if from_type.width == to_type.width
            else broadcast(builder, first_of(builder, value), vector)
        )
    scalar = context.cast(builder, value, from_type, _SCALAR_OF[to_type.kind])
    if to_type in _TRUTH:
        scalar = builder.trunc(scalar, ir.IntType(1)) if scalar.type.width > 1 else scalar
    return broadcast(builder, resized(builder, scalar, to_type.number), vector)


def resized(builder, value, number):
    """The float or double `value`, or a vector of them, as `number`."""
    is_vector = isinstance(value.type, ir.VectorType)
    old = value.type.element if is_vector else value.type
    if old == number:
        return value
    resize = builder.fpext if old == ir.FloatType() else builder.fptrunc
    return resize(value, ir.VectorType(number, value.type.count) if is_vector else number)


for _kind in (types.Float, types.Integer, types.Boolean, LanesType):
    lower_cast(_kind, LanesType)(_widen)


def _widened(context, builder, sig, args, kind):
    """All arguments as lanes of `kind`."""
    pairs = zip(args, sig.args, strict=True)
    return [_widen(context, builder, given, kind, value) for value, given in pairs]


def _typing(op, result):
    """Teach numba that `op` gives `result(*types)`, if that is not None."""

    class Template(AbstractTemplate):
        key = op

        def generic(self, args, kws):
            returned = result(*args)
            return None if returned is None else signature(returned, *args)

    return Template


def _add_operator(op, emit, kinds, result=lambda kind: kind):
    """Teach numba `op` on lanes; `emit(builder, kind, a, b)` writes the instruction."""

    def typed(*args):
        kind = common(*args)
        return result(kind) if kind in kinds else None

    infer_global(op)(_typing(op, typed))

    def lower(context, builder, sig, args):
        kind = common(*sig.args)
        return emit(builder, kind, *_widened(context, builder, sig, args, kind))

    for pair in ((LanesType, LanesType), (LanesType, types.Any), (types.Any, LanesType)):
        lower_builtin(op, *pair)(lower)


def _both(op, emit, kinds):
    _add_operator(op, emit, kinds)
    _add_operator(getattr(operator, "i" + op.__name__.strip("_")), emit, kinds)


def _float_or_int(float_instruction, int_instruction):
    return lambda builder, kind, a, b: getattr(
        builder, float_instruction if kind in _REAL else int_instruction
    )(a, b)


_both(operator.add, _float_or_int("fadd", "add"), (*_REAL, *_WHOLE))
_both(operator.sub, _float_or_int("fsub", "sub"), (*_REAL, *_WHOLE))
_both(operator.mul, _float_or_int("fmul", "mul"), (*_REAL, *_WHOLE))
_both(operator.truediv, _float_or_int("fdiv", ""), _REAL)
for _name in ("and_", "or_", "xor"):
    _both(getattr(operator, _name), _float_or_int("", _name), (*_WHOLE, *_TRUTH))
_both(operator.lshift, _float_or_int("", "shl"), _WHOLE)


def _shifted_right(builder, kind, a, b):
    return builder.lshr(a, b) if kind == words else builder.ashr(a, b)


_both(operator.rshift, _shifted_right, _WHOLE)


def _mask_of(kind):
    return {singles: single_mask, ints32: single_mask, single: lone_mask, int32: lone_mask}.get(
        kind, mask
    )


_SIGNS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
for _name, _sign in _SIGNS.items():

    def _compare(builder, kind, a, b, sign=_sign):
        if kind in _REAL:
            return (builder.fcmp_unordered if sign == "!=" else builder.fcmp_ordered)(sign, a, b)
        return (builder.icmp_unsigned if kind == words else builder.icmp_signed)(sign, a, b)

    _add_operator(getattr(operator, _name), _compare, (*_REAL, *_WHOLE), _mask_of)


def _add_unary(op, emit, kinds):
    infer_global(op)(_typing(op, lambda *args: args[0] if args[0] in kinds else None))
    lower_builtin(op, LanesType)(
        lambda context, builder, sig, args: emit(builder, sig.args[0], args[0])
    )


def _llvm(builder, name, *args):
    kind = args[0].type
    form = ir.FunctionType(kind, [kind] * len(args))
    vector, number = f"v{kind.count}" if isinstance(kind, ir.VectorType) else "", ir.FloatType()
    name += f".{vector}f{32 if number in (kind, getattr(kind, 'element', None)) else 64}"
    return builder.call(builder.module.declare_intrinsic(name, (), form), args)


def _absolute(builder, kind, a):
    if kind == single:  # NVVM knows no fabs, and no fneg
        bits_but_sign = builder.and_(builder.bitcast(a, ir.IntType(32)), ir.IntType(32)(2**31 - 1))
        return builder.bitcast(bits_but_sign, a.type)
    return _llvm(builder, "llvm.fabs", a)


def _negative(builder, kind, a):
    if kind == single:
        return builder.fmul(a, a.type(-1.0))
    return builder.fneg(a) if kind in _REAL else builder.neg(a)


_add_unary(operator.neg, _negative, (*_REAL, ints, ints32, int32))
_add_unary(operator.pos, lambda builder, kind, a: a, (*_REAL, ints, ints32, int32))
_add_unary(operator.invert, lambda builder, kind, a: builder.not_(a), (*_WHOLE, *_TRUTH))
_add_unary(abs, _absolute, _REAL)


# ---- functions -----------------------------------------------------------------------------------


def teach(function, result, emit):
    """Teach numba `function` on new types: `result(*types)` is the type returned, or None;
    `emit(context, builder, sig, args)` its code.

    Lighter than `overload`, which compiles a function of its own for every call.
    """
    infer_global(function, types.Function(_typing(function, result)))
    lower_builtin(function, types.VarArg(types.Any))(emit)


def _are(kinds, *given):
    return all(isinstance(kind, kinds) for kind in given)


def _real_type(*terms):
    if _are(SCALARS, *terms):
        return types.float64
    return kind if (kind := common(*terms)) in _REAL else None


def _rounded_once(name):
    """The LLVM function `name` of real numbers."""
    return lambda context, builder, sig, args: _llvm(
        builder, name, *_widened(context, builder, sig, args, sig.return_type)
    )


def _select(context, builder, sig, args):
    kind, condition = sig.return_type, args[0]
    a, b = (_widen(context, builder, sig.args[i], kind, args[i]) for i in (1, 2))
    if not isinstance(sig.args[0], LanesType):
        condition = context.cast(builder, condition, sig.args[0], types.boolean)
    elif sig.args[0].width < kind.width:
        condition = first_of(builder, condition)
    return builder.select(condition, a, b)


def _selected_type(condition, a, b):
    if isinstance(condition, types.Boolean) and _are(SCALARS, a, b):
        return a if _are(types.Integer, a, b) else types.float64
    if condition in (single_mask, lone_mask):
        return common(LanesType("single", condition.width), a, b)
    kind = common(a, b) or (floats if condition == mask and common(floats, a, b) else None)
    return (
        kind
        if isinstance(condition, types.Boolean) or condition == mask and kind != single
        else None
    )


def _packed_all(context, builder, sig, args):
    if not isinstance(args[0].type, ir.VectorType):
        return args[0]
    packed = builder.bitcast(args[0], ir.IntType(sig.args[0].width))
    return builder.icmp_unsigned("==", packed, ir.Constant(packed.type, -1))


def _same_bits(context, builder, sig, args):
    (given,), (value,) = sig.args, args
    if not isinstance(given, LanesType):
        number = types.int64 if isinstance(given, types.Integer) else types.float64
        value = context.cast(builder, value, given, number)
    return builder.bitcast(value, context.get_value_type(sig.return_type))


def _bits_of(x):
    scalar = types.int64 if _are(types.Float, x) else None
    return {floats: ints, singles: ints32, single: int32}.get(x, scalar)


def _float_of(i):
    scalar = types.float64 if _are(types.Integer, i) else None
    return {ints: floats, words: floats, ints32: singles, int32: single}.get(i, scalar)


teach(bits.float_bits, _bits_of, _same_bits)
teach(bits.bits_float, _float_of, _same_bits)
teach(bits.fma, _real_type, _rounded_once("llvm.fma"))
teach(bits.sqrt, _real_type, _rounded_once("llvm.sqrt"))
teach(bits.where, _selected_type, _select)
teach(
    bits.all_lanes,
    lambda condition: types.boolean if condition in (*_TRUTH, types.boolean) else None,
    _packed_all,
)
teach(bool, lambda condition: types.boolean if condition == lone_mask else None, _packed_all)
