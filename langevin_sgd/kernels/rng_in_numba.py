"""What numba is told of addresses of random numbers, which hold numbers that are counted on, or
arrays: see the table in `rng`."""

from llvmlite import ir
from numba import types

from . import rng
from .lanes import WIDTH, teach, words
from .views import ViewType

_WORDS = ir.VectorType(ir.IntType(64), WIDTH)


def _numbered(context, builder, sig, args):
    first = context.cast(builder, args[0], sig.args[0], words)
    return builder.add(first, ir.Constant(_WORDS, list(range(WIDTH))))


def _teach(function, of_number, of_array, counts):
    """Results of types `of_number` and `of_array` (None: the array itself); a number is counted on
    if `counts`.
    """

    def result(numbers, place):
        if isinstance(numbers, ViewType) and numbers.dim is None:
            return of_array or numbers
        return of_number if isinstance(numbers, types.Integer) else None

    def emit(context, builder, sig, args):
        place = context.cast(builder, args[1], sig.args[1], types.intp)
        if isinstance(sig.args[0], ViewType):
            at = builder.gep(args[0], [place], inbounds=True)
            if of_array == words:
                return builder.load(builder.bitcast(at, _WORDS.as_pointer()), align=8)
            return builder.load(at) if of_array else at
        number = context.cast(builder, args[0], sig.args[0], types.uint64)
        number = builder.add(number, place) if counts else number
        if of_number == words:
            return _numbered(context, builder, words(types.uint64), [number])
        return number

    teach(function, result, emit)


teach(
    rng.lane_numbers, lambda first: words if isinstance(first, types.Integer) else None, _numbered
)
teach(
    rng.in_a_row,
    lambda particle: types.boolean,
    lambda context, builder, sig, args: context.get_constant(
        types.boolean, isinstance(sig.args[0], types.Integer)
    ),
)
_teach(rng.ids_at, words, words, True)
_teach(rng.leaders_at, types.uint64, words, True)
_teach(rng.id_at, types.uint64, types.uint64, True)
_teach(rng.step_at, types.uint64, types.uint64, False)
_teach(rng.steps_at, types.uint64, words, False)
_teach(rng.ids_from, types.uint64, None, True)
_teach(rng.steps_from, types.uint64, None, False)
