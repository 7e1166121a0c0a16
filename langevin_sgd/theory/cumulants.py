"""Non-Gaussian noise on a quadratic: cumulants of every order pass exactly through SGD.

It is a linear filter there."""

from functools import reduce
from typing import NamedTuple

import numpy as np

from ..arguments import check_range
from .linear_process import one_by_one
from .meanings import ABOVE_ZERO, exact
from .quadratic_sgd import linear_sgd, require_stable


class Shape(NamedTuple):
    """Variance, skewness and excess kurtosis of a law in one dimension.

    Parameters
    ----------
    variance : float or array
        In units of x squared; an array over a sweep, like the others.
    skewness : float or array
        0 for a symmetric law.
    excess_kurtosis : float or array
        0 for a Gaussian.

    Examples
    --------
    A uniform law has the excess kurtosis -6/5; here it is that of SGD with two-point noise.

    >>> shape = ls.theory.stationary_shape(1.0, [0.0, 1.0, 0.0, -2.0], learning_rate=0.5)
    >>> round(float(shape.excess_kurtosis), 4)
    -1.2
    """

    variance: np.ndarray
    skewness: np.ndarray
    excess_kurtosis: np.ndarray


@exact
def noise_cumulants(values, probabilities=None):
    """First four cumulants of a discrete law.

    Parameters
    ----------
    values : (k,) array
        What the law can give.
    probabilities : (k,) array, optional
        Equal by default.

    Returns
    -------
    (4,) array
        Mean, variance, k3 = E d^3 and k4 = E d^4 - 3 (E d^2)^2 about the mean, the n-th in the n-th
        power of the units of the values.

    Raises
    ------
    ValueError
        If the values are no row of numbers, or the probabilities are not one for each.

    Notes
    -----
    Source: definition.

    Examples
    --------
    A fair coin of -1 and 1 has E d^4 = 1, so k4 = 1 - 3:

    >>> ls.theory.noise_cumulants([-1.0, 1.0]).tolist()
    [0.0, 1.0, 0.0, -2.0]
    """
    if values.ndim != 1 or not values.size:
        raise ValueError(f"values must be one row of numbers, got the shape {values.shape}.")
    if probabilities is None:
        probabilities = np.full(values.shape, 1 / values.size)
    if probabilities.shape != values.shape:
        raise ValueError(f"probabilities must be {values.size} numbers, one for each value.")
    mean = probabilities @ values
    second, third, fourth = (probabilities @ (values - mean) ** n for n in (2, 3, 4))
    return np.array([mean, second, third, fourth - 3 * second**2])


@exact(curvature=ABOVE_ZERO)
def stationary_shape(
    curvature, cumulants, learning_rate, batch_size=1, momentum=0.0, nesterov=None
):
    """Variance, skewness and excess kurtosis of SGD on a quadratic, for gradient noise of any law.

    Parameters
    ----------
    curvature : float
        h > 0 of U = h x^2 / 2, in energy/length^2.
    cumulants : (4,) array
        (0, k2, k3, k4) of ONE example's gradient noise, see `noise_cumulants`; a mean is ignored,
        as noise has none.
    learning_rate, batch_size, momentum : float or arrays that broadcast together
        Batches are drawn independently with replacement.
    nesterov : None, "torch" or "lookahead"
        As in `linear_sgd`.

    Returns
    -------
    Shape
        Floats, or arrays over the sweep.

    Raises
    ------
    ValueError
        At or above the stability threshold, or for a variance k2 that is not positive.

    Notes
    -----
    kappa_n(x) = kappa_n / B^(n-1) * [(I - F (x) ... (x) F)^-1 G (x) ... (x) G]_x, n factors;
    without momentum (-eta)^n / (1 - (1 - eta h)^n). Hence the excess kurtosis falls like 1/B.
    Exact; derived here (cumulants of independent sums add).

    Examples
    --------
    Coin noise with eta h = 1/2 gives the uniform law on [-1, 1], of variance 1/3; ten examples a
    batch divide variance and excess kurtosis by ten.

    >>> coin = ls.theory.noise_cumulants([-1.0, 1.0])
    >>> shape = ls.theory.stationary_shape(1.0, coin, learning_rate=0.5, batch_size=[1, 10])
    >>> shape.variance.round(4).tolist(), shape.excess_kurtosis.round(4).tolist()
    ([0.3333, 0.0333], [-1.2, -0.12])
    """
    require_stable(curvature, learning_rate, momentum, nesterov)
    if cumulants.shape != (4,) or not cumulants[1] > 0:
        raise ValueError(
            "cumulants must be the four numbers of noise_cumulants, with a variance cumulants[1] "
            f"> 0, got {cumulants}."
        )

    def moments(eta, batch, mu):
        process = linear_sgd(curvature, 1.0, eta, 1, mu, nesterov)

        def kappa(order):
            powers = reduce(np.kron, [process.transition] * order)
            kicks = reduce(np.kron, [process.noise_input[:, 0]] * order)
            response = np.linalg.solve(np.eye(len(powers)) - powers, kicks)[0]
            return response * cumulants[order - 1] / batch ** (order - 1)

        variance = kappa(2)
        return variance, kappa(3) / variance**1.5, kappa(4) / variance**2

    return Shape(*one_by_one(moments, learning_rate, batch_size, momentum, outputs=3))


@exact(curvature=ABOVE_ZERO, learning_rate=ABOVE_ZERO, scale=ABOVE_ZERO)
def two_point_cdf(x, curvature, learning_rate, scale=1.0):
    """Distribution function of SGD on a quadratic with noise of two values, at large steps.

    Parameters
    ----------
    x : array
        Where P(theta <= x) is wanted, in units of length.
    curvature : float
        h > 0, in energy/length^2.
    learning_rate : float
        eta with 1/2 <= eta h < 1.
    scale : float
        The noise is +scale or -scale, in energy/length, each with probability 1/2, and B = 1.

    Returns
    -------
    array of the shape of x
        Dimensionless.

    Raises
    ------
    ValueError
        For eta h outside [1/2, 1): the halves of the support overlap below 1/2; use the transfer
        operator there.

    Notes
    -----
    theta = sum a^j (+-eta scale), a = 1 - eta h, lives on [-scale/h, scale/h]. It is uniform at
    eta h = 1/2 and a Cantor law, without any density, at eta h > 1/2. The two halves of the support
    do not overlap then, and the digits of x give F to double precision. Exact:
    F(x) = [F((x - eta s)/a) + F((x + eta s)/a)] / 2, s the scale. Bernoulli convolutions (Solomyak
    1995); derived here.

    Examples
    --------
    Uniform on [-1, 1] at eta h = 1/2; Cantor's middle third, in which nothing lies, at 2/3:

    >>> ls.theory.two_point_cdf([-0.5, 0.0, 0.5], 1.0, learning_rate=0.5).round(4).tolist()
    [0.25, 0.5, 0.75]
    >>> ls.theory.two_point_cdf([-0.3, 0.3], 1.0, learning_rate=2 / 3).round(4).tolist()
    [0.5, 0.5]
    """
    step = learning_rate * curvature
    check_range(step, "learning_rate * curvature", at_least=0.5, below=1.0)
    rest = 1 - step  # in units of scale/h the right half of the support is step + rest [-1, 1]
    position = x * curvature / scale
    probability = np.zeros_like(position)
    for digit in range(1, 60):
        upper = position >= step - rest
        below_gap = position <= rest - step
        probability = probability + np.where(upper | ~below_gap, 0.5**digit, 0.0)
        shifted = np.where(upper, position - step, np.where(below_gap, position + step, -2.0))
        inside = np.where(position < -1, -2.0, shifted / max(rest, 1e-300))
        position = np.where(position >= 1, 2.0, inside)
    return probability
