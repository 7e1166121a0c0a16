"""Landscapes on which samplers and rate theories are tested, with their Hessians."""

import numpy as np

from ..arguments import finite_array, number, numbers, within
from ..kernels.elementary import cos, exp, fma, sigmoid, sin, softplus
from .parameters import size
from .potential_record import Potential
from .records import recorded
from .sums import write_two_by_two

# of U = sum_k height_k exp(xx_k u^2 + xy_k u w + yy_k w^2), (u, w) measured from (x_k, y_k)
MUELLER_BROWN = {
    "height": [-200.0, -100.0, -170.0, 15.0],
    "xx": [-1.0, -1.0, -6.5, 0.7],
    "xy": [0.0, 0.0, 11.0, 0.6],
    "yy": [-10.0, -10.0, -6.5, 0.7],
    "x": [1.0, 0.0, -0.5, -1.0],
    "y": [0.0, 0.5, 1.5, 1.0],
}


def _hill(p, x, k):
    """Term k of the sum, and the two derivatives of its exponent."""
    u, w = x[0] - p.x[k], x[1] - p.y[k]
    a, b = fma(p.xx[k], u, 0.5 * p.xy[k] * w), fma(p.yy[k], w, 0.5 * p.xy[k] * u)
    return p.height[k] * exp(fma(a, u, b * w)), 2.0 * a, 2.0 * b


def _hills_energy(p, x):
    s = 0.0
    for k in range(4):
        s = s + _hill(p, x, k)[0]
    return s


def _hills_gradient(p, x, out):
    first, second = 0.0, 0.0
    for k in range(4):
        height, a, b = _hill(p, x, k)
        first = fma(height, a, first)
        second = fma(height, b, second)
    out[0] = first
    out[1] = second


def _hills_hessian(p, x, out):
    first, mixed, second = 0.0, 0.0, 0.0
    for k in range(4):
        height, a, b = _hill(p, x, k)
        first = fma(height, fma(a, a, 2.0 * p.xx[k]), first)
        mixed = fma(height, fma(a, b, p.xy[k]), mixed)
        second = fma(height, fma(b, b, 2.0 * p.yy[k]), second)
    write_two_by_two(first, mixed, second, out)


@recorded
def mueller_brown():
    """The surface of Mueller and Brown: three minima in a bent valley, in two dimensions.

    A test of saddle searches and of reaction rates.
    U = sum of four terms A exp(a (x - x')^2 + b (x - x') (y - y') + c (y - y')^2), dimensionless.
    Minima: U = -146.700 at (-0.5582, 1.4417), -108.167 at (0.6235, 0.0280), -80.768 at (-0.0500,
    0.4667); saddles: -40.665 at (-0.8220, 0.6243), -72.249 at (0.2125, 0.2930). The last term grows
    like exp(0.7 r^2): a particle that is kicked far out diverges.

    Returns
    -------
    Potential
        In two dimensions, without parameters.

    Notes
    -----
    Source: Mueller and Brown 1979, Theoretica Chimica Acta 53, 75, the constants.

    Examples
    --------
    >>> surface = ls.potentials.mueller_brown()
    >>> bottom, saddle = ls.evaluate(surface, [[-0.5582, 1.4417], [-0.8220, 0.6243]], "energy")
    >>> print(f"the barrier out of the deepest well is {saddle - bottom:.2f}")
    the barrier out of the deepest well is 106.03
    """
    functions = _hills_energy, _hills_gradient, MUELLER_BROWN, 2, _hills_hessian
    return Potential("mueller_brown", *functions)


def _banana_energy(p, x):
    s = 0.0
    for k in range(len(x) - 1):
        across, along = fma(-x[k], x[k], x[k + 1]), 1.0 - x[k]
        s = fma(p.stiffness * across, across, fma(along, along, s))
    return s


def _banana_gradient(p, x, out):
    out[0] = 0.0
    for k in range(len(x) - 1):
        slope = 2.0 * p.stiffness * fma(-x[k], x[k], x[k + 1])
        out[k] = out[k] - 2.0 * fma(slope, x[k], 1.0 - x[k])
        out[k + 1] = slope


def _banana_hessian(p, x, out):
    d = len(x)
    for k in range(d * d):
        out[k] = 0.0
    for k in range(d - 1):
        here, side = (d + 1) * k, -4.0 * p.stiffness * x[k]
        out[here] = out[here] + fma(4.0 * p.stiffness, fma(3.0 * x[k], x[k], -x[k + 1]), 2.0)
        out[here + 1] = side
        out[here + d] = side
        out[here + d + 1] = 2.0 * p.stiffness


@recorded(dim=size(2), stiffness=within(above=0))
def rosenbrock(dim=2, stiffness=100.0):
    """Rosenbrock's bent valley: a narrow curved floor that leads to one minimum.

    U = sum over k < d - 1 of stiffness (x_(k+1) - x_k^2)^2 + (1 - x_k)^2

    Parameters
    ----------
    dim : int, >= 2
        Number of components d.
    stiffness : float, > 0
        How narrow the valley is, energy per length squared; 100 is the classical one.

    Returns
    -------
    Potential
        With gradient and Hessian.

    Notes
    -----
    Global minimum 0 at (1, ..., 1). In 2-D, exp(-U/T) is exact: x_0 is normal with mean 1 and
    variance T/2, and x_1 given x_0 normal with mean x_0^2 and variance T/(2 stiffness). Source:
    Rosenbrock 1960, The Computer Journal 3, 175; the sum over neighbours is the usual extension to
    d > 2.

    Examples
    --------
    The determinant at the minimum is 2 * 2 stiffness = 400, though one entry is 802:

    >>> ls.evaluate(ls.potentials.rosenbrock(), [1.0, 1.0], "hessian").tolist()
    [[802.0, -400.0], [-400.0, 200.0]]
    """
    params = {"stiffness": stiffness}
    return Potential("rosenbrock", _banana_energy, _banana_gradient, params, dim, _banana_hessian)


def _washboard_energy(p, x):
    return p.amplitude * (1.0 - cos(x[0])) - p.force * x[0]


def _washboard_gradient(p, x, out):
    out[0] = fma(p.amplitude, sin(x[0]), -p.force)


def _washboard_hessian(p, x, out):
    out[0] = p.amplitude * cos(x[0])


@recorded(amplitude=within(at_least=0), force=number)
def washboard(amplitude, force):
    """Tilted washboard in one dimension, U = amplitude (1 - cos x) - force x: a driven phase.

    Its gradient has the period 2 pi.

    Parameters
    ----------
    amplitude : float, >= 0
        Half the height of a ridge without force, energy.
    force : float
        Pushes to the right if positive, energy per length. Beyond the amplitude, in size, no
        minimum is left.

    Returns
    -------
    Potential
        In one dimension.

    Notes
    -----
    On the line exp(-U/T) cannot be normalised and particles wander off; on a circle of length 2 pi
    there is a stationary state, which for force != 0 carries a current and is not Boltzmann's.
    Exact law on the circle: Stratonovich's, Risken, The Fokker-Planck Equation, section 11.3.

    Examples
    --------
    The barrier from the minimum at pi/6 to the next maximum is 2 cos(pi/6) - pi/3:

    >>> bottom, top = np.pi / 6, 5 * np.pi / 6
    >>> energies = ls.evaluate(ls.potentials.washboard(1.0, 0.5), [[bottom], [top]], "energy")
    >>> print(f"{energies[1] - energies[0]:.4f}")
    0.6849
    """
    functions = _washboard_energy, _washboard_gradient
    params = {"amplitude": amplitude, "force": force}
    return Potential("washboard", *functions, params, 1, _washboard_hessian)


def _difference(p, x):
    """(U_0, (U_0 - U_1) / smoothing) of the two parabolas."""
    left, right = 0.0, 0.0
    for k in range(len(x)):
        u, w = x[k] - p.centers[0, k], x[k] - p.centers[1, k]
        left = fma(p.curvatures[0, k] * u, u, left)
        right = fma(p.curvatures[1, k] * w, w, right)
    left, right = fma(0.5, left, p.energies[0]), fma(0.5, right, p.energies[1])
    return left, (left - right) / p.smoothing


def _pair_energy(p, x):
    left, t = _difference(p, x)
    return fma(-p.smoothing, softplus(t), left)


def _pair_gradient(p, x, out):
    _, t = _difference(p, x)
    left, right = sigmoid(-t), sigmoid(t)
    for k in range(len(x)):
        slope = right * p.curvatures[1, k] * (x[k] - p.centers[1, k])
        out[k] = fma(left * p.curvatures[0, k], x[k] - p.centers[0, k], slope)


def _pull_apart(p, x, k):
    """Component k of the difference of the two gradients."""
    left = p.curvatures[0, k] * (x[k] - p.centers[0, k])
    return left - p.curvatures[1, k] * (x[k] - p.centers[1, k])


def _pair_hessian(p, x, out):
    d = len(x)
    _, t = _difference(p, x)
    left, right = sigmoid(-t), sigmoid(t)
    for k in range(d):
        across = _pull_apart(p, x, k)
        for j in range(d):
            out[d * k + j] = -left * right / p.smoothing * across * _pull_apart(p, x, j)
        own = fma(right, p.curvatures[1, k], out[d * k + k])
        out[d * k + k] = fma(left, p.curvatures[0, k], own)


def _per_minimum(array, name, shape, most_dims):
    """The array, which must have an entry for each of the two minima."""
    if array.shape[:1] != (2,) or array.ndim > most_dims or not array.size:
        raise ValueError(
            f"{name} must have the shape {shape}, one entry per minimum; got the shape "
            f"{array.shape}."
        )
    return array


@recorded(separation=within(above=0), smoothing=within(above=0))
def two_minima(curvatures=(1.0, 4.0), energies=(0.0, 0.0), separation=2.0, smoothing=0.1):
    """Two parabolas joined smoothly: two minima of separately chosen depths and curvatures.

    ::

        U = -s log(exp(-U_0/s) + exp(-U_1/s)),   s = smoothing
        U_i = energies_i + sum_k curvatures_ik (x_k - c_ik)^2 / 2

    Parameters
    ----------
    curvatures : array_like, > 0, shape (2, d) or (2,)
        Curvatures of the left and the right minimum in each direction, energy per length squared.
        Shape (2,) is d = 1.
    energies : array_like, shape (2,)
        Energies of the two minima.
    separation : float, > 0
        Length between them: c_0 and c_1 are at -+ separation/2 along x_0.
    smoothing : float, > 0
        s, energy. The parabolas change places over the region where they differ by a few s; minima,
        depths and curvatures are as stated up to a relative exp(-gap/s), with gap the height of the
        other parabola there. Keep s well below the barrier.

    Returns
    -------
    Potential
        In d dimensions.

    Notes
    -----
    At T = s, exp(-U/T) is exactly a mixture of two normal laws with weights proportional to
    exp(-energies_i/T) / sqrt(prod_k curvatures_ik). At T < s it is not. Derived: the weights are
    the Gaussian integrals of exp(-U_i/T), the flat-minimum preference of Boltzmann's law.

    Examples
    --------
    >>> pair = ls.potentials.two_minima(curvatures=(1.0, 4.0), separation=2.0, smoothing=0.1)
    >>> ls.evaluate(pair, [[-1.0], [1.0]], "hessian").ravel().round(6).tolist()
    [1.0, 4.0]
    """
    curvatures = numbers(curvatures, "curvatures", above=0)
    curvatures = _per_minimum(curvatures, "curvatures", "(2, d) or (2,)", 2).reshape(2, -1)
    energies = _per_minimum(finite_array(energies, "energies"), "energies", "(2,)", 1)
    centers = np.zeros_like(curvatures)
    centers[:, 0] = np.array([-0.5, 0.5]) * separation
    params = {"curvatures": curvatures, "centers": centers}
    params |= {"energies": energies, "smoothing": smoothing}
    functions = _pair_energy, _pair_gradient
    return Potential("two_minima", *functions, params, curvatures.shape[1], _pair_hessian)
