"""How irreversible is a run?  Entropy production from two adjacent stored steps."""

import numpy as np
import xarray as xr

from ..arguments import checked, one_of
from ..engine.reducers.currents import MARKOV
from ..engine.reducers.readings import unbiased_and_error, with_error
from .currents import mode_rotations, moves_of
from .particles import AT_STEP, at_step, attributes, dynamics_of, sampling_of

GROUPS = 64  # of particles, for the jackknife
FEWEST_PAIRS, PAIRS_PER_DIMENSION = 30, 4  # particles, for a covariance of (x, x')


@checked(method=one_of("bound", "gaussian"), **AT_STEP)
def entropy_production(run, *, method="bound", step=None, on_diverged="raise"):
    """How irreversible a stationary run is: its entropy production per step, in units of k_B.

    E log[p(x, x') / p(x', x)]: a lower bound for any process, or the value of a linear one.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate`, with two adjacent stored steps (n + 1 steps with ``every=n``).
    method : {"bound", "gaussian"}
        "bound": what the weighted rotations of `rotation_rate` prove together, whatever the process
        and its noise; never above the truth but for its error. "gaussian": the exact value for a
        linear process with Gaussian noise, from the covariance of (x, x'); no bound for others.
    step, on_diverged
        As in `density`.

    Returns
    -------
    xarray.Dataset
        ``entropy_production`` and its ``_standard_error``; estimates of 0 may be slightly negative.

    Raises
    ------
    ValueError
        With momentum or another memory: velocities are odd under time reversal, and the positions
        are only a part; for "gaussian" with batches of a table, whose reversed steps are
        impossible, so that the production is infinite; without two adjacent stored steps; for fewer
        than 30 particles, or four a dimension, or a run that stands still in some direction.

    Notes
    -----
    Bound: the uncertainty relation of a pair of positions, sigma >= log(1 + 2 R^2), for R^2 = m'
    C^-1 m, the largest E[a]^2 / Var a of any sum a of rotations with means m and covariance C;
    estimated from Hotelling's T^2 as ((n - p - 2)/(n - 1) T^2 - p)/n, free of bias for Gaussian
    numbers. Source: Hasegawa and Van Vu 2019 (arXiv:1902.06376); the relation of diffusions,
    sigma >= 2 R^2, does not hold for chains. Gaussian: tr(P~^-1 P)/2 - d with P the covariance of
    (x, x') and P~ that of (x', x), less its bias of order 1/n (jackknife over 64 groups of
    particles).

    Examples
    --------
    Near a minimum the process is linear, and `theory.entropy_per_step` says 0.151:

    >>> well = ls.potentials.double_well(dim=2, coupling=0.8)
    >>> noise = ls.noise.gaussian([0.01, 0.001])
    >>> plan = {"particles": 4000, "steps": 100, "every": 99, "x0": [1.0, 0.8], "seed": 1}
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, **plan)
    >>> found = ls.analysis.entropy_production(run, method="gaussian")
    >>> print(f"{found.entropy_production:.2f} +- {found.entropy_production_standard_error:.2f}")
    0.16 +- 0.02
    """
    about = dynamics_of(run)["name"]
    if about not in (*MARKOV, "unknown"):
        raise ValueError(
            "run must be of SGD without momentum or of overdamped Langevin dynamics, got "
            f"{about!r}: it remembers more than x, and a velocity is odd under time reversal. Take "
            "the rotations of rotation_rate as a measure."
        )
    if method == "gaussian" and sampling_of(run):
        raise ValueError(
            "method must be 'bound' for batches of a table: a reversed step is impossible, so that "
            "the entropy production is infinite."
        )
    particles = at_step(run, step, on_diverged)
    moves = moves_of(run, particles)
    pair = _bound(moves) if method == "bound" else _gaussian(moves)
    text = "entropy production in a step" + ", lower bound" * (method == "bound")
    variables = with_error("entropy_production", (), pair, text)
    return xr.Dataset(variables, attrs=attributes(run, particles, method=method))


def _bound(moves):
    found, _ = mode_rotations(moves)
    n, p = found.size, len(found.mean)
    squared = n * found.mean @ np.linalg.solve(found.covariance, found.mean)
    shift = (n - p - 2) / (n - 1) * squared - p  # n R^2
    error = np.sqrt(2 * (p + 2 * max(shift, 0.0)))
    value = np.log1p(2 * max(shift, 0.0) / n) if shift > 0 else 2 * shift / n
    return value, 2 * error / (n + 2 * max(shift, 0.0))


def _gaussian(moves):
    n, d = moves.place.shape
    place = moves.place - moves.place.mean(axis=0)
    both = np.hstack([place - moves.move / 2, place + moves.move / 2])
    fewest = max(FEWEST_PAIRS, PAIRS_PER_DIMENSION * d)
    if n < fewest:
        raise ValueError(f'run must have {fewest} particles for method="gaussian", got {n}.')
    spread = both.std(axis=0)
    white = both / np.where(spread > 0, spread, 1.0)
    if np.linalg.eigvalsh(white.T @ white / n).min() < 1e-12:
        raise ValueError(
            "run must move, with a spread in every direction, but the covariance of (x, x') is "
            "singular."
        )
    parts = np.array_split(both, min(GROUPS, n))
    sums = np.array([[len(part), *np.ravel(part.T @ part)] for part in parts])
    swapped = np.roll(np.arange(2 * d), d)

    def production(means):
        forward = means.reshape(*means.shape[:-1], 2 * d, 2 * d)
        backward = forward[..., swapped, :][..., swapped]
        return np.trace(np.linalg.solve(backward, forward), axis1=-2, axis2=-1) / 2 - d

    return unbiased_and_error(production, sums)
