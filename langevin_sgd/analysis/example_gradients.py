"""Covariance of the per-example gradients of a `Loss`, at one point or averaged over many."""

from functools import cache

import numpy as np
import xarray as xr

from ..models.evaluate import evaluate
from ..models.losses import Loss


def gradient_covariance(loss, x):
    """Mean and covariance of one example's gradient over the data table, at one point.

    Parameters
    ----------
    loss : Loss
    x : (d,) array
        Parameters, in units of length.

    Returns
    -------
    xarray.Dataset
        ``mean_gradient`` (component), in energy/length; ``covariance`` (component, component_j),
        Sigma = (1/N) sum (g_i - G)(g_i - G)', in (energy/length)^2; its ``eigenvalues`` (mode),
        largest first, ``eigenvectors`` (component, mode), of unit length with the largest entry
        positive, and ``trace``. No standard error: the table is the whole population that
        minibatches are drawn from.

    Raises
    ------
    TypeError, ValueError
        If `loss` is no Loss or x has another shape.

    Notes
    -----
    Vectors of equal eigenvalues are not unique. Source: definition. Rounding: 1e-16 (|G|^2 + tr
    Sigma), since second moments are subtracted."""
    x = np.asarray(x, dtype=float)
    if not isinstance(loss, Loss):
        raise TypeError(
            f"loss must be a Loss, whose data table holds the examples, got {type(loss).__name__}."
        )
    if x.shape != (loss.dim,):
        raise ValueError(f"x must be one point of shape ({loss.dim},), got {x.shape}.")
    mean, covariance = evaluate(loss, x, "gradient"), covariance_at(loss, x)
    values, vectors = np.linalg.eigh(covariance)
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=0)[None], axis=0)
    variables = {
        "mean_gradient": ("component", mean, "gradient of the mean loss", "energy / length"),
        "covariance": (
            ("component", "component_j"),
            covariance,
            "covariance of one example's gradient",
            "(energy / length)^2",
        ),
        "eigenvalues": ("mode", values, "eigenvalues of the covariance", "(energy / length)^2"),
        "eigenvectors": (
            ("component", "mode"),
            vectors * np.sign(largest),
            "eigenvectors of the covariance",
            "1",
        ),
        "trace": (
            (),
            np.trace(covariance),
            "trace of the covariance: mean square error of one example's gradient",
            "(energy / length)^2",
        ),
    }
    data = {
        name: (dims, value, {"long_name": text, "units": unit})
        for name, (dims, value, text, unit) in variables.items()
    }
    return xr.Dataset(data, attrs={"model": loss.name, "examples": len(loss.data)})


def covariance_at(loss, x):
    """Sigma(x) (..., d, d), the covariance over the table of one example's gradient, at points x
    (..., d).
    """
    if loss.scratch > loss.dim**2 - loss.dim:
        raise ValueError(
            f"loss {loss.name!r} has scratch={loss.scratch}, more than the {loss.dim}^2 - "
            f"{loss.dim} numbers that are free here."
        )
    outer = loss._replace(example_hessian=_outer_product(loss.example_gradient))
    mean = evaluate(loss, x, "gradient")
    return evaluate(outer, x, "hessian") - mean[..., :, None] * mean[..., None, :]


@cache
def _outer_product(example_gradient):
    """A text that stands where an example's Hessian would, so that `evaluate` averages g_i g_i'
    over the table.
    """

    def outer_product(p, x, row, out):
        example_gradient(p, x, row, out)
        d = len(x)
        for i in range(d):
            k = d - 1 - i  # from the last row upwards: the gradient lies in the first one
            g = out[k]
            for j in range(d):
                out[k * d + d - 1 - j] = g * out[d - 1 - j]

    return outer_product
