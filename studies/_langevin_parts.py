"""The parts of langevin_proper.py that simulate Langevin dynamics, and exact values beside them."""

from typing import NamedTuple

import numpy as np
import xarray as xr
from _orders import fitted_order, measured, over_particles

import langevin_sgd as ls
from langevin_sgd.engine.reducers.readings import labelled

T, FRICTION, MASS, CURVATURE = 0.3, 1.5, 0.8, 2.0
OVERDAMPED = ["euler_maruyama", "leimkuhler_matthews"]
METHODS = [*OVERDAMPED, "baoab", "aboba", "obabo", "oabao", "sghmc"]
STEPS = {
    "euler_maruyama": [0.02, 0.03, 0.045, 0.06, 0.08],
    "leimkuhler_matthews": [0.1, 0.125, 0.15, 0.175, 0.2],
}
SMALL = 0.01, 0.02  # steps at which the order of an exact law is read off
UNDERDAMPED_STEPS = [0.15, 0.18, 0.22, 0.26, 0.3]
TIMES = [0.05, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0]


class Numbers(NamedTuple):
    """Sizes of a part; `heat` multiplies the temperature of the bath, for a planted fault."""

    particles: int
    seed: int
    threads: int | None
    heat: float
    quick: bool


def energy(p, x):
    return 0.5 * p.h * x[0] * x[0] + 0.25 * p.quartic * x[0] * x[0] * x[0] * x[0]


def gradient(p, x, out):
    out[0] = p.h * x[0] + p.quartic * x[0] * x[0] * x[0]


def landscape(h, quartic=0.0):
    """U = h x^2/2 + quartic x^4/4: a bowl, a double well, or nothing, in one kernel."""
    return ls.Potential("quartic", energy, gradient, {"h": h, "quartic": quartic}, 1)


def made(method, dt, heat=1.0):
    """The dynamics of a method at the temperature heat * T."""
    if method in OVERDAMPED:
        return ls.dynamics.langevin(heat * T, dt, method=method)
    return ls.dynamics.underdamped_langevin(heat * T, FRICTION, dt, MASS, method=method)


def exact_law(method, dt, model):
    """The exact stationary law of a method."""
    name = "semi_implicit" if method == "sghmc" else method
    friction = None if method in OVERDAMPED else FRICTION
    return ls.theory.langevin_law(model, T, dt, name, friction, MASS)


def looks(run, dt, relaxed=10.0):
    """Stored x, or v, of a run once it is stationary, (looks, particles)."""
    kept = run.isel(step=run.step.values * dt > relaxed)
    return kept.x.values[..., 0], kept.v.values[..., 0] if "v" in kept else None


def integrator(method, numbers):
    """Second moments on a bowl, and the bias of the mean energy in a double well, at steps."""
    about = {"particles": numbers.particles, "seed": numbers.seed, "threads": numbers.threads}
    about |= {"x0": [1.0]}
    dt, bowl = 0.3, landscape(CURVATURE)
    run = ls.simulate(bowl, made(method, dt, numbers.heat), steps=100, every=10, **about)
    x, v = looks(run, dt)
    law = exact_law(method, dt, bowl)
    unit = CURVATURE / T
    found = measured("position", (), [unit * k for k in over_particles(x**2)], "<x^2> h / T")
    data = {"exact_position": labelled((), unit * float(law.second_moment), "exact <x^2> h / T")}
    if v is not None:
        unit = MASS / T
        found |= measured("velocity", (), [unit * k for k in over_particles(v**2)], "<v^2> m / T")
        exact = unit * float(law.velocity_second_moment)
        data["exact_velocity"] = labelled((), exact, "exact <v^2> m / T")
    well, steps = landscape(-1.0, 1.0), np.array(STEPS.get(method, UNDERDAMPED_STEPS))
    steps = steps[::2] if numbers.quick else steps
    reference = float(ls.theory.boltzmann_density(well, T).mean_energy)
    least = -0.25  # of the energy, so that both count from the bottom of the wells
    pairs, exact = [], []
    for step in steps:
        every = round(1.5 / step)
        run = ls.simulate(
            well, made(method, step, numbers.heat), steps=100 * every, every=every, **about
        )
        x, _ = looks(run, step)
        mean, error = over_particles(-(x**2) / 2 + x**4 / 4)
        pairs.append(((mean - reference) / (reference - least), error / (reference - least)))
        law = exact_law(method, step, well)
        exact.append((float(law.mean_energy) - reference) / (reference - least))
    bias, error = np.transpose(pairs)
    found |= measured("bias", "point", (bias, error), "relative bias of the mean energy")
    found |= measured("order", (), fitted_order(steps, bias, error), "order in the step")
    data["exact_bias"] = labelled("point", exact, "exact relative bias of the mean energy")
    data["exact_order"] = labelled(
        (), fitted_order(steps, np.array(exact), error)[0], "of exact laws"
    )
    if not numbers.quick:  # these laws take as long as the runs
        fine, coarse = (float(exact_law(method, k, well).mean_energy) - reference for k in SMALL)
        text = "order in the step of exact laws at small ones"
        data["small_step_order"] = labelled((), np.log2(coarse / fine), text)
    data["step_size"] = labelled("point", steps, "step size", "time")
    return xr.Dataset(found | data)


def free(numbers):
    """A particle without a force: squared displacement, and velocity, at chosen times."""
    dt, particles = 0.01, numbers.particles
    moves = made("baoab", dt, numbers.heat)
    start = np.random.default_rng(numbers.seed).normal(size=(particles, 1)) * np.sqrt(T / MASS)
    about = {"particles": particles, "seed": numbers.seed, "threads": numbers.threads}
    run, looks_at, done = None, [], 0
    for time in TIMES:
        steps, done = round(time / dt) - done, round(time / dt)
        begin = {"x0": [0.0], "v0": start} if run is None else {"x0": run}
        run = ls.simulate(landscape(0.0), moves, steps=steps, **about | begin)
        looks_at.append((run.x.values[-1, :, 0], run.v.values[-1, :, 0]))
    x, v = np.swapaxes(looks_at, 0, 1)
    pair = (x**2).mean(axis=1), (x**2).std(axis=1, ddof=1) / np.sqrt(particles)
    data = measured("mean_square", "time", pair, "mean squared displacement", "length^2")
    data |= measured("heat", (), over_particles(v**2 * MASS / T), "<v^2> m / T")
    grown = (x[-1] ** 2 - x[-2] ** 2) / (2 * (TIMES[-1] - TIMES[-2])) * FRICTION * MASS / T
    data |= measured("diffusion", (), over_particles(grown[None]), "D m f / T")
    exact = ls.theory.free_particle(TIMES, T, FRICTION, MASS).mean_square
    data["exact_mean_square"] = labelled("time", exact, "exact one", "length^2")
    return xr.Dataset(data).assign_coords(time=TIMES)
