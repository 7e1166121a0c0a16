"""Non-Gaussian noise on a quadratic: SGD is a linear filter, so cumulants of every order pass
through it exactly.
"""

from functools import reduce
from typing import NamedTuple

import numpy as np

from .gaussian import linear_sgd, require_stable
from .inputs import in_range, positive, real_array, update_numbers


class Shape(NamedTuple):
    """Shape of a 1-D law: ``variance`` (units of x squared), ``skewness`` and ``excess_kurtosis``
    (0 for a Gaussian).

    Floats, or arrays over a sweep.
    """

    variance: np.ndarray
    skewness: np.ndarray
    excess_kurtosis: np.ndarray


def noise_cumulants(values, probabilities=None):
    """First four cumulants (k1, k2, k3, k4) of a discrete law, (4,) array; equal weights by
    default.

    k3 = E d^3, k4 = E d^4 - 3 (E d^2)^2 about the mean; k_n in the n-th power of the units of the
    values. Raises ValueError unless the probabilities are >= 0 and sum to 1. Source: definition.
    """
    values = real_array("values", values)
    if probabilities is None:
        probabilities = np.full(values.shape, 1 / values.size)
    weights = in_range("probabilities", probabilities, 0.0, 1.0, closed_low=True, closed_high=True)
    if weights.shape != values.shape or abs(weights.sum() - 1) > 1e-12:
        raise ValueError(
            f"probabilities (shape {weights.shape}, sum {weights.sum():.15g}) must match values "
            "and sum to 1"
        )
    mean = weights @ values
    second, third, fourth = (weights @ (values - mean) ** n for n in (2, 3, 4))
    return np.array([mean, second, third, fourth - 3 * second**2])


def stationary_shape(
    curvature, cumulants, learning_rate, batch_size=1, momentum=0.0, nesterov=None
):
    """Variance, skewness and excess kurtosis of SGD's stationary law for iid gradient noise of any
    law, as `Shape`.

    Parameters
    ----------
    curvature : float
        h > 0 of U = h x^2 / 2.
    cumulants : sequence of 4 numbers
        (0, k2, k3, k4) of ONE example's gradient noise, see `noise_cumulants`; a mean is ignored,
        as noise has none.
    learning_rate, batch_size, momentum : float or arrays that broadcast together (a sweep)
    nesterov : None, "torch" or "lookahead"

    Raises
    ------
    ValueError
        At or above the stability threshold, or for a variance k2 that is not positive.

    Notes
    -----
    kappa_n(x) = kappa_n / B^(n-1) * [(I - F (x) ... (x) F)^-1 G (x) ... (x) G]_x, n factors;
    without momentum (-eta)^n / (1 - (1 - eta h)^n). Hence the excess kurtosis falls like 1/B.
    Batches drawn independently with replacement. Exact; derived here (cumulants of independent sums
    add)."""
    positive("curvature", curvature)
    numbers = update_numbers(learning_rate, batch_size, momentum)
    require_stable(curvature, numbers.learning_rate, numbers.momentum, nesterov)
    law = real_array("cumulants", cumulants)
    if law.shape != (4,):
        raise ValueError(
            f"cumulants has shape {law.shape}; pass the four numbers of noise_cumulants"
        )
    if law[1] <= 0:
        raise ValueError(f"cumulants[1] = {law[1]:g} is the variance of the noise and must be > 0")

    def moments(eta, batch, mu):
        process, kappa = linear_sgd(curvature, 1.0, eta, 1, mu, nesterov), {}
        for order in (2, 3, 4):
            powers = reduce(np.kron, [process.transition] * order)
            kicks = reduce(np.kron, [process.noise_input[:, 0]] * order)
            kappa[order] = (
                np.linalg.solve(np.eye(len(powers)) - powers, kicks)[0]
                * law[order - 1]
                / batch ** (order - 1)
            )
        return kappa[2], kappa[3] / kappa[2] ** 1.5, kappa[4] / kappa[2] ** 2

    return Shape(*(values[()] for values in np.vectorize(moments, otypes=[float] * 3)(*numbers)))


def two_point_cdf(x, curvature, learning_rate, scale=1.0):
    """P(theta <= x) of SGD with noise +-scale, each with probability 1/2 and B = 1, for 1/2 <= eta
    h < 1 (dimensionless, like x).

    theta = sum a^j (+-eta scale), a = 1 - eta h, lives on [-scale/h, scale/h]. It is uniform at eta
    h = 1/2 and a Cantor law, without any density, at eta h > 1/2. The two halves of the support do
    not overlap then, and the digits of x give F to double precision.

    Raises
    ------
    ValueError
        For x that is not finite, or eta h outside [1/2, 1): the halves overlap below 1/2; use the
        transfer operator there.

    Notes
    -----
    Exact: F(x) = [F((x - eta s)/a) + F((x + eta s)/a)] / 2. Bernoulli convolutions (Erdos;
    Solomyak; not read); derived here."""
    h, eta, scale = (
        float(positive(*pair))
        for pair in (("curvature", curvature), ("learning_rate", learning_rate), ("scale", scale))
    )
    step = float(in_range("learning_rate * curvature", eta * h, 0.5, 1.0, closed_low=True))
    position = real_array("x", x) * h / scale
    probability = np.zeros_like(position)
    for digit in range(1, 60):
        weight = 0.5**digit
        # in units of scale/h the right half of the support is step + (1 - step) [-1, 1]
        upper = position >= step - (1 - step)
        below_gap = position <= -step + (1 - step)
        probability = probability + np.where(upper | ~below_gap, weight, 0.0)
        shifted = np.where(upper, position - step, np.where(below_gap, position + step, -2.0))
        position = np.where(
            position >= 1, 2.0, np.where(position < -1, -2.0, shifted / max(1 - step, 1e-300))
        )
    return probability
