"""Online linear regression: the noise grows with the distance from the minimum, which lowers the
stability threshold.

Model: loss (x . w - y)^2 / 2, inputs x ~ N(0, A), targets y = x . w* + N(0, label_noise), fresh
batches of B examples. The covariance of one example's gradient at delta = w - w* is A dd' A + (d' A
d) A + label_noise A exactly (Isserlis), so that in the eigenbasis of A the stationary covariance is
diagonal and its equation is a diagonal plus rank one.

Everywhere ``input_covariance`` is A, positive definite, a (d, d) matrix, (d,) variances or a
scalar; it is also the hessian. ``learning_rate``, ``batch_size`` and ``momentum`` (heavy ball) are
floats or arrays that broadcast together: a sweep."""

from typing import NamedTuple

import numpy as np

from ..arguments import covariance_matrix
from .linear_process import StationaryBlocks, one_by_one, spectral_radius, trace
from .meanings import exact
from .quadratic_sgd import stability_threshold


class StabilityBounds(NamedTuple):
    """Upper bounds on the learning rate of a stable minimum, in inverse units of the curvature.

    Parameters
    ----------
    frobenius : float or array
        sqrt(B) / norm of H (Frobenius).
    trace : float or array
        2 B / tr H.

    Examples
    --------
    1/sqrt(1 + 4) and 2/(1 + 2); both lie above the exact threshold 4 / (9 + sqrt 17):

    >>> bounds = ls.theory.stability_bounds([1.0, 2.0])
    >>> exact = ls.theory.regression_threshold([1.0, 2.0])
    >>> f"{bounds.frobenius:.4f} {bounds.trace:.4f} exact {exact:.4f}"
    '0.4472 0.6667 exact 0.3048'
    """

    frobenius: np.ndarray
    trace: np.ndarray


@exact
def regression_covariance(input_covariance, label_noise, learning_rate, batch_size=1, momentum=0.0):
    """Exact stationary covariance of online linear regression, for position and velocity.

    Parameters
    ----------
    input_covariance : (d, d) matrix, (d,) variances or scalar
        A, which is also the Hessian; positive definite.
    label_noise : float
        Variance of the labels' noise, >= 0, in units of the loss.
    learning_rate, batch_size, momentum : float or array
        eta > 0, B >= 1 and mu in [0, 1) of heavy ball; arrays broadcast: a sweep.

    Returns
    -------
    StationaryBlocks
        Of (..., d, d) arrays, about w*; ``position`` is S = E[(w - w*)(w - w*)'].

    Raises
    ------
    ValueError
        If the second moment diverges; it names the threshold.

    Notes
    -----
    Without momentum S = (I - eta A) S (I - eta A) + (eta^2/B) [A S A + tr(A S) A + label_noise A].
    Exact for every learning rate below `regression_threshold`. Ziyin et al. 2022 for mu = 0; the
    momentum form is derived here: mode i of curvature a with unit response p(a) (the variance under
    noise of unit covariance) has s_i = p a (tau + label_noise) / (B (1 - q_i)), q_i = p a^2 / B,
    and tau = tr(A S) closes the equation.

    Examples
    --------
    One input: S = eta label_noise / (B (2 - eta a (1 + 2/B))), here 0.1 / (2 - 0.3) = 1/17.

    >>> blocks = ls.theory.regression_covariance(1.0, label_noise=1.0, learning_rate=0.1)
    >>> f"{blocks.position.item():.6f} {1 / 17:.6f}"
    '0.058824 0.058824'
    """
    curvatures, basis = np.linalg.eigh(input_covariance)
    numbers = np.broadcast_arrays(learning_rate, batch_size, momentum)
    eta, batch, mu = (number[..., None] for number in numbers)
    gain = _mode_gain(curvatures, eta, batch, mu)
    total = _total_gain(gain)
    if np.any(total >= 1):
        at = np.unravel_index(np.argmax(total), total.shape)
        limit = regression_threshold(curvatures, batch[at][0], mu[at][0])
        raise ValueError(
            f"learning_rate = {eta[at][0]:.6g} is not below the mean-square threshold "
            f"{limit:.6g}; choose a smaller one."
        )
    source = label_noise / (1 - total)[..., None]  # label_noise + tr(A S)
    position = gain / (1 - gain) * source / curvatures
    velocity = position * 2 * eta * curvatures / (1 + mu)
    diagonals = (position, -velocity / 2, velocity)
    return StationaryBlocks(*((basis * values[..., None, :]) @ basis.T for values in diagonals))


@exact
def regression_excess_risk(
    input_covariance, label_noise, learning_rate, batch_size=1, momentum=0.0
):
    """Stationary excess risk tr(A S) / 2 of online linear regression, in units of the loss.

    Parameters
    ----------
    input_covariance : (d, d) matrix, (d,) variances or scalar
        A, which is also the Hessian; positive definite.
    label_noise : float
        Variance of the labels' noise, >= 0, in units of the loss.
    learning_rate, batch_size, momentum : float or array
        As in `regression_covariance`, whose errors it shares.

    Returns
    -------
    float or array
        The mean loss less that at w*.

    Notes
    -----
    Exact. Equal to label_noise kap / (2 (1 - kap)), where kap is the gain that reaches 1 at the
    threshold. Source as `regression_covariance`.

    Examples
    --------
    One input of variance 1 has S = 1/17 (see there), hence the risk 1/34 = 0.0294; ten examples a
    batch have a tenth of it, and a little less:

    >>> risk = ls.theory.regression_excess_risk(1.0, 1.0, 0.1, batch_size=[1, 10])
    >>> [round(each, 4) for each in risk.tolist()]
    [0.0294, 0.0027]
    """
    position = regression_covariance(
        input_covariance, label_noise, learning_rate, batch_size, momentum
    ).position
    return trace(input_covariance @ position) / 2


@exact
def regression_threshold(input_covariance, batch_size=1, momentum=0.0):
    """Learning rate at which the second moment of online linear regression diverges.

    Parameters
    ----------
    input_covariance : (d, d) matrix, (d,) variances or scalar
        A, which is also the Hessian; positive definite.
    batch_size, momentum : float or array
        B >= 1 and mu in [0, 1) of heavy ball; arrays broadcast: a sweep.

    Returns
    -------
    float or array
        In inverse units of A.

    Notes
    -----
    The root of kap = sum_i q_i / (1 - q_i) = 1 with q_i = eta a_i (1 + mu) / (B (1 - mu) (2 (1 +
    mu) - eta a_i)). In a mode of curvature a the plain threshold 2 (1 + mu)/a returns as B grows;
    isotropic A = I gives 2 B (1 - mu) / (d + 1 + B (1 - mu) / (1 + mu)), whose two limits are the
    plateaus 2 (1 - mu) and 2 (1 + mu) of Andreyev et al. 2026. Exact; derived here.

    Examples
    --------
    For A = diag(1, 2) and single examples it is 4 / (9 + sqrt 17) (Y. Bulatov's note on the
    convergence of least mean squares); gradient descent is stable up to 2/2.

    >>> threshold = ls.theory.regression_threshold([1.0, 2.0])
    >>> f"{threshold:.6f} {4 / (9 + 17**0.5):.6f}"
    '0.304806 0.304806'
    """
    from scipy.optimize import brentq

    curvatures = np.linalg.eigvalsh(input_covariance)

    def threshold(batch, mu):
        def excess(rate):  # kap / (1 + kap) is continuous through the points where kap is infinite
            return 0.5 - 1 / (1 + _total_gain(_mode_gain(curvatures, rate, batch, mu)))

        highest = stability_threshold(curvatures, mu)
        return brentq(excess, 0.0, highest, xtol=1e-300, rtol=4 * np.finfo(float).eps)

    return one_by_one(threshold, batch_size, momentum)


@exact
def regression_second_moment_radius(input_covariance, learning_rate, batch_size=1, momentum=0.0):
    """Spectral radius of what a step of online regression does to second moments.

    Parameters
    ----------
    input_covariance : (d, d) matrix, (d,) variances or scalar
        A, which is also the Hessian; positive definite.
    learning_rate, batch_size, momentum : float or array
        eta > 0, B >= 1 and mu in [0, 1) of heavy ball; arrays broadcast: a sweep.

    Returns
    -------
    float or array
        Dimensionless; below 1 iff mean-square stable. -1/log of it is the number of steps in which
        second moments relax by e.

    Notes
    -----
    Of the map that takes E[z z'] to the next step, z = (w - w*, v). Exact: the leading eigenmatrix
    may be averaged over sign flips of the eigenmodes of A, so the map restricted to matrices that
    are diagonal in that basis has the same radius. Derived.

    Examples
    --------
    One input: (1 - eta a)^2 + 2 (eta a)^2/B = 0.81 + 0.02, and 1 at the threshold 2/3.

    >>> radius = ls.theory.regression_second_moment_radius(1.0, [0.1, 2 / 3])
    >>> [round(each, 4) for each in radius.tolist()]
    [0.83, 1.0]
    """
    curvatures = np.linalg.eigvalsh(input_covariance)
    d = len(curvatures)
    kick = np.kron([-1.0, 1.0], [-1.0, 1.0])

    def radius(eta, batch, mu):
        squared = np.zeros((d, 4, d, 4))
        for i, a in enumerate(curvatures):
            transition = np.array([[1 - eta * a, -mu], [eta * a, mu]])
            squared[i, :, i, :] = np.kron(transition, transition)
            squared[i, :, i, 0] += eta**2 / batch * a**2 * kick
            squared[i, :, :, 0] += eta**2 / batch * a * kick[:, None] * curvatures
        return spectral_radius(squared.reshape(4 * d, 4 * d))

    return one_by_one(radius, learning_rate, batch_size, momentum)


@exact(hessian=covariance_matrix)
def stability_bounds(hessian, batch_size=1):
    """Published upper bounds on the learning rate of a stable minimum.

    Parameters
    ----------
    hessian : (d, d) matrix, (d,) curvatures or scalar
        H, positive semidefinite and not zero.
    batch_size : float or array >= 1
        Examples B of a batch.

    Returns
    -------
    StabilityBounds
        In inverse units of the Hessian.

    Raises
    ------
    ValueError
        If the Hessian is not positive semidefinite, or zero.

    Notes
    -----
    Frobenius: the norm of H is at most sqrt(B / mu0) / eta with mu0 = tr(Sigma H) / (2 L tr(H H)),
    taken at its smallest value for Gaussian regression, 1. Trace: tr H <= 2 B / eta. Both are
    necessary conditions and lie above `regression_threshold` without momentum. Wu et al. 2022 and
    Wu and Su 2023; the trace form at B > 1 is derived from sum q_i < kap < 1.

    Examples
    --------
    sqrt(B / (9 + 16)) and 2 B / 7:

    >>> bounds = ls.theory.stability_bounds([3.0, 4.0], batch_size=4)
    >>> f"{bounds.frobenius:.4f} {bounds.trace:.4f}"
    '0.4000 1.1429'
    """
    if not hessian.any():
        raise ValueError("hessian must not be zero: without curvature every rate is stable.")
    return StabilityBounds(
        np.sqrt(batch_size) / np.linalg.norm(hessian), 2 * batch_size / np.trace(hessian)
    )


@exact
def batch_sharpness_plateaus(learning_rate, momentum=0.0):
    """Curvatures at which SGD with momentum settles for small and for large batches.

    Parameters
    ----------
    learning_rate : float or array > 0
        eta.
    momentum : float or array in [0, 1)
        mu; arrays broadcast.

    Returns
    -------
    small, large : float or array
        2 (1 - mu)/eta and 2 (1 + mu)/eta, in units of the inverse learning rate.

    Notes
    -----
    Source: Andreyev et al. 2026; the same two limits follow from `regression_threshold` with A = I.

    Examples
    --------
    Momentum moves them apart; without it both are 2/eta = 20.

    >>> small, large = ls.theory.batch_sharpness_plateaus(0.1, momentum=0.9)
    >>> f"{small:.1f} {large:.1f}"
    '2.0 38.0'
    """
    return 2 * (1 - momentum) / learning_rate, 2 * (1 + momentum) / learning_rate


def _mode_gain(curvatures, eta, batch, mu):
    """q = p a^2 / B: variance fed back by one mode's own multiplicative noise; infinite where the
    mean itself is unstable."""
    margin = 2 * (1 + mu) - eta * curvatures
    stable = margin > 0
    gain = eta * curvatures * (1 + mu) / (batch * (1 - mu) * np.where(stable, margin, 1.0))
    return np.where(stable, gain, np.inf)


def _total_gain(gain):
    """kap = sum q / (1 - q), infinite if a mode is unstable by itself."""
    unstable = gain >= 1
    kept = np.where(unstable, 0.0, gain)
    return np.where(unstable.any(axis=-1), np.inf, np.sum(kept / (1 - kept), axis=-1))
