"""Doubts about a run that nothing refuses: noise that was forgotten, is not used or is biased."""

import numpy as np

from ..kernels.functions import interpreted

DRAWS = 2048  # of a noise function of the user's, interpreted
BIAS = 8  # standard errors


def doubts(model, dynamics, noise, params):
    """Sentences about what `dynamics`, with these parameters, and `noise`, or None, do not do."""
    if noise is None:
        yield from _without_noise(model, dynamics)
    elif noise.adds:
        if _ignores("xi", dynamics, params, model.dim):
            yield (
                f"update of {dynamics.name!r} does not use xi, so that the noise {noise.name!r} "
                "changes nothing. Add xi[k] to g[k]."
            )
        yield from noise.doubts(model)
    if dynamics.normals and _ignores("z", dynamics, params, model.dim):
        yield (
            f"{dynamics.name!r} asks for normals = {dynamics.normals} and does not use z, so that "
            "no thermal noise acts. Add z[k] times its amplitude, or leave normals= out."
        )


def _without_noise(model, dynamics):
    batch_size = getattr(dynamics.params, "batch_size", 1)
    if model.data is not None and batch_size != 1:
        size = f"{batch_size:g}" if isinstance(batch_size, float) else "a schedule"
        yield (
            f"batch_size = {size} without a noise changes nothing: every step takes the gradient "
            "of the whole table. Pass langevin_sgd.noise.minibatch()."
        )


def _ignores(name, dynamics, params, dim):
    """Whether a step is the same whatever is in "xi" or "z"; False where it cannot be run like
    this."""
    update, memory = interpreted(dynamics.update), dynamics.state_size if dynamics.memory else 0
    advance = dynamics.advance and interpreted(dynamics.advance)

    def moved(number):
        x, v, g = np.full(dim, 0.5), np.full(memory * dim, 0.25), np.full(dim, 0.3)
        noise = {"xi": np.full(dim, 0.2), "z": np.full(dynamics.normals * dim, 0.1)}
        noise[name][:] = number
        if advance:
            advance(params, x, v, g, noise["z"])
        update(params, x, v, g, noise["xi"], noise["z"])
        return np.concatenate([x, v, g])

    try:
        with np.errstate(all="ignore"):
            tried = -7.0, 7.0, np.nan  # nan comes through an amplitude of 0 too
            return all(np.array_equal(moved(0.0), moved(number)) for number in tried)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return False  # the rehearsal judges it


def mean_over_error(sample, params, numbers, dim, size):
    """Mean of what `sample` draws at one place over its root mean square / sqrt(draws), for each of
    `dim` components; `numbers` = (normals, uniforms), `size` of `out`."""
    random, sample = np.random.default_rng(0), interpreted(sample)
    drawn = np.zeros((DRAWS, size))
    with np.errstate(all="ignore"):
        for out in drawn:
            z = [random.normal(size=numbers[0]), random.uniform(size=numbers[1])]
            sample(params, np.full(dim, 0.5), np.concatenate(z), out)
        drawn = drawn[:, :dim]
        spread = np.sqrt(np.mean(drawn**2, axis=0) / DRAWS)
        return np.where(spread > 0, drawn.mean(axis=0) / spread, 0.0)
