"""Landscapes of the SGD literature, with the force that belongs to them."""

from ..arguments import number, within
from ..kernels.elementary import exp, fma, where
from .parameters import size
from .potential_record import Potential
from .records import recorded
from .sums import squares, write_two_by_two


def _ring_energy(p, x):
    y = fma(-p.radius, p.radius, squares(x))
    return 0.125 * p.stiffness / (p.radius * p.radius) * y * y


def _ring_gradient(p, x, out):
    factor = 0.5 * p.stiffness / (p.radius * p.radius) * fma(-p.radius, p.radius, squares(x))
    for k in range(len(x)):
        out[k] = factor * x[k]


def _ring_hessian(p, x, out):
    d, factor = len(x), 0.5 * p.stiffness / (p.radius * p.radius)
    y = fma(-p.radius, p.radius, squares(x))
    for k in range(d):
        for j in range(d):
            out[d * k + j] = factor * (2.0 * x[k] * x[j] + (y if k == j else 0.0))


@recorded(radius=within(above=0), stiffness=within(above=0), dim=size(2))
def ring(radius=1.0, stiffness=1.0, dim=2):
    """A flat circle of minima, in d dimensions a sphere, along which only noise moves a particle.

    U = stiffness (r^2 - radius^2)^2 / (8 radius^2)

    Parameters
    ----------
    radius : float, > 0
        Of the circle, length.
    stiffness : float, > 0
        Radial curvature on the circle, energy per length squared.
    dim : int, >= 2
        Number of components d; minima form a manifold of d - 1 flat directions.

    Returns
    -------
    Potential
        In d dimensions.

    Notes
    -----
    U = stiffness radius^2 / 8 at the centre. Along the circle there is no force: what moves the
    angle is noise alone. Derived: a polynomial, unlike stiffness (r - radius)^2 / 2, which has a
    cusp at the centre.

    Examples
    --------
    One stiff direction across the circle, one flat along it:

    >>> ls.evaluate(ls.potentials.ring(radius=2.0), [2.0, 0.0], "hessian").tolist()
    [[1.0, 0.0], [0.0, 0.0]]
    """
    params = {"radius": radius, "stiffness": stiffness}
    return Potential("ring", _ring_energy, _ring_gradient, params, dim, _ring_hessian)


def _in_sharp_bowl(p, x):
    """(True in the sharp bowl, its energy, that of the flat bowl)."""
    u, w = x[0] - 1.0, x[1] - 1.0
    across, along = u - w, u + w
    sharp = fma(0.5 * p.soft * across, across, 0.5 * p.stiff * along * along)
    flat = p.flat * fma(x[0] + 1.0, x[0] + 1.0, (x[1] + 1.0) * (x[1] + 1.0))
    return sharp < flat, sharp, flat


def _bowls_energy(p, x):
    inside, sharp, flat = _in_sharp_bowl(p, x)
    return where(inside, sharp, flat)


def _bowls_gradient(p, x, out):
    inside, _, _ = _in_sharp_bowl(p, x)
    across, along = p.soft * (x[0] - x[1]), p.stiff * (x[0] + x[1] - 2.0)
    out[0] = where(inside, along + across, 2.0 * p.flat * (x[0] + 1.0))
    out[1] = where(inside, along - across, 2.0 * p.flat * (x[1] + 1.0))


def _bowls_hessian(p, x, out):
    inside, _, _ = _in_sharp_bowl(p, x)
    own = where(inside, p.stiff + p.soft, 2.0 * p.flat)
    write_two_by_two(own, where(inside, p.stiff - p.soft, 0.0), own, out)


@recorded
def zhu_bowls():
    """A sharp and a flat bowl side by side: noise aligned with the curvature escapes best.

    ::

        U = min(10 u^2 + 100 w^2, (x_0 + 1)^2 + (x_1 + 1)^2)
        u = (x_0 - x_1)/sqrt 2,   w = (x_0 + x_1 - 2)/sqrt 2

    The sharp minimum (1, 1) has curvatures 20 across and 200 along the line to the flat minimum
    (-1, -1), which has curvature 2; both have U = 0. U is continuous, with a crease where the two
    bowls meet.

    Returns
    -------
    Potential
        In two dimensions, without parameters.

    Notes
    -----
    Dimensionless. The authors run 500 steps of learning rate 0.005 from (1, 1), add noise of total
    variance 0.01 per step to the weights, and count an escape when both components end below -0.5.
    Source: Zhu, Wu, Yu, Wu and Ma 2019 (arXiv:1803.00195), constants from the authors' program
    (uuujf/SGDNoise, 2Dim). What is reproduced is the loss of one example at the mean of the data.
    The program averages it over 100 points drawn with standard deviations 0.0316 along u and 0.01
    along w, which are not kept; inside the sharp bowl that only adds a constant, 0.02 in the mean,
    and the covariance of its example gradients is 0.02 times the Hessian (derived: H cov H).

    Examples
    --------
    >>> bowls = ls.potentials.zhu_bowls()
    >>> hessians = ls.evaluate(bowls, [[1.0, 1.0], [-1.0, -1.0]], "hessian")
    >>> np.linalg.eigvalsh(hessians).round(6).tolist()
    [[20.0, 200.0], [2.0, 2.0]]
    """
    params = {"soft": 10.0, "stiff": 100.0, "flat": 1.0}
    return Potential("zhu_bowls", _bowls_energy, _bowls_gradient, params, 2, _bowls_hessian)


def _stream_energy(p, x):
    y = x[0] * x[0] - 1.0
    return fma(0.25 * y, y, 0.5 * x[1] * x[1])


def _stream_gradient(p, x, out):
    out[0] = x[0] * (x[0] * x[0] - 1.0)
    out[1] = x[1]


def _stream_hessian(p, x, out):
    write_two_by_two(fma(3.0 * x[0], x[0], -1.0), 0.0, 1.0, out)


def _stream_drift(p, x, out):
    a, b = x[0] * x[0], x[1] * x[1]
    # U - r^4/4, free of cancelling fourth powers
    speed = p.strength * exp(0.25 * (1.0 + 2.0 * (b - a) - b * (2.0 * a + b)))
    out[0] = -speed * x[1]
    out[1] = speed * x[0]


@recorded(strength=number)
def rotational_drift(strength):
    """A force that circulates yet leaves Boltzmann's density at T = 1 as it is, exp(-U)/Z.

    Detailed balance fails::

        U = (x_0^2 - 1)^2/4 + x_1^2/2,   force beside -grad U:   strength exp(U - r^4/4) (-x_1, x_0)

    Parameters
    ----------
    strength : float
        Of the circulation, lengths per time at exp(U - r^4/4) = 1 and r = 1; positive is
        anticlockwise.

    Returns
    -------
    Potential
        In two dimensions, with a `drift`.

    Notes
    -----
    For `dynamics.langevin(temperature=1.0, ...)` the stationary density is
    exp(-U)/Z up to O(step_size), and the current strength exp(-r^4/4) (-x_1, x_0)/Z. Source:
    Chaudhari and Soatto 2018 (arXiv:1710.11029), example 19. Why: the current exp(-U) force has no
    divergence, for it is a function of r times (-x_1, x_0). At another temperature the density is
    not Boltzmann's.

    Examples
    --------
    At (0, 1) the speed is exp(U - r^4/4) = exp(3/4 - 1/4), to the left:

    >>> ls.evaluate(ls.potentials.rotational_drift(1.0), [0.0, 1.0], "drift").round(4).tolist()
    [-1.6487, 0.0]
    """
    functions = _stream_energy, _stream_gradient, {"strength": strength}, 2
    return Potential("rotational_drift", *functions, _stream_hessian, _stream_drift)


def _sharpening_energy(p, x):
    return x[1] * fma(0.5 * x[0], x[0], -p.sharpening)


def _sharpening_gradient(p, x, out):
    out[0] = x[0] * x[1]
    out[1] = fma(0.5 * x[0], x[0], -p.sharpening)


def _sharpening_hessian(p, x, out):
    write_two_by_two(x[1], x[0], 0.0, out)


@recorded(sharpening=within(above=0))
def edge_of_stability(sharpening):
    """A curvature that grows until SGD is unstable: U = x_1 (x_0^2/2 - sharpening).

    x_1 is the curvature of x_0; it grows by learning_rate sharpening a step and falls by
    learning_rate x_0^2/2, so that it stays near 2/learning_rate.

    Parameters
    ----------
    sharpening : float, > 0
        Growth of the curvature per time (learning rate times steps), length^2.

    Returns
    -------
    Potential
        In two dimensions.

    Notes
    -----
    Not bounded below: exp(-U/T) cannot be normalised, and a particle with x_1 < 0 is lost. SGD of
    rate eta with noise of variance sigma^2 on x_0 alone, `noise.gaussian([sigma^2, 0])`, has
    exactly, in the state where it stays, with d = x_1 - 2/eta::

        E x_0^2 = 2 sharpening,   E[(2 d + eta d^2) x_0^2] = -eta sigma^2,
        E d = -eta (sigma^2 + E[d^2 x_0^2] + 2 Var(x_0^2/2)) / (4 sharpening)

    (derived: stationarity of E x_1, E x_0^2 and E x_1^2). Source of the mechanism: Damian et
    al. 2023; Liao et al. 2026 (arXiv:2604.21016) have the first term of E d.

    Examples
    --------
    The curvature x_1 rises at the rate `sharpening` where x_0 = 0, and stands still at
    x_0^2 = 2 sharpening:

    >>> edge = ls.potentials.edge_of_stability(0.5)
    >>> ls.evaluate(edge, [[0.0, 20.0], [1.0, 20.0]], "gradient").tolist()
    [[0.0, -0.5], [20.0, 0.0]]
    """
    functions = _sharpening_energy, _sharpening_gradient, {"sharpening": sharpening}, 2
    return Potential("edge_of_stability", *functions, _sharpening_hessian)
