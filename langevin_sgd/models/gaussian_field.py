"""Gaussian noise whose covariance depends on the place."""

from functools import cache

from ..arguments import optional
from ..kernels.elementary import fma
from ..kernels.rules import check_function
from .gradient_noise import GradientNoise
from .parameters import size
from .records import recorded


@cache
def _field_sample(factor):
    def sample(p, x, z, out):
        for k in range(len(out)):
            out[k] = 0.0
        factor(p, x, out)
        # In place: noise k lands in a row of the matrix that has been read, for k <= k * normals.
        for k in range(len(x)):
            s = 0.0
            for j in range(len(z)):
                s = fma(out[k * len(z) + j], z[j], s)
            out[k] = s

    return sample


@recorded(normals=size(1), dim=optional(size(1)))
def gaussian_field(factor, params, normals, dim=None):
    """Gaussian noise whose full covariance depends on the place.

    xi = F(x) z with Sigma(x) = F(x) F(x)': Gaussian at each place, hence a batch is one draw
    divided by sqrt(B). Over a run the law of xi is a mixture and not Gaussian.

    Parameters
    ----------
    factor : callable
        `factor(p, x, out)` writes the matrix F (d, normals) row by row, F[k, j] into
        `out[k * normals + j]`, in energy / length. Numbers that it does not write are zero.
    params : dict or namedtuple
        What `factor` finds in `p`.
    normals : int
        Columns of F: independent normals of one draw, at least one.
    dim : int, optional
        d, where `factor` works in one dimension only: a model of another one is refused.

    Returns
    -------
    GradientNoise

    Notes
    -----
    Evaluated before the move: for small learning rates the limit is the Ito equation with 2 D(x) =
    learning_rate Sigma(x)/B. Source: definition; E xi xi' = F E[z z'] F'.

    Examples
    --------
    Noise that grows with the distance, F = 2 x; a draw z = 0.5 at x = 3:

    >>> def factor(p, x, out):
    ...     out[0] = p.a * x[0]
    >>> noise, xi = ls.noise.gaussian_field(factor, {"a": 2.0}, normals=1), np.zeros(1)
    >>> noise.sample(noise.params, [3.0], [0.5], xi)
    >>> print(xi)
    [3.]
    """
    check_function(factor, "factor of gaussian_field", "p x out")
    options = {"gaussian": True, "dim": dim, "scratch_per_component": normals - 1}
    return GradientNoise("gaussian_field", _field_sample(factor), params, normals, **options)
