"""What forces of a block of particles, its gradients and gradient noise, are made of.

A model and a noise build a `Force`: `prepare(work, block, given, moment)` draws what a step needs
for a whole block, which is faster than group by group; `act(work, block, given, moment, group,
here)` then writes here.g and here.xi of one group at here.x. What these hold is in `engine.blocks`
(`Given`, `Moment`; `here` holds `ForceViews`). Sums run in the order of the examples, so that their
bits are fixed."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import types

from ..kernels import rng, rng_float32
from ..kernels.bits import inlined, sqrt
from ..kernels.compiling import linked
from ..kernels.lanes import WIDTH
from ..kernels.rng import ADDRESS, PLACE, Address, Places, Stream, ids_from, steps_from
from ..kernels.views import flat_type, local, view, view_type

ON_STACK = 512  # components; views of more lie in `spare`, for a stack is small
_NORMALS, _UNIFORMS = np.uint64(Stream.NOISE_NORMAL), np.uint64(Stream.NOISE_UNIFORM)
_ROW_NORMALS, _ROW_UNIFORMS = np.uint64(Stream.ROW_NORMAL), np.uint64(Stream.ROW_UNIFORM)


class Draws(NamedTuple):
    """How random numbers fill rows: two float64 or four float32 numbers come from one draw; rows
    are filled in pairs."""

    number: types.Type = types.float64
    # whether all particles are at one step, or each at its own, see `kernels.rng`
    address: types.Type = ADDRESS

    def each(self):
        """Numbers from one draw."""
        return 4 if self.number == types.float32 else 2

    def count(self, numbers):
        """Draws for so many numbers."""
        return -(-numbers // self.each())

    def rows(self, numbers):
        """Rows that are filled for so many numbers."""
        return numbers + numbers % 2

    def fill_normals(self):
        """The kernel that fills rows with normals, as something that kernels call."""
        return self._filling(rng.fill_normals, rng_float32.fill_normals_single)

    def fill_uniforms(self):
        """The kernel that fills rows with uniform numbers in [0, 1)."""
        return self._filling(rng.fill_uniforms, rng_float32.fill_uniforms_single)

    def _filling(self, double, single):
        fill = single if self.number == types.float32 else double
        return linked(fill, flat_type(self.number), PLACE, self.address)


class Force(NamedTuple):
    """The two kernels of a force."""

    prepare: Callable
    act: Callable


class Site(NamedTuple):
    """Where a force is built."""

    model: Any
    compiled: Callable  # compiled(record, role, *types): a function of a record for a group
    draws: Draws
    free: int  # rows of z before it hold thermal normals
    rows: int  # rows of z that a group has

    def view(self, numbers):
        """The type of a view of so many numbers."""
        return view_type(numbers, self.draws.number)

    def example_gradient(self, kind_of_row):
        """The compiled gradient of one example of a Loss; its row has the type
        `kind_of_row(columns, number)`."""
        loss = self.model
        row = kind_of_row(loss.data.shape[1], self.draws.number)
        kinds = self.view(loss.dim), row, self.view(loss.dim + loss.scratch)
        return self.compiled(loss, "example_gradient", *kinds)


def stack_room(size):
    """Components to ask of `local` for a view of `size`; 1 if it lies in `spare` instead."""
    return size if size <= ON_STACK else 1


@inlined
def nothing(work, block, given, moment):
    """The `prepare` of a force that needs none."""


@inlined
def set_to(v, size, value):
    """v = value."""
    for k in range(size):
        v[k] = value


@inlined
def add_to(v, w, size):
    """v = v + w."""
    for k in range(size):
        v[k] += w[k]


@inlined
def scale(v, size, factor):
    """v = factor v."""
    for k in range(size):
        v[k] = v[k] * factor


# ---- means of independent draws ------------------------------------------------------------------


class Numbers(NamedTuple):
    """The random numbers of one draw, and where they lie in z."""

    normals: int
    uniforms: int
    streams: tuple  # of the normals and of the uniforms
    first: int  # row of the first group's, in z
    rows: int  # from one group to the next


def numbers_of(site, normals, uniforms, of_rows=False):
    """The numbers of a draw of noise, or of a fresh row."""
    streams = (_ROW_NORMALS, _ROW_UNIFORMS) if of_rows else (_NORMALS, _UNIFORMS)
    return Numbers(normals, uniforms, streams, site.free, site.rows)


@cache
def filler(numbers, draws):
    """(fill, prepare): `fill` draws the numbers of draw `number` for one group, `prepare` those of
    the first draw for a block."""
    normals, uniforms = numbers.normals, numbers.uniforms
    normal_stream, uniform_stream = numbers.streams
    first, spacing = numbers.first, numbers.rows
    normal_draws, uniform_draws = draws.count(normals), draws.count(uniforms)
    fill_normals = draws.fill_normals()
    fill_uniforms = draws.fill_uniforms() if uniforms else fill_normals

    @inlined
    def draw(z, at, groups, who, number):
        seed, step, particle = who
        draw = np.uint64(number * normal_draws)
        address = Address(seed, step, particle, normal_stream, draw)
        fill_normals(z, Places(at, spacing * WIDTH, normals, groups), address)
        if uniforms:
            draw = np.uint64(number * uniform_draws)
            address = Address(seed, step, particle, uniform_stream, draw)
            rows = Places(at + normals * WIDTH, spacing * WIDTH, uniforms, groups)
            fill_uniforms(z, rows, address)

    @inlined
    def fill(work, block, moment, group, number):
        place = group * WIDTH
        who = block.seed, steps_from(moment.step, place), ids_from(block.particle, place)
        draw(work.z, (first + group * spacing) * WIDTH, 1, who, number)

    @inlined
    def prepare(work, block, given, moment):
        draw(work.z, first * WIDTH, block.groups, (block.seed, moment.step, block.particle), 0)

    return fill, prepare


@cache
def mean_of_draws(one_draw, numbers, dim, size, draws):
    """(prepare, mean): the mean of `moment.batch` independent draws.

    `one_draw(work, given, x, at, one)` writes one, of `size` numbers of which `dim` count, from the
    random numbers at `at` in z into a row of zeros."""
    fill, prepare = filler(numbers, draws)
    first, spacing, room = numbers.first, numbers.rows, stack_room(size)
    large = room < size

    @inlined
    def mean(work, block, given, moment, group, x, out):
        one = view(work.spare, 0, size) if large else view(local(room, work.spare), 0, size)
        set_to(out, dim, 0.0)
        for number in range(moment.batch):
            if number > 0:
                fill(work, block, moment, group, number)
            set_to(one, dim, 0.0)
            one_draw(work, given, x, (first + group * spacing) * WIDTH, one)
            add_to(out, one, dim)
        scale(out, dim, 1.0 / moment.batch)

    return prepare, mean


@cache
def one_scaled_draw(one_draw, numbers, dim, draws):
    """(prepare, mean) as `mean_of_draws` for Gaussian noise: one draw / sqrt(moment.batch) has the
    same law."""
    _, prepare = filler(numbers, draws)
    first, spacing = numbers.first, numbers.rows

    @inlined
    def mean(work, block, given, moment, group, x, out):
        set_to(out, dim, 0.0)
        one_draw(work, given, x, (first + group * spacing) * WIDTH, out)
        if moment.batch > 1:
            scale(out, dim, 1.0 / sqrt(np.float64(moment.batch)))

    return prepare, mean


@cache
def with_noise(gradient_force, prepare, mean):
    """`gradient_force`, and xi from `mean`."""
    gradient = gradient_force.act

    @inlined
    def act(work, block, given, moment, group, here):
        gradient(work, block, given, moment, group, here)
        mean(work, block, given, moment, group, here.x, here.xi)

    return Force(prepare, act)
