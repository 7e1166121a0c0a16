"""Noise that makes SGD go round although its density is Boltzmann's."""

from ..arguments import whole, within
from ..kernels.elementary import exp, fma, sqrt
from .gradient_noise import GradientNoise
from .records import recorded
from .sums import squares

LIMIT = 1.3591409142295225  # e/2


def _swirl_sample(p, x, z, out):
    bump = p.strength * exp(-0.5 * squares(x))
    split = bump * squares(x)  # eigenvalues of D: 1 -+ split
    low, high = sqrt(1.0 - split), sqrt(1.0 + split)
    same, factor = 0.5 * (low + high), bump / (low + high)
    off, diagonal = factor * (x[0] * x[0] - x[1] * x[1]), 2.0 * factor * x[0] * x[1]
    out[0] = p.scale * fma(same - diagonal, z[0], off * z[1])
    out[1] = p.scale * fma(off, z[0], (same + diagonal) * z[1])


@recorded(
    strength=within(above=-LIMIT, below=LIMIT), learning_rate=within(above=0), batch_size=whole(1)
)
def swirl_noise(strength, learning_rate, batch_size=1):
    """Noise that turns SGD on `quadratic([1, 1])` into a swirl, with a Boltzmann density.

    The density is exactly exp(-r^2/2), and there are currents.

    D(x, y) = learning_rate Sigma / (2 batch_size) = 1 + strength exp(-r^2/2) [[-2xy, x^2 - y^2],
    [x^2 - y^2, 2xy]]

    In the limit learning_rate -> 0 of SGD (time = learning_rate times steps) the law has T = 1 and
    the current is tangential, J_t = -strength (4r - 2r^3) exp(-r^2)/(2 pi): one sense inside r =
    sqrt 2, the other outside. The area rate is 0, the rotation weighted by exp(-r^2) is
    -strength/4. A test of the density alone cannot see that this is no equilibrium.

    Parameters
    ----------
    strength : float
        Between -e/2 and e/2 = 1.359: beyond, D is not positive definite at r = sqrt 2.
    learning_rate : float > 0
        That of the `dynamics.sgd` it is used with, length squared per energy.
    batch_size : int >= 1
        Likewise.

    Returns
    -------
    GradientNoise

    Notes
    -----
    Of one example, with covariance Sigma(x) = 2 batch_size D(x) / learning_rate. Its trace is the
    same everywhere, so that E r^2 = 2/(1 - learning_rate/2) exactly, at every learning rate below
    2. Derived: call the matrix M. div(exp(-r^2) M) = (4 - 2 r^2) exp(-r^2) (-y, x), so for p =
    exp(-r^2/2)/(2 pi) the current J = -x p - div(D p) is tangential with a strength that depends on
    r only: div J = 0. M has the eigenvalues -+ r^2, which gives the symmetric root of D without a
    singularity.

    Examples
    --------
    At (1, 1) the matrix D is diagonal, 1 - 2/e and 1 + 2/e, and the noise sqrt(2 D/learning_rate)
    z:

    >>> noise, xi = ls.potentials.swirl_noise(1.0, learning_rate=0.1), np.zeros(2)
    >>> noise.sample(noise.params, [1.0, 1.0], [1.0, 1.0], xi)
    >>> (0.1 / 2 * xi**2).round(4).tolist(), round(1 - 2 / np.e, 4)
    ([0.2642, 1.7358], 0.2642)
    """
    params = {"strength": strength, "scale": (2.0 * batch_size / learning_rate) ** 0.5}
    return GradientNoise("swirl_noise", _swirl_sample, params, normals=2, gaussian=True, dim=2)
