"""How far is SGD from gradient flow?

The seed: "the limit where the learning rate goes to zero or the model changes infinitely slowly,
which approximates a continuous change", dPhi/dt = -g(Phi). Made precise: at fixed time t = rate
times steps. Without noise the distance is of order 1 in the rate, on a quadratic -(rate h^2 t/2)
exp(-h t) x0; to the flow of the modified loss U + (rate/4)|grad U|^2 it is of order 2. With noise
that holds for the mean; one particle is sqrt(rate) away. Reshuffled epochs follow the flow of the
modified loss with the further term (rate/4) tr C, to order 3 over an epoch. And how large may the
rate be: where the largest distance is 5 % of the way.

Run:  python studies/gradient_flow.py [--quick]
(writes out/gradient_flow.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _breakdown import LIMIT
from _flow_paths import (
    LANDSCAPES,
    SAMPLINGS,
    SPAN,
    STEPS,
    epochs,
    fitted_order,
    order_of,
    without_noise,
)
from _gradient_flow_figure import plot
from _runner import Claim, agreement, in_memory, main

import langevin_sgd as ls
from langevin_sgd.storage.provenance import provenance

SIGMA, TIME, NOISY_STEPS = np.array([[1.0, 0.3], [0.3, 0.5]]), 0.64, 2 ** np.arange(4, 8)
BOWL = ls.potentials.quadratic([2.0, 0.5]), [1.0, 1.0]
NOISY = {"quadratic": BOWL, "double well": LANDSCAPES["double well"]}


def with_noise(name, quick, seed, threads, plant):
    """Mean and mean square of the first component of x less the flow, with errors."""
    (model, x0), rows = NOISY[name], []
    noise = ls.noise.gaussian(2 * SIGMA if plant else SIGMA)
    flow = ls.theory.gradient_flow(model, x0, TIME)[0, 0]
    options = {"particles": 30_000 if quick else 1_000_000, "x0": x0, "threads": threads}
    for k, steps in enumerate(NOISY_STEPS):
        moves = ls.dynamics.sgd(TIME / steps)
        run = ls.simulate(model, moves, noise, steps=int(steps), seed=seed + k, **options)
        away = run.x.values[-1, :, 0] - flow
        both = np.stack([away, away**2])
        rows.append([both.mean(axis=1), both.std(axis=1, ddof=1) / np.sqrt(len(away))])
    value, error = np.moveaxis(rows, 1, 0)
    dims = "noisy_steps", "moment"
    return xr.Dataset({"moments": (dims, value), "moments_standard_error": (dims, error)})


def exact_with_noise():
    """What `with_noise` measures on the quadratic."""
    flow = ls.theory.gradient_flow(*BOWL, TIME)[0, 0]
    mean, variance = ls.theory.sgd_moments(2.0, SIGMA[0, 0], TIME / NOISY_STEPS, NOISY_STEPS)
    return np.stack([mean - flow, variance + (mean - flow) ** 2], axis=1)


def interval_claim(text, exact, value, reach, words):
    holds = bool(abs(value - exact) < reach)
    number = f"{value:.4f} +- {reach:.4f} ({words})"
    return Claim(text, holds, number, (value - reach, value + reach))


def claims_of(dataset):
    claims = []
    for name in dataset.landscape.values:
        part = dataset.sel(landscape=name)
        if name == "quadratic":
            scaled = part.distance[:, 0] * STEPS / SPAN
            found = 2 * scaled.values[-1] - scaled.values[-2]
            exact = SPAN / 2 * np.exp(-SPAN)
            text = "quadratic: distance / (rate h) -> (h t/2) exp(-h t) x0, extrapolated"
            off = abs(found / exact - 1)
            claims.append(Claim(text, off < 1e-3, f"{found:.6f}, exact {exact:.6f}"))
        for k, flow in enumerate(("the flow of U", "the flow of the modified loss")):
            text = f"{name}: descent departs from {flow} with order {k + 1}"
            value, reach = order_of(part.distance.values[:, k])
            claims.append(interval_claim(text, k + 1, value, 4 * reach, "extrapolated"))
        low, high = part.limit.values
        text = f"{name}: within {LIMIT:.0%} of the way up to a rate * curvature of"
        claims.append(
            Claim(text, bool(low > 0.02 and high < 1), f"{low:.3f} to {high:.3f}", (low, high))
        )
    moments = [dataset.moments, dataset.moments_standard_error]
    value, error = (each.sel(noisy="quadratic").values for each in moments)
    text = "noise, quadratic: mean and mean square distance are exact"
    claims.append(agreement(text, value, exact_with_noise(), error))
    value, error = (each.sel(noisy="double well").values for each in moments)
    for k, moment in enumerate(dataset.moment.values):
        found, wide = fitted_order(TIME / NOISY_STEPS, value[:, k], error[:, k])
        text = f"noise, double well: {moment} distance of order 1"
        claims.append(interval_claim(text, 1, found, 4 * wide, "4 s.e."))
    for k, order in enumerate((2, 3)):
        value, reach = order_of(dataset.residual.values[:, k])
        text = f"epochs, modified loss {('without', 'with')[k]} its trace term: order {order}"
        claims.append(interval_claim(text, order, value, 4 * reach, "extrapolated"))
    return claims


def run(quick, seed, threads, plant, each=in_memory):
    landscapes = list(NOISY) if quick else list(LANDSCAPES)
    parts = {name: partial(without_noise, name) for name in landscapes}
    parts |= {f"noise {k}": partial(with_noise, k, quick, seed, threads, plant) for k in NOISY}
    found = each(parts | {"epochs": epochs})
    dataset = xr.concat([found[name] for name in landscapes], "landscape")
    noisy = xr.concat([found[f"noise {name}"] for name in NOISY], "noisy")
    coords = {"landscape": landscapes, "noisy": list(NOISY), "steps": STEPS}
    coords |= {"noisy_steps": NOISY_STEPS, "flow": ["U", "modified loss"]}
    coords |= {"sampling": list(SAMPLINGS), "side": ["low", "high"]}
    coords["moment"] = ["mean", "mean square"]
    dataset = xr.merge([dataset, noisy, found["epochs"]]).assign_coords(coords)
    about = {name: (name.replace("_", " "), "1") for name in coords} | ABOUT
    for name, (text, units) in about.items():
        dataset[name].attrs = {"long_name": text, "units": units}
    return dataset.assign_attrs(provenance()), claims_of(dataset)


NOISE_TEXT = "distance of SGD with noise from the flow along x0, and its square (unit length)"
ABOUT = {
    "distance": ("distance of descent from the flow, at rate * curvature * steps = 1.28", "length"),
    "limit": ("rate * curvature where descent is 5 % of the way off", "1"),
    "curvature": ("largest curvature along the flow", "energy / length^2"),
    "moments": (NOISE_TEXT, "1"),
    "moments_standard_error": (f"standard error: {NOISE_TEXT}", "1"),
    "residual": ("mean over orders after an epoch, less the flow", "length"),
}


WORDS = {  # what is in the file, in words
    "steps": "steps of descent to the same time",
    "noisy_steps": "steps of SGD with noise to the same time",
    "noisy": "landscape with noise",
    "flow": "flow of which loss",
    "sampling": "how epochs are shuffled",
    "side": "end of the interval",
    "moment": "moment of the distance",
}


if __name__ == "__main__":
    main("gradient_flow", run, plot, WORDS)
