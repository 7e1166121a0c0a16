"""A particle on a circle under a constant force: SGD's exact law, and that of its diffusion."""

import numpy as np

from ..arguments import whole
from ..models.evaluate import evaluate
from .confinement import energy_of, one_law, uphill, values_of, variance, walls_of
from .one_step_matrix import leading, normal_density
from .two_grids import OnGrid, law_of_two

SPACINGS = (0.5, 0.7)  # of two grids, in units of the step noise
LARGEST_CIRCLE = 3000
MOST_TURNS = 50
ON_A_CIRCLE = energy_of(1, drift=True, walls=("periodic",))


@one_law(potential=ON_A_CIRCLE, noise_covariance=variance)
def transfer_operator_circle(
    potential, noise_covariance, learning_rate, batch_size=1, *, force=0.0, period=None
):
    """Exact stationary law of SGD on a circle under a constant force, with Gaussian noise.

    Parameters
    ----------
    potential : Potential
        Smooth energy with d = 1 whose force, drift included, has the given period.
    noise_covariance, learning_rate, batch_size : float
        Sigma in (energy/length)^2, eta in length^2/energy, B.
    force : float
        F, a constant force, in energy/length.
    period : float, optional
        Circumference, in units of length: by default that of the potential's periodic domain, or
        2 pi.

    Returns
    -------
    xarray.Dataset
        A law on a grid (axis_0, one period from the low end of the domain, or 0), with
        ``mean_velocity`` = E[F - U'] and ``relaxation_eigenvalue``.

    Raises
    ------
    ValueError
        If the force is not periodic, or the noise is too small for a grid of 3000 points.

    Notes
    -----
    The chain is x' = x - eta (U'(x) - F + xi) modulo the period, with Gaussian xi of variance
    Sigma/B. Its kernel is the normal density wrapped around the circle; on a periodic grid the
    trapezoid rule is spectrally accurate. Without force and at small learning rate the law tends to
    von Mises' exp(-U/T)/Z, T = eta Sigma/(2 B). Derived.

    Examples
    --------
    A force of 0.6 moves a particle by 0.6 per unit time where the ground is flat, and more slowly
    over ridges (T = 0.5):

    >>> flat, ridges = ls.potentials.washboard(0.0, 0.0), ls.potentials.washboard(1.0, 0.0)
    >>> laws = [ls.theory.transfer_operator_circle(u, 10.0, 0.1, force=0.6) for u in (flat, ridges)]
    >>> [round(law.mean_velocity.item(), 4) for law in laws]
    [0.6, 0.2452]
    """
    low, period = _circle_of(potential, period)
    sd = learning_rate * np.sqrt(noise_covariance / batch_size)

    def law(ratio):
        points = max(period / sd, 32) / ratio
        if not (points <= LARGEST_CIRCLE and sd <= MOST_TURNS * period):
            raise ValueError(
                f"noise_covariance, learning_rate and batch_size make steps of {sd:g}: too small "
                f"for {LARGEST_CIRCLE} points on a circle of period {period:g}, or more than "
                f"{MOST_TURNS} turns."
            )
        points = int(np.ceil(points))
        axis = low + np.arange(points) * (period / points)
        slope = uphill(potential)(axis[:, None])[:, 0] - force
        # The difference is taken to the nearest image; further ones matter while the noise is wide
        # on the circle.
        distance = axis[:, None] - (axis - learning_rate * slope)
        distance -= period * np.rint(distance / period)
        images = int(np.ceil(8 * sd / period))
        turns = range(-images, images + 1)
        kernel = sum(normal_density(distance + turn * period, sd) for turn in turns)
        pair = leading(kernel * (period / points))
        numbers = {
            "mean_velocity": -pair.probability @ slope,
            "relaxation_eigenvalue": pair.relaxation,
        }
        return _on_circle(potential, axis, period, pair.probability * points / period, numbers)

    setting = {"model": potential.name, "learning_rate": learning_rate, "batch_size": batch_size}
    return law_of_two(*map(law, SPACINGS), **setting, force=force, period=period)


def _on_circle(potential, axis, period, density, numbers):
    weight = np.full(len(axis), period / len(axis))
    energy = evaluate(potential, axis[:, None], "energy")
    return OnGrid([axis], {"density": density, "weight": weight, "energy": energy}, numbers)


def _circle_of(potential, period):
    """Where the circle starts, and its period: that of the domain, or the one given."""
    wall = walls_of(potential)[0]
    low = 0.0 if wall is None else wall.low
    natural = 2 * np.pi if wall is None else wall.high - wall.low
    if wall is not None and period not in (None, natural):
        raise ValueError(f"period must be {natural:g}, that of the wall {wall}, got {period:g}.")
    period = natural if period is None else period
    # Beyond its domain a potential need not go on: then its ends are compared.
    x = low + period * np.linspace(0, 1, 17 if wall is None else 1)[:, None]
    slope = uphill(potential)(x)
    jump = np.abs(uphill(potential)(x + period) - slope).max()
    if not jump < 1e-8 * (1 + np.abs(slope).max()):
        raise ValueError(
            f"potential {potential.name!r} must have a gradient of period {period:g}; it changes "
            f"by {jump:.3g} over one."
        )
    return low, period


@one_law(potential=ON_A_CIRCLE, points=whole(8, 2**13))
def sde_law_circle(potential, diffusion, *, force=0.0, period=None, points=256):
    """Stationary law and current of a one-dimensional diffusion (Ito) on a circle.

    Parameters
    ----------
    potential, force, period
        As in `transfer_operator_circle`.
    diffusion : float or function x (n,) -> (n,)
        D(x) > 0 with the same period, in length^2/time.
    points : int
        Even number of grid points; the law is also computed on half of them.

    Returns
    -------
    xarray.Dataset
        A law on a grid, with ``current`` in 1/time, ``mean_velocity`` and ``entropy_production``
        in 1/time. The integrals are Fourier series: spectrally accurate for smooth U and D.

    Raises
    ------
    ValueError
        If the force is not periodic, D is not positive, or `points` is odd.

    Notes
    -----
    The process is dx = (F - U'(x)) dt + sqrt(2 D(x)) dW. With Phi' = (U' - F)/D:
    p(x) ~ exp(-Phi(x))/D(x) * integral of exp(Phi) from x to x + period, and the constant current
    J = (1 - exp(Phi(x + period) - Phi(x))) / (integral of the right-hand side). Mean velocity
    J * period; entropy production rate = integral of J^2/(D p), which is F * velocity / T for a
    constant D = T. Source: Stratonovich's formula for the tilted washboard (Risken, The
    Fokker-Planck equation, ch. 11), derived here for any D.

    Examples
    --------
    The work F v of the force goes into the bath: entropy production is F v/T = 0.6 * 0.245 / 0.5.

    >>> law = ls.theory.sde_law_circle(ls.potentials.washboard(1.0, 0.0), diffusion=0.5, force=0.6)
    >>> round(law.mean_velocity.item(), 4), round(law.entropy_production.item(), 4)
    (0.245, 0.294)
    """
    low, period = _circle_of(potential, period)
    if points % 2:
        raise ValueError(f"points must be even, got {points}.")

    def law(points):
        axis = low + np.arange(points) * (period / points)
        spread = values_of(diffusion, "diffusion", axis)
        slope = (uphill(potential)(axis[:, None])[:, 0] - force) / spread
        phi, tilt, turns = _antiderivative(slope, period)
        # e^Phi grows by a constant factor per turn: Phi = tilt x + periodic; integrate e^(tilt y)
        # times a Fourier series termwise.
        turns = turns + tilt
        safe = np.where(turns == 0, 1.0, turns)
        factor = np.where(turns == 0, period, np.expm1(safe * period) / safe)
        # e^(-tilt x) times the integral from x to x + period
        integral = np.real(np.fft.ifft(np.fft.fft(np.exp(phi)) * factor))
        shape = np.exp(-phi) * integral / spread
        normaliser = shape.sum() * period / points
        density, current = shape / normaliser, -np.expm1(tilt * period) / normaliser
        numbers = {
            "current": current,
            "mean_velocity": current * period,
            "entropy_production": (current**2 / (spread * density)).sum() * period / points,
        }
        return _on_circle(potential, axis, period, density, numbers)

    return law_of_two(
        law(points), law(points // 2), model=potential.name, force=force, period=period
    )


def _antiderivative(values, period):
    """The antiderivative of a periodic function: periodic part, mean slope, and factors i k."""
    points = len(values)
    turns = np.fft.fftfreq(points, 1 / points) * 2j * np.pi / period
    wave = np.fft.fft(values)
    mean = wave[0].real / points
    wave[[0, points // 2]] = 0.0
    return np.fft.ifft(wave / np.where(turns == 0, 1.0, turns)).real, mean, turns
