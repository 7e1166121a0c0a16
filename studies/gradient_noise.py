"""How noisy is the gradient, what does it cost to know it, and is that a temperature?

The first seed: "Increasing the batch-size decreases the noise", "Expected gradient norm is large
compared to norm of expected gradient", "T = epsilon/B", "the learning rate scales the variance of G
by a factor of sqrt(epsilon)". Corrected: how a batch is drawn counts once B nears N, and over an
epoch the noise cancels whatever B is; E|G| >= |E G| always, but by much near stationarity only, and
|G_T|^2 from n examples is tr Sigma/n too large; eta/B knows no Sigma, and is a temperature times a
number of the table; the learning rate does not touch Var G at fixed theta: what a step moves has
the variance eta^2 Var G, per unit of time eta Var G, of amplitude sqrt(eta).

Run:  python studies/gradient_noise.py [--quick]
(writes out/gradient_noise.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _gradient_noise_figure import plot
from _gradient_noise_frozen import (
    BATCHES,
    RATES,
    SAMPLES,
    SAMPLINGS,
    STEPS,
    batches,
    learning_rates,
    squared_norms,
)
from _gradient_noise_runs import MOMENTUM, stationary, training
from _runner import LARGEST_Z, Claim, agreement, exactly, in_memory, main

from langevin_sgd.storage.provenance import provenance

LABELS = {  # dimension -> values, what it is
    "sampling": (list(SAMPLINGS), "how batches are drawn"),
    "batch": (list(BATCHES), "batch size"),
    "cost_batch": (list(STEPS), "batch size"),
    "start": (["boundary", "half-way"], "where in an epoch the mean begins"),
    "rate": (list(RATES), "learning rate"),
    "moment": (["variance", "one step", "per time"], "what is measured"),
    "sample": (list(SAMPLES), "examples that |G_T|^2 is estimated from"),
    "estimator": (["plug-in", "corrected"], "estimator of |G_T|^2"),
    "temperature": (["energy", "configurational", "followed"], "temperature of the run"),
    "convention": (
        ["ours", "eta/B", "eta/(B(1-mu))", "eta/(2B)", "eta N/(B(1-mu))", "tr Sigma/|G|^2"],
        "what is called temperature or noise scale",
    ),
}
TEN = 10.0  # what the seed's "large" is taken to be


def claims_of(dataset):
    claims = []
    for sampling in SAMPLINGS:
        for name, text in {"one_batch": "tr Cov of a batch", "cost": "error of the mean"}.items():
            value, exact, error = exactly(dataset.sel(sampling=sampling), name)
            known = exact > 1e-12  # at the end of an epoch nothing is left
            text = f"{sampling.replace('_', ' ')}: {text} is exact, nothing where it cancels"
            claim = agreement(text, value[known], exact[known], error[known])
            cancelled = value[~known].max(initial=0.0) < 1e-12
            claims.append(claim._replace(holds=bool(claim.holds and cancelled)))
    for k, text in enumerate(("Var G does not know it", "Var of a step is eta^2 of it",
                              "Var per unit of time is eta of it")):  # fmt: skip
        of = exactly(dataset.isel(moment=k), "moved")
        claims.append(agreement(f"learning rate eta: {text}", *of))
    for k, text in enumerate(("|mean of n|^2 is tr Sigma/n too large", "corrected, it is not")):
        claims.append(agreement(f"|G_T|^2: {text}", *exactly(dataset.isel(estimator=k), "square")))
    claims += claims_of_training(dataset) if "start_ratio" in dataset else []
    for name, text in {
        "virial": "virial of each direction is exact",
        "virial_noise": "noise power of each direction is exact",
        "virial_residual": "virial = noise + step + inertia in each direction",
        "heat": "energy, configurational and followed temperature are exact",
    }.items():
        claims.append(agreement(text, *exactly(dataset, name)))
    return [*claims, *claims_of_temperature(dataset)]


def claims_of_training(dataset):
    """E|G| over |G_T|: not large at the start, large near stationarity; when it becomes large."""
    pairs = [[dataset[f"noise_{name}_along{end}"].values for end in ("", "_standard_error")]
             for name in ("example_norm", "norm")]  # fmt: skip
    (one, one_error), (mean, mean_error) = pairs
    ratio = one / mean
    wide = LARGEST_Z * ratio * np.hypot(one_error / one, mean_error / mean)
    start, end = float(dataset.start_ratio), (ratio[-1] - wide[-1], ratio[-1] + wide[-1])
    text = "training: E|G| is less than twice |E G| at the start"
    claims = [Claim(text, start < 2, f"{start:.2f} times, exactly")]
    text = f"training: E|G| is more than {TEN:g} times |E G| at the end"
    reached = []
    for level in (ratio, ratio + wide, ratio - wide):
        k = max(int(np.argmax(level > TEN)), 1)
        there = np.interp(TEN, level[k - 1 : k + 1], dataset.step[k - 1 : k + 1], right=np.nan)
        reached.append(float(there))
    claims.append(Claim(text, end[0] > TEN, f"{ratio[-1]:.1f} times", end))
    text = f"training: E|G| = {TEN:g} |E G|"
    claims.append(Claim(text, reached[1] > 64, f"at step {reached[0]:.0f}", tuple(reached[1:])))
    return claims


def claims_of_temperature(dataset):
    """The converter, and how far the directions of one run are apart."""
    said, trace = dataset.said.to_series(), float(dataset.trace)
    kept, examples = 1 - MOMENTUM, 442
    per = {"eta/B": trace / (8 * kept), "eta/(B(1-mu))": trace / 8, "eta/(2B)": trace / (4 * kept)}
    per["eta N/(B(1-mu))"] = trace / (8 * examples)
    off = max(abs(said[name] * factor / said["ours"] - 1) for name, factor in per.items())
    claims = [Claim("conventions times their numbers are ours", off < 1e-12, f"off by {off:.1g}")]
    heat, error = dataset.virial.values, dataset.virial_standard_error.values
    hot, cold = heat.argmax(), heat.argmin()
    ratio = heat[hot] / heat[cold]
    wide = LARGEST_Z * ratio * np.hypot(error[hot] / heat[hot], error[cold] / heat[cold])
    text = "one run has several temperatures: hottest direction over coldest"
    interval = ratio - wide, ratio + wide
    claims.append(Claim(text, interval[0] > 1.1, f"{ratio:.2f}", interval))
    measured, exact, error = (each[0] / said["ours"] for each in exactly(dataset, "heat"))
    interval = measured - LARGEST_Z * error, measured + LARGEST_Z * error
    text = "ours, with Sigma of the minimum, is short of the energy's temperature"
    number = f"by a factor {measured:.3f}, exactly {exact:.3f}"
    return [*claims, Claim(text, 1 < interval[0] < exact < interval[1], number, interval)]


def run(quick, seed, threads, plant, each=in_memory):
    """The first look does not train: the kernel of that run takes a quarter of its time."""
    options = {"particles": 2_000 if quick else 40_000, "seed": seed, "threads": threads}
    parts = {"rates": partial(learning_rates, plant, options)}  # in the kernel of what follows
    parts["squares"] = partial(squared_norms, plant, seed, options)
    parts |= {name: partial(batches, name, plant, options) for name in SAMPLINGS}
    if not quick:
        parts["training"] = partial(training, 256, seed, threads)
    parts["stationary"] = partial(stationary, plant, options | {"steps": 1200 if quick else 4000})
    found = each(parts)
    dataset = xr.concat([found[name] for name in SAMPLINGS], "sampling")
    dataset["evaluated"] = dataset.evaluated.isel(sampling=0)
    dataset = dataset.merge(xr.merge([found[name] for name in parts if name not in SAMPLINGS]))
    for name, (values, text) in LABELS.items():
        dataset = dataset.assign_coords({name: (name, values, {"long_name": text, "units": "1"})})
    return dataset.assign_attrs(provenance()), claims_of(dataset)


WORDS = {  # what is in the file, in words
    "number": "number of the length of the mean, from 0: see evaluated",
    "direction": "eigenvector of the Hessian, from the flattest",
}


if __name__ == "__main__":
    main("gradient_noise", run, plot, WORDS)
