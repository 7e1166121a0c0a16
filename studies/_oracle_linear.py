"""Simulations of the oracle's linear cases: quadratics, currents, weak error, schedules,
integrators, time averages. `excess` multiplies the variance of all noise; 1 is the case itself."""

from functools import partial
from math import gcd

import numpy as np
from _oracle_cases import CASES, Simulation, both, last, products

import langevin_sgd as ls

NESTEROV = {"sgd": None, "hb": None, "nesterov": "lookahead", "torch": "torch"}
METHODS = {"euler_maruyama": "EM_var", "leimkuhler_matthews": "LM_var"}
SPLITTINGS = {name: name.upper() for name in ("baoab", "aboba", "obabo", "oabao")}
SPLITTINGS |= {"sghmc": "SGHMC_semi"}
SCHEDULES = {
    "anneal_1_over_k": ls.schedules.inverse_time(0.5, 1.0),
    "anneal_step_decay": ls.schedules.step_decay(0.3, 0.1, 50),
    "anneal_cosine": ls.schedules.cosine(0.5, 0.0, 40),
}


def second_moments(exact, run):
    """Of positions and, where the case has them, velocities."""
    x, v = last(run)
    found = {"S": products(x, x, exact["S"])}
    if "V" in exact:
        found["V"] = products(v, v, exact["V"])
    if "E_theta_vT" in exact:
        found["E_theta_vT"] = products(x, v, exact["E_theta_vT"])
    return found


def quadratic(name, excess=1):
    case, exact = both(name)
    moves = ls.dynamics.sgd(case["eta"], case["B"], case["mu"], NESTEROV[case["kind"]])
    noise = ls.noise.gaussian(excess * np.array(case["Sigma"]))
    model, steps = ls.potentials.quadratic(case["H"]), CASES[name]["burn_in_steps"]
    return Simulation(model, moves, noise, steps, partial(second_moments, exact))


def _circulation(exact, run):
    before, after = run.x.values[-2:]
    area = (before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) / 2
    stationary = exact["S"] if "S" in exact else exact["S_finite"]
    found = {"area_per_step": (area, exact["area_per_step"][0][1])}
    found["S"] = products(after, after, stationary)
    return found | ({"lag1": products(after, before, exact["lag1"])} if "lag1" in exact else {})


def circulation(name, excess=1):
    """Two successive steps."""
    case, exact = both(name)
    moves = ls.dynamics.sgd(case["eta"], case["B"], case.get("mu", 0.0))
    noise, steps = ls.noise.gaussian(excess * np.array(case["Sigma"])), CASES[name]["burn_in_steps"]
    model, options = ls.potentials.quadratic(case["H"]), {"every": steps}
    return Simulation(model, moves, noise, steps + 1, partial(_circulation, exact), options)


def weak(row, excess=1):
    """From a point, for a fixed time."""
    case, exact = both("weak_1d")[0], both("weak_1d")[1]["rows"][row]
    noise, moves = ls.noise.gaussian([excess * case["c"]]), ls.dynamics.sgd(exact["eta"])

    def readings(run):
        x = run.x.values[-1]
        return {"mean": (x, [exact["sgd_mean"]]), "x2": (x**2, [exact["sgd_x2"]])}

    model, options = ls.potentials.quadratic([case["h"]]), {"x0": [case["theta0"]]}
    return Simulation(model, moves, noise, exact["steps"], readings, options)


def momentum_rule(row, excess=1):
    case, exact = both("mom_rule")[0], both("mom_rule")[1]["rows"][row]
    moves = ls.dynamics.sgd(exact["eta"], case["B"], exact["mu"])
    steps = round(20 / (1 - exact["mu"]) + 8 / (case["B"] * case["eta0"]))
    found = {"S": [[exact["var_theta"]]]} | ({"V": [[exact["var_v"]]]} if exact["mu"] else {})
    noise = ls.noise.gaussian([excess * case["sig2"]])
    model = ls.potentials.quadratic([case["h"]])
    return Simulation(model, moves, noise, steps, partial(second_moments, found))


def _at_marks(marks, run):
    found = {}
    for mark in marks:
        x, mean = run.x.sel(step=mark["step"]).values, np.array(mark["mean"])
        found[f"mean {mark['step']}"] = x, mean
        found[f"cov {mark['step']}"] = products(*[x - mean] * 2, mark["cov"])
    return found


def annealing(name, excess=1, rates=None):
    case, exact = both(name)
    steps = max(case["marks"])
    noise = ls.noise.gaussian(excess * np.array(case["C"]))
    moves = ls.dynamics.sgd(SCHEDULES[name] if rates is None else rates)
    readings = partial(_at_marks, exact["marks"])

    def start(particles, seed):
        normals = np.random.default_rng(seed).normal(size=(particles, len(case["H"])))
        return case["theta0"] + np.sqrt(np.diag(case["S0"])) * normals

    model, options = ls.potentials.quadratic(case["H"]), {"every": gcd(*case["marks"]), "x0": start}
    return Simulation(model, moves, noise, steps, readings, options)


def integrator(name, method, excess=1):
    """Langevin dynamics from the origin; after 100 steps it has settled."""
    case, exact = both(name)
    model, heat = ls.potentials.quadratic([case["h"]]), excess * case["T"]
    if method in METHODS:
        found = {"S": [[exact[METHODS[method]]]]}
        moves = ls.dynamics.langevin(heat, case["dt"], method=method)
    else:
        keys = {"S": "qq", "V": "pp", "E_theta_vT": "qp"}
        found = {key: [[exact[SPLITTINGS[method]][of]]] for key, of in keys.items()}
        moves = ls.dynamics.underdamped_langevin(heat, case["gamma"], case["dt"], method=method)
    return Simulation(model, moves, None, 100, partial(second_moments, found))


def with_gradient_noise(excess=1, table=False):
    """Langevin dynamics with gradient noise; of the two examples +-1, whose variance is h^2 = 4."""
    case, exact = both("sgld")
    model, noise = ls.potentials.quadratic([case["h"]]), ls.noise.gaussian([excess * case["sig2"]])
    if table:
        rows = np.sqrt(excess) * np.array([[1.0], [-1.0]])
        model, noise = ls.losses.quadratic_centers([case["h"]], rows), ls.noise.minibatch()
    moves = ls.dynamics.langevin(case["T"], case["eps"], case["B"])
    readings = partial(second_moments, {"S": [[exact["var"]]]})
    return Simulation(model, moves, noise, 100, readings)


def time_average(name, excess=1):
    """Means of x and x^2 over the steps of a stationary series of variance 1."""
    case, exact = both(name)
    rate, count = 1 - case["a"], case["n"]
    noise = ls.noise.gaussian([excess * (1 - case["a"] ** 2) / rate**2])

    def readings(run):
        x = run.x.values[..., 0]
        far = count * x.mean(axis=0) ** 2, count * ((x**2).mean(axis=0) - 1) ** 2 / 2
        names = "n_var_mean_over_var", "n_var_x2_over_2var2"
        return {key: (each, exact[key]) for key, each in zip(names, far, strict=True)}

    def start(particles, seed):
        return np.random.default_rng(seed).normal(size=(particles, 1))

    model, moves = ls.potentials.quadratic([1.0]), ls.dynamics.sgd(rate)
    options = {"every": 1, "x0": start}
    return Simulation(model, moves, noise, count - 1, readings, options)
