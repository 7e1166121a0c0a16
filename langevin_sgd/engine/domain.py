"""Periodic and reflecting walls: particles are put back into the domain after every move."""

from typing import Any, NamedTuple

import numpy as np

from ..kernels.bits import inlined, where
from ..kernels.precisions import in_double

OPEN, PERIODIC, REFLECTING = 0.0, 1.0, 2.0
WALL_KINDS = {"periodic": PERIODIC, "reflecting": REFLECTING}
_TO_WHOLE = 6755399441055744.0  # 1.5 * 2^52: adding and taking it away rounds to a whole number


class Walls(NamedTuple):
    """One entry a component."""

    kinds: Any
    lows: Any
    lengths: Any


@in_double
def _floor(y):
    whole = (y + _TO_WHOLE) - _TO_WHOLE
    return where(whole > y, whole - 1.0, whole)


@inlined
def fold(walls, x, v, dim, vectors):
    """Put x back; a reflection turns the first `vectors` parts of v round, which are vectors."""
    for k in range(dim):
        low, length = walls.lows[k], walls.lengths[k]
        if walls.kinds[k] == PERIODIC:
            inside = x[k] - length * _floor((x[k] - low) / length)
            x[k] = where(inside < low + length, inside, low)
        elif walls.kinds[k] == REFLECTING:
            turns = (x[k] - low) / length
            place = turns - 2.0 * _floor(0.5 * turns)
            back = place > 1.0
            x[k] = where(
                (turns < 0.0) | (turns > 1.0), low + length * where(back, 2.0 - place, place), x[k]
            )
            for part in range(vectors):
                number = part * dim + k
                v[number] = where(back, -v[number], v[number])


def _as_numbers(kind, low, high):
    return WALL_KINDS[kind], low, high - low


def wall_arrays(domain):
    """The `Walls` of a potential's `domain`."""
    rows = [(OPEN, 0.0, 1.0) if wall is None else _as_numbers(*wall) for wall in domain or (None,)]
    columns = zip(*rows, strict=True)
    return Walls(*(np.ascontiguousarray(column, dtype=np.float64) for column in columns))


OPEN_WALLS = wall_arrays(None)


def all_inside(domain, x):
    """True if all particles of x (particles, d) are inside."""
    walls = [(x[:, k], wall) for k, wall in enumerate(domain or ()) if wall is not None]
    return all(low <= places.min() and places.max() <= high for places, (_, low, high) in walls)
