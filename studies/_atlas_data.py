"""Panels (c) and (d) of theory_atlas.py: what the sampling of data does to the stationary law."""

import numpy as np
from _runner import Claim, agreement, with_error

import langevin_sgd as ls

EXAMPLES, BATCH, EPOCH_RATE = 32, 2, 0.1
# the exponent of one-dimensional regression and P(|w - w*| > 0.9787) at learning rate 0.1: found
# elsewhere, on two grids of the exact law and from 2e7 direct samples
PUBLISHED_EXPONENTS = {0.1: (17.28, 11.0, 21.0), 0.2: (8.30, 6.0, 11.0), 0.3: (5.31, 4.33, 7.67)}
PUBLISHED_TAIL = (0.9787, 9.94e-5, 2.2e-6)
ROUNDING = 0.006


def _measured_epochs(table, curvatures, particles, rng, plant):
    """Mean square of x over an epoch, and at its end, and their errors, for each curvature."""
    batches, shape = EXAMPLES // BATCH, (particles, len(curvatures))
    x, squares = np.zeros(shape), np.zeros((batches, *shape))
    for _ in range(100):
        orders = rng.permuted(np.broadcast_to(table, (particles, EXAMPLES)), axis=1)
        drawn = orders.reshape(particles, batches, BATCH).mean(axis=2)
        for m in range(batches):
            squares[m] = x**2
            push = (np.sqrt(2) if plant else 1) * drawn[:, m, None]
            x = x - EPOCH_RATE * (curvatures * x + push)
    samples = np.array([squares.mean(axis=0), squares[0]])
    return samples.mean(axis=1), samples.std(axis=1, ddof=1) / np.sqrt(particles)


def epochs(particles, seed, plant):
    """(c) Reshuffled epochs in plain NumPy: gradient h x + g_i, with the same table g for all
    curvatures h.
    """
    curvature, at = np.geomspace(1e-3, 19.5, 200), np.geomspace(0.03, 18.0, 9)
    batches, rng = EXAMPLES // BATCH, np.random.default_rng(seed)
    table = np.linspace(-1, 1, EXAMPLES)
    table /= table.std()
    stack = curvature[:, None, None]
    by_position = ls.theory.epoch_covariance(stack, 1.0, EPOCH_RATE, BATCH, EXAMPLES)[..., 0, 0]
    fresh = ls.theory.stationary_covariance(
        stack, ls.theory.batch_covariance(1.0, BATCH, EXAMPLES), EPOCH_RATE
    )[:, 0, 0]
    measured, error = _measured_epochs(table, at, particles, rng, plant)
    exact = ls.theory.epoch_covariance(at[:, None, None], 1.0, EPOCH_RATE, BATCH, EXAMPLES)[
        ..., 0, 0
    ]
    batch_variance = ls.theory.batch_covariance(1.0, BATCH, EXAMPLES).item()
    plateau = EPOCH_RATE**2 * batch_variance * (batches + 1) / 6
    values = {
        "curvature": (("mode",), curvature, "energy / length^2", "curvature of a direction"),
        "variance_epoch": (
            ("mode",),
            by_position.mean(axis=0),
            "length^2",
            "exact variance, mean over the epoch",
        ),
        "variance_boundary": (
            ("mode",),
            by_position[0],
            "length^2",
            "exact variance at the end of an epoch",
        ),
        "variance_fresh": (
            ("mode",),
            fresh,
            "length^2",
            "exact variance for independent batches of the same covariance",
        ),
        "plateau": ((), plateau, "length^2", "limit of the mean over the epoch in flat directions"),
        "measured_curvature": (("column",), at, "energy / length^2", "curvature of a simulation"),
    }
    values |= with_error(
        "measured_epoch",
        ("read", "column"),
        (measured, error),
        "length^2",
        "variance: epoch mean, epoch end",
    )
    # in so flat a direction 1 - eta h / 2 is 1
    fresh_at = EPOCH_RATE * batch_variance / (2 * at[0])
    flat = measured[0, 0] / fresh_at, plateau / fresh_at, by_position[:, 0].mean() / plateau
    exact = np.array([exact.mean(axis=0), exact[0]])
    text = "c: epoch variances are the exact ones"
    return values, [agreement(text, measured, exact, error), *_claims_of_flat(plateau, *flat)]


def _claims_of_flat(plateau, ratio, floor, exact):
    return [
        Claim(
            "c: flat directions reach eta^2 c (M + 1)/6", abs(exact - 1) < 2e-3, f"{plateau:.5f}"
        ),
        Claim(
            "c: the flattest collapses 50-fold",
            abs(ratio / floor - 1) < 0.15,
            f"to {ratio:.4f} of fresh batches; {floor:.4f}",
        ),
    ]


def regression_noise(p, x, z, out):
    """Gradient of ((x - w*) u - e)^2 / 2 less its mean, for an input u of variance 1 and label
    noise e of variance 1.
    """
    out[0] = p.scale * ((z[0] * z[0] - 1.0) * x[0] - z[0] * z[1])


def _measured_tails(rates, largest, particles, options, plant):
    """Hill's estimate of the exponent at each rate from the `largest` distances, and the share
    beyond the published distance at the first one.
    """
    scale = {"scale": np.sqrt(2) if plant else 1.0}
    noise = ls.GradientNoise("regression", regression_noise, scale, 2)
    options = options | {"particles": particles, "steps": 150}
    slopes, quadratic = np.zeros(len(rates)), ls.potentials.quadratic(1.0)
    for k, rate in enumerate(rates):
        run = ls.simulate(quadratic, ls.dynamics.sgd(rate), noise, **options)
        distance = np.abs(run.x.values[-1, :, 0])
        outer = np.partition(distance, -largest - 1)[-largest - 1 :]
        slopes[k] = 1 / np.mean(np.log(outer[1:] / outer[0]))
        if k == 0:
            share = np.mean(distance > PUBLISHED_TAIL[0])
    return slopes, share


def tails(particles, options, plant):
    """(d) One-dimensional online regression, batches of one in the simulation."""
    ratio, sizes = np.geomspace(0.02, 0.66, 50), np.array([1, 4])
    exact = np.full((len(sizes), len(ratio)), np.nan)
    for k, size in enumerate(sizes):
        finite = ratio * size < ls.theory.regression_threshold(1.0, size)
        exact[k, finite] = ls.theory.tail_exponents(1.0, ratio[finite] * size, size).exact
    at, largest = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), particles // 10_000
    slopes, share = _measured_tails(at, largest, particles, options, plant)
    values = {
        "ratio": (("ratio_point",), ratio, "1", "learning rate times curvature over batch size"),
        "batch_size": (("size",), sizes, "1", "batch size"),
        "exponent": (
            ("size", "ratio_point"),
            exact,
            "1",
            "exact tail exponent, while the variance is finite",
        ),
        "exponent_diffusion": (
            ("ratio_point",),
            1 + 1 / ratio,
            "1",
            "exponent of the diffusion with the true covariance",
        ),
        "exponent_decoupled": (
            ("ratio_point",),
            1 + 2 / ratio,
            "1",
            "exponent of the diffusion with covariance 2 L H",
        ),
        "measured_ratio": (
            ("slope",),
            at,
            "1",
            "learning rate of a simulation with batches of one",
        ),
    }
    hill = slopes, slopes / np.sqrt(largest)
    values |= with_error(
        "measured_exponent",
        ("slope",),
        hill,
        "1",
        "Hill's estimate from the outermost 1e-4 of the particles",
    )
    return values, _claims_of_tails(share, particles)


def _claims_of_tails(share, particles):
    found = {rate: np.array(ls.theory.tail_exponents(1.0, rate)) for rate in PUBLISHED_EXPONENTS}
    worst = max(
        np.abs(found[rate] - published).max() for rate, published in PUBLISHED_EXPONENTS.items()
    )
    known, known_error = PUBLISHED_TAIL[1:]
    error = np.hypot(np.sqrt(known / particles), known_error)
    return [
        Claim(
            "d: exponents are the published ones",
            worst < ROUNDING,
            f"largest difference {worst:.4f}, allowed {ROUNDING}",
        ),
        agreement("d: P(|w - w*| > 0.9787) is the published one", share, known, error),
        Claim(
            "d: the diffusion's 7.8e-4 is rejected",
            share + 10 * error < 7.8e-4,
            f"{share:.2e} +- {error:.1e}",
            (share - 4 * error, share + 4 * error),
            (share - 7.8e-4) / error,
        ),
    ]
