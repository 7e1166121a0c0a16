"""Simulations of the oracle's cases that are not linear: wells, noise that depends on the place,
circles, first passages. `excess` multiplies the variance of the noise; 1 is the case itself."""

from functools import partial

import numpy as np
from _oracle_cases import CASES, Simulation, both, last
from _oracle_linear import second_moments

import langevin_sgd as ls
from langevin_sgd.kernels.elementary import sqrt

COUPLED = ls.potentials.double_well(dim=2, barrier=0.25, stiffness=1.0, coupling=0.8)
LINES = {
    "(x^2-1)^2/4": ls.potentials.double_well(dim=1, barrier=0.25),
    "(x^2-1)^2/4+0.1x": ls.potentials.double_well(dim=1, barrier=0.25, tilt=0.1),
    "x^2": ls.potentials.quadratic([2.0]),
}
OF_ONE = {  # readings of x, U and U'
    "mean": lambda x, u, g: x,
    "mean_x": lambda x, u, g: x,
    "x2": lambda x, u, g: x**2,
    "x4": lambda x, u, g: x**4,
    "mean_U": lambda x, u, g: u,
    "mean_xdU": lambda x, u, g: x * g,
    "mean_dU": lambda x, u, g: g,
    "mean_dU2": lambda x, u, g: g**2,
    "P_right_of_0": lambda x, u, g: x > 0,
}


def _growing(p, x, out):
    out[0] = sqrt(p.level * (1.0 + x[0] * x[0]))


def _bowl_shaped(p, x, out):
    """Isotropic, of variance level (U + u0), U = x' H x / 2."""
    energy = (p.h00 * x[0] * x[0] + 2.0 * p.h01 * x[0] * x[1] + p.h11 * x[1] * x[1]) / 2.0
    out[0] = sqrt(p.level * (energy + p.u0))
    out[3] = out[0]


def noise_on_a_line(case, excess):
    """The noise of a step, eta^2 Sigma, has the variance 2 eta D."""
    if "T" in case:
        return ls.noise.gaussian([excess * 2 * case["T"] / case["eta"]])
    params = {"level": excess * 2 * case["T0"] / case["eta"]}
    return ls.noise.gaussian_field(_growing, params, 1)


def two_starts(particles, _):
    """Every other particle at -1 and 1."""
    return np.where(np.arange(particles) % 2, 1.0, -1.0)[:, None]


def _on_a_line(model, exact, run):
    x, v = last(run)
    energy, gradient = (ls.evaluate(model, x, what) for what in ("energy", "gradient"))
    given = x[:, 0], energy, gradient[:, 0]
    found = {key: (read(*given), exact[key]) for key, read in OF_ONE.items() if key in exact}
    if v is not None:
        speed = v[:, 0]
        found |= {"v2": (speed**2, exact["v2"]), "v4": (speed**4, exact["v4"])}
        found["E_theta_v"] = x[:, 0] * speed, exact["E_theta_v"]
    return found


def line(name, excess=1):
    """SGD, or a heavy ball, from both wells."""
    case, exact = both(name)
    model, mu = LINES[case["U"]], case.get("mu", 0.0)
    noise, moves = noise_on_a_line(case, excess * (1 - mu)), ls.dynamics.sgd(case["eta"], 1, mu)
    readings, options = partial(_on_a_line, model, exact), {"x0": two_starts}
    return Simulation(model, moves, noise, CASES[name]["burn_in_steps"], readings, options)


def _in_the_plane(exact, run):
    x, _ = last(run)
    energy, gradient = (ls.evaluate(COUPLED, x, what) for what in ("energy", "gradient"))
    along, across = x.T
    virial = x[:, :, None] * gradient[:, None, :]
    samples = {"x2": along**2, "xy": along * across, "y2": across**2, "x4": along**4}
    samples |= {"mean_x": along, "mean_y": across, "mean_U": energy}
    found = {key: (sample, exact[key]) for key, sample in samples.items()}
    names = np.array([[f"virial_{i}{j}" for j in "xy"] for i in "xy"])
    return found | {"virial": (virial, np.vectorize(exact.get)(names))}


def plane(name, excess=1):
    case, exact = both(name)
    noise = ls.noise.gaussian(excess * 2 * np.array(case["D"]) / case["eta"])
    moves, steps = ls.dynamics.sgd(case["eta"]), CASES[name]["burn_in_steps"]
    return Simulation(COUPLED, moves, noise, steps, partial(_in_the_plane, exact))


def bowl(excess=1):
    """Isotropic noise D = c (U + u0) of a quadratic: the exact covariance at this rate."""
    case, exact = both("mvt_2d")
    (h00, h01), (_, h11) = case["H"]
    params = {"h00": h00, "h01": h01, "h11": h11, "u0": case["u0"]}
    params["level"] = excess * 2 * case["c"] / case["eta"]
    noise = ls.noise.gaussian_field(_bowl_shaped, params, 2)
    steps = round(20 / (case["eta"] * np.linalg.eigvalsh(case["H"])[0]))
    model, moves = ls.potentials.quadratic(case["H"]), ls.dynamics.sgd(case["eta"])

    readings = partial(second_moments, {"S": exact["cov_finite_eta"]})
    return Simulation(model, moves, noise, steps, readings)


def circle(name, excess=1):
    case, exact = both(name)
    model = ls.potentials.washboard(1.0, case["F"])
    noise = ls.noise.gaussian([excess * 2 * case["T"] / case["eta"]])

    def readings(run):
        x, _ = last(run)
        waves = {"cos": np.cos(x), "sin": np.sin(x), "cos2": np.cos(2 * x)}
        return {key: (wave[:, 0], exact[key]) for key, wave in waves.items()}

    steps = round(60 / case["eta"])
    return Simulation(model, ls.dynamics.sgd(case["eta"]), noise, steps, readings)


def outside(p, x):
    return x[0] * x[0] > p.square


def passage(name, rate=None, reach="top", excess=1):
    """Steps until a particle first is at the top, in the other well, or outside."""
    case, exact = both(name)
    start, rate = case.get("start", [case.get("x_a", 1.0)]), case.get("eta", rate)
    if "discrete" in exact:
        exact = next(each for each in exact["discrete"] if each["eta"] == rate)
    if case["U"] in LINES:
        model, noise = LINES[case["U"]], noise_on_a_line(case | {"eta": rate}, excess)
    else:
        model, noise = COUPLED, ls.noise.gaussian(excess * 2 * np.array(case["D"]) / rate)
    if "b" in case:
        reducer = ls.reducers.first_passage(outside, {"square": case["b"] ** 2})
    else:
        reducer = ls.reducers.first_passage(above=0.0 if reach == "top" else 1.0)
    keys = "mean_steps", f"mean_steps_to_{reach}", "mean_steps_to_exit_from_1"
    mean = next(exact[key] for key in keys if key in exact)

    def readings(run):
        return {"mean_steps": (run.first_passage_step.values, mean)}

    options = {"x0": start, "reducers": reducer}
    return Simulation(model, ls.dynamics.sgd(rate), noise, round(40 * mean), readings, options)
