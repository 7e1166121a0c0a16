"""What exact theory says about SGD near a minimum: four panels, a simulation beside each.

(a) Variance against the learning rate up to the threshold: SGD, heavy ball, and the small-step
limit that knows no threshold.
(b) Current and entropy production against the angle between the noise covariance and the hessian:
Boltzmann's law has neither.
(c) Reshuffled epochs: in flat directions the variance collapses far below that of independent
batches.
(d) Tail exponents of online regression: exact, and as two diffusion approximations have them.

Run:  python studies/theory_atlas.py [--quick]
(writes out/theory_atlas.nc and .png; --update-data renews data/)
"""

import warnings

import numpy as np
import xarray as xr
from _atlas_data import BATCH, EPOCH_RATE, EXAMPLES, epochs, tails
from _atlas_figure import plot
from _runner import Claim, agreement, main, with_error

import langevin_sgd as ls
from langevin_sgd.storage.provenance import provenance

HESSIAN = np.diag([1.0, 0.2])
NOISE = np.array([1.0, 0.1])  # eigenvalues of the covariance of one example's gradient
MOMENTA, RATE, ANGLES = (0.0, 0.9), 0.3, (10.0, 30.0, 50.0, 70.0)


def noise_at(degrees):
    """Covariance with the eigenvalues NOISE, its strong axis turned from the stiff direction."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[c, -s], [s, c]])
    return turn @ np.diag(NOISE) @ turn.T


def simulated(angle, rate, momentum, steps, options, plant, **more):
    """x (step, particle, 2) of SGD on the quadratic; `plant` doubles the variance of its noise, and
    nothing else.
    """
    noise = ls.noise.gaussian((2 if plant else 1) * noise_at(angle))
    dynamics = ls.dynamics.sgd(rate, momentum=momentum)
    return ls.simulate(
        ls.potentials.quadratic(HESSIAN), dynamics, noise, steps=steps, **options, **more
    )


def _measured_variances(rates, thresholds, options, plant):
    """Variance over particles at each rate, and shares that left just below and above the
    threshold, for each momentum.
    """
    measured, escaped = np.zeros(rates.shape), []
    for k, momentum in enumerate(MOMENTA):
        for j, rate in enumerate(rates[k]):
            x = simulated(45, rate, momentum, 400, options, plant).x.values[-1, :, 0]
            measured[k, j] = x.var(ddof=1)
        more = options | {"escape_radius": 1e3}
        with warnings.catch_warnings():
            # simulate warns of a rate above the threshold, and of who left: both are tried here
            warnings.simplefilter("ignore")
            for factor in (0.98, 1.02):
                run = simulated(45, factor * thresholds[k], momentum, 600, more, plant)
                escaped.append(float((run.status != 0).mean()))
    return measured, escaped


def variances(particles, options, plant):
    """(a) Variance along the stiff direction."""
    options, sigma = options | {"particles": particles}, noise_at(45)
    thresholds = np.array(
        [ls.theory.stability_threshold(HESSIAN, momentum) for momentum in MOMENTA]
    )
    rates = np.array(
        [np.append(np.geomspace(0.02, limit, 200)[:-1], 0.999 * limit) for limit in thresholds]
    )
    at = thresholds[:, None] * np.array([0.012, 0.03, 0.08, 0.2, 0.45, 0.75, 0.95])

    def stiff(function, grid):
        return np.array(
            [
                function(HESSIAN, sigma, row, 1, mu)[:, 0, 0]
                for row, mu in zip(grid, MOMENTA, strict=True)
            ]
        )

    measured, escaped = _measured_variances(at, thresholds, options, plant)
    exact, limit = (
        stiff(ls.theory.stationary_covariance, at),
        stiff(ls.theory.small_step_covariance, at),
    )
    error = exact * np.sqrt(2 / particles)
    excess = (measured / limit)[:, -1]
    values = {
        "threshold": (
            ("momentum",),
            thresholds,
            "length^2 / energy",
            "learning rate at which SGD loses stability",
        ),
        "rate": (("momentum", "point"), rates, "length^2 / energy", "learning rate"),
        "variance": (
            ("momentum", "point"),
            stiff(ls.theory.stationary_covariance, rates),
            "length^2",
            "exact variance",
        ),
        "variance_small_step": (
            ("momentum", "point"),
            stiff(ls.theory.small_step_covariance, rates),
            "length^2",
            "its limit",
        ),
        "measured_rate": (
            ("momentum", "run"),
            at,
            "length^2 / energy",
            "learning rate of a simulation",
        ),
    } | with_error(
        "measured_variance",
        ("momentum", "run"),
        (measured, error),
        "length^2",
        "variance over particles",
    )
    return values, _claims_of_variances(measured, exact, error, excess, escaped)


def _claims_of_variances(measured, exact, error, excess, escaped):
    return [
        agreement("a: variances are the exact ones", measured, exact, error),
        Claim(
            "a: the small-step limit fails at 0.95 of the threshold",
            excess.min() > 1.5,
            f"ratios {np.round(excess, 2)}",
        ),
        Claim(
            "a: 2 % below the threshold none leaves, above all",
            escaped == [0, 1, 0, 1],
            f"shares that left {escaped}",
        ),
    ]


def _swept_and_produced(angle, particles, options, plant):
    """Means, and their errors, of the area swept and the entropy produced in a step."""
    options = options | {"particles": particles}
    x = simulated(angle, RATE, 0.0, 401, options, plant, every=400).x.values
    before, after = x[-2], x[-1]
    precision = np.linalg.inv(RATE**2 * noise_at(angle)) / 2
    kick = after - before + RATE * before @ HESSIAN
    reversed_kick = before - after + RATE * after @ HESSIAN
    forward, reverse = (
        np.einsum("ni,ij,nj->n", one, precision, one) for one in (kick, reversed_kick)
    )
    area = (before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) / 2
    single = np.array([area, reverse - forward])
    return single.mean(axis=1), single.std(axis=1, ddof=1) / np.sqrt(particles)


def currents(particles, options, plant):
    """(b) Area swept and entropy produced in a step, from pairs of successive positions."""
    degrees, (h1, h2) = np.linspace(0, 90, 91), np.diagonal(HESSIAN)
    process = ls.theory.linear_sgd(HESSIAN, np.array([noise_at(angle) for angle in degrees]), RATE)
    area, entropy = ls.theory.area_per_step(process)[:, 0, 1], ls.theory.entropy_per_step(process)
    closed = (
        (NOISE[0] - NOISE[1])
        / 2
        * np.sin(2 * np.radians(degrees))
        * RATE**2
        * (h1 - h2)
        / (2 * (h1 + h2 - RATE * h1 * h2))
    )
    found = [_swept_and_produced(angle, particles, options, plant) for angle in ANGLES]
    means, errors = np.transpose(found, (1, 2, 0))
    (areas, produced), (area_error, produced_error) = means, errors
    exact = [
        np.interp(ANGLES, degrees, curve) for curve in (area, entropy)
    ]  # the measured angles are points of the curves
    values = {
        "angle": (
            ("direction",),
            degrees,
            "degree",
            "angle between the strong axis of the noise and the stiff direction",
        ),
        "area": (("direction",), area, "length^2", "exact area swept in a step"),
        "entropy": (
            ("direction",),
            entropy,
            "1",
            "exact entropy produced in a step, in units of k_B",
        ),
        "measured_angle": (("turn",), np.array(ANGLES), "degree", "angle of a simulation"),
    }
    values |= with_error(
        "measured_area", ("turn",), (areas, area_error), "length^2", "mean area swept in a step"
    )
    values |= with_error(
        "measured_entropy",
        ("turn",),
        (produced, produced_error),
        "1",
        "mean log ratio of a step, reversed",
    )
    z = areas / area_error
    return values, [
        agreement("b: areas are the exact ones", areas, exact[0], area_error),
        agreement("b: entropy productions are the exact ones", produced, exact[1], produced_error),
        Claim(
            "b: the closed form of the area",
            np.allclose(area, closed, rtol=1e-9, atol=1e-15),
            "to 1e-9",
        ),
        Claim(
            "b: Boltzmann's zero current is rejected",
            z.min() > 10,
            f"by {z.min():.0f} standard errors or more",
            z=z.min(),
        ),
    ]


def run(quick, seed, threads, plant):
    options = {"seed": seed, "threads": threads}
    particles = (5_000, 20_000, 2_000, 200_000) if quick else (50_000, 400_000, 20_000, 5_000_000)
    parts = [
        variances(particles[0], options, plant),
        currents(particles[1], options, plant),
        epochs(particles[2], seed, plant),
        tails(particles[3], options, plant),
    ]
    variables = {
        name: (dims, values, {"units": units, "long_name": text})
        for part, _ in parts
        for name, (dims, values, units, text) in part.items()
    }
    attributes = {
        "hessian": np.diagonal(HESSIAN),
        "noise_eigenvalues": NOISE,
        "learning_rate_currents": RATE,
    }
    attributes |= {
        "learning_rate_epochs": EPOCH_RATE,
        "batches_an_epoch": EXAMPLES // BATCH,
        "batch_size_epochs": BATCH,
    }
    attributes |= {"particles": np.array(particles)}
    momentum = "momentum", list(MOMENTA), {"long_name": "momentum", "units": "1"}
    coords = {"momentum": momentum, "read": ["mean over an epoch", "end of an epoch"]}
    dataset = xr.Dataset(variables, coords, attributes | provenance())
    return dataset, [claim for _, claims in parts for claim in claims]


WORDS = {  # what is in the file, in words
    "momentum": "momentum mu",
    "batch_size": "examples B of a batch",
    "variance_small_step": "limit of the variance for small learning rates",
    "point": "number of the learning rate, from 0: see rate",
    "run": "number of the simulation at a learning rate, from 0: see measured_rate",
    "direction": "number of the angle, from 0: see angle",
    "turn": "number of the simulation at an angle, from 0: see measured_angle",
    "mode": "number of the direction, from the flattest: see curvature",
    "column": "number of the simulated direction, from 0: see measured_curvature",
    "read": "when in an epoch the variance is read",
    "ratio_point": "number of the ratio, from 0: see ratio",
    "size": "number of the batch size, from 0: see batch_size",
    "slope": "number of the simulation of a tail, from 0: see measured_ratio",
}


if __name__ == "__main__":
    main("theory_atlas", run, plot, WORDS)
