"""The Gaussian twin of minibatches: noise with exactly the covariance of a `Loss`'s table."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from ..kernels.bits import inlined, sqrt
from ..kernels.lanes import WIDTH
from ..kernels.rng import Address, Places, Stream, ids_from, steps_from
from ..kernels.views import local, row_type, table_row, view
from . import forces
from .example_moments import example_covariance
from .noise_record import AddedNoise
from .records import Recipe, record, recorded

TILE = 64  # normals that are drawn at a time
_TABLE = np.uint64(Stream.TABLE)


@record(AddedNoise)
class TableGaussian(NamedTuple):
    """Gaussian noise with exactly the covariance of a `Loss`'s table; made by `table_gaussian`.

    Parameters
    ----------
    name : str
        How messages and datasets call it.
    params : None
        It needs none.

    Examples
    --------
    It asks the table of the model: targets 1 and -1 have gradients x -+ 1, of variance 1.

    >>> loss = ls.losses.quadratic_centers([1.0], [[-1.0], [1.0]])
    >>> ls.noise.table_gaussian().batch_covariance(loss, np.array([[0.3]]), batch_size=1).item()
    1.0
    """

    name: str
    params: Any
    recipe: Recipe | None = None

    def check(self, model, dynamics):
        need_a_table(self, model)

    def draws(self, model, largest):
        return {"number of examples": len(model.data) // 2}

    def rows(self, model, draws):
        return TILE

    def force(self, site):
        loss, gradient = site.model, site.example_gradient(row_type)
        size, columns = loss.dim + loss.scratch, loss.data.shape[1]
        return _table_force(gradient, loss.dim, size, columns, site.free, site.draws)

    def batch_covariance(self, model, x, batch_size):
        return example_covariance(model, x) / batch_size


def need_a_table(noise, model):
    """Refuse a model without a data table."""
    if model.data is None:
        raise ValueError(
            f"noise.{noise.name} needs a Loss with a data table, got the potential "
            f"{model.name!r}; use noise.gaussian there."
        )


@recorded
def table_gaussian():
    """The Gaussian twin of minibatch noise: covariance exactly that of the table at each x.

    xi = sum_i (z_i - mean z) g_i / sqrt(N B) for the N example gradients g_i and N standard normals
    z_i, without a matrix root.

    Returns
    -------
    TableGaussian

    Notes
    -----
    Derivation: the covariance of z_i - mean z is delta_ij - 1/N, so that E xi xi' = (sum_i g_i g_i'
    / N - gbar gbar') / B = Sigma / B.

    Examples
    --------
    Targets 1 and -1 have gradients x -+ 1, of variance 1; a batch of four has a quarter of it.

    >>> loss, noise = ls.losses.quadratic_centers([1.0], [[-1.0], [1.0]]), ls.noise.table_gaussian()
    >>> print(noise, noise.batch_covariance(loss, np.array([[0.3]]), batch_size=4).item())
    table_gaussian() 0.25
    """
    return TableGaussian("table_gaussian", None)


@cache
def _table_force(gradient, dim, size, columns, free, draws):
    """The normals of a tile of examples lie in z from row `free` on."""
    fill_normals, each, room = draws.fill_normals(), draws.each(), forces.stack_room(size)
    large = room < size

    @inlined
    def act(work, block, given, moment, group, here):
        z, out, noise, examples = work.z, here.g, here.xi, given.examples
        one = view(work.spare, 0, size) if large else view(local(room, z), 0, size)
        tile, place = free * WIDTH, group * WIDTH
        normal = view(z, tile, TILE)
        particle, step = ids_from(block.particle, place), steps_from(moment.step, place)
        forces.set_to(out, dim, 0.0)
        forces.set_to(noise, dim, 0.0)
        total = 0.0
        for start in range(0, examples, TILE):
            count = TILE if examples - start > TILE else examples - start
            draw = np.uint64(start // each)
            address = Address(block.seed, step, particle, _TABLE, draw)
            fill_normals(z, Places(tile, 0, count, 1), address)
            for i in range(count):
                row = table_row(given.table, start + i, columns)
                gradient(given.model, here.x, row, one)
                forces.add_to(out, one, dim)
                for k in range(dim):
                    noise[k] += normal[i] * one[k]
                total = total + normal[i]
        mean = total * (1.0 / examples)
        factor = 1.0 / sqrt(np.float64(examples) * np.float64(moment.batch))
        for k in range(dim):
            noise[k] = (noise[k] - mean * out[k]) * factor
        forces.scale(out, dim, 1.0 / examples)

    return forces.Force(forces.nothing, act)
