"""Second moments of the example gradients of a `Loss`, averaged over its table at many points."""

from functools import cache

import numpy as np

from ..kernels.views import part
from .evaluate import evaluate


def example_covariance(loss, x, weights=None):
    """mean_i w_i g_i g_i' - G G' at points x (..., d), an array (..., d, d): for weights 1, the
    default, the covariance over the table of one example's gradient.

    Rounding: 1e-16 (|G|^2 + tr Sigma), since second moments are subtracted."""
    if loss.scratch > loss.dim**2 - loss.dim:
        raise ValueError(
            f"loss {loss.name!r} has scratch={loss.scratch}, more than the {loss.dim}^2 - "
            f"{loss.dim} numbers that are free here."
        )
    weights = np.ones(len(loss.data)) if weights is None else weights
    columns = loss.data.shape[1]
    outer = loss._with(  # what stands for the Hessian is none
        recipe=None,
        example_hessian=_outer_product(loss.example_gradient, columns),
        data=np.column_stack([weights, loss.data]),
    )
    mean = evaluate(loss, x, "gradient")
    return evaluate(outer, x, "hessian") - mean[..., :, None] * mean[..., None, :]


@cache
def _outer_product(example_gradient, columns):
    """A function that stands where an example's Hessian would, so that `evaluate` averages w_i g_i
    g_i' over the table."""

    def outer_product(p, x, row, out):
        example_gradient(p, x, part(row, 1, columns), out)
        d, weight = len(x), row[0]
        for i in range(d):
            k = d - 1 - i  # from the last row upwards: the gradient lies in the first one
            g = out[k] * weight
            for j in range(d):
                out[k * d + d - 1 - j] = g * out[d - 1 - j]

    return outer_product
