"""Valid calls of analysis and plots, for `valid_calls`."""

from functools import cache

import numpy as np

import langevin_sgd as ls

BOWL = ls.potentials.quadratic([1.0, 4.0])


ROWS = np.random.default_rng(7).normal(size=(1280, 2))


@cache
def bowl_run():
    """Heavy ball with a velocity, near its stationary law."""
    moves, noise = ls.dynamics.sgd(0.1, momentum=0.5), ls.noise.gaussian([1.0, 1.0])
    return ls.simulate(BOWL, moves, noise, particles=320, steps=100, seed=1, every=50)


@cache
def long_run():
    """Ten stored steps."""
    noise = ls.noise.gaussian([1.0, 1.0])
    moves = ls.dynamics.sgd(0.1)
    return ls.simulate(BOWL, moves, noise, particles=32, steps=200, seed=1, every=20)


@cache
def two_steps():
    """Without momentum, the last two steps stored."""
    moves, noise = ls.dynamics.sgd(0.1), ls.noise.gaussian([1.0, 1.0])
    return ls.simulate(BOWL, moves, noise, particles=160, steps=51, seed=1, every=50)


@cache
def going_round():
    """With currents on a grid."""
    moves, noise = ls.dynamics.sgd(0.1), ls.noise.gaussian([[1.0, 0.8], [0.8, 1.0]])
    options = {"particles": 160, "steps": 50, "seed": 1}
    return ls.simulate(BOWL, moves, noise, reducers=ls.reducers.currents(-1, 1, 5), **options)


@cache
def arrivals():
    noise, reducer = ls.noise.gaussian([1.0, 1.0]), ls.reducers.first_passage(above=0.3)
    plan = {"particles": 32, "steps": 50, "seed": 1, "reducers": reducer}
    return ls.simulate(BOWL, ls.dynamics.sgd(0.1), noise, **plan)


@cache
def centers(examples=6):
    random = np.random.default_rng(1)
    return ls.losses.quadratic_centers([1.0, 2.0], random.normal(size=(examples, 2)))


@cache
def remembered():
    """With autocovariances."""
    reducer = ls.reducers.autocovariance([0, 5, 20])
    options = {"particles": 160, "steps": 50, "seed": 1, "reducers": reducer}
    return ls.simulate(BOWL, ls.dynamics.sgd(0.1), ls.noise.gaussian([1.0, 1.0]), **options)


@cache
def chain():
    return ls.analysis.ledger(BOWL, ls.dynamics.sgd(0.1), ls.noise.gaussian([1.0, 1.0]))


@cache
def departed():
    return ls.analysis.departure(bowl_run(), BOWL)


def along_one():
    return ls.analysis.density(bowl_run(), bins=4, components=0)


def budget():
    return ls.analysis.temperature_budget(bowl_run(), BOWL)


@cache
def populations():
    return ls.theory.basin_populations(BOWL, 0.1)


def verdict():
    return ls.analysis.boltzmann_test(bowl_run(), BOWL)


RUN = {"step": 100, "on_diverged": "drop"}
CALLS = {
    "analysis.basins": lambda: {"run": bowl_run(), "potential": BOWL, **RUN},
    "analysis.boltzmann_test": lambda: {
        **{"run": bowl_run(), "potential": BOWL, "temperature": 0.1, "tolerance": 0.02},
        **{"level": 0.05, "directions": np.eye(2), "populations": populations(), **RUN},
        **{"reference": None, "stein": False},
    },
    "analysis.covariance_at": lambda: {"loss": centers(), "x": [[0.1, 0.2]]},
    "analysis.curvature": lambda: {
        **{"loss": centers(), "x": [0.1, 0.2], "leading": 1, "resamples": 10, "seed": 1}
    },
    "analysis.density": lambda: {
        **{"run": bowl_run(), "bins": 4, "range": (-1.0, 1.0), "components": (0, 1), **RUN}
    },
    "analysis.departure": lambda: {
        **{"run": BOWL, "model": None, "dynamics": ls.dynamics.sgd(0.1), "seed": 1},
        **{"noise": ls.noise.gaussian([1.0, 1.0]), "noise_covariance": [1.0, 1.0]},
        **{"reference_point": [0.0, 0.0], "particles": 160, "steps": 50, "on_diverged": "drop"},
    },
    "analysis.drift_and_diffusion": lambda: {
        **{"run": two_steps(), "bins": 1, "range": (-1.0, 1.0), "components": 0, "lag": 1},
        **{"extrapolate": False, "potential": BOWL, "time_step": 0.1, "on_diverged": "drop"},
    },
    "analysis.effective_sample_size": lambda: {
        **{"run": long_run(), "method": "batch_means", "warmup": 100, "on_diverged": "drop"}
    },
    "analysis.entropy_production": lambda: {"run": two_steps(), "method": "bound"},
    "analysis.equipartition": lambda: {
        **{"run": bowl_run(), "potential": BOWL, "directions": np.eye(2), "on_diverged": "drop"}
    },
    "analysis.escape_rate": lambda: {
        **{"run": arrivals(), "after": 5, "level": 0.1, "name": "first_passage"},
        **{"on_diverged": "drop"},
    },
    "analysis.gradient_covariance": lambda: {
        **{"loss": centers(12), "x": [[30.0, 40.0]], "population": True, "matrix": False},
        **{"resamples": 20, "level": 0.1, "seed": 3},
    },
    "analysis.kl_to_boltzmann": lambda: {
        **{"run": bowl_run(), "potential": BOWL, "temperature": 0.1, "bins": 4},
        **{"range": (-3.0, 3.0), "least_expected": 5.0, **RUN},
    },
    "analysis.kl_to_probabilities": lambda: {
        **{"counts": [30, 50], "probabilities": [0.3, 0.6], "outside": 1, "fitted": 0},
        **{"least_expected": 5.0},
    },
    "analysis.ledger": lambda: {
        **{"model": ls.potentials.quadratic([1.0]), "dynamics": ls.dynamics.sgd(0.1)},
        **{"noise": ls.noise.gaussian([1.0]), "particles": 64, "steps": 20, "seed": 1},
        **{"x0": [0.1], "reference": "average", "reference_point": [0.0], "substeps": 2},
        **{"exact": True, "bins": 4},
    },
    "analysis.noise_covariance_of": lambda: {"run": bowl_run(), "model": BOWL},
    "analysis.rotation_rate": lambda: {
        **{"run": bowl_run(), "potential": BOWL, "decays": [0.0, 1.0], "center": [0.0, 0.1]},
        **{"covariance": [1.0, 2.0], **RUN},
    },
    "analysis.rhat": lambda: {
        **{"run": long_run(), "method": "nested", "superchains": np.arange(32) // 8},
        **{"warmup": 100, "on_diverged": "drop"},
    },
    "analysis.survival_curve": lambda: {
        **{"run": arrivals(), "limit": 20, "name": "first_passage", "on_diverged": "drop"}
    },
    "analysis.temperature_budget": lambda: {
        **{"run": bowl_run(), "model": BOWL, "dynamics": ls.dynamics.sgd(0.1, momentum=0.5)},
        **{"noise_covariance": [1.0, 1.0], "noise": ls.noise.gaussian([1.0, 1.0]), **RUN},
        "reference_point": [0.0, 0.0],
    },
    "analysis.temperature_budget_of_arrays": lambda: {
        **{"x": ROWS, "gradients": ROWS, "noise": ROWS, "velocity": ROWS, "blocks": 320},
        **{"learning_rate": 0.1, "momentum": 0.5, "nesterov": True},
        "reference_covariance": [1.0, 1.0],
    },
    "plots.current": lambda: {
        **{"result": going_round(), "ax": None, "name": "currents", "clear": 2.0},
        **{"colorbar": False},
    },
    "analysis.reference_sample": lambda: {
        **{"run": bowl_run(), "potential": BOWL, "temperature": 0.1, "particles": 100},
        **{"max_particle_steps": 100_000, "seed": 1, **RUN},
    },
    "analysis.stein_discrepancy": lambda: {
        **{"run": bowl_run(), "potential": BOWL, "temperature": 0.1, "resamples": 99, "seed": 1},
        **RUN,
    },
    "analysis.two_sample_test": lambda: {
        **{"run": bowl_run(), "other": bowl_run(), "potential": BOWL, "permutations": 99},
        **{"seed": 1, **RUN},
    },
    "plots.density_1d": lambda: {
        **{"histogram": along_one(), "ax": None, "curve": ([0.0, 1.0], [0.1, 0.2])},
        **{"reference": np.full(4, 0.25), "label": "a", "reference_label": "b"},
    },
    "plots.density_2d": lambda: {
        **{"histogram": ls.analysis.density(bowl_run(), bins=3), "ax": None, "colorbar": True},
        **{"reference": np.full((3, 3), 1 / 9), "levels": [0.1, 0.5], "reference_label": "b"},
    },
    "plots.density_with_marginals": lambda: {
        **{"histogram": ls.analysis.density(bowl_run(), bins=3), "ax": None},
        **{"boltzmann": np.full((3, 3), 0.1), "exact": np.full((3, 3), 0.1), "levels": [0.5]},
    },
    "plots.relaxation": lambda: {
        **{"run": long_run(), "ax": None, "of": "mean", "components": (0, 1)},
        **{"exact": ([0, 200], [0.0, 0.0]), "on_diverged": "drop"},
    },
    "plots.autocorrelation": lambda: {
        **{"run": remembered(), "ax": None, "name": "autocovariance", "components": 0},
        "exact": ([0, 5], [1.0, 0.5]),
    },
    "plots.escape": lambda: {
        **{"survival": ls.analysis.survival_curve(arrivals()), "ax": None},
        **{"rate": ls.analysis.escape_rate(arrivals()), "exact": ([0, 50], [1.0, 0.5])},
    },
    "plots.tails": lambda: {
        **{"run": bowl_run(), "ax": None, "component": 0, "center": 0.0, "share": 0.1},
        **{"exponent": 3.0, "exact": ([0.1, 1.0], [0.5, 0.1]), **RUN},
    },
    "plots.waterfall": lambda: {"ledger": chain(), "ax": None, "symptom": "energy"},
    "plots.departures": lambda: {"departure": departed(), "ax": None, "labels": ["a", "b"]},
    "plots.animate": lambda: {
        **{"run": long_run(), "ax": None, "components": (0, 1), "particles": 9, "frames": 2},
        **{"fps": 10.0, "file": "cloud.gif"},
    },
    "plots.pictures": lambda: {"dataset": bowl_run()},
    "plots.picture": lambda: {"dataset": bowl_run(), "ax": None, "name": "tails"},
    "plots.temperatures": lambda: {
        **{"result": verdict(), "ax": None, "reference": 0.1, "reference_label": "b"},
        **{"labels": ["stiff", "soft"]},
    },
    "plots.temperature_budget": lambda: {
        **{"budget": budget(), "ax": None, "labels": ["stiff", "soft"]}
    },
}
