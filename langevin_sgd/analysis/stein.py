"""The kernel Stein discrepancy: a test of fit that needs the gradient of the energy only."""

import numpy as np
import xarray as xr

from ..arguments import checked, whole, within
from ..engine.reducers.readings import labelled, with_error
from ..models.evaluate import landscape
from .currents import white_columns
from .particles import AT_STEP, at_step, attributes, landscape_of, reference_gradient

LARGEST_STEIN = 10_000  # particles: the cost grows with the square
STEIN_ROWS = 500  # of the matrix of the kernel at a time
FOR_THE_LENGTH = 1_000  # particles whose distances give the length of the kernel


@checked(
    potential=landscape,
    temperature=within(above=0),
    resamples=whole(99, 10_001),
    seed=whole(0),
    **AT_STEP,
)
def stein_discrepancy(
    run, potential, temperature, *, resamples=499, seed=0, step=None, on_diverged="raise"
):
    """The kernel Stein discrepancy of the particles from exp(-U/T), by wild bootstrap.

    With the score s = -grad U / T, in whitened coordinates y, and the inverse multiquadric kernel
    ``k = (1 + |y - y'|^2 / l^2)^(-1/2)``, the square of the discrepancy is the mean over pairs of
    different particles of s s' k + s dk/dy' + s' dk/dy + tr d^2k/dy dy'.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate`; uses ``x`` of up to 10,000 particles.
    potential : Potential or Loss
        U in units of energy, on an open domain. A weight decay of the run is added to it.
    temperature : float
        T in units of energy, known and not fitted.
    resamples : int
        Of the bootstrap; no p-value is below 1/(resamples + 1).
    seed : int
        Of the signs of the bootstrap.
    step, on_diverged
        As in `density`.

    Returns
    -------
    xarray.Dataset
        ``discrepancy``, the square, which is below zero by chance where there is none; its
        ``discrepancy_standard_error``, an upper estimate under Boltzmann's law; and ``p_value``.
        Dimensionless.

    Raises
    ------
    TypeError, ValueError
        For more than 10,000, fewer than 20, dependent or diverged particles, a run without spread
        in some direction, a potential with walls, or a run of another dimension; where the
        gradient is not finite, or its square over T^2 overflows.

    Notes
    -----
    Whitened with the covariance of the particles; l is the median distance but for ties. Blind to
    the weights of separated wells, since the score is. Source: Liu, Lee and Jordan 2016
    (arXiv:1602.03253); the kernel: Gorham and Mackey 2017 (arXiv:1703.01717); wild bootstrap of a
    degenerate U-statistic: Dehling and Mikosch 1994.

    Examples
    --------
    The temperatures of this run are 0.0526 and 0.0625, so that 0.058 fits and 0.2 does not:

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, particles=500, steps=100, seed=1)
    >>> for temperature in (0.058, 0.2):
    ...     print(f"{ls.analysis.stein_discrepancy(run, well, temperature).p_value:.3f}")
    0.144
    0.002
    """
    particles = at_step(run, step, on_diverged)
    x = particles.x
    if not 20 <= len(x) <= LARGEST_STEIN:
        raise ValueError(
            f"run must have 20 to {LARGEST_STEIN} particles for a discrepancy over all pairs, got "
            f"{len(x)}. Pass run.isel(particle=slice({LARGEST_STEIN})), or use boltzmann_test."
        )
    potential = landscape_of(run, potential)
    root = whitening(x)
    y = (x - x.mean(axis=0)) @ root
    gradient = np.linalg.solve(root, reference_gradient(run, potential, x).T).T
    with np.errstate(over="ignore", invalid="ignore"):
        square, error, p_value = _stein_test(y, -gradient / temperature, resamples, seed)
    if not np.isfinite([square, error]).all():
        raise ValueError(
            f"temperature must be larger, got {temperature:g}: the square of grad U / T overflows."
        )
    text = "square of the kernel Stein discrepancy"
    variables = with_error("discrepancy", (), (square, error), text)
    variables["p_value"] = labelled((), p_value, "p-value of Boltzmann's law")
    return xr.Dataset(variables, attrs=attributes(run, particles))


def whitening(x):
    """A (d, d) matrix W such that the covariance of x W is the identity."""
    columns = white_columns(np.cov(x.T))
    if columns.shape[1] < x.shape[1]:
        raise ValueError(
            f"run must have a spread in every direction, got one in {columns.shape[1]} of "
            f"{x.shape[1]} only."
        )
    return columns


def _stein_test(y, score, resamples, seed):
    """(mean over pairs, its standard error, p-value) of the Stein kernel of points and scores."""
    n = len(y)
    some = y[:: max(1, n // FOR_THE_LENGTH)]
    squares = _squares(some, some)[np.triu_indices(len(some), 1)]
    apart = squares > 1e-12 * squares.max()  # others are ties
    if not apart.any():
        raise ValueError("run must have particles at different places, but most are at one place.")
    length = np.median(squares[apart])
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(n, resamples))
    rows, total = np.empty(n), np.zeros(resamples)
    for start in range(0, n, STEIN_ROWS):
        part = slice(start, start + STEIN_ROWS)
        kernel = _stein_kernel(y[part], score[part], y, score, length)
        kernel[np.arange(len(kernel)), start + np.arange(len(kernel))] = 0.0
        rows[part] = kernel.sum(axis=1)
        total += (signs[part] * (kernel @ signs)).sum(axis=0)
    below = int((total >= rows.sum()).sum())
    rows /= n - 1
    return rows.mean(), 2 * rows.std(ddof=1) / np.sqrt(n), (1 + below) / (1 + resamples)


def _squares(a, b):
    """Squared distances between the rows of a and b."""
    return np.maximum((a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T, 0.0)


def _stein_kernel(a, at_a, b, at_b, length):
    """The Stein kernel between points a and b with scores; `length` is the square of l."""
    d, squares = a.shape[1], _squares(a, b) / length
    inverse = 1 / (1 + squares)
    along = ((at_a * a).sum(axis=1)[:, None] + (at_b * b).sum(axis=1)) - at_a @ b.T - a @ at_b.T
    slope = (along + d) / length - 3 / length * squares * inverse
    return np.sqrt(inverse) * (at_a @ at_b.T + inverse * slope)
