"""Currents and entropy production of linear dynamics: how far a stationary state is from
equilibrium.

No current and Boltzmann are different statements: with constant noise that commutes with H but is
not isotropic the current vanishes and the law is still not exp(-U/T)."""

from typing import NamedTuple

import numpy as np

from ..arguments import formula, optional, positive_matrix, square_matrix, within
from .linear_process import (
    autocovariance,
    injected_covariance,
    linear_process,
    position_covariance,
    trace,
    transpose,
)


class OrnsteinUhlenbeck(NamedTuple):
    """Stationary state of dx = -A x dt + sqrt(2 D) dW; every field is (..., d, d) but the last,
    (...).

    Fields: ``covariance`` S; ``circulation`` Q = (A S - S A')/2, antisymmetric, also the area swept
    per unit time; ``current_velocity`` Omega = -Q S^-1, so that the current is J(x) = Omega x p(x);
    ``entropy_production`` per unit time."""

    covariance: np.ndarray
    circulation: np.ndarray
    current_velocity: np.ndarray
    entropy_production: np.ndarray


@formula(drift=square_matrix, diffusion=positive_matrix)
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
    Kwon et al. 2005. Derived from the Lyapunov equation."""
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
    residual = np.abs(flow + transpose(flow) - 2 * diffusion).max(axis=(-1, -2))
    if np.any(residual > 1e-8 * np.abs(diffusion).max(axis=(-1, -2))):
        raise ValueError(
            f"drift makes the Lyapunov equation too ill-conditioned (residual "
            f"{residual.max():.3g}); rescale or drop slow directions."
        )
    circulation = (flow - transpose(flow)) / 2
    velocity = -transpose(np.linalg.solve(covariance, transpose(circulation)))
    dissipated = np.linalg.solve(diffusion, velocity @ covariance @ transpose(velocity))
    return OrnsteinUhlenbeck(covariance, circulation, velocity, trace(dissipated))


@formula(process=linear_process, decay=within(at_least=0), covariance=optional(positive_matrix))
def weighted_rotation(process, decay=0.0, covariance=None):
    """E[exp(-decay m' C^-1 m / 2) (m_i dx_j - m_j dx_i)] in one step of a stationary linear process
    with Gaussian noise, (..., d, d), squared units of x.

    m = (x + x')/2 is the middle of the step and dx = x' - x; C is ``covariance``, default the
    identity. Antisymmetric, 0 for a reversible process; twice `area_per_step` at decay 0.

    Notes
    -----
    Exact, with momentum too. Derived: m has the covariance M, E[dx | m] = K m with K = (L - L')
    M^-1 / 2 and L = E[x' x]. The weight makes a Gaussian of M^-1 again one, of covariance G = (M^-1
    + decay C^-1)^-1, times det(1 + decay M C^-1)^(-1/2); E[w m dx'] = that times G K'."""
    here, lagged = autocovariance(process, 1)
    precision = np.linalg.inv(np.eye(process.dim) if covariance is None else covariance)
    odd = lagged - transpose(lagged)
    middle = (2 * here + lagged + transpose(lagged)) / 4
    weighed = np.linalg.inv(np.linalg.inv(middle) + decay * precision)
    mass = np.linalg.det(np.eye(process.dim) + decay * middle @ precision) ** -0.5
    turned = weighed @ transpose(odd @ np.linalg.inv(middle)) / 2
    return mass[..., None, None] * (turned - transpose(turned))


@formula(process=linear_process)
def entropy_per_step(process):
    """Entropy production in one step of a stationary linear chain with Gaussian noise, (...), in
    units of k_B.

    E log[p(x -> y) / p(y -> x)] = tr[N^-1 (S - S F'F' - F F S + F S F')] / 2 - d / 2 with N the
    covariance of one step's noise. Divide by the learning rate for the production per unit time t =
    eta * steps; as eta -> 0 this tends to `ornstein_uhlenbeck(...).entropy_production`.

    Raises
    ------
    ValueError
        With momentum (time reversal flips the velocity and swaps the half-steps: another definition
        is needed), or if the noise covariance is singular (the reversed step is then impossible and
        the production infinite, as for batches of a finite table).

    Notes
    -----
    Exact at every learning rate. Derived: path probability of a pair of positions against its
    reversal."""
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
    forth = forward @ covariance @ transpose(forward)
    reversed_square = covariance - twice - transpose(twice) + forth
    return trace(np.linalg.solve(noise, reversed_square)) / 2 - d / 2
