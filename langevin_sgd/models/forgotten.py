"""Doubts about a run that nothing refuses: noise that was forgotten, is not used or is biased."""

import numpy as np

from ..kernels.functions import interpreted, plain

DRAWS, FEW_DRAWS = 2048, 8  # of a noise function of the user's, interpreted
BIAS = 8  # standard errors


def doubts(model, dynamics, noise, params, alike=False):
    """Sentences about what `dynamics`, with these parameters, and `noise`, or None, do not do;
    `alike`: there are several particles, all at one start."""
    if noise is None:
        yield from _without_noise(model, dynamics, alike)
    elif noise.adds:
        yield from _unused_noise(model, dynamics, noise, params)
        yield from noise.doubts(model)
    if dynamics.normals and not _reached("z", dynamics, params, model.dim).any():
        yield (
            f"{dynamics.name!r} asks for normals = {dynamics.normals} and does not use z, so that "
            "no thermal noise acts. Add z[k] times its amplitude, or leave normals= out."
        )


def _without_noise(model, dynamics, alike):
    batch_size = getattr(dynamics.params, "batch_size", 1)
    if batch_size != 1:
        size = f"{batch_size:g}" if isinstance(batch_size, float) else "a schedule"
        way = "there is nothing to be averaged. Pass a noise, or leave batch_size= out."
        if model.data is not None:
            way = "every step takes the gradient of the whole table. Pass "
            way += "langevin_sgd.noise.minibatch()."
        yield f"batch_size = {size} without a noise changes nothing: {way}"
    elif alike and not dynamics.normals:
        kind = "gaussian(covariance)" if model.data is None else "minibatch()"
        yield (
            "all particles move alike: they begin at one place, and nothing is random. Pass a "
            f"noise, such as langevin_sgd.noise.{kind}, or an x0 with a row for each particle; for "
            "the gradient flow particles=1 will do."
        )


def _unused_noise(model, dynamics, noise, params):
    reached = _reached("xi", dynamics, params, model.dim)
    if not reached.any():
        yield (
            f"update of {dynamics.name!r} does not use xi, so that the noise {noise.name!r} "
            "changes nothing. Add xi[k] to g[k]."
        )
        return
    for k in np.flatnonzero(~reached & noise.acts_on(model))[:1]:
        yield (
            f"update of {dynamics.name!r} does not use xi[{k}], so that the noise {noise.name!r} "
            f"does not act on component {k}. Add xi[{k}] to g[{k}]."
        )


def _reached(name, dynamics, params, dim):
    """Which of `dim` components of a step depend on what is in "xi" or "z"; all of them where it
    cannot be run like this."""
    update = interpreted(dynamics.update)
    advance = dynamics.advance and interpreted(dynamics.advance)

    def moved(number):
        x, v, g = np.full(dim, 0.5), np.full(dynamics.parts * dim, 0.25), np.full(dim, 0.3)
        noise = {"xi": np.full(dim, 0.2), "z": np.full(dynamics.normals * dim, 0.1)}
        noise[name][:] = number
        if advance:
            advance(params, x, v, g, noise["z"])
        update(params, x, v, g, noise["xi"], noise["z"])
        return np.concatenate([x, v, g]).reshape(-1, dim)

    try:
        with np.errstate(all="ignore"):
            tried = -7.0, 7.0, np.nan  # nan comes through an amplitude of 0 too
            return np.any([moved(0.0) != moved(number) for number in tried], axis=(0, 1))
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return np.ones(dim, bool)  # the rehearsal judges it


def is_ours(function):
    """Whether a function is one of the package's, which tests have looked at."""
    home = plain(function).__module__ or ""  # none where exec made it
    return home.startswith(__package__.split(".")[0] + ".")


def drawn(sample, params, numbers, dim, size, draws):
    """What `sample` draws at one place, an array (draws, dim); `numbers` = (normals, uniforms),
    `size` of `out`."""
    random, sample = np.random.default_rng(0), interpreted(sample)
    found = np.zeros((draws, size))
    with np.errstate(all="ignore"):
        for out in found:
            z = [random.normal(size=numbers[0]), random.uniform(size=numbers[1])]
            sample(params, np.full(dim, 0.5), np.concatenate(z), out)
    return found[:, :dim]


def mean_over_error(drawn):
    """The mean of draws (draws, dim) over their root mean square / sqrt(draws)."""
    with np.errstate(all="ignore"):
        spread = np.sqrt(np.mean(drawn**2, axis=0) / len(drawn))
        return np.where(spread > 0, drawn.mean(axis=0) / spread, 0.0)


def is_linear(sample, params, normals, dim, size):
    """Whether what `sample` writes at two places is linear in its normals; True where it cannot be
    run."""
    random, sample = np.random.default_rng(0), interpreted(sample)

    def at(x, z):
        out = np.zeros(size)
        sample(params, x, z.copy(), out)
        return out[:dim]

    for x in np.full(dim, 0.5), random.normal(size=dim):
        a, b = random.normal(size=(2, normals))
        try:
            with np.errstate(all="ignore"):
                parts = np.array([at(x, a), 2.0 * at(x, b), -at(x, a + 2.0 * b)])
        except (ArithmeticError, LookupError, TypeError, ValueError):
            return True  # the rehearsal judges it
        if np.any(abs(parts.sum(axis=0)) > 1e-9 * abs(parts).max()):  # not if nan
            return False
    return True
