"""SGD on a quadratic U = x' H x / 2 with additive gradient noise: exact at every learning rate.

Conventions: v' = mu v + eta (gradient + xi), x' = x - v', Cov xi = C = noise_covariance /
batch_size. `linear_sgd` writes the update as a `LinearProcess`; whatever `linear.py` can compute
(autocovariance, area, schedules, time averages ...) then applies."""

import numpy as np

from .inputs import covariance_matrix, in_range, symmetric_matrix, update_numbers
from .linear import LinearProcess, state_covariance

FORMS = {None, "torch", "lookahead"}


def linear_sgd(hessian, noise_covariance, learning_rate, batch_size=1, momentum=0.0, nesterov=None):
    """SGD, heavy ball or Nesterov momentum on a quadratic as a `LinearProcess` with state (x, v).

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
        v is the last displacement x - x' (for "torch": eta times the momentum buffer).

    Raises
    ------
    ValueError
        For an asymmetric hessian, a covariance that is not positive semidefinite, or numbers out of
        range.

    Notes
    -----
    Source: the update rules written as matrices; derived here.
    """
    if nesterov not in FORMS:
        raise ValueError(f"nesterov = {nesterov!r}; choose None, 'torch' or 'lookahead'")
    hessian = symmetric_matrix("hessian", hessian)
    d = hessian.shape[-1]
    numbers = update_numbers(learning_rate, batch_size, momentum)
    noise = covariance_matrix("noise_covariance", noise_covariance, d)
    eta, batch, mu = (number[..., None, None] for number in np.broadcast_arrays(*numbers))
    identity, step = np.eye(d), eta * hessian
    if nesterov == "lookahead":
        blocks = [identity - step, -mu * (identity - step), step, mu * (identity - step)]
        inputs = [-eta * identity, eta * identity]
    elif nesterov == "torch":
        blocks = [identity - (1 + mu) * step, -mu * mu * identity, step, mu * identity]
        inputs = [-(1 + mu) * eta * identity, eta * identity]
    else:
        blocks = [identity - step, -mu * identity, step, mu * identity]
        inputs = [-eta * identity, eta * identity]
    xx, xv, vx, vv = np.broadcast_arrays(*blocks)
    transition = np.concatenate([np.concatenate([xx, xv], -1), np.concatenate([vx, vv], -1)], -2)
    return LinearProcess(
        transition, np.concatenate(np.broadcast_arrays(*inputs), -2), noise / batch, d
    )


def stability_threshold(hessian, momentum=0.0, nesterov=None):
    """Learning rate at which SGD on a quadratic loses stability (float, or an array for an array of
    momenta).

    2 (1 + mu) / h_max for plain SGD and heavy ball, 2 (1 + mu) / ((1 + 2 mu) h_max) for both
    Nesterov forms: there an eigenvalue of the update reaches -1. Every smaller learning rate is
    stable; infinite for a hessian that is zero.

    Parameters
    ----------
    hessian : (d, d) matrix, (d,) curvatures or scalar
        In units of energy per squared length.
    momentum : float or array
        0 <= mu < 1.
    nesterov : None, "torch" or "lookahead"

    Raises
    ------
    ValueError
        If the hessian has a negative eigenvalue: no learning rate is then stable.

    Notes
    -----
    Additive noise only; noise that grows with the loss lowers the threshold
    (`regression_threshold`). Source: Jury's criterion on each mode's characteristic polynomial,
    derived here."""
    if nesterov not in FORMS:
        raise ValueError(f"nesterov = {nesterov!r}; choose None, 'torch' or 'lookahead'")
    curvatures = np.linalg.eigvalsh(symmetric_matrix("hessian", hessian))
    momentum = in_range("momentum", momentum, 0.0, 1.0, closed_low=True)
    if np.any(curvatures[..., 0] < -1e-12 * np.abs(curvatures).max()):
        raise ValueError(
            f"hessian has the eigenvalue {curvatures.min():.6g} < 0: SGD leaves a saddle at every "
            "learning rate"
        )
    largest = np.maximum(curvatures[..., -1], 0.0)
    with np.errstate(divide="ignore"):
        threshold = (
            2 * (1 + momentum) / (largest if nesterov is None else (1 + 2 * momentum) * largest)
        )
    return float(threshold) if threshold.ndim == 0 else threshold


def require_stable(hessian, learning_rate, momentum=0.0, nesterov=None):
    """Raise ValueError, naming the threshold, unless SGD on this quadratic has a stationary law."""
    hessian = symmetric_matrix("hessian", hessian)
    threshold = stability_threshold(hessian, momentum, nesterov)
    rates, thresholds = np.broadcast_arrays(np.asarray(learning_rate, dtype=float), threshold)
    unstable = rates >= thresholds
    if np.any(unstable):
        rate, limit = rates[unstable].flat[0], thresholds[unstable].flat[0]
        raise ValueError(
            f"learning_rate = {rate:.6g} is not below the stability threshold {limit:.6g}; choose "
            "a smaller one"
        )
    curvatures = np.linalg.eigvalsh(hessian)
    if np.any(curvatures[..., 0] <= 1e-14 * curvatures[..., -1]):
        raise ValueError(
            f"hessian has the eigenvalue {curvatures.min():.6g}: a flat direction diffuses for "
            "ever; remove it"
        )


def stationary_covariance(
    hessian, noise_covariance, learning_rate, batch_size=1, momentum=0.0, nesterov=None
):
    """Exact stationary covariance S of the position, (..., d, d), at any learning rate below the
    threshold.

    Without momentum H S + S H - eta H S H = eta Sigma / B; if H and Sigma commute,
    S = eta C (1 + mu) / [(1 - mu) H (2 (1 + mu) - eta H)] for the heavy ball.

    Parameters
    ----------
    hessian : (d, d) matrix, (d,) curvatures or scalar
        H, positive definite.
    noise_covariance : (d, d) matrix, (d,) variances or scalar
        Sigma of ONE example's gradient; any positive semidefinite matrix, commuting with H or not.
    learning_rate, batch_size, momentum : float or arrays that broadcast together (a sweep)
    nesterov : None, "torch" or "lookahead"
        See `linear_sgd`.

    Returns
    -------
    (..., d, d) array
        In squared units of x; the leading axes are those of the sweep. For "torch" it is the
        covariance of the stored variable, which is the look-ahead point. The velocity blocks come
        from `stationary_blocks(linear_sgd(...))`.

    Raises
    ------
    ValueError
        At or above the stability threshold (named in the message), with a flat or negative
        direction, or for bad input.

    Notes
    -----
    Exact for every noise law with this covariance (the law itself is Gaussian only for Gaussian
    noise). The relative rounding error is about 1e-16 times the number of steps that the slowest
    mode needs to relax; more than some 1e9 steps are refused. Known from Mandt, Hoffman, Blei 2017
    (arXiv:1704.04289, small-step limit) and Liu, Ziyin, Ueda 2021 (arXiv:2012.03636, finite rate
    and momentum), abstracts read only; derived here from stationarity of E[z z'], the residual of
    which is checked."""
    require_stable(hessian, learning_rate, momentum, nesterov)
    process = linear_sgd(hessian, noise_covariance, learning_rate, batch_size, momentum, nesterov)
    return state_covariance(process)[..., : process.dim, : process.dim]


def small_step_covariance(hessian, noise_covariance, learning_rate, batch_size=1, momentum=0.0):
    """Covariance in the limit of small steps, (..., d, d): H S + S H = 2 D, D = eta Sigma / (2 B (1
    - mu)).

    Returned for any learning rate, even an unstable one, since it is the approximation to hold
    against `stationary_covariance`; relative error eta h / (2 (1 + mu)) in a mode of curvature h
    (heavy ball). The same for all forms of momentum. Raises ValueError unless the hessian is
    positive definite. Source: Mandt, Hoffman, Blei 2017 (arXiv:1704.04289, abstract read only);
    derived: S_ij = 2 D_ij / (h_i + h_j) in the eigenbasis of H."""
    hessian = symmetric_matrix("hessian", hessian)
    curvatures, basis = np.linalg.eigh(hessian)
    if np.any(curvatures[..., 0] <= 1e-14 * np.abs(curvatures[..., -1])):
        raise ValueError(
            f"hessian has the eigenvalue {curvatures.min():.6g}; all must be > 0: remove the flat "
            "directions"
        )
    numbers = update_numbers(learning_rate, batch_size, momentum)
    noise = covariance_matrix("noise_covariance", noise_covariance, hessian.shape[-1])
    eta, batch, mu = (number[..., None, None] for number in np.broadcast_arrays(*numbers))
    rotated = np.swapaxes(basis, -1, -2) @ noise @ basis
    covariance = rotated / (curvatures[..., :, None] + curvatures[..., None, :])
    return eta / (batch * (1 - mu)) * (basis @ covariance @ np.swapaxes(basis, -1, -2))


def sgd_temperature(noise_covariance, learning_rate, batch_size=1, momentum=0.0):
    """Temperature of SGD, T = eta tr Sigma / (2 B d (1 - mu)), in units of the loss (float, or an
    array for a sweep).

    For isotropic Sigma and a small learning rate the stationary law is exp(-U/T). For any Sigma it
    is, at small learning rate, the T that minimises KL(p || exp(-U/T)) on a quadratic, since that
    minimiser is tr(H S)/d.

    Parameters
    ----------
    noise_covariance : (d, d) matrix, (d,) variances or scalar
        Sigma of ONE example's gradient; a scalar is the variance in one dimension.
    learning_rate, batch_size, momentum : float or arrays that broadcast together

    Raises
    ------
    ValueError
        If noise_covariance is not positive semidefinite or a number is out of range.

    Notes
    -----
    Error of order eta at finite learning rate; batches drawn independently with replacement.
    Source: derived from tr of H S + S H - eta H S H = eta C (mu = 0) and its heavy-ball form."""
    noise = covariance_matrix("noise_covariance", noise_covariance)
    numbers = update_numbers(learning_rate, batch_size, momentum)
    mean_variance = np.trace(noise, axis1=-2, axis2=-1) / noise.shape[-1]
    temperature = (
        numbers.learning_rate * mean_variance / (2 * numbers.batch_size * (1 - numbers.momentum))
    )
    return float(temperature) if np.ndim(temperature) == 0 else temperature
