"""What do epochs do to the law of SGD, against fresh batches?

The seeds draw each batch afresh; the second calls the sum of many gradients Gaussian by "the law of
large numbers". In practice every example comes once an epoch. Batches of one epoch then repel each
other, and the sum of its noise is exactly zero. So (1) the variance depends on the position in the
epoch; (2) in flat directions it collapses, over that of independent batches, to y/3 (mean), y^2/12
(end of the epoch), y/6 (one order for ever), y = eta h N/(B (1 - mu)); the whole curves are 1 -
(2/y)(1 - (1 - e^-y)/y), 1 - tanh(y/2)/(y/2) and coth(y/2) - 2/y, if M = N/B and M (1 - mu) are
large; (3) the spectrum of the noise vanishes at zero frequency, as f^2: no temperature exists
there. Kuehn and Rosenow 2023 (arXiv:2306.05300, abstract only) describe it; the forms are derived
here.

On a table of data the Hessian of each batch differs: gradients at the moving x do not sum to zero
over an epoch. What is left is eta times the area of a loop of two random bridges, new in each
epoch, so that flat directions are warmer than the additive theory by the factor 1 + eta V/(4 h c0)
M/(M - 1) (`_epoch_table.py`).

Run:  python studies/epochs.py [--quick]
(writes out/epochs.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _breakdown import LIMIT, of_curve
from _epoch_figure import plot
from _epoch_flat import LENGTHS, SETTINGS, flat, smoothing
from _epoch_laws import collapse, smoothed
from _epoch_runs import CURVATURES, EPOCHS, MOMENTA, SAMPLINGS, Numbers, positions, welch_of
from _epoch_table import BATCH, RATES, diabetes, table_at
from _runner import Claim, agreement, exactly, in_memory, main
from scipy.optimize import brentq

from langevin_sgd.storage.provenance import provenance

WORDS = {"reshuffle": "reshuffled", "single_shuffle": "one order for ever"}
SLOPES = {"mean": (3, 1), "boundary": (12, 2), "single": (6, 1)}  # y^power / number
FLATTEST, SECOND = 0, 1  # directions of the table


def claims_of(dataset):
    claims = []
    for name in [sampling for sampling in SAMPLINGS if sampling in dataset]:
        for momentum in dataset.momentum.values:
            own, text = dataset.sel(momentum=momentum), f"momentum {momentum:g}, {WORDS[name]}"
            found = exactly(own, name)
            claims.append(agreement(f"{text}: variance at each position is exact", *found))
            value, exact, error = (each[1:] for each in exactly(own, f"noise_{name}"))
            kept = exact > 1e-9
            found = value[kept], exact[kept], error[kept]
            claims.append(agreement(f"{text}: spectrum of the noise is exact", *found))
            rest, sums = value[~kept].max(initial=0), float(own[f"sum_{name}"])
            zero = max(rest, float(own[f"noise_{name}"][0]))
            number = f"sums below {sums:.0e} s.d. of a batch, spectrum below {zero:.0e}"
            text = f"{text}: the noise of an epoch sums to zero"
            claims.append(Claim(text, sums < 1e-9 and zero < 1e-18, number))
    text = "spectrum of x (Welch) is exact, both momenta"
    claims.append(agreement(text, *exactly(dataset, "power")))
    text = "flat and stiff directions: collapse is exact"
    claims.append(agreement(text, *exactly(dataset, "collapse")))
    return [*claims, *claims_of_slopes(), *claims_of_memory(dataset), *claims_of_table(dataset)]


def claims_of_slopes():
    """That the curves start as they are said to."""
    small, claims = 1e-3, []
    for name, (number, power) in SLOPES.items():
        ratio = float(collapse(small)[name] * number / small**power)
        text = f"flat limit, {name}: y^{power}/{number}"
        claims.append(Claim(text, abs(ratio - 1) < 1e-3, f"{ratio:.5f} of it at y = {small:g}"))
    return claims


def claims_of_memory(dataset):
    if "plateau" not in dataset:
        return []
    value, exact, error = exactly(dataset, "plateau")
    claims = [agreement("momentum 0.9: plateaus of flat directions are exact", value, exact, error)]
    low, high = (1 / edge for edge in of_curve(1 / LENGTHS, 1 - value, error)[::-1])
    edge = brentq(lambda m: smoothed(m) - 1 + LIMIT, 10, 1000)
    text = f"eta^2 c0 (M + 1)/(6 (1 - mu)^2) is 5 % off at M (1 - mu) = {edge:.1f} (long epochs)"
    number = "a memory of 10 steps needs epochs ten times as long as that"
    return [*claims, Claim(text, low < edge < high, number, (low, high))]


def claims_of_table(dataset):
    """Of the diabetes table."""
    slope, shift = diabetes().of_loops(BATCH)
    hot = dataset.sel(table_rate=0.1).isel(eigenvector=FLATTEST)
    value, wide = float(hot.warm), 4 * float(hot.warm_standard_error)
    interval = value - wide, value + wide
    text = "diabetes, flattest direction, eta = .1: the additive theory is twice too cold or more"
    claims = [Claim(text, interval[0] > 2, f"{value:.2f} times", interval)]
    one = float(hot.warm_one_epoch) - 1
    shares = one / (interval[1] - 1), one / (interval[0] - 1)
    text = "  the noise of one epoch that starts in the minimum explains 80 % of the excess or more"
    claims.append(Claim(text, shares[1] > 0.8, f"{100 * one / (value - 1):.0f} %", shares))
    if dataset.sizes["table_rate"] < len(RATES):
        return claims
    own, edge = dataset.isel(eigenvector=SECOND), LIMIT / slope[SECOND]
    limit = of_curve(RATES, own.warm.values - 1, own.warm_standard_error.values)
    text = f"  second direction: the additive theory is 5 % off at eta = {edge:.4f}"
    holds = limit[0] < edge < limit[1]
    claims.append(Claim(text, bool(holds), "where eta V/(4 h c0) M/(M - 1) = .05", limit))
    half, whole = own["shift"].values[:2]  # at a rate and at twice that
    error = np.hypot(*([2, 1] * own.shift_standard_error.values[:2]))
    text = "  second direction, small rates: the mean is off by (eta/4) grad tr C / h"
    return [*claims, agreement(text, 2 * half - whole, shift[SECOND], error)]


def run(quick, seed, threads, plant, each=in_memory):
    few = Numbers(500 if quick else 5_000, seed, threads, np.sqrt(2) if plant else 1.0)
    momenta = MOMENTA[1:] if quick else MOMENTA
    settings = list(SETTINGS)[:1] if quick else list(SETTINGS)
    samplings = SAMPLINGS[:1] if quick else SAMPLINGS
    rates = RATES[4:5] if quick else RATES
    many, tenth = (few._replace(particles=round(by * few.particles)) for by in (4, 0.1))
    parts = {f"positions {mu}": partial(positions, mu, samplings, many) for mu in momenta}
    parts |= {f"Welch {mu}": partial(welch_of, mu, tenth) for mu in momenta}
    parts |= {name: partial(flat, name, few) for name in settings}
    parts |= {f"table {rate}": partial(table_at, rate, few) for rate in rates}
    if not quick:
        parts["smoothing"] = partial(smoothing, few._replace(particles=30_000))
    found = each(parts)
    axes = {
        "momentum": ([f"positions {mu}" for mu in momenta], list(momenta), "momentum"),
        "setting": (settings, settings, "batches of an epoch, and momentum"),
        "table_rate": ([f"table {rate}" for rate in rates], rates, "learning rate"),
    }
    tables = [
        xr.concat([found[name] for name in names], dim) for dim, (names, _, _) in axes.items()
    ]
    tables.append(xr.concat([found[f"Welch {mu}"] for mu in momenta], "momentum"))
    tables += [found["smoothing"].assign_coords(length=LENGTHS)] if not quick else []
    dataset = xr.merge(tables).assign_coords(curvature=CURVATURES)
    for name in ("cycles", "bin_cycles"):
        dataset[name] = dataset[name].isel(momentum=0)
    for dim, (_, values, text) in axes.items():
        dataset = dataset.assign_coords({dim: (dim, values, {"long_name": text, "units": "1"})})
    dataset["curvature"].attrs = {"long_name": "curvature h", "units": "energy / length^2"}
    if not quick:
        dataset["length"].attrs = {"long_name": "M (1 - mu) of an epoch", "units": "1"}
    return dataset.assign_attrs(provenance(), epochs=EPOCHS), claims_of(dataset)


LONG_NAMES = {  # what is in the file, in words
    "momentum": "momentum mu",
    "position": "position in the epoch, from 0",
    "frequency": "number of the frequency, from 0: see cycles",
    "bin": "number of the frequency of Welch's spectrum, from 0: see bin_cycles",
    "direction": "direction of a flat landscape, from the flattest: see y",
    "eigenvector": "eigenvector of the diabetes table's Hessian, from the flattest",
}


if __name__ == "__main__":
    main("epochs", run, plot, LONG_NAMES)
