"""The temperature budget of a linear process, term by term: where the virial temperature of SGD on
a quadratic comes from.
"""

from typing import NamedTuple

import numpy as np

from .inputs import covariance_matrix, real_array, symmetric_matrix, update_numbers
from .linear import transpose


class VirialBudget(NamedTuple):
    """Symmetric (..., d, d) matrices in units of the loss: ``virial`` = ``step_term`` +
    ``noise_term`` + ``inertia_term``.

    ``virial`` (E[x g'] + E[g x'])/2, which is T times the identity under Boltzmann's law;
    ``step_term`` eta E[g g'] / (2 (1 - mu)), what the finite learning rate adds; ``noise_term`` eta
    E[C] / (2 (1 - mu)), the noise power; ``inertia_term`` mu (E[v g'] + E[g v']) / (2 (1 - mu)),
    zero without momentum. ``residual`` is virial less the other three, 0 in a stationary state."""

    virial: np.ndarray
    step_term: np.ndarray
    noise_term: np.ndarray
    inertia_term: np.ndarray
    residual: np.ndarray


def virial_budget(hessian, blocks, batch_covariance, learning_rate, momentum=0.0):
    """Virial temperature matrix of SGD or heavy ball on U = x' H x / 2 and what it is made of, as
    `VirialBudget`.

    The exact counterpart of `analysis.temperature_budget`, which estimates the same five matrices
    from a run.

    Parameters
    ----------
    hessian : (d, d) matrix, (d,) curvatures or scalar
        H; the noise-free gradient is g = H x.
    blocks : StationaryBlocks
        E[x x'], E[x v'], E[v v'] about the minimum, from `stationary_blocks(linear_sgd(...))` or
        `regression_covariance`.
    batch_covariance : (..., d, d) matrix, (d,) variances or scalar
        C, the covariance of the BATCH gradient (Sigma / B); for noise that depends on x its mean
        over the stationary law. For online regression that is (A S A + tr(A S) A + label_noise A) /
        B.
    learning_rate, momentum : float or arrays that broadcast against the leading axes of the blocks

    Returns
    -------
    VirialBudget

    Raises
    ------
    ValueError
        For numbers out of range, matrices that do not fit together or a batch_covariance that is
        not positive semidefinite.

    Notes
    -----
    Exact at every learning rate and for every noise law that is independent from step to step given
    x, so not for reshuffled epochs; heavy ball, not Nesterov. Derived: stationarity of E[x x'], E[x
    v'] and E[v v'] with x' = x - v', v' = mu v + eta (g + xi) gives E[x v'] + E[v x'] = -E[v v']
    and E[x g'] + E[g x'] = (1 + mu) E[v v'] / eta; eliminating E[v v'] leaves this budget. The
    residual depends on the caller's three arguments, so it tests them."""
    hessian = symmetric_matrix("hessian", hessian)
    d = hessian.shape[-1]
    noise = covariance_matrix("batch_covariance", batch_covariance, d)
    numbers = update_numbers(learning_rate, 1, momentum)
    eta, mu = (
        number[..., None, None]
        for number in np.broadcast_arrays(numbers.learning_rate, numbers.momentum)
    )
    position, position_velocity = (real_array("blocks", block) for block in blocks[:2])
    if position.shape[-2:] != (d, d) or position_velocity.shape[-2:] != (d, d):
        raise ValueError(
            f"blocks holds matrices of shape {position.shape} for {d} coordinates; pass those of "
            "the same problem"
        )
    half = 1 / (2 * (1 - mu))
    virial = _symmetric(position @ hessian) / 2
    step_term = eta * half * (hessian @ position @ hessian)
    noise_term = eta * half * noise
    inertia_term = mu * half * _symmetric(hessian @ position_velocity)
    return VirialBudget(
        virial, step_term, noise_term, inertia_term, virial - step_term - noise_term - inertia_term
    )


def _symmetric(matrix):
    """M + M' of each matrix of a stack."""
    return matrix + transpose(matrix)
