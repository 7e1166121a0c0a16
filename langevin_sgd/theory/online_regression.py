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

from ..arguments import covariance_matrix, formula, positive_matrix, within
from .linear_process import StationaryBlocks, one_by_one, spectral_radius, trace
from .quadratic_sgd import stability_threshold

INPUTS = {"input_covariance": positive_matrix}
WITH_NOISE = {**INPUTS, "label_noise": within(at_least=0)}


class StabilityBounds(NamedTuple):
    """Upper bounds on the stable learning rate, floats or arrays over B: ``frobenius``
    sqrt(B)/||H||_F, ``trace`` 2 B / tr H."""

    frobenius: np.ndarray
    trace: np.ndarray


@formula(**WITH_NOISE)
def regression_covariance(input_covariance, label_noise, learning_rate, batch_size=1, momentum=0.0):
    """Stationary covariance blocks of w - w* for online linear regression, as `StationaryBlocks` of
    (..., d, d) arrays.

    ``label_noise`` is the variance of the label noise, >= 0, in units of the loss. Without momentum
    position S solves S = (I - eta A) S (I - eta A) + (eta^2/B) [A S A + tr(A S) A + label_noise A].
    ValueError, naming the threshold, if the second moment diverges.

    Exact for every learning rate below `regression_threshold`. Ziyin et al. 2022 for mu = 0; the
    momentum form is derived here: mode i of curvature a with unit response p(a) (the variance under
    noise of unit covariance) has s_i = p a (tau + label_noise) / (B (1 - q_i)), q_i = p a^2 / B,
    and tau = tr(A S) closes the equation."""
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


@formula(**WITH_NOISE)
def regression_excess_risk(
    input_covariance, label_noise, learning_rate, batch_size=1, momentum=0.0
):
    """Stationary excess risk tr(A S) / 2 of online linear regression, in units of the loss (float
    or array over a sweep).

    Parameters, errors and source as `regression_covariance`; exact. Equal to label_noise kap / (2
    (1 - kap)), where kap is the gain that reaches 1 at the threshold."""
    position = regression_covariance(
        input_covariance, label_noise, learning_rate, batch_size, momentum
    ).position
    return trace(input_covariance @ position) / 2


@formula(**INPUTS)
def regression_threshold(input_covariance, batch_size=1, momentum=0.0):
    """Learning rate at which the second moment of online linear regression diverges (float, or
    array over a sweep).

    The root of kap = sum_i q_i / (1 - q_i) = 1 with q_i = eta a_i (1 + mu) / (B (1 - mu) (2 (1 +
    mu) - eta a_i)). In a mode of curvature a the plain threshold 2 (1 + mu)/a returns as B grows;
    isotropic A = I gives 2 B (1 - mu) / (d + 1 + B (1 - mu) / (1 + mu)), whose two limits are the
    plateaus 2 (1 - mu) and 2 (1 + mu) of Andreyev et al. 2026. Exact; derived here. It agrees with
    4 / (9 + sqrt 17) for A = diag(1, 2), B = 1 (Y. Bulatov's note on the convergence of least mean
    squares)."""
    from scipy.optimize import brentq

    curvatures = np.linalg.eigvalsh(input_covariance)

    def threshold(batch, mu):
        def excess(rate):  # kap / (1 + kap) is continuous through the points where kap is infinite
            total = float(_total_gain(_mode_gain(curvatures, rate, batch, mu)))
            return 0.5 if np.isinf(total) else total / (1 + total) - 0.5

        highest = stability_threshold(curvatures, mu)
        return brentq(excess, 0.0, highest, xtol=1e-300, rtol=4 * np.finfo(float).eps)

    return one_by_one(threshold, batch_size, momentum)


@formula(**INPUTS)
def regression_second_moment_radius(input_covariance, learning_rate, batch_size=1, momentum=0.0):
    """Spectral radius of the map that takes E[z z'] to the next step, z = (w - w*, v): below 1 iff
    mean-square stable.

    Dimensionless, a float or an array over a sweep. -1/log of it is the number of steps in which
    second moments relax by e. Exact: the leading eigenmatrix may be averaged over sign flips of the
    eigenmodes of A, so the map restricted to matrices that are diagonal in that basis has the same
    radius. Derived."""
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


@formula(hessian=covariance_matrix)
def stability_bounds(hessian, batch_size=1):
    """Published upper bounds on the learning rate of a stable minimum, as `StabilityBounds`, to
    hold against the exact threshold.

    Frobenius: ||H||_F <= sqrt(B / mu0) / eta with mu0 = tr(Sigma H) / (2 L ||H||_F^2), taken at its
    smallest value for Gaussian regression, 1. Trace: tr H <= 2 B / eta. Both are necessary
    conditions and lie above `regression_threshold` without momentum. Wu et al. 2022 and Wu and Su
    2023; the trace form at B > 1 is derived from sum q_i < kap < 1. In inverse units of the hessian
    (d, d); ``batch_size`` may be an array. Raises ValueError unless the hessian is positive
    semidefinite and not zero."""
    if not hessian.any():
        raise ValueError("hessian must not be zero: without curvature every rate is stable.")
    return StabilityBounds(
        np.sqrt(batch_size) / np.linalg.norm(hessian), 2 * batch_size / np.trace(hessian)
    )


@formula
def batch_sharpness_plateaus(learning_rate, momentum=0.0):
    """Curvatures (2 (1 - mu)/eta, 2 (1 + mu)/eta) at which SGD settles for small and for large
    batches, two floats or arrays.

    In units of the inverse learning rate. Source: Andreyev et al. 2026; the same two limits follow
    from `regression_threshold` with A = I."""
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
