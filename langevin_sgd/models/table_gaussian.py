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
from .noise_record import Noise
from .records import Recipe, record, recorded

TILE = 64  # normals that are drawn at a time
_TABLE = np.uint64(Stream.TABLE)


@record(Noise)
class TableGaussian(NamedTuple):
    """Gaussian noise with exactly the covariance of a `Loss`'s table at each point. Made by
    `table_gaussian`.
    """

    name: str
    params: Any
    recipe: Recipe | None = None

    adds = True

    def check(self, model, dynamics):
        need_a_table(self, model)

    def draws(self, model, largest):
        return {"number of examples": len(model.data) // 2}

    def rows(self, model, draws):
        return TILE

    def force(self, site):
        loss, gradient = site.model, forces.example_gradient(site, row_type)
        size, columns = loss.dim + loss.scratch, loss.data.shape[1]
        return _table_force(gradient, loss.dim, size, columns, site.free * WIDTH, site.draws)

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
    """The Gaussian twin of minibatch noise: covariance exactly that of the table at each x, without
    a matrix root.

    xi = sum_i (z_i - mean z) g_i / sqrt(N B) for the N example gradients g_i and N standard normals
    z_i. Derivation: the covariance of z_i - mean z is delta_ij - 1/N, so that E xi xi' = (sum_i g_i
    g_i' / N - gbar gbar') / B = Sigma / B.
    """
    return TableGaussian("table_gaussian", None)


@cache
def _table_force(gradient, dim, size, columns, tile, draws):
    """The normals of a tile of examples lie at `tile` in z."""
    fill_normals, each, room = draws.fill_normals(), draws.each(), forces.stack_room(size)
    large = room < size

    @inlined
    def act(work, block, fixed, now, group, here):
        z, out, noise, examples = work.z, here.g, here.xi, fixed.examples
        one = view(work.spare, 0, size) if large else view(local(room, z), 0, size)
        normal, place = view(z, tile, TILE), group * WIDTH
        particle, step = ids_from(block.particle, place), steps_from(now.step, place)
        forces.set_to(out, dim, 0.0)
        forces.set_to(noise, dim, 0.0)
        total = 0.0
        for start in range(0, examples, TILE):
            count = TILE if examples - start > TILE else examples - start
            draw = np.uint64(start // each)
            address = Address(block.seed, step, particle, _TABLE, draw)
            fill_normals(z, Places(tile, 0, count, 1), address)
            for i in range(count):
                row = table_row(fixed.table, start + i, columns)
                gradient(fixed.model, here.x, row, one)
                forces.add_to(out, one, dim)
                for k in range(dim):
                    noise[k] += normal[i] * one[k]
                total = total + normal[i]
        mean = total * (1.0 / examples)
        factor = 1.0 / sqrt(np.float64(examples) * np.float64(now.batch))
        for k in range(dim):
            noise[k] = (noise[k] - mean * out[k]) * factor
        forces.scale(out, dim, 1.0 / examples)

    return forces.Force(forces.nothing, act)
