"""Exact laws of epochs.py: variances, limits of long epochs, spectra.

M batches an epoch, each of variance 1, any two of one epoch with covariance -1/(M - 1). y = eta h M
/ (1 - mu) counts how far a direction of curvature h relaxes in an epoch."""

import numpy as np

import langevin_sgd as ls


def collapse(y):
    """Limits of a variance over that of independent batches, for M -> infinity at one y and M
    (1 - mu) >> 1: mean over the epoch (y/3 in flat directions), its boundary (y^2/12), and one
    order for ever (y/6). Derived from the sums in `theory.epoch_covariance`."""
    mean = 1 - 2 / y * (1 + np.expm1(-y) / y)
    return {
        "mean": mean,
        "boundary": 1 - np.tanh(y / 2) / (y / 2),
        "single": 1 / np.tanh(y / 2) - 2 / y,
    }


def smoothed(m):
    """What momentum leaves of the flat limit, m = M (1 - mu): the bridge that an epoch's sum is,
    through a filter of memory 1/(1 - mu). Derived as the integral of its spectrum."""
    return 1 - 3 / m + 6 / m**2 + 6 * np.expm1(-m) / m**3


def noise_spectrum(frequency, batches):
    """Spectral density of the noise of reshuffled batches, f in cycles a step: (M - F(f))/(M - 1)
    with Fejer's kernel F, whose value at 0 is M. Small f: (2 pi f)^2 M (M + 1)/12."""
    half = np.pi * np.asarray(frequency)
    with np.errstate(invalid="ignore"):
        kernel = (np.sin(batches * half) / np.sin(half)) ** 2 / batches
    return (batches - np.where(np.sin(half) == 0, batches, kernel)) / (batches - 1)


def response(frequency, rate, curvature, momentum):
    """Squared gain from noise to position: of x' = x - v', v' = mu v + eta (h x + noise)."""
    z = np.exp(2j * np.pi * np.asarray(frequency))
    return rate**2 / np.abs((z - 1) * (1 - momentum / z) + rate * curvature) ** 2


def spectrum_of(rate, curvature, momentum, batches):
    """That of x in reshuffled epochs, as a function of f."""

    def spectrum(frequency):
        gain = response(frequency, rate, curvature, momentum)
        return gain * noise_spectrum(frequency, batches)

    return spectrum


def seen_by_welch(spectrum, window, points=2**15):
    """Mean of Welch's estimate with a window, of a process with the spectrum (a function of f)."""
    size = len(window)
    covariance = np.fft.ifft(spectrum(np.fft.fftfreq(points))).real[:size]
    tapered = covariance * np.correlate(window, window, "full")[size - 1 :] / np.sum(window**2)
    return 2 * np.fft.fft(tapered).real - tapered[0]


def exact_by_position(curvatures, rate, batch, examples, momentum):
    """Of each curvature: (positions, curvatures)."""
    given = 1.0, rate, batch, examples, momentum
    return ls.theory.epoch_covariance(curvatures[:, None, None], *given)[..., 0, 0]


def exact_of_one_order(curvatures, rate, batch, examples, momentum):
    given = 1.0, rate, batch, examples, momentum
    return ls.theory.single_shuffle_covariance(curvatures[:, None, None], *given)[:, 0, 0]


def exact_fresh(curvatures, rate, batch, examples, momentum):
    """Of independent batches of the same covariance."""
    noise = ls.theory.batch_covariance(1.0, batch, examples)
    stack = curvatures[:, None, None]
    return ls.theory.stationary_covariance(stack, noise, rate, 1, momentum)[:, 0, 0]
