"""Does the test of Boltzmann's law keep its level, and what does it see?

(a) False alarms: exact draws of Boltzmann's laws, at the smallest numbers of particles that
`boltzmann_test` accepts; how often each test, and the family of all, is below 1, 5 and 10 %. Of
reshuffled epochs, whose law is not Boltzmann's and which it refuses, the p-value of
`temperature_budget` takes its place.
(b) Power: departures of known size, against the number of particles and dimensions.

Run:  python studies/power_of_the_test.py [--quick]
(writes out/power_of_the_test.nc and .png; --update-data renews data/)
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import xarray as xr
from _power_figure import plot
from _runner import Claim, in_memory, main
from scipy.signal import lfilter
from scipy.special import bdtrik

import langevin_sgd as ls
from langevin_sgd.storage.provenance import provenance

LEVELS = np.array([0.01, 0.05, 0.1])
BAND = 0.999  # a rate above this quantile of the binomial law of its level is a failure
LEAST = 0.6  # of the nominal rate, for the family
MANY, SHARE = 64, 5  # in so many dimensions a fifth of the replicates
TESTS = [
    "mean_force",
    "virial",
    "configurational",
    "fourth_moments",
    "energy",
    "bounded",
    "bounded_shape",
]
TESTS += ["occupation", "current", "budget", "family"]
POWERED = (100, 300, 1_000, 3_000, 10_000)
WELL_TEMPERATURE = 0.1


class Case(NamedTuple):
    """Particles `draw(random, n)`, as (n, d) or (steps, n, d), held against a potential. With a
    `dynamics` they are a path of whole epochs, for the budget."""

    potential: ls.potentials.Potential
    draw: Callable
    particles: int
    temperature: float | None
    populations: xr.Dataset | None = None
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
        given, fitted = max(50, 10 * dim), max(50, 10 * dim, round(300 / dim))
        cases[f"quadratic {dim}-D, T given"] = Case(*bowl(dim), given, 1.0)
        cases[f"quadratic {dim}-D, T fitted"] = Case(*bowl(dim), fitted, None)
    for dim in (1, 2):
        potential, draw = well(dim)
        shares = ls.theory.basin_populations(potential, WELL_TEMPERATURE)
        cases[f"well {dim}-D, T given"] = Case(potential, draw, 50, WELL_TEMPERATURE, shares)
        cases[f"well {dim}-D, T fitted"] = Case(potential, draw, 4_000 // dim, None, shares)
    cases["Student, 3 degrees, T given"] = Case(*student(3.0), 50, 1.0)
    cases["one chain of 4,000 steps, T given"] = Case(*bowl(2)[:1], chain, 4_000, 1.0)
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
    shares = ls.theory.basin_populations(potential, WELL_TEMPERATURE)
    found["well weight: 0.6 for 0.5", 2] = Case(potential, draw, 0, WELL_TEMPERATURE, shares)
    return found


def run_of(x):
    """Particles as a run of one or several adjacent steps."""
    x = x if x.ndim == 3 else x[None]
    return xr.Dataset(
        {"x": (("step", "particle", "component"), x)}, {"step": 100 + np.arange(len(x))}
    )


def p_values(case, replicates, seed, plant=False):
    """p-values (replicate, test), nan where not tested, and how many replicates were refused."""
    found, refused = np.full((replicates, len(TESTS)), np.nan), 0
    for k in range(replicates):
        x = case.draw(np.random.default_rng([seed, k]), case.particles) * (np.sqrt(2) ** plant)
        if case.dynamics is not None:
            found[k, -2:] = budget_p_value(case, x)
            continue
        try:
            given = {"temperature": case.temperature, "populations": case.populations}
            result = ls.analysis.boltzmann_test(run_of(x), case.potential, **given)
        except ValueError:
            refused += 1
            continue
        for name, p_value in zip(result.test.values, result.p_value.values, strict=True):
            found[k, TESTS.index(name)] = p_value
        found[k, -1] = result.family_p_value
    return found, refused


def budget_p_value(case, x):
    options = {"dynamics": case.dynamics, "noise": ls.noise.minibatch("reshuffle")}
    return float(ls.analysis.temperature_budget(run_of(x), case.potential, **options).p_value)


def calibrate(case, replicates, seed, plant):
    if case.potential.dim == MANY:
        replicates = replicates // SHARE
    p, refused = p_values(case, replicates, seed, plant)
    answered = np.isfinite(p).sum(axis=0)
    with np.errstate(invalid="ignore"):
        rate = np.array([(p < level).sum(axis=0) / answered for level in LEVELS]).T
    family = np.sort(p[np.isfinite(p[:, -1]), -1])
    excess = np.max(np.arange(1, len(family) + 1) / len(family) - family, initial=0.0)
    return xr.Dataset(
        {
            "false_alarm_rate": (("test", "level"), rate),
            "answered": ("test", answered),
            "refused": refused,
            "excess": excess * np.sqrt(len(family)),
            "particles_of_case": case.particles,
        }
    )


def power_of(case, sizes, replicates, seed):
    rates = []
    for size in sizes:
        p, _ = p_values(case._replace(particles=size), replicates, seed)
        rates.append(np.mean(p[:, -1] < 0.05))
    return xr.Dataset({"power": ("particles", np.array(rates))})


def claims_of(calibrated, powers):
    """Every rate in or below its band; the family's p-value no smaller than uniform, and not far
    above; nearly every departure seen with the most particles."""
    claims = []
    for name, one in calibrated.items():
        answered = one.answered.values[:, None]
        count = one.false_alarm_rate.values * answered
        highest = np.ceil(bdtrik(BAND, answered, LEVELS[None]))
        over = np.nan_to_num((count - highest) / np.maximum(answered, 1)).max()
        number = (
            f"largest rate less its bound {100 * over:+.2f} %, n = {int(one.particles_of_case)}"
        )
        claims.append(Claim(f"{name}: the level is kept", bool(over <= 0), number))
        family, tries = one.false_alarm_rate.values[-1], int(one.answered[-1])
        slack = 3.3 * np.sqrt(LEVELS * (1 - LEVELS) / max(tries, 1))
        enough = family + slack > LEAST * LEVELS
        limit = np.sqrt(-np.log(1 - BAND) / 2)
        number = f"rates {', '.join(f'{100 * rate:.1f} %' for rate in family)} of {tries}"
        holds = bool(np.all(enough) and float(one.excess) < limit)
        claims.append(Claim(f"{name}: p of the family is near uniform", holds, number))
    for (name, dim), one in powers.items():
        number = f"{100 * float(one.power[-1]):.0f} % at n = {int(one.particles[-1])}"
        holds = bool(one.power[-1] > 0.9)
        claims.append(Claim(f"{name} is seen in {dim}-D", holds, number))
    return claims


def run(quick, seed, threads, plant, each=in_memory):
    del threads  # one at a time: p-values of small samples
    replicates, tried = (20, 2) if quick else (2_000, 50)
    cases, laws = calibrations(), departures()
    if quick:
        cases = {name: case for name, case in cases.items() if case.particles < 100}
        laws = {key: case for key, case in laws.items() if key[1] == 2}
    sizes = POWERED[-1:] if quick else POWERED
    parts = {
        name: partial(calibrate, case, replicates, seed, plant) for name, case in cases.items()
    }
    parts |= {
        f"{name}, {dim}-D": partial(power_of, case, sizes, tried, seed)
        for (name, dim), case in laws.items()
    }
    done = each(parts)
    calibrated = {name: done[name] for name in cases}
    powers = {
        key: done[f"{key[0]}, {key[1]}-D"].assign_coords(particles=list(sizes)) for key in laws
    }
    dataset = xr.concat(list(calibrated.values()), "case").merge(
        xr.concat([one.power for one in powers.values()], "departure").to_dataset()
    )
    names = [f"{name}, {dim}-D" for name, dim in powers]
    dataset = dataset.assign_coords(
        case=list(cases), test=TESTS, level=LEVELS, departure=names, particles=list(sizes)
    )
    for name, words in DESCRIBED.items():
        dataset[name].attrs = {"long_name": words, "units": "1"}
    attributes = {"replicates": replicates, "replicates_of_power": tried}
    return dataset.assign_attrs(attributes | provenance()), claims_of(calibrated, powers)


DESCRIBED = {
    "false_alarm_rate": "share of p-values below the level under Boltzmann's law",
    "answered": "replicates in which the test was made",
    "refused": "replicates that were refused",
    "excess": "largest excess of the family's p-values over uniform, times root of their number",
    "particles_of_case": "particles of a replicate",
    "power": "share of replicates with the family's p-value below 5 %",
    "case": "law and potential",
    "test": "test",
    "level": "nominal level",
    "departure": "departure from Boltzmann's law",
    "particles": "number of particles",
}


if __name__ == "__main__":
    main("power_of_the_test", run, plot)
