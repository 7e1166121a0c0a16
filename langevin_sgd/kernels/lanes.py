"""The vector type: the function for ONE particle, compiled for WIDTH particles at once.

+ - * / and comparisons work lane by lane, scalars widen, `where` selects. Nothing is left to LLVM's
auto-vectoriser. A comparison gives a mask: `where(x[0] > 0.0, a, b)` is fine, `if x[0] > 0.0:` is
not, for lanes may disagree (the engine then runs the function particle by particle, see
`views.column`). In interpreted Python WIDTH is 1 and a lane is a plain number, so that the same
functions run there.

Precision belongs to the lanes: scalars are float64, and where one meets `singles` it is rounded to
float32, so that no literal and no parameter widens a computation. `floats` and `singles` do not
mix: `bits.as_double` and `as_single` say which is meant."""

import operator

from llvmlite import ir
from numba import types
from numba.core.imputils import impl_ret_borrowed, lower_builtin
from numba.core.typeconv import Conversion
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_cast, models, register_model
from numba.np.arrayobj import make_array, populate_array

from . import bits

WIDTH = 16 if bits.JIT else 1
_SCALARS = (types.Float, types.Integer)


class LanesType(types.Type):
    """The same quantity of `width` particles.

    `float` (float64), `single` (float32), `int` (int64), `int32`, `word` (uint64), `mask` (true or
    false) or `single_mask`: the outcome of comparing singles, which `where` needs to know if it is
    given two literals. A lone single, of width 1, is what a function sees that runs one particle
    after the other."""

    def __init__(self, kind, width=WIDTH):
        self.kind, self.width = kind, width
        super().__init__(f"{kind}x{width}")

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
        accepted = _SCALARS if self in _REAL else types.Boolean if self in _TRUTH else types.Integer
        return isinstance(other, accepted)


floats, ints, words, mask = (LanesType(kind) for kind in ("float", "int", "word", "mask"))
singles, ints32, single_mask = (LanesType(kind) for kind in ("single", "int32", "single_mask"))
single, lone_mask = LanesType("single", 1), LanesType("single_mask", 1)
_NUMBERS = {"float": ir.DoubleType(), "single": ir.FloatType(), "int": ir.IntType(64)}
_NUMBERS |= {"word": ir.IntType(64), "int32": ir.IntType(32)}
_NUMBERS |= {"mask": ir.IntType(1), "single_mask": ir.IntType(1)}
_KINDS = floats, ints, words, mask, singles, ints32, single_mask, single, lone_mask
_LLVM = {kind: ir.VectorType(_NUMBERS[kind.kind], kind.width) for kind in _KINDS}
_SCALAR_OF = {"float": types.float64, "single": types.float64, "int": types.int64}
_SCALAR_OF |= {"word": types.uint64, "int32": types.int32}
_SCALAR_OF |= {"mask": types.boolean, "single_mask": types.boolean}
_REAL, _WHOLE = (floats, singles, single), (ints, words, ints32)
_TRUTH = mask, single_mask, lone_mask


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, fe_type):
        super().__init__(manager, fe_type, _LLVM[fe_type])


def common(*kinds):
    """The lanes among these types that all others may stand for; None if there are none."""
    lanes = (kind for kind in kinds if isinstance(kind, LanesType))
    return next(
        (kind for kind in lanes if all(other == kind or kind.widens(other) for other in kinds)),
        None,
    )


# ---- arithmetic ----------------------------------------------------------------------------------


def _broadcast(builder, scalar, vector):
    one = builder.insert_element(ir.Constant(vector, ir.Undefined), scalar, ir.IntType(32)(0))
    places = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), [0] * vector.count)
    return builder.shuffle_vector(one, ir.Constant(vector, ir.Undefined), places)


def _first(builder, lanes):
    return builder.extract_element(lanes, ir.IntType(32)(0))


def _widen(context, builder, from_type, to_type, value):
    if not isinstance(to_type, LanesType):
        return context.cast(builder, value, from_type, to_type)
    if isinstance(from_type, LanesType):
        return (
            value
            if from_type.width == to_type.width
            else _broadcast(builder, _first(builder, value), _LLVM[to_type])
        )
    scalar = context.cast(builder, value, from_type, _SCALAR_OF[to_type.kind])
    if to_type in _TRUTH:
        scalar = builder.trunc(scalar, ir.IntType(1)) if scalar.type.width > 1 else scalar
    return _broadcast(builder, resized(builder, scalar, _NUMBERS[to_type.kind]), _LLVM[to_type])


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
    return {singles: single_mask, ints32: single_mask, single: lone_mask}.get(kind, mask)


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


_add_unary(
    operator.neg,
    lambda builder, kind, a: builder.fneg(a) if kind in _REAL else builder.neg(a),
    (*_REAL, ints, ints32),
)
_add_unary(operator.pos, lambda builder, kind, a: a, (*_REAL, ints, ints32))
_add_unary(operator.invert, lambda builder, kind, a: builder.not_(a), (*_WHOLE, *_TRUTH))
_add_unary(abs, lambda builder, kind, a: _llvm(builder, "llvm.fabs", a), _REAL)


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
    if _are(_SCALARS, *terms):
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
        condition = _first(builder, condition)
    return builder.select(condition, a, b)


def _selected_type(condition, a, b):
    if isinstance(condition, types.Boolean) and _are(_SCALARS, a, b):
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
    if sig.args[0] == types.boolean:
        return args[0]
    packed = builder.bitcast(args[0], ir.IntType(sig.args[0].width))
    return builder.icmp_unsigned("==", packed, ir.Constant(packed.type, -1))


def _same_bits(context, builder, sig, args):
    (given,), (value,) = sig.args, args
    if not isinstance(given, LanesType):
        number = types.int64 if isinstance(given, types.Integer) else types.float64
        value = context.cast(builder, value, given, number)
    return builder.bitcast(value, context.get_value_type(sig.return_type))


def all_lanes(condition):
    """True if `condition` holds in every lane; the condition itself where it is a scalar."""
    return bool(condition)


def _bits_of(x):
    return {floats: ints, singles: ints32}.get(x, types.int64 if _are(types.Float, x) else None)


def _float_of(i):
    scalar = types.float64 if _are(types.Integer, i) else None
    return {ints: floats, words: floats, ints32: singles}.get(i, scalar)


teach(bits.float_bits, _bits_of, _same_bits)
teach(bits.bits_float, _float_of, _same_bits)
teach(bits.fma, _real_type, _rounded_once("llvm.fma"))
teach(bits.sqrt, _real_type, _rounded_once("llvm.sqrt"))
teach(bits.where, _selected_type, _select)
teach(
    all_lanes,
    lambda condition: types.boolean if condition in (*_TRUTH, types.boolean) else None,
    _packed_all,
)
teach(bool, lambda condition: types.boolean if condition == lone_mask else None, _packed_all)


# ---- from one precision to the other -------------------------------------------------------------


def _double_type(x):
    scalar = types.float64 if x == single or _are(_SCALARS, x) else None
    return {floats: floats, singles: floats}.get(x, scalar)


def _single_type(x):
    lone = single if x == single or _are(_SCALARS, x) else None
    return {floats: singles, singles: singles}.get(x, lone)


def _like_type(x, y):
    if y in (singles, single):
        return _single_type(x)
    return x if y == floats or _are(_SCALARS, x, y) else None


def convert(context, builder, given, wanted, value):
    """`value` of the type `given`, lanes or scalar, in the precision of `wanted`."""
    if given == wanted or not isinstance(given, LanesType):
        return context.cast(builder, value, given, wanted)
    if isinstance(wanted, LanesType):
        return resized(builder, value, context.get_value_type(wanted).element)
    return resized(builder, _first(builder, value), context.get_value_type(wanted))


def _converted(context, builder, sig, args):
    return convert(context, builder, sig.args[0], sig.return_type, args[0])


teach(bits.as_double, _double_type, _converted)
teach(bits.as_single, _single_type, _converted)
teach(bits.like, _like_type, _converted)


def _to_single(instruction):
    return lambda c, builder, sig, args: getattr(builder, instruction)(
        args[0], c.get_value_type(singles)
    )


teach(
    bits.low_word,
    lambda w: ints32 if w == words else None,
    lambda c, builder, sig, args: builder.trunc(args[0], c.get_value_type(ints32)),
)
teach(bits.signed_single, lambda i: singles if i == ints32 else None, _to_single("sitofp"))
teach(bits.unsigned_single, lambda i: singles if i == ints32 else None, _to_single("uitofp"))


def array_part(context, builder, sig, args, first):
    """Code of v[first : first + count] for an array v, its arguments (v, first, count)."""
    whole = make_array(sig.args[0])(context, builder, args[0])
    found = make_array(sig.return_type)(context, builder)
    count = context.cast(builder, args[2], sig.args[2], types.intp)
    populate_array(
        found,
        data=builder.gep(whole.data, [first], inbounds=True),
        shape=[count],
        strides=whole.strides,
        itemsize=whole.itemsize,
        meminfo=whole.meminfo,
        parent=whole.parent,
    )
    return impl_ret_borrowed(context, builder, sig.return_type, found._getvalue())
