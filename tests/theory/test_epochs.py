"""Shuffled epochs against the enumeration of all orders and against the flat-direction limits."""

from itertools import permutations

import numpy as np
import pytest
from numpy.testing import assert_allclose as close

from langevin_sgd import theory

CENTRES = np.array([-1.3, 0.2, 0.7, 1.9])  # one batch each: 24 orders
VARIANCE = CENTRES.var()


def enumerated(h, eta, mu, nesterov):
    """Boundary and in-epoch second moments of x from all 24 orders, by the fixed point of the epoch
    map on (x, v) moments."""
    process = theory.linear_sgd(h, 1.0, eta, 1, mu, nesterov)
    transition, kick = process.transition, process.noise_input[:, 0]
    noise = -h * (CENTRES - CENTRES.mean())
    epoch = np.linalg.matrix_power(transition, len(noise))
    responses = [
        [
            sum(np.linalg.matrix_power(transition, m - 1 - j) @ kick * order[j] for j in range(m))
            for m in range(1, len(noise) + 1)
        ]
        for order in permutations(noise)
    ]
    responses = np.array(responses)
    moments = np.einsum("omi,omj->mij", responses, responses) / len(responses)
    n = len(transition)
    squared = np.eye(n * n) - np.kron(epoch, epoch)
    solution = np.linalg.solve(squared, moments[-1].ravel()).reshape(n, n)
    inside = [solution]
    for m in range(1, len(noise)):
        power = np.linalg.matrix_power(transition, m)
        inside.append(power @ solution @ power.T + moments[m - 1])
    fixed = np.linalg.solve(np.eye(n) - epoch, responses[:, -1].T)
    return np.array(inside)[:, 0, 0], fixed[0] @ fixed[0] / len(responses)


@pytest.mark.parametrize("nesterov", [None, "torch", "lookahead"])
@pytest.mark.parametrize(("h", "eta", "mu"), [(0.8, 0.3, 0.0), (0.8, 0.3, 0.7), (2.0, 0.6, 0.2)])
def test_every_order_enumerated_gives_the_same(h, eta, mu, nesterov):
    inside, orders = enumerated(h, eta, mu, nesterov)
    sigma = h**2 * VARIANCE
    positions = theory.epoch_covariance(h, sigma, eta, 1, 4, mu, nesterov)[:, 0, 0]
    close(positions, inside, 1e-11)
    close(theory.single_shuffle_covariance(h, sigma, eta, 1, 4, mu, nesterov)[0, 0], orders, 1e-11)
    assert positions[0] != pytest.approx(2 * inside[0], rel=0.1)  # the twin


def test_flat_directions_saturate_instead_of_diffusing():
    """h -> 0: the time average tends to eta^2 c0 (M + 1)/6, fresh batches give eta c0 / (2 h); no
    digits are lost on the way."""
    eta, batches = 0.05, 20
    c0 = theory.batch_covariance(1.0, 1, batches)[0, 0]
    saturated = eta**2 * c0 * (batches + 1) / 6
    for h, tolerance in ((1e-4, 2e-4), (1e-7, 2e-7)):
        average = theory.epoch_covariance(h, 1.0, eta, 1, batches)[:, 0, 0].mean()
        close(average, saturated, tolerance)
    assert theory.stationary_covariance(1e-4, c0, eta)[0, 0] > 1000 * saturated
