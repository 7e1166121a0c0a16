"""Do particles go round?  Rotations weighted by the distance from the centre, from one step.

A density says nothing about currents, neither at one time nor at two: a law can be Boltzmann's
while particles circulate. What goes round is odd under time reversal, and so vanishes in detailed
balance."""

from typing import NamedTuple

import numpy as np
import xarray as xr

from ..arguments import checked, finite_array, optional, positive_matrix
from ..engine.reducers.readings import labelled, with_error
from ..engine.reducers.rotation import decays_of_weights, default_decays
from ..models.evaluate import landscape
from ..theory.virial import HEAVY_BALL
from .particles import (
    AT_STEP,
    at_step,
    attributes,
    dynamics_of,
    has_walls,
    landscape_of,
    mean_push,
    sampling_of,
)
from .significance import PARTICLES_PER_ENTRY, Deviation, hotelling

TURNINGS_AT_A_TIME = 2_000_000  # products worked on at a time
MOST_ROTATIONS = 100  # of a joint p-value of rotations
# Dynamics of one fresh push a step: which parameter is the rate.
DRIVEN_BY = {"sgd": "learning_rate", "langevin_euler_maruyama": "step_size"}
REMEMBERING = "reshuffle", "single_shuffle", "given"  # modes of sampling whose noise is not fresh


class Moves(NamedTuple):
    """One move of each particle: ``place``, its middle, and ``move`` itself, (n, d), ``per`` step
    or time; where the mean of a move is known, ``before``, where it began, and ``surprise``, the
    move less its mean given `before`; else these are None."""

    place: np.ndarray
    move: np.ndarray
    per: str
    before: np.ndarray | None = None
    surprise: np.ndarray | None = None

    def along(self, center, columns):
        """The same moves, seen from `center`, in the coordinates `columns`."""
        place, move = (self.place - center) @ columns, self.move @ columns
        if self.before is None:
            return self._replace(place=place, move=move)
        before, surprise = (self.before - center) @ columns, self.surprise @ columns
        return Moves(place, move, self.per, before, surprise)


def moves_of(run, particles, potential=None):
    """The `Moves` of `particles`, those of a run at one step: the way from the step before if it is
    stored, else what the velocity tells.

    Raises
    ------
    ValueError
        If the run stores neither.
    """
    x, v, step = particles.x, particles.v, particles.step
    name = dynamics_of(run)["name"]
    if step is not None and "step" in run.dims and step - 1 in run["step"].values:
        before = at_step(run, step - 1, "drop").x
        if before.shape == x.shape:  # else they are readings of several steps
            moves = Moves((before + x) / 2, x - before, "step")
            return _with_surprise(run, moves, before, potential)
    if v is not None and name in HEAVY_BALL:
        return Moves(x + v / 2, -v, "step")
    if v is not None and name.startswith("underdamped"):
        return Moves(x, v, "time")
    raise ValueError(
        "run must hold two adjacent steps, or the velocity of the heavy ball or of underdamped "
        f"Langevin dynamics, got {name!r} without. Simulate n + 1 steps with every=n, or take "
        "reducers.rotation along the run."
    )


def _with_surprise(run, moves, before, potential):
    """The moves with their `surprise`, if the mean of a move is known."""
    about = dynamics_of(run)
    rate = about["params"].get(DRIVEN_BY.get(about["name"]))
    known = isinstance(rate, float) and sampling_of(run) not in REMEMBERING
    if potential is None or potential.domain is not None or not known:
        return moves
    surprise = moves.move + rate * mean_push(run, potential, before)
    return moves._replace(before=before, surprise=surprise)


def turning(moves, whitening, decays, pairs):
    """What each particle adds to its weighted rotations, (n, decays, pairs).

    exp(-decay |y|^2/2) (x_i dx_j - x_j dx_i) with y = x `whitening` in the middle of the move. Less
    the same at its beginning with the surprise for the move, whose mean is zero, where that is
    known: what is left is smaller by the square root of the step, and the mean is the same."""
    rows, columns = pairs

    def turned(place, move):
        wedge = place[:, rows] * move[:, columns] - place[:, columns] * move[:, rows]
        distance = ((place @ whitening) ** 2).sum(axis=1, keepdims=True)
        return np.exp(-0.5 * distance * decays)[:, :, None] * wedge[:, None, :]

    found = turned(moves.place, moves.move)
    if moves.before is None:
        return found
    left = found - turned(moves.before, moves.surprise)
    left[np.abs(left) < 1e-12 * np.abs(found)] = 0.0  # a central force and w = 1: rounding only
    return left


class Sample(NamedTuple):
    """Means (p,) of numbers of independent particles; the covariance (p, p) of one particle's."""

    mean: np.ndarray
    covariance: np.ndarray
    size: int

    def error(self):
        """Standard errors of the means."""
        return np.sqrt(np.diagonal(self.covariance) / self.size)


def turning_sample(moves, whitening, decays, pairs):
    """The `Sample` of `turning`, worked out in parts."""
    n, entries = len(moves.place), len(decays) * len(pairs[0])
    total, products = np.zeros(entries), np.zeros((entries, entries))
    chunk = max(1, TURNINGS_AT_A_TIME // entries)
    for start in range(0, n, chunk):
        part = slice(start, start + chunk)
        some = Moves(*(value[part] if isinstance(value, np.ndarray) else value for value in moves))
        numbers = turning(some, whitening, decays, pairs).reshape(-1, entries)
        total += numbers.sum(axis=0)
        products += numbers.T @ numbers
    mean = total / n
    return Sample(mean, (products - n * np.outer(mean, mean)) / (n - 1), n)


@checked(
    potential=optional(landscape),
    decays=optional(decays_of_weights),
    center=optional(finite_array),
    covariance=optional(positive_matrix),
    **AT_STEP,
)
def rotation_rate(
    run,
    *,
    potential=None,
    decays=None,
    center=None,
    covariance=None,
    step=None,
    on_diverged="raise",
):
    """How fast a run goes round, from two adjacent stored steps: zero in detailed balance.

    Weighted rotations E[w(x) (x_i dx_j - x_j dx_i)] per step, or from velocities. In detailed
    balance they vanish for every weight w, at any step length. Twice the area swept for w = 1;
    other weights see currents that turn one way inside and the other way outside, as those of
    `noise.swirl_noise`.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate`, on a domain that is not periodic; uses ``x`` of the step and of the
        one before if that is stored, else ``v`` of the heavy ball (whose v is the last move) or of
        underdamped Langevin dynamics (then per time).
    potential : Potential or Loss, optional
        What the particles moved in. With it, and two adjacent steps of plain SGD with fresh noise
        or of Euler-Maruyama's Langevin at constant rate, the part of a move that is known to
        average out is left out: smaller errors, by the square root of the rate.
    decays : (k,) array, >= 0, optional
        Weights exp(-decay rho^2/2), rho^2 = (x - center)' covariance^-1 (x - center), x in the
        middle of a move; default 0, 2/d, 4/d.
    center, covariance : (d,) array, (d, d) array or (d,) variances, optional
        In units of length and length^2; default those of the sample.
    step, on_diverged
        As in `density`.

    Returns
    -------
    xarray.Dataset
        ``rotation`` (decay, component, component_j), antisymmetric, and its standard error, in
        length^2 per step (or per time); ``p_value`` of "nothing goes round" from all of them
        (Hotelling).

    Raises
    ------
    TypeError, ValueError
        In one dimension, if the run stores no two adjacent steps and no such velocity, for fewer
        than ten particles per number, and for dependent or diverged particles.

    Notes
    -----
    Reversal swaps the ends of a move: the middle stays, the move changes its sign. For a diffusion
    E[w (x_i dx_j - x_j dx_i)] = dt int w (x_i J_j - x_j J_i) + O(dt^2) with J the current: no grid.
    Errors take the sample's center and covariance as given. Derived.

    Examples
    --------
    Near a minimum `theory.weighted_rotation` knows it: 2.09e-05 (length^2 per step) for w = 1.

    >>> well = ls.potentials.double_well(dim=2, coupling=0.8)
    >>> noise = ls.noise.gaussian([0.01, 0.001])
    >>> plan = {"particles": 4000, "steps": 100, "every": 99, "x0": [1.0, 0.8], "seed": 1}
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, **plan)
    >>> found = ls.analysis.rotation_rate(run).isel(decay=0, component=0, component_j=1)
    >>> print(f"{found.rotation:.1e} +- {found.rotation_standard_error:.0e}")
    2.2e-05 +- 2e-06
    """
    particles = at_step(run, step, on_diverged)
    d = particles.x.shape[1]
    if d < 2:
        raise ValueError("run must have at least two components for a rotation, got 1.")
    if center is not None and center.shape not in ((), (d,)):
        raise ValueError(f"center must be None or have the shape ({d},), got {center.shape}.")
    if potential is not None:
        potential = landscape_of(run, potential, walls=True)
    if has_walls(run, ("periodic",)):
        raise ValueError(
            "run must not be periodic: its walls fold the moves. Use reducers.currents."
        )
    moves = moves_of(run, particles, potential)
    decays = default_decays(d) if decays is None else decays
    center = moves.place.mean(axis=0) if center is None else np.broadcast_to(center, d)
    spread = np.cov(moves.place.T)
    if covariance is not None:
        spread = positive_matrix(covariance, "covariance", d)
    whitening = white_columns(spread)
    rows, columns = np.triu_indices(d, 1)
    found = turning_sample(moves.along(center, np.eye(d)), whitening, decays, (rows, columns))
    matrices = np.zeros((2, len(decays), d, d))
    for matrix, values, sign in zip(matrices, (found.mean, found.error()), (-1, 1), strict=True):
        matrix[:, rows, columns] = values.reshape(len(decays), -1)
        matrix[:, columns, rows] = sign * matrix[:, rows, columns]
    dims, text = ("decay", "component", "component_j"), "weighted rotation"
    p_value = hotelling(found.mean, found.covariance, found.size)
    variables = {
        **with_error("rotation", dims, matrices, text, f"length^2 / {moves.per}"),
        "p_value": labelled((), p_value, "p-value of no rotation"),
        "decay": labelled("decay", decays, "decay of the weight exp(-decay rho^2/2)"),
    }
    return xr.Dataset(variables, attrs=attributes(run, particles))


def rotation_deviation(run, particles, potential=None):
    """The `Deviation` of weighted rotations from none, invariant under linear maps of x.

    In coordinates in which x is white and the components of a move are uncorrelated, the effects
    are E[w (y_i dy_j - y_j dy_i)] over (E[dy_i^2] + E[dy_j^2])/2 (its root, for velocities), with
    the weights of `default_decays`: for a linear process and w = 1 the antisymmetric over the
    symmetric part of its drift. Of many components as many are paired as give `MOST_ROTATIONS`
    numbers and `PARTICLES_PER_ENTRY` particles for each, evenly from the slowest to the fastest.

    Parameters
    ----------
    run : xarray.Dataset
    particles : Particles
        Of the run, from `at_step`.
    potential : Potential or Loss, optional
        As in `rotation_rate`; the mean of a population.

    Raises
    ------
    ValueError
        With the reason, if the run does not tell how its particles move, or for too few of them.

    Notes
    -----
    Calibrated under detailed balance; noise that depends on x in Euler's scheme breaks it by an
    entropy production of order rate^3 to rate^4 per step only."""
    found, scale = mode_rotations(moves_of(run, particles, potential))
    p_value = hotelling(found.mean, found.covariance, found.size)
    return Deviation(found.mean / scale, found.error() / scale, p_value)


def mode_rotations(moves):
    """The `Sample` of weighted rotations in white coordinates, and their scales, as
    `rotation_deviation` says."""
    center = moves.place.mean(axis=0)
    white = moves.along(center, white_columns(np.cov(moves.place.T, ddof=0)))
    if not white.move.size:
        raise ValueError("rotations need a spread of the particles, but all are at one point.")
    power, vectors = np.linalg.eigh(white.move.T @ white.move / len(white.move))
    moving = np.flatnonzero(power > 1e-12 * power[-1])
    decays = default_decays(len(power))
    affordable = min(MOST_ROTATIONS, len(white.move) // PARTICLES_PER_ENTRY) // len(decays)
    paired = min(len(moving), int((1 + np.sqrt(1 + 8 * affordable)) / 2))
    if paired < 2:
        raise ValueError(
            f"rotations need two moving components and {PARTICLES_PER_ENTRY * len(decays)} "
            f"particles, got {len(moving)} and {len(white.move)}."
        )
    chosen = moving[np.linspace(0, len(moving) - 1, paired).round().astype(int)]
    pairs = tuple(chosen[index] for index in np.triu_indices(paired, 1))
    modes = white.along(np.zeros(len(power)), vectors)
    found = turning_sample(modes, np.eye(len(power)), decays, pairs)
    scale = (power[pairs[0]] + power[pairs[1]]) / 2
    return found, np.tile(scale if moves.per == "step" else np.sqrt(scale), len(decays))


def white_columns(covariance):
    """(d, k): columns along which x has unit variance and no correlation; directions without
    spread are left out."""
    covariance = np.atleast_2d(covariance)
    scale = np.sqrt(np.diagonal(covariance))
    scale[scale == 0] = 1.0  # first the units, so that they count for nothing
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    kept = values > 1e-12 * values[-1]
    return vectors[:, kept] / np.sqrt(values[kept]) / scale[:, None]
