"""Runs of epochs.py with additive noise: variance by position, spectra of the noise and of x."""

from typing import NamedTuple

import numpy as np
from _epoch_laws import (
    exact_by_position,
    exact_fresh,
    exact_of_one_order,
    noise_spectrum,
    seen_by_welch,
    spectrum_of,
)
from _runner import described, mean_and_error, with_error

import langevin_sgd as ls

MOMENTA, SAMPLINGS = (0.0, 0.9), ("reshuffle", "single_shuffle")
CURVATURES, RATE, EXAMPLES, BATCH = np.array([0.05, 0.3, 1.5, 6.0]), 0.1, 32, 2
EPOCHS, WINDOW, HOP = 8, 256, 129  # of periodograms; Welch's windows start at all positions


class Numbers(NamedTuple):
    """Sizes and what `simulate` is told; `noisy` is by what the noise is multiplied."""

    particles: int
    seed: int
    threads: int | None
    noisy: float

    def simulate(self, loss, dynamics, sampling="reshuffle", **more):
        own = {"seed": self.seed, "threads": self.threads, "particles": self.particles}
        return ls.simulate(loss, dynamics, ls.noise.minibatch(sampling=sampling), **(own | more))

    def settled(self, records, settle, steps, **more):
        """The run of `steps` steps, all of which are stored, after `settle` steps."""
        before = self.simulate(*records, steps=settle, **more)
        return self.simulate(*records, steps=steps, every=1, **(more | {"x0": before}))

    def wells(self, curvatures, examples):
        """Quadratic wells; the gradient of one example has variance 1 in each direction."""
        centers = np.linspace(-1, 1, examples)
        centers = self.noisy * centers / centers.std()
        return ls.losses.quadratic_centers(curvatures, centers[:, None] / curvatures)


def positions(momentum, samplings, numbers):
    """Variance by position, of each curvature over that of independent batches, and periodograms of
    the noise over whole epochs, both from the same paths."""
    about = CURVATURES, RATE, BATCH, EXAMPLES, momentum
    loss, dynamics = numbers.wells(CURVATURES, EXAMPLES), ls.dynamics.sgd(RATE, BATCH, momentum)
    batches, fresh, values = EXAMPLES // BATCH, exact_fresh(*about), {}
    steps, scale = EPOCHS * batches, ls.theory.batch_covariance(1.0, BATCH, EXAMPLES).item()
    frequency = np.fft.rfftfreq(steps)
    lines = EPOCHS * (np.arange(len(frequency)) % EPOCHS == 0)  # at whole cycles an epoch
    same = np.ones((batches, 1))
    exact = {
        "reshuffle": (exact_by_position(*about), 1),
        "single_shuffle": (same * exact_of_one_order(*about), lines),
    }
    for sampling in samplings:
        start = np.zeros(len(CURVATURES))
        run = numbers.settled((loss, dynamics, sampling), 100 * batches, steps, x0=start)
        squares = run.x.values[:-1].reshape(EPOCHS, batches, -1, len(CURVATURES)) ** 2
        pair = mean_and_error(np.moveaxis(squares.mean(axis=0), 1, 0) / fresh)
        dims, text = ("position", "curvature"), f"variance over that of fresh batches, {sampling}"
        values |= with_error(sampling, dims, pair, "1", text)
        values[f"{sampling}_exact"] = dims, exact[sampling][0] / fresh, "1", f"exact: {text}"
        noise = noise_along(run, momentum)[..., 1] / np.sqrt(scale)
        power = np.abs(np.fft.rfft(noise, axis=0)) ** 2 / steps
        text = f"spectrum of the noise, {sampling}"
        values |= with_error(f"noise_{sampling}", "frequency", mean_and_error(power.T), "1", text)
        power = exact[sampling][1] * noise_spectrum(frequency, batches)
        values[f"noise_{sampling}_exact"] = "frequency", power, "1", f"exact: {text}"
        sums = np.abs(noise.reshape(EPOCHS, batches, -1).sum(axis=1)).max()
        values[f"sum_{sampling}"] = (), sums, "1", "largest sum of an epoch, in s.d. of a batch"
    values["cycles"] = "frequency", frequency, "1/step", "frequency"
    return described(values)


def noise_along(run, momentum):
    """Noise of every batch gradient along the paths: (step, particle, curvature)."""
    x = run.x.values
    kicks = x[:-1] - x[1:]
    if momentum:
        kicks = run.v.values[1:] - momentum * run.v.values[:-1]
    return kicks / RATE - CURVATURES * x[:-1]


def welch_of(momentum, numbers):
    """Welch's estimate of the spectrum of x, and its exact mean."""
    from scipy.signal import get_window, welch

    batches, window = EXAMPLES // BATCH, get_window("hann", WINDOW)
    loss, dynamics = numbers.wells(CURVATURES, EXAMPLES), ls.dynamics.sgd(RATE, BATCH, momentum)
    scale = ls.theory.batch_covariance(1.0, BATCH, EXAMPLES).item()
    steps = WINDOW + HOP * (batches - 1) - 1
    run = numbers.settled((loss, dynamics), 100 * batches, steps, x0=np.zeros(len(CURVATURES)))
    options = {"window": window, "noverlap": WINDOW - HOP, "detrend": False}
    power = welch(run.x.values, axis=0, return_onesided=False, **options)[1][: WINDOW // 2]
    text, dims = "spectrum of x", ("bin", "curvature")
    pair = [each / scale for each in mean_and_error(np.moveaxis(power, 1, 0))]
    values = with_error("power", dims, pair, "length^2", text)
    spectra = [spectrum_of(RATE, h, momentum, batches) for h in CURVATURES]
    exact = np.transpose([seen_by_welch(each, window) for each in spectra])[: WINDOW // 2]
    values["power_exact"] = dims, exact, "length^2", f"exact: {text}"
    values["bin_cycles"] = "bin", np.arange(WINDOW // 2) / WINDOW, "1/step", "frequency"
    return described(values)
