"""Does the test of Boltzmann's law keep its level, and what does it see?

(a) False alarms: exact draws of Boltzmann's laws, at the smallest numbers of particles that
`boltzmann_test` accepts; how often each test, and the family of all, is below 1, 5 and 10 %. A test
that a sample's tail forbids raises no alarm. Of reshuffled epochs, whose law is not Boltzmann's and
which it refuses, the p-value of `temperature_budget` takes its place.
(b) Power: departures of known size, against the number of particles and dimensions.

Run:  python studies/power_of_the_test.py [--quick]
(writes out/power_of_the_test.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _power_figure import plot
from _power_laws import calibrations, departures
from _runner import Claim, in_memory, main
from scipy.special import bdtrik

import langevin_sgd as ls
from langevin_sgd.storage.provenance import provenance

LEVELS = np.array([0.01, 0.05, 0.1])
BAND = 0.999  # a rate above this quantile of the binomial law of its level is a failure
LEAST = 0.6  # of the nominal rate, for the family
TESTS = ["mean_force", "virial", "configurational", "fourth_moments", "energy", "bounded"]
TESTS += ["bounded_shape", "occupation", "current", "budget", "family"]
POWERED = (100, 300, 1_000, 3_000, 10_000)


def run_of(x):
    """Particles as a run of one or several adjacent steps."""
    x = x if x.ndim == 3 else x[None]
    return xr.Dataset(
        {"x": (("step", "particle", "component"), x)}, {"step": 100 + np.arange(len(x))}
    )


def p_values(case, replicates, seed, plant=False):
    """p-values (replicate, test), nan where not tested, and how many replicates were refused."""
    found, refused = np.full((replicates, len(TESTS)), np.nan), 0
    given = {"temperature": case.temperature}
    given["populations"] = case.populations and case.populations()
    for k in range(replicates):
        x = case.draw(np.random.default_rng([seed, k]), case.particles) * (np.sqrt(2) ** plant)
        if case.dynamics is not None:
            found[k, -2:] = budget_p_value(case, x)
            continue
        try:
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
    p, refused = p_values(case, replicates, seed, plant)
    answered = np.isfinite(p).sum(axis=0)
    family = np.sort(p[np.isfinite(p[:, -1]), -1])
    rate = np.array([(p < level).sum(axis=0) / len(family) for level in LEVELS]).T
    rate[answered == 0] = np.nan
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
        tries = int(one.answered[-1])
        highest = np.ceil(bdtrik(BAND, tries, LEVELS)) / tries
        of_bound = np.nanmax(one.false_alarm_rate.values / highest)
        number = f"rates at most {of_bound:.2f} of the bound, n = {int(one.particles_of_case)}"
        claims.append(Claim(f"{name}: the level is kept", bool(of_bound <= 1), number))
        family = one.false_alarm_rate.values[-1]
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
        cases = {name: case for name, case in cases.items() if case.particles <= 100}
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
    "false_alarm_rate": "share of replicates with a p-value below the level under Boltzmann's law",
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
