"""Currents and entropy production of linear dynamics: how far they are from equilibrium.

No current and Boltzmann are different statements: with constant noise that commutes with H but is
not isotropic the current vanishes and the law is still not exp(-U/T)."""

from typing import NamedTuple

import numpy as np

from ..arguments import optional, positive_matrix, square_matrix, whole, within
from .linear_process import (
    injected_covariance,
    of_process,
    position_covariance,
    state_covariance,
    trace,
)
from .linear_process_in_time import autocovariance
from .meanings import exact


class OrnsteinUhlenbeck(NamedTuple):
    """Stationary state of dx = -A x dt + sqrt(2 D) dW.

    Parameters
    ----------
    covariance : (..., d, d) array
        S, in squared units of x.
    circulation : (..., d, d) array
        Q = (A S - S A')/2, antisymmetric, also the area swept per unit time.
    current_velocity : (..., d, d) array
        Omega = -Q S^-1, so that the current is J(x) = Omega x p(x); per unit time.
    entropy_production : (...) array
        Per unit time.

    Examples
    --------
    In equilibrium nothing turns, whatever the temperatures of the components:

    >>> state = ls.theory.ornstein_uhlenbeck([[3.0, 0.0], [0.0, 0.5]], [1.0, 2.0])
    >>> float(state.entropy_production), abs(state.circulation).max().item()
    (0.0, 0.0)
    """

    covariance: np.ndarray
    circulation: np.ndarray
    current_velocity: np.ndarray
    entropy_production: np.ndarray


@exact(drift=square_matrix, diffusion=positive_matrix)
def ornstein_uhlenbeck(drift, diffusion):
    """Covariance, circulation, current and entropy production of dx = -A x dt + sqrt(2 D) dW.

    Parameters
    ----------
    drift : (..., d, d) array
        A, per unit time; need not be symmetric. For SGD at a small learning rate it is the hessian,
        with t = eta * steps.
    diffusion : (..., d, d) matrix or (d,) diagonal
        D, squared units of x per time; for SGD eta Sigma / (2 B) at momentum 0. Leading axes
        broadcast with those of the drift (a sweep).

    Returns
    -------
    OrnsteinUhlenbeck
        A S + S A' = 2 D, A S = D + Q, entropy production -tr(D^-1 Q S^-1 Q). Q = 0 if A is
        symmetric and commutes with D.

    Raises
    ------
    ValueError
        If an eigenvalue of A has a real part <= 0 (no stationary state), or if D is singular (the
        entropy production is then infinite or undefined).

    Notes
    -----
    Exact for the diffusion; for SGD relative error of order eta. Source: Godreche and Luck 2018;
    Kwon et al. 2005. Derived from the Lyapunov equation.

    Examples
    --------
    A spiral dx = (-x + y) dt, dy = (-x - y) dt with D = 1 has S = 1 and turns clockwise at the rate
    1: E[x dy - y dx]/2 = -1 per unit time, and the entropy production is 2.

    >>> state = ls.theory.ornstein_uhlenbeck([[1.0, -1.0], [1.0, 1.0]], [1.0, 1.0])
    >>> state.circulation[0, 1].item(), float(state.entropy_production)
    (-1.0, 2.0)
    """
    import scipy.linalg

    diffusion = positive_matrix(diffusion, "diffusion", drift.shape[-1])
    slowest = np.linalg.eigvals(drift).real.min()
    if slowest <= 0:
        raise ValueError(
            f"drift has an eigenvalue with real part {slowest:.6g}; all must be > 0 for a "
            "stationary state."
        )
    solve = np.vectorize(scipy.linalg.solve_continuous_lyapunov, signature="(d,d),(d,d)->(d,d)")
    covariance = solve(drift, 2 * diffusion)
    flow = drift @ covariance
    residual = np.abs(flow + flow.mT - 2 * diffusion).max(axis=(-1, -2))
    if np.any(residual > 1e-8 * np.abs(diffusion).max(axis=(-1, -2))):
        raise ValueError(
            f"drift makes the Lyapunov equation too ill-conditioned (residual "
            f"{residual.max():.3g}); rescale or drop slow directions."
        )
    circulation = (flow - flow.mT) / 2
    velocity = -(np.linalg.solve(covariance, circulation.mT)).mT
    dissipated = np.linalg.solve(diffusion, velocity @ covariance @ velocity.mT)
    return OrnsteinUhlenbeck(covariance, circulation, velocity, trace(dissipated))


@of_process
def area_per_step(process):
    """Mean area swept in one stationary step, E[x_i(t) x_j(t+1) - x_j(t) x_i(t+1)] / 2.

    Parameters
    ----------
    process : LinearProcess
        Of `linear_sgd`, `langevin_process` or your own matrices.

    Returns
    -------
    (..., d, d) array
        Antisymmetric, in squared units of x; zero for a reversible process.

    Raises
    ------
    ValueError
        If there is no stationary law.

    Notes
    -----
    For SGD without momentum it equals (learning_rate / 2)(H S - S H). Exact. Derived:
    E[z(t+1) z(t)'] = F Z, of which this is half the antisymmetric part.

    Examples
    --------
    Curvatures 3 and 0.5, correlated noise and eta = 0.4: S_01 = 0.4 * 0.9/(3.5 - 0.4 * 1.5), and
    the area is (0.4/2)(3 - 0.5) S_01.

    >>> process = ls.theory.linear_sgd([3.0, 0.5], [[2.0, 0.9], [0.9, 1.0]], learning_rate=0.4)
    >>> ls.theory.area_per_step(process).round(4)[0, 1].item()
    0.0621
    """
    d = process.dim
    lagged = (process.transition @ state_covariance(process))[..., :d, :d]
    return (lagged.mT - lagged) / 2


@of_process(i=whole(0), j=whole(0))
def area_variance(process, i=0, j=1):
    """Variance of the area that one stationary step sweeps in a plane, for Gaussian noise.

    Parameters
    ----------
    process : LinearProcess
        Of `linear_sgd`, `langevin_process` or your own matrices.
    i, j : int
        Coordinates of the plane, from 0.

    Returns
    -------
    (...) array
        In the fourth power of the units of x.

    Raises
    ------
    ValueError
        For a coordinate that is not there, or if there is no stationary law.

    Notes
    -----
    Derived: a = (x_i y_j - x_j y_i)/2, y = x(t+1), and Isserlis' theorem on the joint Gaussian of x
    and y. It sets the sample size for a z-test of `area_per_step`: n independent pairs have
    standard error sqrt(variance / n).

    Examples
    --------
    The mean area 0.0621 is a fifth of the standard deviation 0.284 of one pair, so that five
    standard errors need 525 independent pairs:

    >>> process = ls.theory.linear_sgd([3.0, 0.5], [[2.0, 0.9], [0.9, 1.0]], learning_rate=0.4)
    >>> variance, area = ls.theory.area_variance(process), ls.theory.area_per_step(process)[0, 1]
    >>> round(float(variance**0.5), 3), round(float(25 * variance / area**2))
    (0.284, 525)
    """
    d = process.dim
    if max(i, j) >= d:
        raise ValueError(f"i = {i}, j = {j}: the coordinates are counted from 0 to {d - 1}.")
    covariance, plane = state_covariance(process), np.ix_([i, j], [i, j])
    lagged = (process.transition @ covariance)[..., *plane]
    squares = lagged[..., 0, 1] ** 2 + lagged[..., 1, 0] ** 2
    still = np.linalg.det(covariance[..., *plane]) - lagged[..., 0, 0] * lagged[..., 1, 1]
    return (squares + 2 * still) / 4


@of_process(decay=within(at_least=0), covariance=optional(positive_matrix))
def weighted_rotation(process, decay=0.0, covariance=None):
    """Mean rotation in one step of a stationary linear process, weighted by a Gaussian.

    Parameters
    ----------
    process : LinearProcess
        With Gaussian noise.
    decay : float
        How fast the weight falls with the distance from the origin; 0 for none.
    covariance : (d, d) array, optional
        C, the unit of that distance, in squared units of x; default the identity.

    Returns
    -------
    (..., d, d) array
        E[exp(-decay m' C^-1 m / 2) (m_i dx_j - m_j dx_i)] with the middle m = (x + x')/2 of the
        step and dx = x' - x; in squared units of x. Antisymmetric, 0 for a reversible process;
        twice `area_per_step` at decay 0.

    Raises
    ------
    ValueError
        If there is no stationary law, or C is not positive definite.

    Notes
    -----
    Exact, with momentum too. Derived: m has the covariance M, E[dx | m] = K m with
    K = (L - L') M^-1 / 2 and L = E[x' x]. The weight makes a Gaussian of M^-1 again one, of
    covariance G = (M^-1 + decay C^-1)^-1, times det(1 + decay M C^-1)^(-1/2); E[w m dx'] = that
    times G K'.

    Examples
    --------
    Curvatures 3 and 0.5, correlated noise: without a weight twice the area 0.0621 of a step, and
    less if far places count less.

    >>> process = ls.theory.linear_sgd([3.0, 0.5], [[2.0, 0.9], [0.9, 1.0]], learning_rate=0.4)
    >>> plain, near = (ls.theory.weighted_rotation(process, decay) for decay in (0.0, 1.0))
    >>> plain.round(4)[0, 1].item(), near.round(4)[0, 1].item()
    (0.1241, 0.0792)
    """
    here, lagged = autocovariance(process, 1)
    precision = np.linalg.inv(np.eye(process.dim) if covariance is None else covariance)
    odd = lagged - lagged.mT
    middle = (2 * here + lagged + lagged.mT) / 4
    weighed = np.linalg.inv(np.linalg.inv(middle) + decay * precision)
    mass = np.linalg.det(np.eye(process.dim) + decay * middle @ precision) ** -0.5
    turned = weighed @ (odd @ np.linalg.inv(middle)).mT / 2
    return mass[..., None, None] * (turned - turned.mT)


@of_process
def entropy_per_step(process):
    """Entropy production in one step of a stationary linear chain with Gaussian noise.

    Parameters
    ----------
    process : LinearProcess
        Without momentum, with a noise covariance of full rank.

    Returns
    -------
    (...) array
        In units of k_B.

    Raises
    ------
    ValueError
        With momentum (time reversal flips the velocity and swaps the half-steps: another definition
        is needed), or if the noise covariance is singular (the reversed step is then impossible and
        the production infinite, as for batches of a finite table).

    Notes
    -----
    E log[p(x -> y) / p(y -> x)] = tr[N^-1 (S - S F'F' - F F S + F S F')] / 2 - d / 2 with N the
    covariance of one step's noise. Divide by the learning rate for the production per unit time
    t = eta * steps; as eta -> 0 this tends to the entropy production of `ornstein_uhlenbeck`. Exact
    at every learning rate. Derived: path probability of a pair of positions against its reversal.

    Examples
    --------
    Per unit time it comes down on that of the diffusion, 1.2155, as eta falls:

    >>> hessian, noise = [3.0, 0.5], [[2.0, 0.9], [0.9, 1.0]]
    >>> for eta in (0.02, 0.005):
    ...     step = ls.theory.linear_sgd(hessian, noise, eta)
    ...     print(round(float(ls.theory.entropy_per_step(step)) / eta, 4))
    1.226
    1.2181
    """
    d = process.dim
    if np.any(process.transition[..., :d, d:]):
        raise ValueError(
            "process has a position that is no Markov chain (momentum > 0): this entropy "
            "production is defined for momentum = 0."
        )
    forward = process.transition[..., :d, :d]
    noise = injected_covariance(process)[..., :d, :d]
    eigenvalues = np.linalg.eigvalsh(noise)
    if np.any(eigenvalues[..., 0] <= 1e-13 * eigenvalues[..., -1]):
        raise ValueError(
            "process has a singular noise_covariance: a reversed step is impossible, so the "
            "entropy production is infinite."
        )
    covariance = position_covariance(process)
    twice = forward @ forward @ covariance
    forth = forward @ covariance @ forward.mT
    reversed_square = covariance - twice - twice.mT + forth
    return trace(np.linalg.solve(noise, reversed_square)) / 2 - d / 2
