"""Every linear update with independent noise is one pair of matrices; all its statistics follow
from them.

    z' = F z + G w,     E w = 0,   Cov w = W,   w independent from step to step

SGD, heavy ball, both Nesterov forms and the Langevin splittings on a quadratic differ only in F, G
and W. Second moments need no Gaussian noise. The first `dim` components of z are the position x,
the rest is memory: for SGD the last displacement. Every function takes stacks: leading axes of F,
G, W are a sweep. The relative rounding error is about 1e-16/(1 - rho), where rho is the spectral
radius of F. Functions that need a stationary law raise ValueError where there is none."""

from typing import NamedTuple

import numpy as np

from ..arguments import (
    check_count,
    covariance_matrix,
    finite_array,
    formula,
    instance,
    optional,
    square_matrix,
    whole,
)

MOST_STEPS = 10**6
MOST_ONE_BY_ONE = 10**4


class LinearProcess(NamedTuple):
    """A linear update z' = F z + G w with Cov w = W; see the head of this module.

    Fields: ``transition`` F (..., n, n); ``noise_input`` G (..., n, k); ``noise_covariance`` W
    (..., k, k), in units of the squared gradient for SGD; ``dim`` = d, the number of position
    components at the front of z."""

    transition: np.ndarray
    noise_input: np.ndarray
    noise_covariance: np.ndarray
    dim: int


class StationaryBlocks(NamedTuple):
    """Blocks (..., d, d) of the stationary covariance: E[x x'], E[x v'] and E[v v'] of position x
    and velocity v."""

    position: np.ndarray
    position_velocity: np.ndarray
    velocity: np.ndarray


def linear_process(value, name):
    """A check: `value` as a `LinearProcess` of finite arrays that fit together."""
    instance(value, name, LinearProcess, "a LinearProcess, as linear_sgd and langevin_process make")
    transition = square_matrix(value.transition, f"{name}.transition")
    noise_input = finite_array(value.noise_input, f"{name}.noise_input")
    size = transition.shape[-1]
    if noise_input.ndim < 2 or noise_input.shape[-2] != size or not 0 < value.dim <= size:
        raise ValueError(
            f"{name} has a transition of {size} components, a noise_input of the shape "
            f"{noise_input.shape} and dim = {value.dim}: they must fit together."
        )
    columns = noise_input.shape[-1]
    noise = covariance_matrix(value.noise_covariance, f"{name}.noise_covariance", columns)
    return LinearProcess(transition, noise_input, noise, value.dim)


def matrix_or_process(value, name):
    """A check: the transition of a `LinearProcess`, or a (..., n, n) array."""
    return square_matrix(getattr(value, "transition", value), name)


# ---- stacks of matrices --------------------------------------------------------------------------


def transpose(matrix):
    """Swap the last two axes, so that stacks of matrices transpose one by one."""
    return np.swapaxes(matrix, -1, -2)


def trace(matrix):
    """The trace of each matrix of a stack."""
    return np.trace(matrix, axis1=-2, axis2=-1)


def over_matrices(*numbers):
    """Numbers that broadcast together, with two more axes: each multiplies a stack of matrices."""
    return [number[..., None, None] for number in np.broadcast_arrays(*numbers)]


def one_by_one(function, *numbers, outputs=1):
    """`function` of each entry of the numbers of a sweep; a float, or an array (or `outputs` of
    them) of their shape."""
    check_count(np.broadcast(*numbers).size, "a sweep", MOST_ONE_BY_ONE)
    values = np.vectorize(function, otypes=[float] * outputs)(*numbers)
    return values[()] if outputs == 1 else tuple(value[()] for value in values)


def stacked(rows):
    """Like np.block, for blocks whose leading axes broadcast."""
    shape = np.broadcast_shapes(*(block.shape[:-2] for row in rows for block in row))
    full = [[np.broadcast_to(block, (*shape, *block.shape[-2:])) for block in row] for row in rows]
    return np.concatenate([np.concatenate(row, -1) for row in full], -2)


# ---- the stationary law --------------------------------------------------------------------------


@formula(transition=matrix_or_process)
def spectral_radius(transition):
    """Largest modulus of an eigenvalue of a (..., n, n) array or of a `LinearProcess`, (...),
    dimensionless; below 1 an update has a stationary law. Source: definition."""
    return np.abs(np.linalg.eigvals(transition)).max(axis=-1)


def injected_covariance(process):
    """Covariance G W G' of what one step adds to the state, (..., n, n)."""
    return process.noise_input @ process.noise_covariance @ transpose(process.noise_input)


def solve_stationary(transition, injected):
    """Solve Z = F Z F' + N, (..., n, n), by doubling: Z <- Z + F Z F', F <- F F (Smith's squared
    iteration).

    Doubling adds positive terms only, so Z is positive semidefinite; the number of passes is
    log2(36 / (1 - rho)).

    Raises ValueError if rho >= 1, or if the residual exceeds 1e-6 of N: the slowest mode then
    relaxes too slowly for double precision."""
    radius = np.max(spectral_radius(transition))
    if not radius < 1:
        raise ValueError(
            f"the update has spectral radius {radius:.6g} >= 1, so it has no stationary law; "
            "lower the step"
        )
    covariance, power = injected, transition
    for _ in range(64):
        addition = power @ covariance @ transpose(power)
        covariance, power = covariance + addition, power @ power
        if np.all(np.abs(addition) <= 1e-18 * np.abs(covariance).max(axis=(-1, -2), keepdims=True)):
            break
    residual = covariance - transition @ covariance @ transpose(transition) - injected
    allowed = 1e-6 * np.abs(injected).max(axis=(-1, -2))
    if np.any(np.abs(residual).max(axis=(-1, -2)) > allowed):
        raise ValueError(
            f"1 - spectral radius = {1 - radius:.3g} is too small for double precision; drop the "
            "flat directions"
        )
    return (covariance + transpose(covariance)) / 2


@formula(process=linear_process)
def state_covariance(process):
    """Stationary covariance of the whole state z, (..., n, n): the solution of Z = F Z F' + G W G'.

    Exact for any noise with covariance W, any step size below the threshold. Source: stationarity
    of E[z z'] under the update."""
    return solve_stationary(process.transition, injected_covariance(process))


def position_covariance(process):
    """The position block (..., d, d) of `state_covariance`."""
    return state_covariance(process)[..., : process.dim, : process.dim]


@formula(process=linear_process)
def stationary_blocks(process):
    """Position, position-velocity and velocity blocks of the stationary covariance, as
    `StationaryBlocks`.

    For SGD processes velocity means the displacement v' = x - x' of the last step (units of x), for
    Langevin splittings the velocity itself. Any scheme that moves by x' = x - v' satisfies E[x v']
    + E[v x'] = -E[v v']. Exact; source: as `state_covariance`. Raises ValueError if the process
    carries no velocity."""
    d, size = process.dim, process.transition.shape[-1]
    if size != 2 * d:
        raise ValueError(
            f"process has a state of {size} components, not 2 * {d}: it carries no velocity."
        )
    covariance = state_covariance(process)
    return StationaryBlocks(
        covariance[..., :d, :d], covariance[..., :d, d:], covariance[..., d:, d:]
    )


# ---- in time -------------------------------------------------------------------------------------


@formula(process=linear_process, lags=whole(0, MOST_STEPS))
def autocovariance(process, lags):
    """Stationary E[x(t + k) x(t)'] for k = 0 ... ``lags``, an array (lags + 1, ..., d, d), in
    squared units of x.

    F^k Z, position block; exact. Its decay gives every integrated autocorrelation time. Derived:
    E[z(t+k) z(t)'] = F^k Z."""
    d, correlation = process.dim, state_covariance(process)
    check_count((lags + 1) * correlation.size, "lags")
    values = np.empty((lags + 1, *correlation.shape[:-2], d, d))
    values[0] = correlation[..., :d, :d]
    for k in range(1, lags + 1):
        correlation = process.transition @ correlation
        values[k] = correlation[..., :d, :d]
    return values


@formula(process=linear_process, steps=optional(whole(1)))
def time_average_covariance(process, steps=None):
    """Covariance of the mean of ``steps`` successive stationary positions, (..., d, d);
    ``steps=None`` gives n Cov as n grows.

    n Cov(mean) = sum over |k| < n of (1 - |k|/n) E[x(t+k) x(t)']. The limit for every form of SGD
    is H^-1 C H^-1 whatever the learning rate and momentum: only noise at zero frequency is left.
    Derived from F^k Z with A = (I - F)^-1: sum_{k<n} (1 - k/n) F^k = A - F (I - F^n) A^2 / n."""
    d, transition = process.dim, process.transition
    covariance, identity = state_covariance(process), np.eye(transition.shape[-1])
    weights = inverse = np.linalg.inv(identity - transition)
    if steps is not None:
        left = identity - np.linalg.matrix_power(transition, steps)
        weights = inverse - transition @ left @ inverse @ inverse / steps
    half = weights @ covariance
    return ((half + transpose(half) - covariance) / (steps or 1))[..., :d, :d]


@formula(process=linear_process)
def area_per_step(process):
    """Mean area E[x_i(t) x_j(t+1) - x_j(t) x_i(t+1)] / 2 swept in one stationary step, (..., d, d),
    squared units of x.

    Antisymmetric; zero for a reversible process. For SGD without momentum it equals (learning_rate
    / 2)(H S - S H). Exact. Derived: E[z(t+1) z(t)'] = F Z, of which this is half the antisymmetric
    part."""
    d = process.dim
    lagged = (process.transition @ state_covariance(process))[..., :d, :d]
    return (transpose(lagged) - lagged) / 2


@formula(process=linear_process, i=whole(0), j=whole(0))
def area_variance(process, i=0, j=1):
    """Variance of the area swept by one stationary step in the plane of coordinates i and j, (...),
    for Gaussian noise.

    In the fourth power of the units of x. Derived: a = (x_i y_j - x_j y_i)/2, y = x(t+1), and
    Isserlis' theorem on the joint Gaussian of x and y. It sets the sample size for a z-test of
    `area_per_step`: n independent pairs have standard error sqrt(variance / n)."""
    d = process.dim
    if max(i, j) >= d:
        raise ValueError(f"i = {i}, j = {j}: the coordinates are counted from 0 to {d - 1}.")
    covariance = state_covariance(process)
    lagged, s = (process.transition @ covariance)[..., :d, :d], covariance[..., :d, :d]

    def covariance_of_products(a, b, c, e):
        return s[..., a, c] * s[..., b, e] + lagged[..., e, a] * lagged[..., b, c]

    same = covariance_of_products(i, j, i, j) + covariance_of_products(j, i, j, i)
    return (same - 2 * covariance_of_products(i, j, j, i)) / 4


@formula(
    process=linear_process,
    mean=finite_array,
    covariance=optional(finite_array),
    steps=optional(whole(0, MOST_STEPS)),
)
def evolve(process, mean, covariance=None, steps=None):
    """Exact mean (steps + 1, d) and covariance (steps + 1, d, d) of the position after every step,
    under a constant or a scheduled update.

    Parameters
    ----------
    process : LinearProcess
        Constant (give ``steps``), or with one leading axis that counts the steps: `linear_sgd` with
        arrays of learning rates, batch sizes or momenta makes such a schedule.
    mean : (d,) or (n,) array
        Start, in units of x; if only the position is given, the memory starts at zero.
    covariance : (d, d) or (n, n) array, optional
        Covariance of the start; zero by default.
    steps : int, optional
        Number of steps of a constant process.

    Notes
    -----
    ValueError if neither or both of a schedule and ``steps`` are given, or for a start that does
    not fit. m' = F m, S' = F S F' + G W G': exact for any schedule and any noise law with
    covariance W; unstable steps are allowed, the time is finite. In `linear_sgd` the learning rate
    stands inside v, so a change leaves the old velocity as it is. PyTorch's heavy ball keeps it
    outside; that is the same update with momentum_k = mu eta_k / eta_(k-1). Derived."""
    d, size = process.dim, process.transition.shape[-1]
    if process.transition.ndim - 2 + (steps is not None) != 1:
        raise ValueError(
            f"process has a transition of the shape {process.transition.shape} and steps = "
            f"{steps!r}: pass a schedule with one leading axis, or a constant process and the "
            "number of steps."
        )
    state, spread = _padded(mean, "mean", (d,), (size,)), np.zeros((size, size))
    if covariance is not None:
        covariance = _padded(covariance, "covariance", (d, d), (size, size))
        spread = covariance_matrix(covariance, "covariance")
    count = len(process.transition) if steps is None else steps
    check_count((count + 1) * size**2, "steps")
    transitions = np.broadcast_to(process.transition, (count, size, size))
    injected = np.broadcast_to(injected_covariance(process), (count, size, size))
    means, covariances = [state[:d]], [spread[:d, :d]]
    for transition, noise in zip(transitions, injected, strict=True):
        state = transition @ state
        spread = transition @ spread @ transition.T + noise
        means.append(state[:d])
        covariances.append(spread[:d, :d])
    return np.array(means), np.array(covariances)


def _padded(given, name, position_shape, state_shape):
    """A start that is given for the position only, with zeros for the memory."""
    if given.ndim == 0 and position_shape[0] == 1:
        given = given.reshape(position_shape)
    if given.shape not in (position_shape, state_shape):
        raise ValueError(
            f"{name} must have the shape {position_shape} of the position or {state_shape} of the "
            f"whole state, got {given.shape}."
        )
    return np.pad(given, [(0, n - m) for n, m in zip(state_shape, given.shape, strict=True)])
