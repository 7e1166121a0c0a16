"""Who draws when: particles in a row at one step, or lanes that each have a particle and a step of
their own.

In an `Address`, `step` and `particle` are either whole numbers, when the particles of a block
follow one another and are all at one step, or flat int64 arrays with an entry for each lane of the
block. `place` counts lanes from the start of the block.

| function               | number                | array                    |
|------------------------|-----------------------|--------------------------|
| ids_at(particle, place)   | particle + place, ... | WIDTH entries from place |
| leaders_at(particle, ...) | particle + place      | WIDTH entries from place |
| steps_at(step, place)     | step                  | WIDTH entries from place |
| id_at(particle, place)    | particle + place      | the entry at place       |
| step_at(step, place)      | step                  | the entry at place       |
| ids_from(particle, place) | particle + place      | the array from place on  |
| steps_from(step, place)   | step                  | the array from place on  |
| in_a_row(particle)        | True                  | False                    |
"""

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types

from .lanes import WIDTH, lane_numbers, teach, words
from .views import ViewType

_WORDS = ir.VectorType(ir.IntType(64), WIDTH)


class Address(NamedTuple):
    """Of random numbers: which they are, for `particle` and those behind it; all uint64."""

    seed: Any
    step: Any
    particle: Any
    stream: Any
    draw: Any


class Places(NamedTuple):
    """Where random numbers go in a flat array: `count` rows of WIDTH numbers for each of `groups`
    groups; row 0 of the first group lies at `start`, that of the next `spacing` numbers later."""

    start: int
    spacing: int
    count: int
    groups: int


def id_at(particle, place):
    """Number of one particle, uint64."""
    return (
        np.uint64(particle[place])
        if isinstance(particle, np.ndarray)
        else particle + np.uint64(place)
    )


def step_at(step, place):
    """Step of one particle, uint64."""
    return np.uint64(step[place]) if isinstance(step, np.ndarray) else step


def ids_at(particle, place):
    """Numbers of a group of particles, uint64 lanes."""
    return (
        id_at(particle, place)
        if isinstance(particle, np.ndarray)
        else lane_numbers(particle + np.uint64(place))
    )


def leaders_at(particle, place):
    """Numbers with the upper halves of `ids_at`: the first of a group, if it is a multiple of
    WIDTH, or that of each lane.
    """
    return id_at(particle, place)


def steps_at(step, place):
    """Step, or steps, of a group of particles: a uint64, or lanes of them."""
    return step_at(step, place)


def ids_from(particle, place):
    """`particle` of the part of a block that begins at `place`."""
    return particle[place:] if isinstance(particle, np.ndarray) else particle + np.uint64(place)


def steps_from(step, place):
    """`step` of the part of a block that begins at `place`."""
    return step[place:] if isinstance(step, np.ndarray) else step


def in_a_row(particle):
    """Whether the particles of several groups follow one another; False in interpreted Python,
    where a group is one particle.
    """
    return False


teach(
    in_a_row,
    lambda particle: types.boolean,
    lambda context, builder, sig, args: context.get_constant(
        types.boolean, isinstance(sig.args[0], types.Integer)
    ),
)


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
            return builder.add(
                context.cast(builder, number, types.uint64, words),
                ir.Constant(_WORDS, list(range(WIDTH))),
            )
        return number

    teach(function, result, emit)


_teach(ids_at, words, words, True)
_teach(leaders_at, types.uint64, words, True)
_teach(id_at, types.uint64, types.uint64, True)
_teach(step_at, types.uint64, types.uint64, False)
_teach(steps_at, types.uint64, words, False)
_teach(ids_from, types.uint64, None, True)
_teach(steps_from, types.uint64, None, False)
