"""Energy landscapes: a `Potential`, which each function here returns, is an energy and its gradient
for one particle, written as two plain functions.

The two simplest are written here; the others come from `landscapes`, `sgd_landscapes` and
`symbolic`."""

from ..arguments import matrix_or_diagonal, number, within
from ..kernels.elementary import fma
from .derivative_checks import check_gradient
from .label_noise import label_noise, label_noise_valley
from .landscapes import mueller_brown, rosenbrock, two_minima, washboard
from .modified_loss import modified_loss
from .potential_record import Potential
from .records import recorded
from .sgd_landscapes import edge_of_stability, ring, rotational_drift, zhu_bowls
from .sums import row_times, square_in, write_matrix
from .swirl_noise import swirl_noise
from .symbolic import from_expression

__all__ = ["Potential", "check_gradient", "double_well", "edge_of_stability", "from_expression"]
__all__ += ["label_noise", "label_noise_valley", "modified_loss", "mueller_brown", "quadratic"]
__all__ += ["ring", "rosenbrock", "rotational_drift", "swirl_noise", "two_minima", "washboard"]
__all__ += ["zhu_bowls"]


def __dir__():
    return __all__


def _diagonal_energy(p, x):
    s = 0.0
    for k in range(len(x)):
        s = fma(p.curvature[k] * x[k], x[k], s)
    return 0.5 * s


def _diagonal_gradient(p, x, out):
    for k in range(len(x)):
        out[k] = p.curvature[k] * x[k]


def _diagonal_hessian(p, x, out):
    d = len(x)
    for k in range(d):
        for j in range(d):
            out[d * k + j] = p.curvature[k] if k == j else 0.0


def _matrix_energy(p, x):
    return 0.5 * square_in(p.hessian, x)


def _matrix_gradient(p, x, out):
    for k in range(len(x)):
        out[k] = row_times(p.hessian, k, x)


def _matrix_hessian(p, x, out):
    write_matrix(p.hessian, len(x), out)


@recorded(hessian=matrix_or_diagonal)
def quadratic(hessian):
    """A quadratic well, U = x' H x / 2, where nearly everything has an exact answer.

    Parameters
    ----------
    hessian : array_like, shape (d, d) or (d,)
        Symmetric matrix H of second derivatives, or its d diagonal entries; energy per length
        squared. Negative eigenvalues are allowed: a saddle, from which particles diverge.

    Returns
    -------
    Potential
        In d dimensions.

    Notes
    -----
    SGD of learning rate eta with noise of variance sigma^2 has here, in a direction of curvature a,
    the variance eta sigma^2 / (a (2 - eta a)): `theory.stationary_covariance`.

    Examples
    --------
    >>> well = ls.potentials.quadratic([1.0, 4.0])
    >>> float(ls.evaluate(well, [3.0, 1.0], "energy"))  # (1 * 3^2 + 4 * 1^2) / 2
    6.5
    """
    if hessian.ndim == 1:
        functions = _diagonal_energy, _diagonal_gradient
        params = {"curvature": hessian}
        return Potential("quadratic", *functions, params, len(hessian), _diagonal_hessian)
    functions = _matrix_energy, _matrix_gradient
    return Potential("quadratic", *functions, {"hessian": hessian}, len(hessian), _matrix_hessian)


def _well_energy(p, x):
    y = x[0] * x[0] - 1.0
    s = 0.0
    for k in range(1, len(x)):
        r = x[k] - p.coupling * x[0]
        s = fma(r, r, s)
    return fma(p.barrier * y, y, fma(p.tilt, x[0], 0.5 * p.stiffness * s))


def _well_gradient(p, x, out):
    s = 0.0
    for k in range(1, len(x)):
        r = p.stiffness * (x[k] - p.coupling * x[0])
        out[k] = r
        s = s + r
    out[0] = fma(4.0 * p.barrier * x[0], fma(x[0], x[0], -1.0), fma(-p.coupling, s, p.tilt))


def _well_hessian(p, x, out):
    d = len(x)
    for k in range(d):
        for j in range(d):
            out[d * k + j] = p.stiffness if k == j else 0.0
    valley = p.stiffness * p.coupling * p.coupling * (d - 1)
    out[0] = 4.0 * p.barrier * fma(3.0 * x[0], x[0], -1.0) + valley
    for k in range(1, d):
        out[k] = -p.stiffness * p.coupling
        out[d * k] = -p.stiffness * p.coupling


@recorded(barrier=within(above=0), stiffness=within(above=0), coupling=number, tilt=number)
def double_well(dim=1, barrier=0.25, stiffness=1.0, coupling=0.0, tilt=0.0):
    """A double well along x_0, harmonic and coupled to x_0 in the other directions.

    U = barrier (x_0^2 - 1)^2 + tilt x_0 + (stiffness/2) sum over k >= 1 of (x_k - coupling x_0)^2

    Parameters
    ----------
    dim : int, >= 1
        Number of components d.
    barrier : float, > 0
        Height of the barrier at x_0 = 0 (without tilt), energy.
    stiffness : float, > 0
        Curvature of the harmonic directions, energy per length squared.
    coupling : float
        Slope of the valley floor x_k = coupling x_0.
    tilt : float
        Force that favours the left well (if positive), energy per length.

    Returns
    -------
    Potential
        Without tilt its minima, of energy 0, are at x_0 = -1 and 1 on the valley floor.

    Examples
    --------
    >>> well = ls.potentials.double_well(dim=2, barrier=0.25, coupling=0.8)
    >>> ls.evaluate(well, [[-1.0, -0.8], [0.0, 0.0], [1.0, 0.8]], "energy").tolist()
    [0.0, 0.25, 0.0]
    """
    params = {"barrier": barrier, "stiffness": stiffness, "coupling": coupling, "tilt": tilt}
    return Potential("double_well", _well_energy, _well_gradient, params, dim, _well_hessian)
