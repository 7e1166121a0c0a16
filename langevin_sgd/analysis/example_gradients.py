"""Covariance of the per-example gradients of a `Loss`, at one point or averaged over many."""

from functools import partial

import numpy as np
import xarray as xr

from ..arguments import checked, finite_array, instance
from ..engine.reducers.readings import labelled
from ..models.evaluate import evaluate
from ..models.example_moments import example_covariance
from ..models.losses import Loss

LOSS = partial(instance, kinds=Loss, words="a Loss, whose data table holds the examples")
LOSS_AND_POINT = {"loss": LOSS, "x": finite_array}


@checked(**LOSS_AND_POINT)
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
        If `loss` is no Loss, x has another shape, or the gradients are not finite there.

    Notes
    -----
    Vectors of equal eigenvalues are not unique. Source: definition. Rounding: 1e-16 (|G|^2 + tr
    Sigma), since second moments are subtracted."""
    if x.shape != (loss.dim,):
        raise ValueError(f"x must be one point of shape ({loss.dim},), got {x.shape}.")
    mean, covariance = evaluate(loss, x, "gradient"), covariance_at(loss, x)
    values, vectors = np.linalg.eigh(covariance)
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=0)[None], axis=0)
    matrix, units = ("component", "component_j"), "(energy / length)^2"
    text = "covariance of one example's gradient"
    trace = "trace of the covariance: mean square error of one example's gradient"
    variables = {
        "mean_gradient": labelled(
            "component", mean, "gradient of the mean loss", "energy / length"
        ),
        "covariance": labelled(matrix, covariance, text, units),
        "eigenvalues": labelled("mode", values, "eigenvalues of the covariance", units),
        "eigenvectors": labelled(
            ("component", "mode"), vectors * np.sign(largest), "eigenvectors of the covariance"
        ),
        "trace": labelled((), np.trace(covariance), trace, units),
    }
    return xr.Dataset(variables, attrs={"model": loss.name, "examples": len(loss.data)})


@checked(**LOSS_AND_POINT)
def covariance_at(loss, x):
    """Sigma(x) (..., d, d), the covariance over the table of one example's gradient, at points x
    (..., d).
    """
    with np.errstate(over="ignore", invalid="ignore"):
        covariance = example_covariance(loss, x)
    if not np.all(np.isfinite(covariance)):
        raise ValueError(f"x must be where the gradients of {loss.name!r} are finite, got {x}.")
    return covariance
