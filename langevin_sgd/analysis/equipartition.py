"""One temperature per direction, from the generalised equipartition theorem."""

import numpy as np
import xarray as xr

from ..arguments import checked, finite_array, optional
from ..engine.reducers.readings import with_error
from ..models.evaluate import landscape
from .particles import OF_RUN, kept_particles, landscape_of, reference_gradient, with_counts


def orthonormal(value, name):
    """A check: a (d, k) array with orthonormal columns."""
    directions = finite_array(value, name, ndim=2)
    if not np.allclose(directions.T @ directions, np.eye(directions.shape[1]), atol=1e-8):
        raise ValueError(
            f"{name} must have orthonormal columns, or Boltzmann's matrix would not be T times the "
            "identity. Use numpy.linalg.qr or eigh."
        )
    return directions


def along(directions, *vectors):
    """Vectors (..., d) along the directions, or as they are for None."""
    if directions is None:
        return vectors
    dim = vectors[0].shape[-1]
    if len(directions) != dim:
        raise ValueError(
            f"directions must have the shape ({dim}, k), one column per direction, got "
            f"{directions.shape}."
        )
    return tuple(vector @ directions for vector in vectors)


@checked(potential=landscape, directions=optional(orthonormal), **OF_RUN)
def equipartition(run, potential, *, directions=None, on_diverged="raise"):
    """The temperature matrix of the generalised equipartition theorem, <(x_i - <x_i>) dU/dx_j>.

    Under exp(-U/T) it equals T times the identity, whatever the shape of U. Unequal diagonal
    entries or off-diagonal ones are a direct sign that the stationary state is not Boltzmann's.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate`; uses ``x`` (..., particle, component), in units of length.
    potential : Potential or Loss
        The landscape the particles moved in, in units of energy, on an open domain. A weight decay
        found in the run's attributes is added to it.
    directions : (d, k) array, optional
        Orthonormal columns: the matrix is given along these instead of the components, for example
        along Hessian eigenvectors.
    on_diverged : {"raise", "drop"}
        What to do if particles diverged.

    Returns
    -------
    xarray.Dataset
        ``temperature`` (..., component, component_j), in units of energy, and
        ``temperature_standard_error`` of the same shape; the number of particles as an attribute.
        One matrix for each stored step, if `run` has several. The error needs no autocorrelation
        time, since particles are independent; its relative error is of order n^-1/2.

    Raises
    ------
    TypeError, ValueError
        For a run of another dimension, fewer than two or dependent particles, if particles
        diverged, or for a potential with walls.

    Notes
    -----
    Needs U to grow faster than log|x|, so that the boundary term of the integration by parts
    vanishes. At finite learning rate the symmetric part obeys an exact identity instead, E[x g'] +
    E[g x'] = eta (E[g g'] + E[C]): see `temperature_budget`. A stored step of shuffled epochs shows
    one place in the epoch: see `reducers.virial`. Source: integration by parts of x_i
    dp/dx_j; Tolman 1918.

    Examples
    --------
    SGD on a quadratic well is warmer where it is stiffer, eta sigma^2/(2 - eta a) = 0.0526 and
    0.0625:

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, particles=4000, steps=100, seed=1)
    >>> found = ls.analysis.equipartition(run.isel(step=-1), well)
    >>> found.temperature.values.diagonal().round(3).tolist()
    [0.052, 0.063]
    """
    run, dropped = kept_particles(run, on_diverged)
    x = run["x"].values
    potential = landscape_of(run, potential)
    x, gradient = along(directions, x, reference_gradient(run, potential, x))
    temperature, error = virial_matrix(x, gradient)
    dims = *run["x"].dims[:-2], "component", "component_j"
    long_name = "temperature matrix from the virial"
    variables = with_error("temperature", dims, (temperature, error), long_name, "energy")
    # The temperature of a Langevin run's bath is a coordinate of it, and not the one returned here.
    own = run.drop_vars("temperature", errors="ignore").coords
    coords = {name: own[name] for name in {*dims[:-2], "step"} & set(run.coords)}
    if directions is not None:
        coords |= {name: [f"direction {k}" for k in range(x.shape[-1])] for name in dims[-2:]}
    return xr.Dataset(variables, coords, with_counts(run, x.shape[-2], dropped))


def virial_matrix(x, gradient):
    """Covariance of x_i and dU/dx_j over particles, shape (..., d, d), and its standard error.

    Both factors are centred and the divisor is n - 1: unbiased for every law. The error is the
    spread over particles of the product (the influence function of a covariance), by two matrix
    products, so that no (particle, d, d) array is built."""
    n = x.shape[-2]
    x = x - x.mean(axis=-2, keepdims=True)
    gradient = gradient - gradient.mean(axis=-2, keepdims=True)
    mean = np.swapaxes(x, -1, -2) @ gradient / n
    square = np.swapaxes(x**2, -1, -2) @ gradient**2 / n
    return mean * n / (n - 1), np.sqrt(np.maximum(square - mean**2, 0.0) / (n - 1))
