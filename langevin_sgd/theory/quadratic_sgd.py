"""SGD on a quadratic U = x' H x / 2 with additive gradient noise: exact at every learning rate.

Conventions: v' = mu v + eta (gradient + xi), x' = x - v', Cov xi = C = noise_covariance /
batch_size. `linear_sgd` writes the update as a `LinearProcess`; whatever `linear_process.py` can
compute (autocovariance, area, schedules, time averages ...) then applies."""

import numpy as np

from ..arguments import covariance_matrix, positive_matrix
from .linear_process import LinearProcess, over_matrices, position_covariance, stacked
from .meanings import exact


@exact
def linear_sgd(hessian, noise_covariance, learning_rate, batch_size=1, momentum=0.0, nesterov=None):
    """SGD, heavy ball or Nesterov's momentum on a quadratic as a `LinearProcess`.

    Its state is (x, v); v is the last displacement x - x' (for "torch": eta times the momentum
    buffer).

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

    Returns
    -------
    LinearProcess
        For `state_covariance`, `autocovariance`, `evolve` and the like.

    Notes
    -----
    Source: the update rules written as matrices; derived here.

    Examples
    --------
    v' = 0.5 v + 0.1 x and x' = x - v' as a matrix:

    >>> process = ls.theory.linear_sgd(1.0, 1.0, learning_rate=0.1, momentum=0.5)
    >>> process.transition.tolist()
    [[0.9, -0.5], [0.1, 0.5]]
    """
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


@exact(infinite=True)
def stability_threshold(hessian, momentum=0.0, nesterov=None):
    """Learning rate at which SGD on a quadratic loses stability.

    Parameters
    ----------
    hessian : (d, d) matrix, (d,) curvatures or scalar
        H, positive semidefinite, in units of energy per squared length.
    momentum : float or array in [0, 1)
        mu.
    nesterov : None, "torch" or "lookahead"
        As in `linear_sgd`.

    Returns
    -------
    float or array
        In length^2 per energy; every smaller learning rate is stable. Infinite for a Hessian that
        is zero.

    Raises
    ------
    ValueError
        If the Hessian has a negative eigenvalue: no learning rate is then stable.

    Notes
    -----
    2 (1 + mu) / h_max for plain SGD and heavy ball, 2 (1 + mu) / ((1 + 2 mu) h_max) for both
    Nesterov forms: there an eigenvalue of the update reaches -1. Additive noise only; noise that
    grows with the loss lowers the threshold (`regression_threshold`). Source: Jury's criterion on
    each mode's characteristic polynomial, derived here.

    Examples
    --------
    The stiffest curvature decides, 2 (1 + 0.5)/4; Nesterov's momentum halves it:

    >>> threshold = ls.theory.stability_threshold([1.0, 4.0], momentum=0.5)
    >>> nesterov = ls.theory.stability_threshold([1.0, 4.0], momentum=0.5, nesterov="torch")
    >>> f"{threshold:.3f} {nesterov:.3f}"
    '0.750 0.375'
    """
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


@exact
def stationary_covariance(
    hessian, noise_covariance, learning_rate, batch_size=1, momentum=0.0, nesterov=None
):
    """Exact stationary covariance S of SGD on a quadratic, at any stable learning rate.

    Parameters
    ----------
    hessian : (d, d) matrix, (d,) curvatures or scalar
        H, positive definite.
    noise_covariance : (d, d) matrix, (d,) variances or scalar
        Sigma of ONE example's gradient; need not commute with H, may be singular.
    learning_rate, batch_size, momentum : float or arrays that broadcast together
        eta > 0, B >= 1, 0 <= mu < 1. Arrays make a sweep.
    nesterov : None, "torch" or "lookahead"
        As in `linear_sgd`. For "torch" it is the covariance of the stored variable, which is the
        look-ahead point.

    Returns
    -------
    array, shape (..., d, d)
        S of the position, in squared units of x. The velocity blocks come from
        `stationary_blocks(linear_sgd(...))`.

    Raises
    ------
    ValueError
        At or above the stability threshold (named in the message), or with a flat or negative
        direction.

    Notes
    -----
    Without momentum H S + S H - eta H S H = eta Sigma / B; if H and Sigma commute, S = eta C (1 +
    mu) / [(1 - mu) H (2 (1 + mu) - eta H)] for the heavy ball. Exact for every noise law with this
    covariance (the law itself is Gaussian only for Gaussian noise). The relative rounding error is
    about 1e-16 times the number of steps that the slowest mode needs to relax; more than some 1e9
    steps are refused. Mandt et al. 2017 (small steps), Liu et al. 2021 (finite rate and momentum);
    derived here from stationarity of E[z z'], the residual of which is checked.

    Examples
    --------
    One curvature a: S = eta sigma^2 / (a (2 - eta a)), here 0.5 / (2 * 1); the limit of small
    steps, 0.125, is half of it.

    >>> exact = ls.theory.stationary_covariance(2.0, 1.0, learning_rate=0.5)
    >>> small = ls.theory.small_step_covariance(2.0, 1.0, learning_rate=0.5)
    >>> f"{exact.item():.4f} {small.item():.4f}"
    '0.2500 0.1250'
    """
    require_stable(hessian, learning_rate, momentum, nesterov)
    return position_covariance(
        linear_sgd(hessian, noise_covariance, learning_rate, batch_size, momentum, nesterov)
    )


@exact(hessian=positive_matrix)
def small_step_covariance(hessian, noise_covariance, learning_rate, batch_size=1, momentum=0.0):
    """Covariance of SGD on a quadratic in the limit of small steps.

    Parameters
    ----------
    hessian : (d, d) matrix, (d,) curvatures or scalar
        H, positive definite.
    noise_covariance : (d, d) matrix, (d,) variances or scalar
        Sigma of ONE example's gradient.
    learning_rate, batch_size, momentum : float or arrays that broadcast together
        eta > 0, B >= 1, 0 <= mu < 1. Any learning rate, even an unstable one, since it is the
        approximation to hold against `stationary_covariance`.

    Returns
    -------
    array, shape (..., d, d)
        S with H S + S H = 2 D, D = eta Sigma / (2 B (1 - mu)), in squared units of x.

    Notes
    -----
    Relative error eta h / (2 (1 + mu)) in a mode of curvature h (heavy ball). The same for all
    forms of momentum. Source: Mandt et al. 2017; derived: S_ij = 2 D_ij / (h_i + h_j) in the
    eigenbasis of H.

    Examples
    --------
    S_ij = eta Sigma_ij / (h_i + h_j), so correlated noise leaves correlated positions:

    >>> small = ls.theory.small_step_covariance([1.0, 3.0], [[1.0, 1.0], [1.0, 1.0]], 0.12)
    >>> small.round(4).tolist()
    [[0.06, 0.03], [0.03, 0.02]]
    """
    curvatures, basis = np.linalg.eigh(hessian)
    noise = covariance_matrix(noise_covariance, "noise_covariance", hessian.shape[-1])
    eta, batch, mu = over_matrices(learning_rate, batch_size, momentum)
    rotated = basis.mT @ noise @ basis
    covariance = rotated / (curvatures[..., :, None] + curvatures[..., None, :])
    return eta / (batch * (1 - mu)) * (basis @ covariance @ basis.mT)
