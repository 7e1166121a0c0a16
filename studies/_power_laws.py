"""Laws of power_of_the_test.py: Boltzmann's, at the fewest particles, and departures from them."""

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import numpy as np
from scipy.signal import lfilter

import langevin_sgd as ls

WELL_TEMPERATURE = 0.1


class Case(NamedTuple):
    """Particles `draw(random, n)`, as (n, d) or (steps, n, d), held against a potential. With a
    `dynamics` they are a path of whole epochs, for the budget; `populations()` are the shares of
    the wells."""

    potential: ls.potentials.Potential
    draw: Callable
    particles: int
    temperature: float | None
    populations: Callable | None = None
    dynamics: ls.Dynamics | None = None


def bowl(dim):
    """Curvatures with the condition number 500, and a draw of the law at T = 1."""
    curvature = np.geomspace(1.0, 500.0, dim)
    scale = curvature**-0.5
    return ls.potentials.quadratic(
        curvature
    ), lambda random, n: scale * random.normal(size=(n, dim))


def well(dim, weight=0.5):
    """A double well and a draw of its law, with the weight of the right side as given."""
    random_grid = np.linspace(-2.5, 2.5, 20_001)
    below = np.cumsum(np.exp(-((random_grid**2 - 1) ** 2) / 4 / WELL_TEMPERATURE))

    def draw(random, n):
        first = np.abs(np.interp(random.uniform(size=n), below / below[-1], random_grid))
        first = np.where(random.uniform(size=n) < weight, first, -first)
        if dim == 1:
            return first[:, None]
        second = 0.8 * first + np.sqrt(WELL_TEMPERATURE) * random.normal(size=n)
        return np.column_stack([first, second])

    options = {"coupling": 0.8} if dim == 2 else {}
    return ls.potentials.double_well(dim=dim, barrier=0.25, **options), draw


@cache
def shares(dim):
    """Boltzmann's of the two wells."""
    return ls.theory.basin_populations(well(dim)[0], WELL_TEMPERATURE)


def student(freedom):
    """A potential whose law at T = 1 is Student's in two dimensions, and its draw."""
    text = "(nu + 2) / 2 * log(1 + (x**2 + y**2) / nu)"

    def draw(random, n):
        spread = np.sqrt(random.chisquare(freedom, size=n) / freedom)
        return random.normal(size=(n, 2)) / spread[:, None]

    return ls.potentials.from_expression(text, "x y", nu=freedom), draw


def stirred(random, n, dim, turn):
    """Two steps of a linear process whose law is Gaussian, with a rotation in the first plane."""
    rate, turning = 0.1, np.zeros((dim, dim))
    turning[0, 1], turning[1, 0] = turn, -turn
    forward = np.eye(dim) - rate * (np.eye(dim) + turning)
    x = random.normal(size=(n, dim))
    noise = np.linalg.cholesky(np.eye(dim) - forward @ forward.T)
    return np.stack([x, x @ forward.T + random.normal(size=(n, dim)) @ noise.T])


def chain(random, n):
    """One particle whose components remember 0.9 of themselves a step; law of `bowl(2)`."""
    normals = random.normal(size=(n, 2)) * np.sqrt(1 - 0.9**2)
    return (lfilter([1.0], [1.0, -0.9], normals, axis=0) * [1.0, 500.0**-0.5])[:, None][200:]


def reshuffled():
    """Epochs of four batches in two dimensions, stationary to 1e-4; 300 particles are the fewest
    for which the budget has a p-value."""
    table = np.random.default_rng(5).normal(size=(8, 2))
    loss, dynamics = ls.losses.quadratic_centers([1.0, 0.5], table), ls.dynamics.sgd(0.4, 2)
    options = {"noise": ls.noise.minibatch("reshuffle"), "threads": 1}

    def draw(random, n):
        start, seed = loss.data.mean(axis=0), int(random.integers(2**60))
        options.update(particles=n, seed=seed)
        early = ls.simulate(loss, dynamics, x0=start, steps=40, **options)
        return ls.simulate(loss, dynamics, x0=early, steps=4, every=1, **options).x.values

    return Case(loss, draw, 300, None, dynamics=dynamics)


def calibrations():
    """Exact laws at the smallest accepted numbers of particles, T given and fitted."""
    cases = {}
    for dim in (2, 10, 64):
        given, fitted = max(100, 10 * dim), max(100, 10 * dim, round(300 / dim))
        cases[f"quadratic {dim}-D, T given"] = Case(*bowl(dim), given, 1.0)
        cases[f"quadratic {dim}-D, T fitted"] = Case(*bowl(dim), fitted, None)
    for dim in (1, 2):
        potential, draw = well(dim)
        of_wells = partial(shares, dim)
        cases[f"well {dim}-D, T given"] = Case(potential, draw, 100, WELL_TEMPERATURE, of_wells)
        cases[f"well {dim}-D, T fitted"] = Case(potential, draw, 4_000 // dim, None, of_wells)
    cases["Student, 3 degrees, T given"] = Case(*student(3.0), 100, 1.0)
    cases["one chain of 10,000 steps, T given"] = Case(*bowl(2)[:1], chain, 10_000, 1.0)
    still = partial(stirred, dim=2, turn=0.0)
    cases["two steps, T given"] = Case(ls.potentials.quadratic([1.0, 1.0]), still, 120, 1.0)
    cases["reshuffled epochs, the budget"] = reshuffled()
    return cases


def departures():
    """Laws that are not Boltzmann's, in 2 and 10 dimensions, without their number of particles."""
    found = {}
    for dim in (2, 10):
        round_bowl = ls.potentials.quadratic(np.ones(dim))
        first = np.arange(dim) == 0

        def normal(random, n, dim=dim):
            return random.normal(size=(n, dim))

        def platykurtic(random, n, dim=dim):
            return 0.6 * random.normal(size=(n, dim)) + 0.8 * random.choice([-1, 1], size=(n, dim))

        def heavy(random, n, dim=dim):
            return normal(random, n, dim) * np.sqrt(18 / random.chisquare(20, size=(n, 1)))

        def hot(random, n, first=first, dim=dim):
            return normal(random, n, dim) * np.sqrt(1 + 0.2 * first)

        def shifted(random, n, first=first, dim=dim):
            return normal(random, n, dim) + 0.1 * first

        draws = {
            "anisotropy: 20 % in one direction": hot,
            "kurtosis: excess -0.8": platykurtic,
            "state-dependent noise: Student, 20 degrees": heavy,
            "mean shift: 0.1 standard deviations": shifted,
            "current: turn of half the drift": partial(stirred, dim=dim, turn=0.5),
        }
        for name, draw in draws.items():
            found[name, dim] = Case(round_bowl, draw, 0, None)
    potential, draw = well(2, weight=0.6)
    given = WELL_TEMPERATURE, partial(shares, 2)
    found["well weight: 0.6 for 0.5", 2] = Case(potential, draw, 0, *given)
    return found
