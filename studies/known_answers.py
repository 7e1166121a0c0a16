"""Are the errors honest?  z-scores of every known answer and of the studies' claims, over 50 seeds.

A test with a fixed seed may have passed by luck, and error bars may be too wide or too narrow. Here
every exact value of the oracle that a simulation can reach, and every number that 14 studies hold
against an exact one at their small sizes, is measured with 50 seeds: its distances in standard
errors must be N(0, 1). Numbers of one run share their particles and are dependent, different seeds
and systems are not: each number is tested over its seeds, with Bonferroni's bound for their count;
of each system one number of each seed, another one each time, goes into one sample of independent
z-scores; pooled moments have their errors from seed to seed. With Threefry in the place of Philox
the differences of z must be N(0, 2); 10 seeds.

Run:  python studies/known_answers.py [--quick]
(writes out/known_answers.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _known_answers_figure import plot
from _known_answers_z import OF_STUDIES, of_cases, of_study, with_threefry
from _oracle_runs import SIMULATIONS
from _runner import LARGEST_Z, Claim, in_memory, main, mean_and_error
from scipy import stats

from langevin_sgd.storage.provenance import provenance

SMALLEST_P = 1e-3  # of a family of tests
QUICK = ["q1d_sgd", "weak_1d 0"], ["gradient_covariance_demo"]  # few kernels


def independent(z, systems):
    """Of each system one number of each seed, another one each time."""
    blocks = [z[systems == name] for name in dict.fromkeys(systems)]
    return np.concatenate([[b[k % len(b), k] for k in range(b.shape[1])] for b in blocks])


def p_values(z):
    """Of mean, mean square, and Kolmogorov's and Smirnov's test, for independent z along the last
    axis."""
    count = z.shape[-1]
    mean = 2 * stats.norm.sf(np.abs(z.sum(axis=-1)) / np.sqrt(count))
    square = stats.chi2(count).cdf((z**2).sum(axis=-1))
    below, rank = stats.norm.cdf(np.sort(z)), np.arange(count + 1) / count
    away = np.maximum(rank[1:] - below, below - rank[:-1]).max(axis=-1)
    shape = stats.kstwo.sf(away, count)
    return np.array([mean, 2 * np.minimum(square, 1 - square), shape])


def claims_of_family(name, z, systems):
    """That these z (number, seed) are N(0, 1)."""
    p = p_values(z)
    worst = systems[p.min(axis=0).argmin()]
    number = f"least p {p.min():.2g} of {p.size} ({worst}), bound {SMALLEST_P / p.size:.1g}"
    holds = p.min() * p.size > SMALLEST_P
    claims = [Claim(f"{name}: each number over its seeds", bool(holds), number)]
    sample = independent(z, systems)
    p = p_values(sample)
    number = f"{sample.size} z, p of mean, square, shape: " + ", ".join(f"{q:.2g}" for q in p)
    holds = p.min() * p.size > SMALLEST_P
    claims.append(Claim(f"{name}: one number of each system and seed", bool(holds), number))
    for text, each, exact in (("mean", z, 0.0), ("mean square", z**2, 1.0)):
        value, error = mean_and_error(each.mean(axis=0))
        far = (value - exact) / error  # Student's t: few seeds
        p = 2 * stats.t(z.shape[1] - 1).sf(abs(far))
        number = f"{value:.4f} +- {error:.4f} of {each.size}, p {p:.2g}"
        interval = value - LARGEST_Z * error, value + LARGEST_Z * error
        text = f"{name}: pooled {text} is {exact:g}"
        claims.append(Claim(text, bool(p > SMALLEST_P), number, interval, float(far)))
    return claims


def claims_of(dataset):
    claims = []
    for name, words in FAMILIES.items():
        of = dataset.isel(number=dataset.family.values == name)
        claims += claims_of_family(words, of.z.values, of.system.values)
    both = dataset.sel(number=dataset.family.values == "oracle").isel(seed=slice(dataset.reruns))
    apart = (both.z_threefry - both.z).values / np.sqrt(2)
    return claims + claims_of_family("Threefry less Philox", apart, both.system.values)


FAMILIES = {"oracle": "oracle", "study": "studies"}


def run(quick, seed, threads, plant, each=in_memory):
    del threads  # many small runs
    count, reruns, particles = (4, 4, 2_000) if quick else (50, 10, 10_000)
    cases, studies = QUICK if quick else (list(SIMULATIONS), OF_STUDIES)
    parts = {name: partial(of_cases, [name], particles, count, seed, plant) for name in cases}
    parts["threefry"] = partial(with_threefry, cases, particles, reruns, seed, plant)
    parts |= {name: partial(of_study, name, count, seed, plant) for name in studies}
    done = each(parts)
    oracle, claimed = (xr.concat([done[k] for k in names], "number") for names in (cases, studies))
    dataset = xr.concat([oracle, claimed], "number")
    family = np.repeat(["oracle", "study"], [oracle.number.size, claimed.number.size])
    dataset = dataset.assign_coords(seed=np.arange(count), family=("number", family))
    again = np.full(dataset.z.shape, np.nan)
    again[: oracle.number.size, :reruns] = done["threefry"].z
    dataset["z_threefry"] = ("number", "seed"), again
    for name in ("z", "z_threefry"):
        dataset[name] = (dataset[name] * 128).round().astype(np.float32) / 128  # two digits
    for name, words in DESCRIBED.items():
        dataset[name].attrs = {"long_name": words, "units": "1"}
    dataset = dataset.assign_attrs(reruns=reruns, particles=particles, **provenance())
    return dataset, claims_of(dataset)


DESCRIBED = {
    "z": "distance from the exact value in standard errors",
    "z_threefry": "the same with Threefry as generator",
    "number": "what is measured",
    "system": "oracle case or study",
    "family": "whose exact value it is",
    "seed": "number of the seed",
}


if __name__ == "__main__":
    main("known_answers", run, plot)
