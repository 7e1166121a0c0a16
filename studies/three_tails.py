"""How far do the tails of SGD reach, and which theory of them is right?

Online linear regression in one dimension, batches of one: w - w* has a power-law tail though no
noise of it has one. Three exponents are on offer: Kesten's, exact; 1 + 1/eta of the diffusion with
the true covariance of the noise; 1 + 2/eta with the covariance 2 L H (Mori, Ziyin, Liu, Ueda 2022,
arXiv:2105.09557, of which the abstract was read). Tail probabilities at fixed distances, from 1e9
readings, stand beside the exact law (`theory.regression_tail`) and decide; fits of an exponent are
shown with what they would find in an infinite sample: at eta = 0.1 the wrong one, down to P =
2.4e-9. Then the same SGD on tables of N rows, again and again: where does a table cut the tail?

Errors are those of groups of particles: readings, five steps apart, are not independent.

Run:  python studies/three_tails.py [--quick]
(writes out/three_tails.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _runner import described, in_memory, main, with_error
from _tail_claims import claims_of
from _tail_laws import (
    TABLE_RATE,
    bounded_tables,
    cut_of,
    hill,
    law_of,
    line,
    many_exponents,
    reach,
    table_exponent,
    table_of,
    theories,
)
from _tails_figure import plot

import langevin_sgd as ls
from langevin_sgd.storage.provenance import provenance

RATES, EVERY, SETTLED = (0.1, 0.2, 0.3), 5, 150
SIZES = 30, 100, 300, 1000, 3000, 10_000


def simulated(model, noise, rate, edges, numbers, seed, threads):
    """The share of readings beyond each edge."""
    (particles, readings), end, half = numbers, float(edges[-1]), len(edges)
    counted = ls.reducers.histogram(-end, end, 2 * half, every=EVERY, start=SETTLED)
    steps = SETTLED + EVERY * readings
    options = {"particles": particles, "steps": steps, "every": steps, "reducers": counted}
    run = ls.simulate(model, ls.dynamics.sgd(rate), noise, seed=seed, threads=threads, **options)
    count = run.histogram_count.values
    rings = np.append((count[half:] + count[half - 1 :: -1])[1:], 0)  # between edges
    rings[-1] = (run.histogram_underflow + run.histogram_overflow).item()
    return np.cumsum(rings[::-1])[::-1] / (count.sum() + rings[-1])


def jackknife(function, groups):
    """A function of the mean over groups, and its standard error by leaving out one at a time."""
    n, total = len(groups), groups.sum(axis=0)
    left = function((total - groups) / (n - 1))
    spread = np.sqrt((n - 1) / n * ((left - left.mean(axis=0)) ** 2).sum(axis=0))
    return function(total / n), spread


def online(rate, quick, seed, threads, plant):
    """Tails of one learning rate: measured, exact, and of the diffusions; fits to them."""
    law, noise = law_of(rate), ls.noise.online_regression([1.0], 2.0 if plant else 1.0)
    groups, numbers = (16, (4_000, 60)) if quick else (32, (125_000, 260))
    at, lowest = (law.at[:3], 1e-5) if quick else (law.at, 1e-6)
    given = ls.potentials.quadratic([1.0]), noise, rate, law.edges, numbers
    keys = [(1009 * seed + k + round(1e5 * rate)) % 2**64 for k in range(groups)]
    shares = np.array([simulated(*given, key, threads) for key in keys])
    total, exact, distance, dims = groups * np.prod(numbers), law.tail[at], law.edges[at], "decade"
    found = jackknife(lambda tail: tail[..., at], shares)
    fits = partial(hill, law, at), partial(line, law, lowest)
    values = with_error("share", dims, found, "1", "tail probability")
    values |= with_error("hill", dims, jackknife(fits[0], shares), "1", "Hill's estimate")
    values |= with_error("line", (), jackknife(fits[1], shares), "1", "fitted slope")
    curve, worth = ("bin",), exact * (1 - exact) / (found[1] ** 2 * total)
    values |= {
        "distance": (dims, distance, "length", "distance from w*"),
        "exact_share": (dims, exact, "1", "exact tail probability"),
        "theory_share": (("theory", dims), theories(distance, rate), "1", "that of diffusions"),
        "exact_hill": (dims, fits[0](law.tail), "1", "Hill's estimate, infinite sample"),
        "exact_line": ((), fits[1](law.tail), "1", "fitted slope, infinite sample"),
        "worth": (dims, worth, "1", "independent readings that one is worth"),
        "exponent": (("name",), list(ls.theory.tail_exponents(1.0, rate)), "1", "exponent"),
        "first_right": ((), law.first_right, "1", "P below which the slope is Kesten's"),
        "readings": ((), total, "1", "readings"),
        "edge": (curve, law.edges, "length", "distance from w*"),
        "exact_curve": (curve, law.tail, "1", "exact tail probability"),
        "local_exponent": (curve, law.exponent, "1", "exact local exponent"),
    }
    return described(values)


def tables(size, quick, seed, threads, plant):
    """Tables of one size: their tails, exponents and reach, and where they cut the online tail."""
    law, tails, facts = law_of(TABLE_RATE), [], []
    count, numbers = (8, (10_000, 20)) if quick else (16, (100_000, 100))
    for k in range(count):
        inputs, labels = table_of(size, np.random.default_rng([seed, size, k]), plant)
        model, key = ls.losses.linear_regression(inputs[:, None], labels), 1009 * seed + k + size
        given = ls.noise.minibatch(), TABLE_RATE, law.edges, numbers, key % 2**64, threads
        tails.append(simulated(model, *given))
        cut, censored = cut_of(law, tails[-1], np.prod(numbers))
        exponent = table_exponent(1 - TABLE_RATE * inputs**2)
        seen = law.edges[np.flatnonzero(tails[-1])[-1]]
        facts.append([exponent, reach(inputs, labels, TABLE_RATE), seen, law.edges[cut], censored])
    names = "exponent", "reach", "seen", "cut", "censored"
    values = {
        f"table_{n}": ("table", v, "1", n) for n, v in zip(names, np.transpose(facts), strict=True)
    }
    bounded = bounded_tables(size, TABLE_RATE, np.random.default_rng([seed, size]))
    values |= {
        "table_tail": (("shown", "coarse"), np.array(tails)[:6, ::4], "1", "readings beyond"),
        "bounded": ((), bounded, "1", "share of tables whose law is bounded"),
    }
    return described(values)


def run(quick, seed, threads, plant, each=in_memory):
    given, sizes = (quick, seed, threads, plant), SIZES[1:4:2] if quick else SIZES
    rates = RATES[:1] if quick else RATES
    parts = {f"online {rate}": partial(online, rate, *given) for rate in rates}
    parts |= {f"tables {size}": partial(tables, size, *given) for size in sizes}
    found = each(parts)
    of_rates = xr.concat([found[f"online {rate}"] for rate in rates], "rate")
    of_sizes = xr.concat([found[f"tables {size}"] for size in sizes], "rows")
    dataset = xr.merge([of_rates, of_sizes]).assign_coords(rate=list(rates), rows=list(sizes))
    dataset["rate"].attrs = {"long_name": "learning rate times curvature", "units": "1"}
    dataset["rows"].attrs = {"long_name": "rows of a table", "units": "1"}
    law, many = law_of(TABLE_RATE), many_exponents(rates, seed, 4 if quick else 16)
    more = {
        "table_edge": ("bin", law.edges, "length", "distance from w*"),
        "table_online": ("bin", law.tail, "1", "exact tail probability online"),
        "many_exponent": (("rate", "many"), many, "1", "Kesten's exponent of large tables"),
    }
    labels = {
        "theory": ["true covariance", "2 L H"],
        "name": ["exact", "true covariance", "2 L H"],
    }
    dataset = dataset.merge(described(more)).assign_coords(labels)
    return dataset.assign_attrs(provenance()), claims_of(dataset)


WORDS = {  # what is in the file, in words
    "decade": "number of the tail probability, from 0: 1e-2, 1e-3, ...",
    "theory": "covariance of the noise that a diffusion has",
    "theory_share": "tail probability of a diffusion",
    "name": "theory of the exponent",
    "exponent": "exponent of the tail by a theory",
    "readings": "number of readings of w - w*",
    "bin": "number of the bin, from 0: see edge",
    "coarse": "number of the bin, every fourth one, from 0",
    "table": "number of the table, from 0",
    "shown": "number of a shown table, from 0",
    "many": "number of the large table, from 0",
    "table_exponent": "Kesten's exponent of a table, infinite where its law is bounded",
    "table_reach": "largest distance that a bounded law reaches",
    "table_seen": "largest distance that was seen",
    "table_cut": "last distance at which the tail is half the online one or more",
    "table_censored": "whether readings run out before the table cuts the tail",
    "table_tail": "share of the readings of a table beyond a distance",
}


if __name__ == "__main__":
    main("three_tails", run, plot, WORDS)
