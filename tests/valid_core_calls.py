"""A valid call of each public function of models, engine and storage: name -> its arguments.

The fuzzer changes one argument of a call at a time. Those of theory, analysis and plots are in
valid_calls.py.
"""

from functools import cache
from pathlib import Path
from shutil import copytree
from tempfile import mkdtemp

import numpy as np

import langevin_sgd as ls

_random = np.random.default_rng(5)
INPUTS, TARGETS = _random.normal(size=(12, 2)), _random.normal(size=12)
CLASSES, MATRIX = np.arange(12) % 3, [[2.0, 0.3], [0.3, 1.0]]


def energy(p, x):
    return 0.5 * p.k * x[0] * x[0]


def gradient(p, x, out):
    out[0] = p.k * x[0]


def sample(p, x, z, out):
    out[0] = p.k * z[0]


def update(p, x, v, g, xi, z):
    x[0] = x[0] - p.k * (g[0] + xi[0])


def observe(p, acc, step, before, x, v, g):
    acc[0] += x[0]


def reached(p, x):
    return x[0] > p.k


def example_loss(p, x, row):
    return 0.5 * (x[0] - row[0]) * (x[0] - row[0])


def example_gradient(p, x, row, out):
    out[0] = x[0] - row[0]


def factor(p, x, out):
    out[0] = p.k


@cache
def well():
    return ls.potentials.double_well()


@cache
def small_run():
    noise = ls.noise.gaussian([1.0])
    return ls.simulate(well(), ls.dynamics.sgd(0.1), noise, particles=16, steps=4, seed=1)


@cache
def stored_run():
    """A run that keeps all its steps: what series are made of."""
    noise, plan = ls.noise.gaussian([1.0]), {"particles": 16, "steps": 4, "every": 1, "seed": 1}
    return ls.simulate(well(), ls.dynamics.sgd(0.1), noise, **plan)


@cache
def folder():
    return Path(mkdtemp())


@cache
def saved():
    path = folder() / "run.nc"
    ls.save(small_run(), path)
    return path


@cache
def unfinished():
    """The folder of a run whose last piece is missing."""
    run, noise = folder() / "run", ls.noise.gaussian([1.0])
    plan = {"particles": 16, "steps": 4, "seed": 1, "checkpoint": run, "checkpoint_every": 2}
    ls.simulate(well(), ls.dynamics.sgd(0.1), noise, **plan)
    lines = (run / "manifest.jsonl").read_bytes().splitlines(keepends=True)
    (run / "manifest.jsonl").write_bytes(b"".join(lines[:-2]))
    return run


@cache
def swept():
    noise, grid = ls.noise.gaussian([1.0]), {"learning_rate": [0.1, 0.2]}
    plan = {"particles": 16, "steps": 4, "seed": 1, "directory": folder() / "sweep"}
    ls.sweep(well(), ls.dynamics.sgd(0.1), noise, grid=grid, **plan)
    return plan["directory"]


K = {"k": 1.0}
OWN = {"params": K, "dim": 1}
SGD = {"learning_rate": 0.1, "batch_size": 2, "momentum": 0.5, "weight_decay": 0.1}

CALLS = {
    "Potential": lambda: {
        **{"name": "own", "energy": energy, "gradient": gradient, **OWN},
        **{"hessian": None, "drift": None, "scratch": 0, "domain": None},
    },
    "Loss": lambda: {
        **{"name": "own", "example_loss": example_loss, "example_gradient": example_gradient},
        **{"params": K, "data": [[1.0], [2.0]], "dim": 1, "scratch": 0, "mean": None},
        **{"example_hessian": None, "example_fisher": None},
        **{"draw": None, "draw_normals": 0, "draw_uniforms": 0},
    },
    "GradientNoise": lambda: {
        **{"name": "own", "sample": sample, "params": K, "normals": 1, "uniforms": 0},
        **{"gaussian": False, "dim": None, "scratch_per_component": 0, "covariance": None},
    },
    "Dynamics": lambda: {
        **{"name": "own", "update": update, "params": K, "normals": 0, "advance": None},
        **{"memory": None, "state_size": 1, "substeps": 1, "vectors": None, "walls": True},
    },
    "Reducer": lambda: {
        **{"name": "own", "observe": observe, "params": K, "size": 1, "every": 2, "start": 0},
        **{"bins": (), "weights": 0, "finish": None, "complete": None},
    },
    "evaluate": lambda: {"model": well(), "x": [[0.5]], "quantity": "energy"},
    "example_gradients": lambda: {
        **{"loss": ls.losses.quadratic_centers(MATRIX, INPUTS), "x": [[0.1, 0.2]]}
    },
    "simulate": lambda: {
        **{"model": well(), "dynamics": ls.dynamics.sgd(0.1), "noise": ls.noise.gaussian([1.0])},
        **{"particles": 16, "steps": 4, "x0": [0.5], "v0": None, "seed": 1, "every": 2},
        **{"reducers": (), "loss": False, "escape_radius": 1e3, "target": "cpu", "devices": None},
        **{"precision": "float64", "threads": 1, "block_size": 16, "chunk_steps": 2},
        **{"progress": None, "first_step": 0, "checkpoint": None, "checkpoint_every": None},
    },
    "sweep": lambda: {
        **{"model": well(), "dynamics": ls.dynamics.sgd(0.1), "noise": ls.noise.gaussian([1.0])},
        **{"particles": 16, "steps": 4, "seed": 1, "grid": {"learning_rate": [0.1, 0.2]}},
        **{"random_numbers": "common", "measure": None, "directory": None, "shard": None},
        **{"threads": 1, "cluster": None, "progress": None, "every": 2},
    },
    "run_until_stationary": lambda: {
        **{"model": well(), "dynamics": ls.dynamics.sgd(0.1), "noise": ls.noise.gaussian([1.0])},
        **{"particles": 512, "seed": 1, "max_steps": 400, "tolerance": 0.05, "first_check": 100},
        **{"x0": None, "observables": None, "threads": 1},
    },
    "save": lambda: {"dataset": small_run(), "path": folder() / "again.nc"},
    "load": lambda: {"path": saved(), "max_bytes": 2**30, "recover": False},
    "merge": lambda: {"directory": swept()},
    "resume": lambda: {
        **{"directory": Path(copytree(unfinished(), mkdtemp(), dirs_exist_ok=True))},
        **{"model": None, "dynamics": None, "noise": None, "devices": None},
        **{"reducers": None, "threads": 1, "progress": None, "checkpoint_every": None},
    },
    "extend": lambda: {
        **{"run": small_run(), "steps": 4, "model": None, "dynamics": None, "noise": None},
        **{"every": 2, "threads": 1},
    },
    "to_arviz": lambda: {"run": stored_run(), "warmup": 0, "on_diverged": "raise"},
    "potentials.double_well": lambda: {
        "dim": 2,
        "barrier": 0.5,
        "stiffness": 1.0,
        "tilt": 0.1,
        "coupling": 0.2,
    },
    "potentials.edge_of_stability": lambda: {"sharpening": 0.2},
    "potentials.quadratic": lambda: {"hessian": MATRIX},
    "potentials.ring": lambda: {"radius": 1.0, "stiffness": 2.0, "dim": 2},
    "potentials.rosenbrock": lambda: {"dim": 2, "stiffness": 10.0},
    "potentials.rotational_drift": lambda: {"strength": 0.5},
    "potentials.label_noise": lambda: {"standard_deviation": 0.5},
    "potentials.swirl_noise": lambda: {"strength": 0.5, "learning_rate": 0.1, "batch_size": 2},
    "potentials.two_minima": lambda: {
        **{"curvatures": (1.0, 4.0), "energies": (0.0, 0.1), "separation": 2.0, "smoothing": 0.1}
    },
    "potentials.washboard": lambda: {"amplitude": 1.0, "force": 0.3},
    "potentials.modified_loss": lambda: {
        **{"model": well(), "learning_rate": 0.1, "sampling": "with_replacement", "batch_size": 2}
    },
    "potentials.from_expression": lambda: {"text": "a*x**2/2", "variables": "x", "a": 2.0},
    "losses.linear_regression": lambda: {"inputs": INPUTS, "targets": TARGETS, "l2": 0.1},
    "losses.huber_regression": lambda: {
        "inputs": INPUTS,
        "targets": TARGETS,
        "delta": 1.0,
        "l2": 0.1,
    },
    "losses.logistic_regression": lambda: {"inputs": INPUTS, "labels": CLASSES // 2, "l2": 0.1},
    "losses.multinomial_regression": lambda: {
        **{"inputs": INPUTS, "labels": CLASSES, "classes": 3, "l2": 0.1}
    },
    "losses.poisson_regression": lambda: {"inputs": INPUTS, "counts": CLASSES, "l2": 0.1},
    "losses.phase_retrieval": lambda: {"inputs": INPUTS, "intensities": TARGETS**2},
    "losses.tanh_network": lambda: {"inputs": INPUTS, "targets": TARGETS, "hidden": 2},
    "losses.quadratic_centers": lambda: {"hessian": MATRIX, "centers": INPUTS},
    "losses.matrix_factorisation": lambda: {
        "entries": [[0.0, 0.0, 1.0], [1.0, 1.0, 2.0]],
        "rank": 1,
        "shape": (2, 2),
    },
    "losses.linear_regression_population": lambda: {
        **{"input_covariance": MATRIX, "label_noise": 0.3, "examples": 10, "seed": 0},
        **{"true_parameters": [1.0, 2.0]},
    },
    "losses.logistic_regression_population": lambda: {
        **{"input_covariance": MATRIX, "l2": 0.1, "examples": 10, "seed": 0},
        **{"true_parameters": [1.0, 2.0]},
    },
    "noise.gaussian": lambda: {"covariance": MATRIX},
    "noise.student_t": lambda: {"dof": 5.0, "covariance": MATRIX},
    "noise.alpha_stable": lambda: {"alpha": 1.5, "scale": [0.3, 0.3]},
    "noise.two_point": lambda: {"scale": [0.3, 0.3]},
    "noise.gaussian_field": lambda: {"factor": factor, "params": K, "normals": 1, "dim": 1},
    "noise.online_regression": lambda: {"input_covariance": MATRIX, "label_noise": 0.3},
    "noise.minibatch": lambda: {
        **{"sampling": "with_replacement", "shared": False, "weights": None, "amplification": None}
    },
    "noise.covariance_factor": lambda: {"covariance": MATRIX, "name": "covariance"},
    "noise.disk": lambda: {"radius": 0.5},
    "dynamics.sgd": lambda: {**SGD, "nesterov": None, "rate_inside": True},
    "dynamics.clipped_sgd": lambda: {**SGD, "max_norm": 1.0},
    "dynamics.averaged_sgd": lambda: {"learning_rate": 0.1, "batch_size": 2, "weight_decay": 0.1},
    "dynamics.sgd_running_average": lambda: {
        "learning_rate": 0.1,
        "momentum": 0.5,
        "batch_size": 2,
    },
    "dynamics.sign_sgd": lambda: {"learning_rate": 0.1, "momentum": 0.5, "batch_size": 2},
    "dynamics.sgd_diffusion": lambda: {"learning_rate": 0.1, "batch_size": 2, "substeps": 3},
    "dynamics.adam": lambda: {"learning_rate": 0.1, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8},
    "dynamics.rmsprop": lambda: {
        **{"learning_rate": 0.1, "beta2": 0.99, "epsilon": 1e-8},
        **{"batch_size": 2, "weight_decay": 0.1},
    },
    "dynamics.langevin": lambda: {
        **{"temperature": 1.0, "step_size": 0.1, "batch_size": 1, "method": "euler_maruyama"}
    },
    "dynamics.underdamped_langevin": lambda: {
        **{"temperature": 1.0, "friction": 1.0, "step_size": 0.1, "mass": 1.0, "method": "baoab"}
    },
    "schedules.constant": lambda: {"value": 0.1},
    "schedules.cosine": lambda: {"start": 0.1, "end": 0.0, "steps": 10},
    "schedules.exponential": lambda: {"start": 0.1, "factor": 0.9},
    "schedules.from_values": lambda: {"values": [0.1, 0.2]},
    "schedules.inverse_time": lambda: {"start": 0.1, "time": 10.0},
    "schedules.step_decay": lambda: {"start": 0.1, "factor": 0.5, "every": 10},
    "reducers.moments": lambda: {
        "every": 2,
        "start": 0,
        "center": 0.0,
        "name": "moments",
        "by_epoch_position": False,
    },
    "reducers.histogram": lambda: {"lower": -2, "upper": 2, "bins": 10, "components": 0},
    "reducers.currents": lambda: {
        **{"lower": -2, "upper": 2, "bins": 5, "components": (0, 1), "entropy": True}
    },
    "reducers.autocovariance": lambda: {"lags": [0, 2], "every": 1, "start": 0},
    "reducers.displacement": lambda: {"steps": [1, 3], "start": 0},
    "reducers.energy": lambda: {"lower": 0.0, "upper": 2.0, "bins": 10, "every": 2, "start": 0},
    "reducers.rotation": lambda: {
        **{"decays": [0.0, 1.0], "center": [0.0, 0.1], "covariance": [1.0, 2.0], "every": 2}
    },
    "reducers.virial": lambda: {"every": 2, "start": 0},
    "reducers.gradient_noise": lambda: {"every": 2, "start": 0, "windows": 3},
    "reducers.first_passage": lambda: {
        **{"reached": reached, "params": K, "above": None, "below": None},
        **{"component": 0, "name": "first"},
    },
}
