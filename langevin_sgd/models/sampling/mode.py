"""What a sampling mode is: which examples a particle takes in a step. A mode is one module of this
folder, and its line in `__init__`."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from ...kernels.bits import inlined
from ...kernels.lanes import WIDTH
from ...kernels.views import GatheredRowType, gathered_row, local, view
from .. import forces

ZERO = np.uint64(0)  # of an address: the particle that draws for all, or the first draw


def fits_any_run(noise, model, batches):
    """The check of a mode that refuses nothing."""


class Batches(NamedTuple):
    """The batches of a run."""

    largest: int
    scheduled: bool  # whether their size changes
    steps: int  # up to which the run goes


class Mode(NamedTuple):
    """All that is special about one way of sampling."""

    name: str
    force: Callable  # force(noise, site): the `Force` of the batch gradient
    batch_covariance: Callable  # batch_covariance(noise, loss, x, batch_size), as of a noise
    parameters: tuple = ("none",)  # names of its parameters
    check: Callable = fits_any_run  # check(noise, loss, batches): refuses what does not fit
    rows: Callable = lambda model, draws: 0  # rows of random numbers that each group needs
    own_steps: bool = False  # whether particles of a group can be at steps of their own
    independent: bool = True  # whether particles draw independently, unless `shared`
    epoch: Callable = lambda examples, batch_size: 1  # steps after which its law repeats

    def fits(self, name, params):
        """Whether this is the mode of that name with such parameters."""
        return self.name == name and self.parameters == params._fields


def by_row_numbers(choose, weight=None):
    """The `force` of a mode that picks rows of the table.

    `choose(shared, draws, free)` builds the kernel `pick(work, block, given, moment)`: into
    `work.chosen` it writes `moment.batch` rows of WIDTH row numbers for each group,
    `given.batch_rows` rows apart; the rows of z from `free` on are its own. An example counts
    `weight(work, given, moment, place, number, one)` times: the kernel is given the place of its
    row number, its number in the batch and its gradient."""

    def force(noise, site):
        loss = site.model
        gradient = site.example_gradient(GatheredRowType)
        size, columns = loss.dim + loss.scratch, loss.data.shape[1]
        pick = choose(noise.shared, site.draws, site.free)
        return _batch_force(gradient, loss.dim, size, columns, pick, weight)

    return force


@cache
def _batch_force(gradient, dim, size, columns, pick, weight):
    room = forces.stack_room(size)
    large, weighted = room < size, weight is not None
    weight = weight or pick

    @inlined
    def act(work, block, given, moment, group, here):
        one = view(work.spare, 0, size) if large else view(local(room, work.spare), 0, size)
        forces.set_to(here.g, dim, 0.0)
        for number in range(moment.batch):
            place = (group * given.batch_rows + number) * WIDTH
            row = gathered_row(given.table, work.chosen, place, columns)
            gradient(given.model, here.x, row, one)
            if weighted:
                forces.scale(one, dim, weight(work, given, moment, place, number, one))
            forces.add_to(here.g, one, dim)
        forces.scale(here.g, dim, 1.0 / moment.batch)

    return forces.Force(pick, act)


@inlined
def same_for_all(rows, count, groups, spacing):
    """Give all particles the examples of the first one."""
    for number in range(count):
        example = rows[number * WIDTH]
        for group in range(groups):
            for lane in range(WIDTH):
                rows[group * spacing + number * WIDTH + lane] = example
