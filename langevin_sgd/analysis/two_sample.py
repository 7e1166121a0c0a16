"""Do two ensembles have the same law?  A test by bounded functions of positions and energy."""

import numpy as np
import xarray as xr

from ..arguments import checked, optional, whole
from ..engine.reducers.readings import labelled, with_error
from ..models.evaluate import landscape
from .particles import AT_STEP, at_step, attributes, finite_at
from .particles import run as a_run
from .significance import Deviation
from .stein import whitening

DIRECTIONS, FREQUENCIES, RANKS = 24, (0.5, 4.0), 6
PERMUTATIONS_AT_A_TIME = 50


@checked(
    other=a_run,
    potential=optional(landscape),
    permutations=whole(99, 10_001),
    seed=whole(0),
    **AT_STEP,
)
def two_sample_test(
    run, other, potential=None, *, permutations=499, seed=0, step=None, on_diverged="raise"
):
    """Whether two runs have the same law: a permutation test, exact whatever the law is.

    Parameters
    ----------
    run, other : xarray.Dataset
        Outputs of `simulate`, or of `reference_sample`; use ``x``. Of `other` the last step.
    potential : Potential or Loss, optional
        Compare the energies too.
    permutations : int
        No p-value is below 1/(permutations + 1).
    seed : int
        Of the permutations and directions.
    step, on_diverged
        As in `density`, of `run`.

    Returns
    -------
    xarray.Dataset
        ``p_value``; ``effect`` (function), the differences of the means, run less other, and
        ``effect_standard_error``. Dimensionless.

    Raises
    ------
    TypeError, ValueError
        For dependent or diverged particles, ensembles of different dimension, fewer than 20
        particles, or without spread in some direction; for energies that are not finite.

    Notes
    -----
    The functions are cos and sin of w u.y, with y the positions whitened by their common
    covariance, u 24 directions between two particles and w between 0.5 and 4, and cosines of the
    common rank of the energy. All are bounded, so that no moment has to exist, and they do not
    depend on linear changes of coordinates. The statistic is the mean square of the differences in
    units of the common spread, an average over positions and one over energies: a maximum mean
    discrepancy with random features (Gretton et al. 2012; Chwialkowski et al. 2015,
    arXiv:1506.04725).

    Examples
    --------
    The learning rate shows; the seed does not.

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> options = {"particles": 500, "steps": 100}
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, seed=1, **options)
    >>> for rate in (0.1, 0.4):
    ...     other = ls.simulate(well, ls.dynamics.sgd(rate), noise, seed=2, **options)
    ...     print(f"{ls.analysis.two_sample_test(run, other).p_value:.3f}")
    0.778
    0.002
    """
    mine, others = at_step(run, step, on_diverged), at_step(other, None, on_diverged)
    x, y = mine.x, others.x
    if x.shape[1] != y.shape[1] or (potential is not None and potential.dim != x.shape[1]):
        raise ValueError(f"other must have the dimension of the run, {x.shape[1]}.")
    if min(len(x), len(y)) < 20:
        raise ValueError(f"run and other must have 20 particles, got {len(x)} and {len(y)}.")
    found = sample_deviation(x, y, potential, permutations, seed)
    text = "difference of the means of a bounded function"
    variables = with_error("effect", ("function",), (found.effect, found.error), text)
    variables["p_value"] = labelled((), found.p_value, "p-value of one law for both")
    return xr.Dataset(variables, attrs=attributes(run, mine, other_particles=len(y)))


def sample_deviation(x, other, potential, permutations, seed):
    """The `Deviation` between two ensembles (n, d) and (m, d): differences of the means of bounded
    functions, and a p-value by permutation."""
    random, n = np.random.default_rng(seed), len(x)
    functions, weight = bounded_functions(np.concatenate([x, other]), potential, random)
    parts = functions[:n], functions[n:]
    effect = np.subtract(*(part.mean(axis=0) for part in parts))
    error = np.sqrt(sum(part.var(axis=0, ddof=1) / len(part) for part in parts))
    functions = (functions - functions.mean(axis=0)) * np.sqrt(weight)
    observed = (functions[:n].sum(axis=0) ** 2).sum()
    reached = 0
    for start in range(0, permutations, PERMUTATIONS_AT_A_TIME):
        chosen = np.zeros((min(PERMUTATIONS_AT_A_TIME, permutations - start), len(functions)))
        chosen[:, :n] = 1.0
        total = random.permuted(chosen, axis=1) @ functions
        reached += int(((total**2).sum(axis=1) >= observed * (1 - 1e-12)).sum())
    return Deviation(effect, error, (1 + reached) / (1 + permutations))


def bounded_functions(x, potential, random):
    """Functions (n, k) of points, and the weight (k,) of the square of each."""
    from scipy.stats import rankdata

    y = (x - x.mean(axis=0)) @ whitening(x)
    pair = random.integers(len(y), size=(2, DIRECTIONS))
    pair[1] += pair[0] == pair[1]
    along = np.subtract(*y[pair % len(y)])
    along /= np.maximum(np.linalg.norm(along, axis=1), 1e-300)[:, None]
    phase = y @ along.T * np.geomspace(*FREQUENCIES, DIRECTIONS)
    kinds = [np.concatenate([np.cos(phase), np.sin(phase)], axis=1)]
    if potential is not None:
        rank = (rankdata(finite_at(potential, x)) - 1) / len(x)
        kinds.append(np.cos(np.pi * np.arange(1, RANKS + 1) * rank[:, None]))
    weights = [1 / kind.var(axis=0).clip(1e-12) / kind.shape[1] for kind in kinds]
    return np.concatenate(kinds, axis=1), np.concatenate(weights)
