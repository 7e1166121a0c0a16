"""A particle on a circle under a constant force: the exact law at a finite learning rate, and that
of the stochastic differential equation."""

import numpy as np

from ..models.evaluate import evaluate
from . import inputs
from .grids import with_errors
from .nystrom import gaussian, leading

COARSE, FINE = 0.7, 0.5  # grid spacings in units of the step noise
LARGEST_GRID = 3000
TABLE = {
    "mean_velocity": (
        (),
        "mean velocity, E[force - U'] = E[displacement per step]/learning_rate",
        "energy/length",
    ),
    "relaxation_eigenvalue": ((), "second eigenvalue (real part) of the one-step operator", "1"),
}
SDE_TABLE = {
    "current": ((), "probability current J, the same everywhere", "1/time"),
    "mean_velocity": ((), "mean velocity J * period", "length/time"),
    "entropy_production": ((), "entropy production rate, the integral of J^2/(D p)", "1/time"),
}


def transfer_operator_circle(
    potential, noise_covariance, learning_rate, batch_size=1, *, force=0.0, period=2 * np.pi
):
    """Stationary law of x' = x - eta (U'(x) - F + xi) modulo the period, with Gaussian xi of
    variance Sigma/B.

    The kernel is the normal density wrapped around the circle; on a periodic grid the trapezoid
    rule is spectrally accurate.

    Parameters
    ----------
    potential : Potential
        Smooth energy with d = 1 whose gradient has the given period.
    noise_covariance : float
        Sigma > 0, variance of the gradient of ONE example, in (energy/length)^2.
    learning_rate, batch_size : float
        eta > 0 in length^2/energy, B >= 1.
    force : float
        F, a constant force, in energy/length.
    period : float
        Circumference, in units of length.

    Returns
    -------
    xarray.Dataset
        ``density`` (axis_0 on [0, period)), ``weight``, ``energy``, and ``mean_velocity``,
        ``relaxation_eigenvalue``, each with ``NAME_error``, the difference of two grids.

    Raises
    ------
    ValueError
        If d is not 1, the gradient is not periodic, or the noise is too small for a grid of 3000
        points.

    Notes
    -----
    Source: derived above. Without force and at small learning rate it tends to von Mises' law
    exp(-U/T)/Z."""
    rate, batch, _ = (float(value) for value in inputs.update_numbers(learning_rate, batch_size))
    _check_periodic(potential, period)
    sd = rate * np.sqrt(
        inputs.positive_matrix("noise_covariance", noise_covariance, 1)[0, 0] / batch
    )
    coarse, fine = (
        _law(potential, rate, sd, float(force), period, ratio) for ratio in (COARSE, FINE)
    )
    fields = {
        "density": (fine["density"], (), "stationary density", "1/length"),
        "weight": (
            np.full_like(fine["density"], fine["spacing"]),
            (),
            "quadrature weight of the node",
            "length",
        ),
        "energy": (fine["energy"], (), "potential energy", "energy"),
    }
    law = with_errors(
        [fine["axis"]],
        fields,
        *({name: grid[name] for name in TABLE} for grid in (fine, coarse)),
        TABLE,
    )
    return law.assign_attrs(
        model=potential.name,
        learning_rate=rate,
        batch_size=batch,
        force=float(force),
        period=float(period),
    )


def _check_periodic(potential, period):
    if potential.dim != 1:
        raise ValueError(f"potential must have dim 1 for a circle, got {potential.dim}")
    inputs.positive("period", period)
    x = np.linspace(0, period, 17)[:, None]
    jump = np.abs(
        evaluate(potential, x + period, "gradient") - evaluate(potential, x, "gradient")
    ).max()
    if not jump < 1e-8 * (1 + np.abs(evaluate(potential, x, "gradient")).max()):
        raise ValueError(
            f"potential {potential.name!r} must have a gradient of period {period:g}; it changes "
            f"by {jump:.3g} over one"
        )


def _law(potential, rate, sd, force, period, ratio):
    points = int(np.ceil(max(period / sd, 32) / ratio))
    if points > LARGEST_GRID:
        raise ValueError(
            f"the circle needs {points} points (limit {LARGEST_GRID}): the step noise is too small"
        )
    axis = np.arange(points) * (period / points)
    slope = evaluate(potential, axis[:, None], "gradient")[:, 0] - force
    # The difference is taken to the nearest image; further ones matter while the noise is wide on
    # the circle.
    distance = axis[:, None] - (axis - rate * slope)
    distance -= period * np.rint(distance / period)
    images = int(np.ceil(8 * sd / period))
    kernel = sum(gaussian(distance + turn * period, sd) for turn in range(-images, images + 1)) * (
        period / points
    )
    pair = leading(kernel)
    return {
        "axis": axis,
        "spacing": period / points,
        "density": pair.probability * points / period,
        "energy": evaluate(potential, axis[:, None], "energy"),
        "mean_velocity": -pair.probability @ slope,
        "relaxation_eigenvalue": pair.relaxation,
    }


def sde_law_circle(potential, diffusion, *, force=0.0, period=2 * np.pi, points=256):
    """Stationary law and current of dx = (F - U'(x)) dt + sqrt(2 D(x)) dW (Ito) on a circle.

    With Phi' = (U' - F)/D: p(x) ~ exp(-Phi(x))/D(x) * integral of exp(Phi) from x to x + period,
    and the constant current J = (1 - exp(Phi(x + period) - Phi(x))) / (integral of the right-hand
    side). Mean velocity J * period; entropy production rate = integral of J^2/(D p), which is F *
    velocity / T for a constant D = T.

    Parameters
    ----------
    potential : Potential
        Smooth energy with d = 1 whose gradient has the given period.
    diffusion : float or function x (n,) -> (n,)
        D(x) > 0 with the same period, in length^2/time; time is learning rate times steps.
    force, period : float
        As in `transfer_operator_circle`.
    points : int
        Even number of grid points; the law is also computed on half of them.

    Returns
    -------
    xarray.Dataset
        ``density`` (axis_0), ``weight`` and ``current``, ``mean_velocity``, ``entropy_production``,
        each with ``NAME_error``, the difference of the two grids. The integrals are Fourier series:
        spectrally accurate for smooth U and D.

    Notes
    -----
    Source: Stratonovich's formula for the tilted washboard (Risken, The Fokker-Planck equation, ch.
    11), derived above for any D."""
    _check_periodic(potential, period)
    fine, coarse = (
        _sde_law(potential, diffusion, float(force), period, n) for n in (points, points // 2)
    )
    fields = {
        "density": (fine["density"], (), "stationary density", "1/length"),
        "weight": (np.full(points, period / points), (), "quadrature weight of the node", "length"),
    }
    law = with_errors(
        [fine["axis"]],
        fields,
        *({name: grid[name] for name in SDE_TABLE} for grid in (fine, coarse)),
        SDE_TABLE,
    )
    return law.assign_attrs(model=potential.name, force=float(force), period=float(period))


def _sde_law(potential, diffusion, force, period, points):
    axis = np.arange(points) * (period / points)
    spread = diffusion_values(diffusion, axis)
    slope = (evaluate(potential, axis[:, None], "gradient")[:, 0] - force) / spread
    phi, tilt = _antiderivative(slope, period)
    # e^Phi grows by a constant factor per turn: Phi = tilt x + periodic; integrate e^(tilt y) times
    # a Fourier series termwise.
    wave = np.fft.fft(np.exp(phi)) / points
    turns = np.fft.fftfreq(points, 1 / points) * 2j * np.pi / period + tilt
    safe = np.where(turns == 0, 1.0, turns)
    factor = np.where(turns == 0, period, np.expm1(safe * period) / safe)
    integral = np.real(
        np.fft.ifft(wave * factor) * points
    )  # e^(-tilt x) times the integral from x to x + period
    shape = np.exp(-phi) * integral / spread
    normaliser = shape.sum() * period / points
    density = shape / normaliser
    current = -np.expm1(tilt * period) / normaliser
    production = (current**2 / (spread * density)).sum() * period / points
    return {
        "axis": axis,
        "density": density,
        "current": current,
        "mean_velocity": current * period,
        "entropy_production": production,
    }


def _antiderivative(values, period):
    """The periodic part of the antiderivative of a periodic function, and its mean slope."""
    points = len(values)
    wave = np.fft.fft(values)
    turns = np.fft.fftfreq(points, 1 / points) * 2j * np.pi / period
    turns[0] = 1.0
    wave, mean = wave / turns, wave[0].real / points
    wave[0] = 0.0
    wave[points // 2] = 0.0
    return np.fft.ifft(wave).real, mean


def diffusion_values(diffusion, x):
    """D at points x (n,), from a number or a function, checked to be positive."""
    values = np.broadcast_to(
        np.asarray(diffusion(x) if callable(diffusion) else diffusion, dtype=float), x.shape
    )
    if not np.all(np.isfinite(values) & (values > 0)):
        raise ValueError(
            "diffusion must be positive and finite at every point of the grid; its lowest value "
            f"is {values.min()}"
        )
    return values
