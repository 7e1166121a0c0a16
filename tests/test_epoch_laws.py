"""Closed forms of the studies of epochs and of the valley, against the package's covariances."""

import numpy as np
import pytest
from _epoch_laws import (
    collapse,
    exact_by_position,
    exact_fresh,
    exact_of_one_order,
    noise_spectrum,
    seen_by_welch,
    smoothed,
    spectrum_of,
)
from _valley_rates import exact_in_epochs
from numpy.testing import assert_allclose as close

GRID = np.fft.fftfreq(2**14)


@pytest.mark.parametrize("momentum", [0.0, 0.7])
@pytest.mark.parametrize(("curvature", "batches"), [(0.4, 4), (3.0, 25)])
def test_the_spectrum_of_x_adds_up_to_the_mean_variance_of_an_epoch(curvature, batches, momentum):
    exact = exact_by_position(np.array([curvature]), 0.1, 1, batches, momentum).mean()
    power = spectrum_of(0.1, curvature, momentum, batches)(GRID)
    close(power.mean(), exact, 1e-9)
    assert power.mean() != pytest.approx(2 * exact, rel=0.1)  # the twin
    assert power[0] == 0


def test_the_noise_has_variance_one_and_vanishes_at_zero_as_the_square_of_the_frequency():
    close(noise_spectrum(GRID, 16).mean(), 1, 1e-12)
    low = 1e-4
    close(noise_spectrum(low, 16), (2 * np.pi * low) ** 2 * 16 * 17 / 12, 1e-3)


def test_welch_with_a_window_of_ones_sees_white_noise_as_it_is():
    close(seen_by_welch(np.ones_like, np.ones(16)), 1, 1e-12)


def test_long_epochs_collapse_as_the_limits_say():
    batches, rate, y = 4000, 0.1, np.array([0.01, 1.0, 20.0])
    about = y / batches / rate, rate, 1, batches, 0.0
    exact, fresh = exact_by_position(*about), exact_fresh(*about)
    found = exact.mean(axis=0), exact[0], exact_of_one_order(*about)
    for limit, value in zip(collapse(y).values(), found, strict=True):
        close(value / fresh, limit, 0.01)


@pytest.mark.parametrize("length", [5.0, 60.0])
def test_momentum_smooths_the_plateau_as_its_closed_form_says(length, momentum=0.98):
    batches = round(length / (1 - momentum))
    value = exact_by_position(np.array([1e-6]), 0.1, 1, batches, momentum).mean()
    close(value * 6 * (1 - momentum) ** 2 / (0.01 * (batches + 1)), smoothed(length), 0.01)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_labels_of_long_epochs_balance_as_fresh_ones(momentum):
    close(exact_in_epochs(4000, momentum, 0.2), 1 / (1 - 0.1), 2e-3)
    assert exact_in_epochs(4, 0.9, 0.01) < 0.2
