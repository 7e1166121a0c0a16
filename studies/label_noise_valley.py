"""Where in a valley of minima does SGD go, if Boltzmann's law cannot say?

U = (uv - 1)^2/2 has a hyperbola of minima, along which the curvature H = u^2 + v^2 differs.
Gradient flow conserves u^2 - v^2. exp(-U/T) cannot be normalised: with z = uv and w = log(u/v)/2 it
is exp(-(z - 1)^2/(2T)) dz dw, the same for every w. The second seed lets SGD find "a global
minimum": here are infinitely many, and which one is found is decided by the noise. Labels 1 + e
make the residual r = uv - 1 - e, and each step multiplies u^2 - v^2 by exactly 1 - (eta r)^2
(derived: u' = u - eta r v, v' = v - eta r u): SGD balances the factors, at the flattest place. With
momentum each step adds exactly (1 + mu)/(1 - mu) (p_u^2 - p_v^2), p the new velocity, to u^2 - v^2
- 2 mu/(1 - mu) (u p_u - v p_v); so u^2 - v^2 falls with the rate (eta/(1 - mu))^2 sigma^2/B a step,
times 1/(1 - eta H/(2 (1 + mu))), which small-step formulas lack (derived here: E p^2 of the heavy
ball on a quadratic). That is the drift (eta sigma^2/4B) grad tr H along the valley. Isotropic noise
has the entropic drift (T/2) grad log det H, while u^2 - v^2 itself is (nearly) a martingale: its
mean stays, it spreads. Labels that are reshuffled every epoch balance as fast, although their noise
sums to zero (see epochs.py): r^2 of each step counts; unless the memory of momentum outlasts the
epoch. Blanc et al. 2020 (arXiv:1904.09080), Li, Wang and Arora 2022 (arXiv:2110.06914), Ziyin et
al. (arXiv:2308.06671) have the question; abstracts only were read, formulas are derived here.

Run:  python studies/label_noise_valley.py [--quick]
(writes out/label_noise_valley.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _breakdown import LIMIT, of_factor
from _runner import Claim, agreement, exactly, in_memory, main
from _valley import VALLEY, fall_exact
from _valley_figure import plot
from _valley_rates import CASES, EPOCHS, MOMENTA, balancing, reshuffled
from _valley_runs import IMBALANCE, Numbers, clouds, drift, paths

import langevin_sgd as ls
from langevin_sgd.storage.provenance import provenance

EDGE = 2 * LIMIT / (1 + LIMIT)  # of learning rate times curvature over 1 + momentum
LAWS = {
    "momentum 0": "u^2 - v^2 times 1 - (eta r)^2",
    "momentum 0.9": "(1 + mu)/(1 - mu) (p_u^2 - p_v^2) more",
}
NOISES = {"labels": "-(eta sigma^2/4) dH/ds", "isotropic": "-(T/2) d log H/ds"}


def refused():
    """What the package says to Boltzmann's law of the valley."""
    try:
        ls.theory.boltzmann_density(VALLEY, 0.1)
    except ValueError as error:
        return "not normalisable" in str(error)
    return False


def claims_of(dataset):
    claims = []
    for law, text in LAWS.items():
        off = float(dataset.off.sel(law=law))
        text = f"{law}, each step of 64 particles: {text}, to the last digits"
        claims.append(Claim(text, off < 8, f"{off:.1f} units of rounding"))
    flow = float(dataset.flow_off)
    claims.append(Claim("gradient flow conserves u^2 - v^2", flow < 1e-9, f"to {flow:.0e}"))
    text = "Boltzmann's law of the valley is refused: it cannot be normalised"
    claims.append(Claim(text, refused(), "a ValueError"))
    exact, fall = fall_exact(), float(dataset.fall)
    text = f"eta = .05, sigma = .3: log(u^2 - v^2) falls by {-exact:.4f} in 1333 steps"
    claims.append(agreement(text, fall, exact, float(dataset.fall_standard_error)))
    at, factor, error = (dataset[name] for name in ("at", "factor", "factor_standard_error"))
    for case in dataset.case.values:
        text = f"{case}: balances at 1/(1 - eta H/(2 (1 + mu))) of the small-step rate"
        claims.append(agreement(text, *exactly(dataset.sel(case=case), "factor")))
    low, high = of_factor(at.values.ravel(), factor.values.ravel(), error.values.ravel())
    text = f"the small-step drift is 5 % off at eta H/(1 + mu) = {EDGE:.4f}"
    number = f"at the flattest place eta = [{low / 2:.4f}, {high / 2:.4f}] (1 + mu)"
    claims.append(Claim(text, low < EDGE < high, number, (low, high)))
    for noise, text in NOISES.items():
        own = dataset.sel(noise=noise)
        text = f"{noise}: drift along the valley is {text}/(1 - eta H/2)"
        claims.append(agreement(text, *exactly(own, "drift")))
        text = f"{noise}: the mean of u^2 - v^2 falls by eta^2 E r^2 a step"
        claims.append(agreement(text, *exactly(own, "kept")))
    if "in_epochs" in dataset:
        claims += claims_of_epochs(dataset)
    first, second = (dataset.drift.sel(noise=noise) for noise in NOISES)
    growth = [float(each.sel(imbalance=8.0) / each.sel(imbalance=2.0)) for each in (first, second)]
    text = "far from balance label noise drives ever faster, isotropic noise does not"
    number = f"drift at u^2 - v^2 = 8 over that at 2: {growth[0]:.2f}, {growth[1]:.2f}"
    return [*claims, Claim(text, growth[0] > 1.8 > 1.2 > growth[1], number)]


def claims_of_epochs(dataset):
    """Of labels that are reshuffled every epoch."""
    text = "reshuffled labels, momentum 0 and 0.9: the rate of balancing is exact for small sigma"
    rate, exact, error = exactly(dataset, "in_epochs")
    claims = [agreement(text, rate, exact, np.hypot(error, 1e-5))]  # what sigma changes is less
    value, error = (dataset[f"in_epochs{end}"].values for end in ("", "_standard_error"))
    off = np.abs(value[0] - 1).max()
    text = "  without momentum epochs do not slow it: within 5 % of the formula"
    claims.append(Claim(text, bool(off < LIMIT), f"within {100 * off:.1f} %"))
    low, high = value[1, 0] - 4 * error[1, 0], value[1, 0] + 4 * error[1, 0]
    text = "  momentum 0.9, epochs of 4 labels, which the memory outlasts: a fifth or less is left"
    return [*claims, Claim(text, bool(high < 0.2), f"{value[1, 0]:.3f} of it", (low, high))]


def run(quick, seed, threads, plant, each=in_memory):
    few = Numbers(3_000 if quick else 20_000, seed, threads, np.sqrt(2) if plant else 1.0)
    cases = list(CASES)[:2] if quick else list(CASES)
    parts = {"paths": partial(paths, few), "clouds": partial(clouds, few)}
    parts |= {case: partial(balancing, case, few) for case in cases}
    many = {"labels": few, "isotropic": few._replace(particles=20_000 if quick else 500_000)}
    parts |= {noise: partial(drift, noise, numbers) for noise, numbers in many.items()}
    momenta = () if quick else MOMENTA
    parts |= {f"epochs {mu}": partial(reshuffled, mu, few) for mu in momenta}
    found = each(parts)
    of_epochs = [found[f"epochs {mu}"] for mu in momenta]
    dataset = xr.merge(
        [
            found["paths"],
            found["clouds"],
            xr.concat([found[case] for case in cases], "case"),
            xr.concat([found[noise] for noise in NOISES], "noise"),
            *([xr.concat(of_epochs, "momentum")] if of_epochs else []),
        ]
    )
    labels = {
        "law": (list(LAWS), "run"),
        "case": (cases, "momentum and labels"),
        "noise": (list(NOISES), "noise"),
        "imbalance": (IMBALANCE, "u^2 - v^2"),
    }
    if of_epochs:
        labels |= {"momentum": (list(MOMENTA), "momentum"), "epoch": (EPOCHS, "steps of an epoch")}
    for name, (values, text) in labels.items():
        dataset = dataset.assign_coords({name: (name, values, {"long_name": text, "units": "1"})})
    return dataset.assign_attrs(provenance()), claims_of(dataset)


WORDS = {  # what is in the file, in words
    "momentum": "momentum mu",
    "noise": "kind of noise",
    "shown": "number of a shown step, from 0",
    "time": "number of the reading, from 0: see elapsed",
    "rate": "number of the learning rate, from 0: see at",
}


if __name__ == "__main__":
    main("label_noise_valley", run, plot, WORDS)
