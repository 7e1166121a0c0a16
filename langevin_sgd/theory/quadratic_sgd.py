"""SGD on a quadratic U = x' H x / 2 with additive gradient noise: exact at every learning rate.

Conventions: v' = mu v + eta (gradient + xi), x' = x - v', Cov xi = C = noise_covariance /
batch_size. `linear_sgd` writes the update as a `LinearProcess`; whatever `linear_process.py` can
compute (autocovariance, area, schedules, time averages ...) then applies."""

import numpy as np

from ..arguments import covariance_matrix, formula, positive_matrix
from .linear_process import LinearProcess, over_matrices, position_covariance, stacked, transpose


@formula
def linear_sgd(hessian, noise_covariance, learning_rate, batch_size=1, momentum=0.0, nesterov=None):
    """SGD, heavy ball or Nesterov momentum on a quadratic as a `LinearProcess` with state (x, v); v
    is the last displacement x - x' (for "torch": eta times the momentum buffer).

    Parameters
    ----------
    hessian : (d, d) matrix, (d,) curvatures or scalar
        H, in units of energy per squared length. Any symmetric matrix: flat and unstable directions
        are allowed here.
    noise_covariance : (d, d) matrix, (d,) variances or scalar
        Sigma of ONE example's gradient; need not commute with H, may be singular.
    learning_rate, batch_size, momentum : float or arrays that broadcast together
        eta > 0, B >= 1, 0 <= mu < 1. Arrays make a sweep: the process then has their shape as
        leading axes.
    nesterov : None, "torch" or "lookahead"
        None is the heavy ball. "lookahead" takes the gradient at x - mu v. "torch" is PyTorch's and
        Keras' form b' = mu b + g(x), x' = x - eta (g + mu b'), with v = eta b: it stores the
        look-ahead point, so its law differs.

    Notes
    -----
    Source: the update rules written as matrices; derived here."""
    d = hessian.shape[-1]
    noise = covariance_matrix(noise_covariance, "noise_covariance", d)
    eta, batch, mu = over_matrices(learning_rate, batch_size, momentum)
    identity, step = np.eye(d), eta * hessian
    kick = eta * identity
    velocity = [step, mu * identity]
    position, input_of_position = [identity - step, -mu * identity], -kick
    if nesterov == "lookahead":
        position[1] = -mu * (identity - step)
        velocity[1] = -position[1]
    elif nesterov == "torch":
        position = [identity - (1 + mu) * step, -mu * mu * identity]
        input_of_position = -(1 + mu) * kick
    return LinearProcess(
        stacked([position, velocity]), stacked([[input_of_position], [kick]]), noise / batch, d
    )


@formula(infinite=True)
def stability_threshold(hessian, momentum=0.0, nesterov=None):
    """Learning rate at which SGD on a quadratic loses stability (float, or an array for an array of
    momenta).

    2 (1 + mu) / h_max for plain SGD and heavy ball, 2 (1 + mu) / ((1 + 2 mu) h_max) for both
    Nesterov forms: there an eigenvalue of the update reaches -1. Every smaller learning rate is
    stable; infinite for a hessian that is zero.

    Parameters as in `linear_sgd`. Additive noise only; noise that grows with the loss lowers the
    threshold (`regression_threshold`). Raises ValueError if the hessian has a negative eigenvalue:
    no learning rate is then stable. Source: Jury's criterion on each mode's characteristic
    polynomial, derived here."""
    curvatures = np.linalg.eigvalsh(hessian)
    if np.any(curvatures[..., 0] < -1e-12 * np.abs(curvatures).max()):
        raise ValueError(
            f"hessian has the eigenvalue {curvatures.min():.6g} < 0: SGD leaves a saddle at every "
            "learning rate."
        )
    largest = np.maximum(curvatures[..., -1], 0.0)
    if nesterov is not None:
        largest = (1 + 2 * momentum) * largest
    return 2 * (1 + momentum) / largest


def require_stable(hessian, learning_rate, momentum=0.0, nesterov=None):
    """Raise ValueError, naming the threshold, unless SGD on this quadratic has a stationary law."""
    threshold = stability_threshold(hessian, momentum, nesterov)
    rates, thresholds = np.broadcast_arrays(learning_rate, threshold)
    unstable = rates >= thresholds
    if np.any(unstable):
        raise ValueError(
            f"learning_rate = {rates[unstable].flat[0]:.6g} is not below the stability threshold "
            f"{thresholds[unstable].flat[0]:.6g}; choose a smaller one."
        )
    positive_matrix(hessian, "hessian")


@formula
def stationary_covariance(
    hessian, noise_covariance, learning_rate, batch_size=1, momentum=0.0, nesterov=None
):
    """Exact stationary covariance S of the position, (..., d, d) in squared units of x, at any
    learning rate below the threshold.

    Without momentum H S + S H - eta H S H = eta Sigma / B; if H and Sigma commute, S = eta C (1 +
    mu) / [(1 - mu) H (2 (1 + mu) - eta H)] for the heavy ball. Parameters as in `linear_sgd`; H
    positive definite. For "torch" it is the covariance of the stored variable, which is the
    look-ahead point. The velocity blocks come from `stationary_blocks(linear_sgd(...))`. ValueError
    at or above the stability threshold (named in the message), or with a flat or negative
    direction.

    Exact for every noise law with this covariance (the law itself is Gaussian only for Gaussian
    noise). The relative rounding error is about 1e-16 times the number of steps that the slowest
    mode needs to relax; more than some 1e9 steps are refused. Mandt et al. 2017 (small steps), Liu
    et al. 2021 (finite rate and momentum); derived here from stationarity of E[z z'], the residual
    of which is checked."""
    require_stable(hessian, learning_rate, momentum, nesterov)
    return position_covariance(
        linear_sgd(hessian, noise_covariance, learning_rate, batch_size, momentum, nesterov)
    )


@formula(hessian=positive_matrix)
def small_step_covariance(hessian, noise_covariance, learning_rate, batch_size=1, momentum=0.0):
    """Covariance in the limit of small steps, (..., d, d): H S + S H = 2 D, D = eta Sigma / (2 B (1
    - mu)).

    Returned for any learning rate, even an unstable one, since it is the approximation to hold
    against `stationary_covariance`; relative error eta h / (2 (1 + mu)) in a mode of curvature h
    (heavy ball). The same for all forms of momentum. Source: Mandt et al. 2017; derived: S_ij = 2
    D_ij / (h_i + h_j) in the eigenbasis of H."""
    curvatures, basis = np.linalg.eigh(hessian)
    noise = covariance_matrix(noise_covariance, "noise_covariance", hessian.shape[-1])
    eta, batch, mu = over_matrices(learning_rate, batch_size, momentum)
    rotated = transpose(basis) @ noise @ basis
    covariance = rotated / (curvatures[..., :, None] + curvatures[..., None, :])
    return eta / (batch * (1 - mu)) * (basis @ covariance @ transpose(basis))
