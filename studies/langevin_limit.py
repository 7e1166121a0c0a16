"""When is SGD a gradient flow plus a diffusion?

The seed: over Delta t = N eta, "applying the law of large numbers which says that when we average
a big sum, the distribution of the average becomes gaussian", Phi(t + Delta t) ~ Phi(t) - g Delta t
+ epsilon sqrt(Delta t), epsilon ~ N(0, eta Sigma): "a gradient flow component while the second is"
a "diffusion flow". Corrected: it is the central limit theorem, whose error is measured: two-point
noise summed over N steps has the excess kurtosis -2/N, while "g(Phi) is approximately constant"
costs N eta h in the variance: a window 1 << N << 1/(eta h), which for an error of 5 % is there only
if eta h < 0.05^2/2. And batches must be independent: the sum over a reshuffled epoch is zero, so
that there is no diffusion at N = M. Then, in a bowl with noise that depends on x: the drift and the
diffusion as they are measured, the weak error of the diffusion (order 1, with the modified loss 2),
and SVAG, the field's own test: SGD in l smaller steps with amplified noise, which tends to the
diffusion (Li, Malladi and Arora 2021).

Run:  python studies/langevin_limit.py [--quick]
(writes out/langevin_limit.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _flow_paths import order_of
from _langevin_limit_figure import plot
from _limit_operators import TIME, of_diffusion, of_sgd
from _limit_runs import (
    AMPLIFICATIONS,
    BATCHES,
    COARSE,
    EPOCH_RATE,
    STEPS,
    SUBSTEPS,
    epochs,
    exact_diffusion,
    exact_epoch_diffusion,
    exact_spread,
    split,
    weak,
)
from _limit_window import LENGTHS, agrees, window, window_claims
from _runner import Claim, agreement, in_memory, main

from langevin_sgd.storage.provenance import provenance

SAMPLINGS = "with_replacement", "reshuffle"
ORDERS = 2 ** np.arange(4, 9)  # steps to the time, of the exact weak errors


def weak_errors():
    """E x^2 of SGD less that of the diffusion, in the flow of U and in that of the modified loss,
    (steps, 2), and of SVAG (amplification,) at one rate; exact."""
    found = []
    for steps in ORDERS:
        rate = TIME / steps
        found.append([of_sgd(rate) - of_diffusion(rate, modified) for modified in (False, True)])
    amplified = [of_sgd(COARSE, factor) - of_diffusion(COARSE) for factor in AMPLIFICATIONS]
    about = {"long_name": "E x^2 less that of the diffusion, exact", "units": "length^2"}
    limit = {"long_name": "E x^2 of the diffusion at the rate of SVAG, exact", "units": "length^2"}
    return xr.Dataset(
        {
            "weak_error": (("order_steps", "equation"), found, about),
            "svag_error": ("amplification", amplified, about),
            "svag_limit": ((), of_diffusion(COARSE), limit),
        }
    )


def claims_of(dataset):
    claims = window_claims(dataset)
    for sampling in SAMPLINGS:
        part = dataset.sel(sampling=sampling)
        inside = (np.arange(1, part.sizes["steps"] + 1) % BATCHES) != 0
        inside |= sampling == "with_replacement"
        text = f"frozen x, {sampling}: variance of N steps is exact"
        claims.append(
            agrees(part.isel(steps=inside), "spread", exact_spread(sampling)[inside], text)
        )
    largest = dataset.largest_sum.values
    text = "the sum over a reshuffled epoch is zero, that of fresh batches is not"
    number = f"largest {largest[1]:.1e} against {largest[0]:.1f}"
    claims.append(Claim(text, bool(largest[1] < 1e-13 < largest[0]), number))
    value, error = (dataset[f"epoch_diffusion{k}"].values for k in ("", "_standard_error"))
    text = f"x moving, eta h = {EPOCH_RATE}: diffusion over an epoch / (rate/2) Sigma is exact"
    exact = [exact_epoch_diffusion(sampling) for sampling in SAMPLINGS]
    shown = agreement(text, value, exact, error)
    number = f"{value[0]:.4f} for fresh batches, {value[1]:.2e} for reshuffled; {shown.number}"
    claims.append(shown._replace(number=number))
    claims.append(agrees(dataset, "drift", dataset.force.values, "bowl: the drift is -grad U"))
    exact = exact_diffusion(dataset.position.values)
    claims.append(agrees(dataset, "diffusion", exact, "bowl: the diffusion is (rate/2) Sigma(x)"))
    exact = [of_sgd(TIME / n) for n in STEPS]
    claims.append(agrees(dataset, "sgd", exact, "bowl: E x^2 of SGD is exact"))
    exact = [of_sgd(COARSE, factor) for factor in AMPLIFICATIONS]
    claims.append(agrees(dataset, "svag", exact, "bowl: E x^2 of SVAG is exact"))
    fine, error = dataset.diffusion_substeps, dataset.diffusion_substeps_standard_error.values
    value, wide = float(2 * fine[1] - fine[0]), np.hypot(2 * error[1], error[0])
    text = "bowl: sgd_diffusion, its substeps extrapolated, is the exact diffusion"
    claims.append(agreement(text, value, of_diffusion(COARSE), wide))
    cases = dict(zip(("U", "the modified loss"), dataset.weak_error.values.T, strict=True))
    cases["SVAG"] = dataset.svag_error.values
    for (name, values), order in zip(cases.items(), (1, 2, 1), strict=True):
        found, reach = order_of(values)
        text = f"bowl, {name}: the weak error is of order {order}"
        text += " in 1/l" * (name == "SVAG")
        number, wide = f"{found:.3f} +- {4 * reach:.3f} (extrapolated)", 4 * reach
        holds = bool(abs(found - order) < wide)
        claims.append(Claim(text, holds, number, (found - wide, found + wide)))
    return claims


def run(quick, seed, threads, plant, each=in_memory):
    many = {"seed": seed, "threads": threads, "plant": plant}
    size = 10 if quick else 1
    parts = {"window": partial(window, 40_000 if quick else 2_000_000, **many)}
    parts |= {name: partial(epochs, name, 100_000 // size, **many) for name in SAMPLINGS}
    parts |= {"split": partial(split, 2_000_000 // size, **many)}
    parts |= {"weak": partial(weak, 1_000_000 // size, **many), "exact": weak_errors}
    found = each(parts)
    both = xr.concat([found[name] for name in SAMPLINGS], "sampling")
    dataset = xr.merge([both, *(found[name] for name in ("window", "split", "weak", "exact"))])
    coords = {"length": LENGTHS, "moment": ["mean", "variance", "excess kurtosis"]}
    coords |= {"sampling": list(SAMPLINGS), "steps": np.arange(1, both.sizes["steps"] + 1)}
    coords |= {"rate_steps": STEPS, "amplification": AMPLIFICATIONS, "substeps": list(SUBSTEPS)}
    coords |= {"order_steps": ORDERS, "equation": ["of U", "of the modified loss"]}
    dataset = dataset.assign_coords(coords)
    for name in coords:
        dataset[name].attrs = {"long_name": name.replace("_", " "), "units": "1"}
    return dataset.assign_attrs(provenance()), claims_of(dataset)


WORDS = {  # what is in the file, in words
    "drift": "mean displacement of a step over its time",
    "diffusion": "variance of the displacement of a step over twice its time",
    "length": "number of steps N whose sum is looked at",
    "moment": "moment of the sum of N steps",
    "sampling": "how batches are drawn",
    "steps": "number of steps N with frozen x",
    "rate_steps": "steps of SGD to the time 1",
    "amplification": "amplification l of SVAG",
    "substeps": "substeps of a step of the diffusion",
    "order_steps": "steps to the time 1, exact weak errors",
    "equation": "flow of the diffusion",
}


if __name__ == "__main__":
    main("langevin_limit", run, plot, WORDS)
