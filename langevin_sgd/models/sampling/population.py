"""Fresh rows from the generator of a `Loss`, in every draw."""

from functools import cache

from ...kernels.bits import inlined
from ...kernels.lanes import WIDTH
from ...kernels.views import local, view, view_type
from .. import forces
from .mode import Mode


def _population_force(noise, site):
    loss, columns, draws = site.model, site.model.data.shape[1], site.draws
    count, size = loss.draw_normals + loss.draw_uniforms, loss.dim + loss.scratch
    draw = site.compiled(loss, "draw", site.view(count), site.view(columns))
    numbers = forces.numbers_of(site, loss.draw_normals, loss.draw_uniforms, of_rows=True)
    one_draw = _fresh_gradient(draw, site.example_gradient(view_type), count, size, columns)
    return _force_of_draws(*forces.mean_of_draws(one_draw, numbers, loss.dim, size, draws))


@cache
def _fresh_gradient(draw, gradient, numbers, behind, columns):
    room = forces.stack_room(columns)
    large = room < columns

    @inlined
    def fresh_gradient(work, given, x, at, one):
        spare = work.spare
        row = (
            view(spare, behind * WIDTH, columns) if large else view(local(room, spare), 0, columns)
        )
        draw(given.model, view(work.z, at, numbers), row)
        gradient(given.model, x, row, one)

    return fresh_gradient


@cache
def _force_of_draws(prepare, mean):
    @inlined
    def act(work, block, given, moment, group, here):
        mean(work, block, given, moment, group, here.x, here.g)

    return forces.Force(prepare, act)


def _refuse_covariance(noise, loss, x, batch_size):
    raise ValueError(
        f"the covariance of fresh rows of {loss.name!r} is not known: its table is a sample. Pass "
        "noise_covariance=, that of ONE example's gradient."
    )


def _check_generator(noise, loss, batches):
    if loss.draw is None:
        raise ValueError(
            "sampling='population' needs a Loss with a generator of fresh rows (draw=), which "
            f"{loss.name!r} has not."
        )


def _rows(loss, draws):
    return draws.rows(loss.draw_normals) + draws.rows(loss.draw_uniforms)


POPULATION = Mode(
    "population",
    _population_force,
    _refuse_covariance,
    check=_check_generator,
    rows=_rows,
    own_steps=True,
)
