"""One temperature per direction, from the generalised equipartition theorem."""

import numpy as np
import xarray as xr

from .particles import checked, reference_gradient


def equipartition(run, potential, *, directions=None, on_diverged="raise"):
    """Temperature matrix from the generalised equipartition theorem, T_ij = <(x_i - <x_i>)
    dU/dx_j>.

    Under exp(-U/T) it equals T times the identity, whatever the shape of U. Unequal diagonal
    entries or off-diagonal ones are a direct sign that the stationary state is not Boltzmann's.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate`; uses ``x`` (..., particle, component), in units of length.
    potential : Potential or Loss
        The landscape the particles moved in, in units of energy. A weight decay found in the run's
        attributes is added to it.
    directions : (d, k) array, optional
        Orthonormal columns: the matrix is given along these instead of the components, for example
        along Hessian eigenvectors.
    on_diverged : {"raise", "drop"}
        What to do if particles diverged.

    Returns
    -------
    xarray.Dataset
        ``temperature`` (..., component, component_j), in units of energy, and ``standard_error`` of
        the same shape; the number of particles as an attribute. One matrix for each stored step, if
        `run` has several. The error needs no autocorrelation time, since particles are independent;
        its relative error is of order n^-1/2.

    Raises
    ------
    TypeError, ValueError
        For a run of another dimension, fewer than two or dependent particles, or if particles
        diverged.

    Notes
    -----
    Needs U to grow faster than log|x|, so that the boundary term of the integration by parts
    vanishes. At finite learning rate the symmetric part obeys an exact identity instead, E[x g'] +
    E[g x'] = eta (E[g g'] + E[C]): see `temperature_budget`. Source: integration by parts of x_i
    dp/dx_j; Tolman 1918 (not read)."""
    run, dropped = checked(run, on_diverged)
    x = run["x"].values
    gradient = reference_gradient(run, potential, x)
    directions = check_directions(directions, x.shape[-1])
    if directions is not None:
        x, gradient = x @ directions, gradient @ directions
    temperature, error = virial(x, gradient)
    dims = (*run["x"].dims[:-2], "component", "component_j")
    variables = {
        "temperature": (
            dims,
            temperature,
            {"long_name": "temperature matrix from the virial", "units": "energy"},
        ),
        "standard_error": (
            dims,
            error,
            {"long_name": "standard error of the temperature matrix", "units": "energy"},
        ),
    }
    coords = {name: run.coords[name] for name in dims[:-2] if name in run.coords}
    if "step" in run.coords:
        coords["step"] = run.coords["step"]
    return xr.Dataset(
        variables, coords, {**run.attrs, "particles": x.shape[-2], "dropped_particles": dropped}
    )


def check_directions(directions, dim):
    """The directions as a (d, k) float array with orthonormal columns, or None."""
    if directions is None:
        return None
    directions = np.asarray(directions, dtype=float)
    if directions.ndim != 2 or directions.shape[0] != dim:
        raise ValueError(
            f"directions must have the shape ({dim}, k), one column per direction, got "
            f"{directions.shape}."
        )
    if not np.allclose(directions.T @ directions, np.eye(directions.shape[1]), atol=1e-8):
        raise ValueError(
            "directions must have orthonormal columns, or Boltzmann's matrix would not be T times "
            "the identity. Use "
            "numpy.linalg.qr or eigh."
        )
    return directions


def virial(x, gradient):
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
