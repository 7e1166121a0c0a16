"""Every linear update with independent noise is one pair of matrices, with all its statistics.

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
    instance,
    square_matrix,
)
from .meanings import exact, formula_of

MOST_ONE_BY_ONE = 10**4


class LinearProcess(NamedTuple):
    """A linear update z' = F z + G w with Cov w = W, of a state z of position and memory.

    Parameters
    ----------
    transition : (..., n, n) array
        F, the map of one step.
    noise_input : (..., n, k) array
        G, how the noise enters.
    noise_covariance : (..., k, k) array
        W, in units of the squared gradient for SGD.
    dim : int
        Number d of position components at the front of z.

    Examples
    --------
    A random walk that forgets half of its position has the variance 1/(1 - 1/4):

    >>> process = ls.theory.LinearProcess([[0.5]], [[1.0]], [[1.0]], 1)
    >>> round(ls.theory.state_covariance(process).item(), 4)
    1.3333
    """

    transition: np.ndarray
    noise_input: np.ndarray
    noise_covariance: np.ndarray
    dim: int


class StationaryBlocks(NamedTuple):
    """Blocks of the stationary covariance of position x and velocity v.

    Parameters
    ----------
    position : (..., d, d) array
        E[x x'].
    position_velocity : (..., d, d) array
        E[x v'].
    velocity : (..., d, d) array
        E[v v'].

    Examples
    --------
    On x^2/2 the integrator BAOAB has the position right, T = 1, and the velocity 1 - step^2/4:

    >>> process = ls.theory.langevin_process(1.0, 1.0, 1.0, method="baoab", friction=1.0)
    >>> blocks = ls.theory.stationary_blocks(process)
    >>> round(blocks.position.item(), 4), round(blocks.velocity.item(), 4)
    (1.0, 0.75)
    """

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


of_process = formula_of(process=linear_process)


# ---- stacks of matrices --------------------------------------------------------------------------


def trace(matrix):
    """The trace of each matrix of a stack."""
    return np.trace(matrix, axis1=-2, axis2=-1)


def over_matrices(*numbers):
    """Numbers that broadcast together, with two more axes: each multiplies a stack of matrices."""
    return [number[..., None, None] for number in np.broadcast_arrays(*numbers)]


def one_by_one(function, *numbers, outputs=1):
    """`function` of each entry of the numbers of a sweep, a float or an array of their shape.

    A tuple of `outputs` such results if there are several."""
    check_count(np.broadcast(*numbers).size, "a sweep", MOST_ONE_BY_ONE)
    values = np.vectorize(function, otypes=[float] * outputs)(*numbers)
    return values[()] if outputs == 1 else tuple(value[()] for value in values)


def stacked(rows):
    """Like np.block, for blocks whose leading axes broadcast."""
    shape = np.broadcast_shapes(*(block.shape[:-2] for row in rows for block in row))
    full = [[np.broadcast_to(block, (*shape, *block.shape[-2:])) for block in row] for row in rows]
    return np.concatenate([np.concatenate(row, -1) for row in full], -2)


# ---- the stationary law --------------------------------------------------------------------------


@exact(transition=matrix_or_process)
def spectral_radius(transition):
    """Largest modulus of an eigenvalue, below which 1 an update has a stationary law.

    Parameters
    ----------
    transition : (..., n, n) array or LinearProcess
        F of z' = F z + G w.

    Returns
    -------
    (...) array
        Dimensionless.

    Raises
    ------
    ValueError
        If the matrix is not square or not finite.

    Notes
    -----
    Source: definition.

    Examples
    --------
    Heavy ball at eta h = 1 and mu = 0.81: a complex pair of modulus sqrt(mu).

    >>> process = ls.theory.linear_sgd(1.0, 1.0, learning_rate=1.0, momentum=0.81)
    >>> round(float(ls.theory.spectral_radius(process)), 4)
    0.9
    """
    return np.abs(np.linalg.eigvals(transition)).max(axis=-1)


def injected_covariance(process):
    """Covariance G W G' of what one step adds to the state, (..., n, n)."""
    return process.noise_input @ process.noise_covariance @ process.noise_input.mT


def solve_stationary(transition, injected):
    """Solve Z = F Z F' + N, (..., n, n), by doubling: Smith's squared iteration.

    Z <- Z + F Z F', F <- F F adds positive terms only, so Z is positive semidefinite; the number of
    passes is log2(36 / (1 - rho)).

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
        addition = power @ covariance @ power.mT
        covariance, power = covariance + addition, power @ power
        if np.all(np.abs(addition) <= 1e-18 * np.abs(covariance).max(axis=(-1, -2), keepdims=True)):
            break
    residual = covariance - transition @ covariance @ transition.mT - injected
    allowed = 1e-6 * np.abs(injected).max(axis=(-1, -2))
    if np.any(np.abs(residual).max(axis=(-1, -2)) > allowed):
        raise ValueError(
            f"1 - spectral radius = {1 - radius:.3g} is too small for double precision; drop the "
            "flat directions"
        )
    return (covariance + covariance.mT) / 2


@of_process
def state_covariance(process):
    """Stationary covariance of the whole state of a linear process.

    Parameters
    ----------
    process : LinearProcess
        Of `linear_sgd`, `langevin_process` or your own matrices.

    Returns
    -------
    (..., n, n) array
        The solution of Z = F Z F' + G W G'.

    Raises
    ------
    ValueError
        If the spectral radius is not below 1, or so close to it that double precision ends.

    Notes
    -----
    Exact for any noise with covariance W, any step size below the threshold. Source: stationarity
    of E[z z'] under the update.

    Examples
    --------
    SGD on x^2/2 with eta = 1/2: eta Sigma/(2 - eta) = 1/3, for the position and for its last
    displacement.

    >>> process = ls.theory.linear_sgd(1.0, 1.0, learning_rate=0.5)
    >>> ls.theory.state_covariance(process).round(4).tolist()
    [[0.3333, -0.1667], [-0.1667, 0.3333]]
    """
    return solve_stationary(process.transition, injected_covariance(process))


def position_covariance(process):
    """The position block (..., d, d) of `state_covariance`."""
    return state_covariance(process)[..., : process.dim, : process.dim]


@of_process
def stationary_blocks(process):
    """Position, position-velocity and velocity blocks of the stationary covariance.

    Parameters
    ----------
    process : LinearProcess
        That carries a velocity, of `linear_sgd` or `langevin_process`.

    Returns
    -------
    StationaryBlocks
        Each (..., d, d).

    Raises
    ------
    ValueError
        If the process carries no velocity, or has no stationary law.

    Notes
    -----
    For SGD processes velocity means the displacement v' = x - x' of the last step (units of x), for
    Langevin splittings the velocity itself. Any scheme that moves by x' = x - v' satisfies
    E[x v'] + E[v x'] = -E[v v']. Exact; source: as `state_covariance`.

    Examples
    --------
    Heavy ball on x^2/2, eta = mu = 1/2: E x^2 = 0.6 and E v^2 = 0.4, of which E x v is minus half.

    >>> process = ls.theory.linear_sgd(1.0, 1.0, learning_rate=0.5, momentum=0.5)
    >>> [round(block.item(), 4) for block in ls.theory.stationary_blocks(process)]
    [0.6, -0.2, 0.4]
    """
    d, size = process.dim, process.transition.shape[-1]
    if size != 2 * d:
        raise ValueError(
            f"process has a state of {size} components, not 2 * {d}: it carries no velocity."
        )
    covariance = state_covariance(process)
    return StationaryBlocks(
        covariance[..., :d, :d], covariance[..., :d, d:], covariance[..., d:, d:]
    )
