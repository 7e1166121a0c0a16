"""Landscapes of the SGD literature, with the force or the noise that belongs to them."""

from ..kernels.elementary import exp, fma, sqrt, where
from .gradient_noise import GradientNoise
from .parameters import COUNT_LIMIT, integer, number
from .potential_record import Potential
from .records import recorded


def _squared_radius(x):
    s = 0.0
    for k in range(len(x)):
        s = fma(x[k], x[k], s)
    return s


def _ring_energy(p, x):
    y = fma(-p.radius, p.radius, _squared_radius(x))
    return 0.125 * p.stiffness / (p.radius * p.radius) * y * y


def _ring_gradient(p, x, out):
    factor = (
        0.5 * p.stiffness / (p.radius * p.radius) * fma(-p.radius, p.radius, _squared_radius(x))
    )
    for k in range(len(x)):
        out[k] = factor * x[k]


def _ring_hessian(p, x, out):
    d, factor = len(x), 0.5 * p.stiffness / (p.radius * p.radius)
    y = fma(-p.radius, p.radius, _squared_radius(x))
    for k in range(d):
        for j in range(d):
            out[d * k + j] = factor * (2.0 * x[k] * x[j] + (y if k == j else 0.0))


@recorded
def ring(radius=1.0, stiffness=1.0, dim=2):
    """A flat circle (in d dimensions a sphere) of minima, U = stiffness (r^2 - radius^2)^2 / (8
    radius^2).

    Parameters
    ----------
    radius : float > 0
        Of the circle, length.
    stiffness : float > 0
        Radial curvature on the circle, energy per length squared.
    dim : int >= 2
        Number of components d; minima form a manifold of d - 1 flat directions.

    Returns
    -------
    Potential
        U = stiffness radius^2 / 8 at the centre. Along the circle there is no force: what moves the
        angle is noise alone.

    Notes
    -----
    Derived: a polynomial, unlike stiffness (r - radius)^2 / 2, which has a cusp at the centre.
    """
    params = {
        "radius": number(radius, "radius", above=0),
        "stiffness": number(stiffness, "stiffness", above=0),
    }
    return Potential(
        "ring",
        _ring_energy,
        _ring_gradient,
        params,
        integer(dim, "dim", 2, limit=COUNT_LIMIT),
        _ring_hessian,
    )


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
    out[0] = where(inside, p.stiff + p.soft, 2.0 * p.flat)
    out[1] = where(inside, p.stiff - p.soft, 0.0)
    out[2] = where(inside, p.stiff - p.soft, 0.0)
    out[3] = where(inside, p.stiff + p.soft, 2.0 * p.flat)


@recorded
def zhu_bowls():
    """A sharp and a flat bowl side by side in 2-D, on which noise aligned with the curvature
    escapes best.

    U = min(10 u^2 + 100 w^2, (x_0 + 1)^2 + (x_1 + 1)^2),   u = (x_0 - x_1)/sqrt 2,   w = (x_0 + x_1 - 2)/sqrt 2

    The sharp minimum (1, 1) has curvatures 20 across and 200 along the line to the flat minimum
    (-1, -1), which has curvature 2; both have U = 0. U is continuous, with a crease where the two
    bowls meet.

    Returns
    -------
    Potential
        Dimensionless. The authors run 500 steps of learning rate 0.005 from (1, 1), add noise of
        total variance 0.01 per step to the weights, and count an escape when both components end
        below -0.5.

    Notes
    -----
    Source: Zhu, Wu, Yu, Wu and Ma 2019 (arXiv:1803.00195), constants from the authors' program
    (uuujf/SGDNoise, 2Dim). What is reproduced is the loss of one example at the mean of the data.
    The program averages it over 100 points drawn with standard deviations 0.0316 along u and 0.01
    along w, which are not kept; inside the sharp bowl that only adds a constant, 0.02 in the mean,
    and the covariance of its example gradients is 0.02 times the Hessian (derived: H cov H)."""
    params = {"soft": 10.0, "stiff": 100.0, "flat": 1.0}
    return Potential("zhu_bowls", _bowls_energy, _bowls_gradient, params, 2, _bowls_hessian)


def _stream_energy(p, x):
    y = x[0] * x[0] - 1.0
    return fma(0.25 * y, y, 0.5 * x[1] * x[1])


def _stream_gradient(p, x, out):
    out[0] = x[0] * (x[0] * x[0] - 1.0)
    out[1] = x[1]


def _stream_hessian(p, x, out):
    out[0] = fma(3.0 * x[0], x[0], -1.0)
    out[1] = 0.0
    out[2] = 0.0
    out[3] = 1.0


def _stream_drift(p, x, out):
    a, b = x[0] * x[0], x[1] * x[1]
    speed = p.strength * exp(
        0.25 * (1.0 + 2.0 * (b - a) - b * (2.0 * a + b))
    )  # U - r^4/4, free of cancelling fourth powers
    out[0] = -speed * x[1]
    out[1] = speed * x[0]


@recorded
def rotational_drift(strength):
    """A force that circulates yet leaves Boltzmann's density as it is: at T = 1 the law is exp(-U)
    and detailed balance fails.

    U = (x_0^2 - 1)^2/4 + x_1^2/2,   force beside -grad U:   strength exp(U - r^4/4) (-x_1, x_0)

    Parameters
    ----------
    strength : float
        Of the circulation, lengths per time at exp(U - r^4/4) = 1 and r = 1; positive is
        anticlockwise.

    Returns
    -------
    Potential
        With a `drift`. For `dynamics.langevin(temperature=1.0, ...)` the stationary density is
        exp(-U)/Z up to O(step_size), and the current strength exp(-r^4/4) (-x_1, x_0)/Z.

    Notes
    -----
    Source: Chaudhari and Soatto 2018 (arXiv:1710.11029), example 19. Why: the current exp(-U) force
    has no divergence, for it is a function of r times (-x_1, x_0). At another temperature the
    density is not Boltzmann's."""
    params = {"strength": number(strength, "strength")}
    return Potential(
        "rotational_drift",
        _stream_energy,
        _stream_gradient,
        params,
        2,
        hessian=_stream_hessian,
        drift=_stream_drift,
    )


def _swirl_sample(p, x, z, out):
    bump = p.strength * exp(-0.5 * _squared_radius(x))
    split = bump * _squared_radius(x)  # eigenvalues of D: 1 -+ split
    low, high = sqrt(1.0 - split), sqrt(1.0 + split)
    same, factor = 0.5 * (low + high), bump / (low + high)
    off, diagonal = factor * (x[0] * x[0] - x[1] * x[1]), 2.0 * factor * x[0] * x[1]
    out[0] = p.scale * fma(same - diagonal, z[0], off * z[1])
    out[1] = p.scale * fma(off, z[0], (same + diagonal) * z[1])


@recorded
def swirl_noise(strength, learning_rate, batch_size=1):
    """Noise that turns SGD on `quadratic([1, 1])` into a swirl: density exactly exp(-r^2/2), with
    currents.

    D(x, y) = learning_rate Sigma / (2 batch_size) = 1 + strength exp(-r^2/2) [[-2xy, x^2 - y^2],
    [x^2 - y^2, 2xy]]

    In the limit learning_rate -> 0 of SGD (time = learning_rate times steps) the law has T = 1 and
    the current is tangential, J_t = -strength (4r - 2r^3) exp(-r^2)/(2 pi): one sense inside r =
    sqrt 2, the other outside. The area rate is 0, the rotation weighted by exp(-r^2) is
    -strength/4. A test of the density alone cannot see that this is no equilibrium.

    Parameters
    ----------
    strength : float, |strength| < e/2 = 1.359
        Beyond it D is not positive definite at r = sqrt 2.
    learning_rate : float > 0
        That of the `dynamics.sgd` it is used with, length squared per energy.
    batch_size : int >= 1
        Likewise.

    Returns
    -------
    GradientNoise
        Of one example, with covariance Sigma(x) = 2 batch_size D(x) / learning_rate. Its trace is
        the same everywhere, so that E r^2 = 2/(1 - learning_rate/2) exactly, at every learning rate
        below 2.

    Notes
    -----
    Derived: call the matrix M. div(exp(-r^2) M) = (4 - 2 r^2) exp(-r^2) (-y, x), so for p =
    exp(-r^2/2)/(2 pi) the current J = -x p - div(D p) is tangential with a strength that depends on
    r only: div J = 0. M has the eigenvalues -+ r^2, which gives the symmetric root of D without a
    singularity."""
    limit = 1.3591409142295225  # e/2
    params = {"strength": number(strength, "strength", above=-limit, below=limit)}
    rate, batch = (
        number(learning_rate, "learning_rate", above=0),
        integer(batch_size, "batch_size", at_least=1),
    )
    params["scale"] = (2.0 * batch / rate) ** 0.5
    return GradientNoise("swirl_noise", _swirl_sample, params, normals=2, gaussian=True, dim=2)


def _valley_energy(p, x):
    r = fma(x[0], x[1], -1.0)
    return 0.5 * r * r


def _valley_gradient(p, x, out):
    r = fma(x[0], x[1], -1.0)
    out[0] = r * x[1]
    out[1] = r * x[0]


def _valley_hessian(p, x, out):
    mixed = fma(2.0 * x[0], x[1], -1.0)
    out[0] = x[1] * x[1]
    out[1] = mixed
    out[2] = mixed
    out[3] = x[0] * x[0]


@recorded
def label_noise_valley():
    """The hyperbola of minima uv = 1, U = (uv - 1)^2/2: flat along it, with a curvature u^2 + v^2
    that label noise lowers.

    Returns
    -------
    Potential
        Dimensionless. exp(-U/T) cannot be normalised: the valley is infinitely long. Gradient flow
        conserves u^2 - v^2; each step of SGD with `label_noise` multiplies it by 1 - (learning_rate
        r)^2, r = uv - 1 - e: exactly, whatever e (derived: u' = u - learning_rate r v, v' = v -
        learning_rate r u). SGD ends where |u| = |v|, the flattest place.

    Notes
    -----
    Source of the question: Blanc, Gupta, Valiant and Valiant 2020 (arXiv:1904.09080); Li, Wang and
    Arora (arXiv:2110.06914)."""
    return Potential(
        "label_noise_valley", _valley_energy, _valley_gradient, None, 2, _valley_hessian
    )


def _label_sample(p, x, z, out):
    out[0] = -p.scale * z[0] * x[1]
    out[1] = -p.scale * z[0] * x[0]


@recorded
def label_noise(standard_deviation):
    """Noise of a label 1 + e in (uv - label)^2/2 on `label_noise_valley`: xi = -e (v, u), e normal.

    Parameters
    ----------
    standard_deviation : float >= 0
        sigma of e, in units of the label.

    Returns
    -------
    GradientNoise
        Rank one; on the valley floor Sigma = sigma^2 H exactly, with H = (v, u)(v, u)'.

    Notes
    -----
    Derived: d/d(u, v) of (uv - 1 - e)^2/2 is (uv - 1)(v, u) - e (v, u).
    """
    params = {"scale": number(standard_deviation, "standard_deviation", at_least=0)}
    return GradientNoise("label_noise", _label_sample, params, normals=1, gaussian=True, dim=2)
