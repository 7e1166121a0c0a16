"""Five steps of each dynamics against its formula on whole arrays, with the random numbers of the
same addresses.
"""

import numpy as np
import pytest
from naive_noise import normal_pair

import langevin_sgd as ls
from langevin_sgd.kernels import rng
from langevin_sgd.kernels.rng import Stream

pytestmark = pytest.mark.interpreted
PARTICLES, STEPS, SEED = 5, 5, 77
BARRIER, STIFFNESS, COUPLING, TILT = 0.5, 2.0, 0.5, 0.1
VARIANCES, BATCH = np.array([1.0, 0.25]), 4
START = np.random.default_rng(0).normal(size=(PARTICLES, 2))
RATES = 0.05 / (1 + np.arange(STEPS))


def gradient(x):
    pull = STIFFNESS * (x[:, 1] - COUPLING * x[:, 0])
    return np.stack(
        [4 * BARRIER * x[:, 0] * (x[:, 0] ** 2 - 1) + TILT - COUPLING * pull, pull], axis=1
    )


def normals(step, stream):
    """The first pair of each particle at an address: (particles, 2)."""
    address = [
        [np.uint64(word) for word in (SEED, step, particle, stream, 0, 0)]
        for particle in range(PARTICLES)
    ]
    return np.array([normal_pair(*rng.words_at(*words)) for words in address])


def noisy_gradient(x, step):
    """The noise of a batch: the covariance of one example over the batch size."""
    return gradient(x) + np.sqrt(VARIANCES / BATCH) * normals(step, Stream.NOISE_NORMAL)


def sgd(x, v, k):
    return x - 0.05 * noisy_gradient(x, k), v


def weight_decay(x, v, k):
    return x - 0.05 * (noisy_gradient(x, k) + 0.3 * x), v


def scheduled(x, v, k):
    v = 0.9 * v + RATES[k] * noisy_gradient(x, k)
    return x - v, v


def torch(x, v, k):
    """PyTorch keeps the rate outside: buf' = mu buf + g; x' = x - eta (g + mu buf')."""
    g = noisy_gradient(x, k)
    buffer = 0.9 * v / 0.05 + g
    return x - 0.05 * (g + 0.9 * buffer), 0.05 * buffer


def look_ahead(x, v, k):
    v = 0.9 * v + 0.05 * noisy_gradient(x - 0.9 * v, k)
    return x - v, v


def euler_maruyama(x, v, k):
    return x - 0.05 * noisy_gradient(x, k) + np.sqrt(2 * 0.7 * 0.05) * normals(k, Stream.THERMAL), v


def leimkuhler_matthews(x, v, k):
    """v: the last step's normals."""
    z = normals(k, Stream.THERMAL)
    return x - 0.05 * noisy_gradient(x, k) + np.sqrt(2 * 0.7 * 0.05) * (v + z) / 2, z


def baoab(x, state, k):
    """Kick, drift, friction and noise, drift, kick; the second kick's force is the next step's
    first.
    """
    v, force = state
    step, friction, mass, temperature = 0.2, 1.5, 2.0, 0.7
    v = v + step / 2 * force / mass
    x = x + step / 2 * v
    v = np.exp(-friction * step) * v + np.sqrt(
        (1 - np.exp(-2 * friction * step)) * temperature / mass
    ) * normals(k, Stream.THERMAL)
    x = x + step / 2 * v
    force = -noisy_gradient(x, k)
    return x, (v + step / 2 * force / mass, force)


dynamics = ls.dynamics
RULES = {
    sgd: dynamics.sgd(0.05, BATCH),
    weight_decay: dynamics.sgd(0.05, BATCH, weight_decay=0.3),
    scheduled: dynamics.sgd(ls.schedules.from_values(RATES), BATCH, momentum=0.9),
    torch: dynamics.sgd(0.05, BATCH, momentum=0.9, nesterov="torch"),
    look_ahead: dynamics.sgd(0.05, BATCH, momentum=0.9, nesterov="lookahead"),
    euler_maruyama: dynamics.langevin(0.7, 0.05, BATCH),
    leimkuhler_matthews: dynamics.langevin(0.7, 0.05, BATCH, method="leimkuhler_matthews"),
    baoab: dynamics.underdamped_langevin(0.7, 1.5, 0.2, 2.0, BATCH),
}


SLOW = torch, look_ahead  # the default suite compiles them in tests/models/test_dynamics.py
SOME_FAST = [
    pytest.param(rule, id=rule.__name__, marks=pytest.mark.slow if rule in SLOW else ())
    for rule in RULES
]


def simulated(rule, noise=VARIANCES):
    well = ls.potentials.double_well(2, BARRIER, STIFFNESS, COUPLING, TILT)
    options = {"particles": PARTICLES, "steps": STEPS, "x0": START, "seed": SEED, "every": 1}
    return ls.simulate(well, RULES[rule], ls.noise.gaussian(noise), **options)


def expected(rule):
    x, paths = START, [START]
    v = (np.zeros_like(x), -gradient(x)) if rule is baoab else np.zeros_like(x)
    velocities = [np.zeros_like(x)]
    for step in range(STEPS):
        x, v = rule(x, v, step)
        paths.append(x)
        velocities.append(v[0] if rule is baoab else v)
    return np.stack(paths), np.stack(velocities)


@pytest.mark.parametrize("rule", SOME_FAST)
def test_five_steps_follow_the_formula(rule):
    found, (x, v) = simulated(rule), expected(rule)
    np.testing.assert_allclose(found.x, x, rtol=1e-13, atol=1e-13)
    assert ("v" in found) == (RULES[rule].memory == "velocity")
    if "v" in found:
        np.testing.assert_allclose(found.v, v, rtol=1e-13, atol=1e-13)
    assert np.all(found.status == 0) and np.all(found.stopped_at_step == -1)


@pytest.mark.parametrize("rule", SOME_FAST)
def test_a_noise_of_twice_the_variance_is_seen(rule):
    """The twin."""
    assert np.all(np.abs(simulated(rule, 2 * VARIANCES).x[-1] - expected(rule)[0][-1]) > 1e-6)
