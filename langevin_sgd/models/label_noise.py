"""SGD with noisy labels on a hyperbola of minima: the landscape and its noise."""

from ..arguments import within
from ..kernels.elementary import fma
from .gradient_noise import GradientNoise
from .potential_record import Potential
from .records import recorded
from .sums import write_two_by_two


def _valley_energy(p, x):
    r = fma(x[0], x[1], -1.0)
    return 0.5 * r * r


def _valley_gradient(p, x, out):
    r = fma(x[0], x[1], -1.0)
    out[0] = r * x[1]
    out[1] = r * x[0]


def _valley_hessian(p, x, out):
    write_two_by_two(x[1] * x[1], fma(2.0 * x[0], x[1], -1.0), x[0] * x[0], out)


@recorded
def label_noise_valley():
    """The hyperbola of minima uv = 1, U = (uv - 1)^2/2, whose curvature label noise lowers.

    It is flat along the valley, with a curvature u^2 + v^2 across.

    Returns
    -------
    Potential

    Notes
    -----
    Dimensionless. exp(-U/T) cannot be normalised: the valley is infinitely long. Gradient flow
    conserves u^2 - v^2; each step of SGD with `label_noise` multiplies it by 1 - (learning_rate
    r)^2, r = uv - 1 - e: exactly, whatever e (derived: u' = u - learning_rate r v, v' = v -
    learning_rate r u). SGD ends where u^2 = v^2, the flattest place. Source of the question: Blanc,
    Gupta, Valiant and Valiant 2020 (arXiv:1904.09080); Li, Wang and Arora (arXiv:2110.06914).

    Examples
    --------
    The curvatures 4 + 1/4 at (2, 1/2) and 1 + 1 at the flattest place:

    >>> valley = ls.potentials.label_noise_valley()
    >>> hessian = ls.evaluate(valley, [[2.0, 0.5], [1.0, 1.0]], "hessian")
    >>> print(hessian.trace(axis1=1, axis2=2))
    [4.25 2.  ]
    """
    functions = _valley_energy, _valley_gradient, None, 2, _valley_hessian
    return Potential("label_noise_valley", *functions)


def _label_sample(p, x, z, out):
    out[0] = -p.scale * z[0] * x[1]
    out[1] = -p.scale * z[0] * x[0]


@recorded(standard_deviation=within(at_least=0))
def label_noise(standard_deviation):
    """Noise of a label 1 + e in (uv - label)^2/2 on `label_noise_valley`: xi = -e (v, u), e normal.

    Parameters
    ----------
    standard_deviation : float >= 0
        sigma of e, in units of the label.

    Returns
    -------
    GradientNoise

    Notes
    -----
    Rank one; on the valley floor Sigma = sigma^2 H exactly, with H = (v, u)(v, u)'. Derived: d/d(u,
    v) of (uv - 1 - e)^2/2 is (uv - 1)(v, u) - e (v, u).

    Examples
    --------
    A label that is 1/2 too large (e = 0.5 * 1) at (u, v) = (2, 1/2):

    >>> noise, xi = ls.potentials.label_noise(0.5), np.zeros(2)
    >>> noise.sample(noise.params, [2.0, 0.5], [1.0], xi)
    >>> print(xi)
    [-0.25 -1.  ]
    """
    params = {"scale": standard_deviation}
    return GradientNoise("label_noise", _label_sample, params, normals=1, gaussian=True, dim=2)
