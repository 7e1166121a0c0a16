"""Are B steps of eta0 one step of eta = B eta0?

The seed: "the step size is proportional to 1/B, thereby reducing the effect [of] learning rate or
temperature"; "Phi_{t+B} = Phi_t - sum_b eta0 grad L(t + b, Phi_{t+b-1}), approximately Phi_t - B
eta0 g_t". Corrected: averaging leaves the mean step as it is and divides the VARIANCE of the noise
by B; g_{t,b} is one example's gradient; the gradient of example t + b is taken at Phi_{t+b}.

What is neglected is + eta0^2 sum_{j<b} H_b g_j + O(eta0^3): in the mean eta0^2 B(B - 1)/2 times H g
for examples drawn afresh, and times H g - grad tr Sigma/(2(N - 1)) for reshuffled ones. With a = B
eta0 h, stationary: Var x = T/h times 1/(1 - a/2), T = eta0 sigma^2/2, for batches drawn afresh. The
transient of a logistic regression: loss against examples seen; the departure from B = 1 is the
largest distance of the two curves over L(start) - L(minimum).

Run:  python studies/minibatch_rule.py [--quick]
(writes out/minibatch_rule.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _breakdown import LIMIT, of_curve, of_factor
from _minibatch_figure import plot
from _minibatch_steps import (
    BASE_RATE,
    BATCHES,
    EXAMPLES,
    FEW,
    one_step,
    second_order,
    table,
)
from _runner import Claim, agrees, described, in_memory, main, mean_and_error, with_error

import langevin_sgd as ls
from langevin_sgd.storage.provenance import provenance

A, SETTLED = np.geomspace(0.02, 1.8, 10), 400  # a = B eta0 h; steps
SAMPLINGS, STATIONARY = ("with_replacement", "reshuffle"), (4, 16)  # batch sizes
SEEN, GRID, KEPT = 2048, 16, 4  # examples seen, and between two looks; each fourth is kept


def stationary(batch, sampling, n, plant, options):
    """Variances over T/h in separate directions of curvature a/(B eta0), over one epoch."""
    h, rate, epoch = A / (batch * BASE_RATE), batch * BASE_RATE, EXAMPLES // batch
    centers = np.random.default_rng(2).normal(size=(EXAMPLES, len(h))) / h
    loss = ls.losses.quadratic_centers(h, centers - centers.mean(axis=0))
    moves = ls.dynamics.sgd(rate, batch // 2 if plant else batch)
    steps = SETTLED // epoch * epoch
    options = options | {"steps": steps, "reducers": ls.reducers.moments(start=steps - epoch)}
    run = ls.simulate(loss, moves, ls.noise.minibatch(sampling), particles=n, **options)
    pair = run.moments_covariance, run.moments_covariance_standard_error
    sigma, exact = (h * centers.std(axis=0)) ** 2, 1 / (1 - A / 2)
    unit = BASE_RATE * sigma / 2 / h  # T/h
    if sampling == "reshuffle":
        size = {"batch_size": batch, "dataset_size": EXAMPLES}
        law = partial(ls.theory.epoch_covariance, learning_rate=rate, **size)
        exact = [law(*one).mean() for one in zip(h, sigma, strict=True)] / unit
    values = {"exact_ratio": ("a", exact, "1", "exact variance over T/h")}
    ratio = [np.diagonal(each) / unit for each in pair]
    return described(values | with_error("ratio", "a", ratio, "1", "variance over T/h"))


def transient(n, options):
    """Mean loss against examples seen for each batch size, and that of steps without noise."""
    loss, minimum = table(EXAMPLES)
    energy, gradient = (partial(ls.evaluate, loss, quantity=q) for q in ("energy", "gradient"))
    curves = np.full((len(BATCHES), 3, SEEN // GRID + 1), np.nan)  # mean, its error, without noise
    for k, batch in enumerate(BATCHES):
        rate, quiet, every = batch * BASE_RATE, [0 * minimum], max(1, GRID // batch)
        given = {"steps": SEEN // batch, "every": every, "loss": True, "particles": n}
        given |= options | {"seed": options["seed"] + k}
        run = ls.simulate(loss, ls.dynamics.sgd(rate, batch), ls.noise.minibatch(), **given)
        for _ in range(given["steps"]):
            quiet.append(quiet[-1] - rate * gradient(quiet[-1]))
        looks = slice(None, None, max(1, batch // GRID))
        curves[k, :, looks] = *mean_and_error(run.loss.values.T), energy(quiet[::every])
    low, start = float(energy(minimum)), float(energy(0 * minimum))
    curves = (curves - np.array([[low], [0], [low]])) / (start - low)
    text, kept = "loss above the minimum over that of the start", curves[..., ::KEPT]
    values = with_error("loss", ("batch", "seen"), (kept[:, 0], kept[:, 1]), "1", text)
    values["quiet_loss"] = ("batch", "seen"), kept[:, 2], "1", f"{text}, without noise"
    apart = curves - curves[0]
    at = (np.arange(len(curves)), np.nanargmax(np.abs(apart[:, 2]), axis=1))
    sign = np.sign(apart[:, 2][at])
    pair = sign * apart[:, 0][at], np.hypot(curves[:, 1][at], curves[0, 1][at[1]])
    text = "distance of the loss curve from that of B = 1 where it is largest without noise"
    values |= with_error("departure", "batch", pair, "1", text)
    values["quiet_departure"] = "batch", np.abs(apart[:, 2][at]), "1", f"{text}, without noise"
    h = np.linalg.eigvalsh(ls.evaluate(loss, 0 * minimum, "hessian")).max()
    values["batch_a"] = "batch", h * BASE_RATE * np.array(BATCHES), "1", "a = B eta0 h_max"
    return described(values)


def claims_of(dataset, quick):
    afresh = dataset.sel(sampling="with_replacement")
    claims = [
        agrees(dataset, "ratio", "stationary variances are the exact ones, both samplings"),
        agrees(dataset, "second", "the second-order term is the exact one, both samplings"),
        agrees(dataset, "push", "the mean step does not depend on B"),
        agrees(dataset, "spread", "the variance of a step is sigma^2/B"),
    ]
    ratio = (afresh[name].values.ravel() for name in ("ratio", "ratio_standard_error"))
    ends, exact = of_factor(np.tile(A, len(STATIONARY)), *ratio), 2 * LIMIT / (1 + LIMIT)
    text = f"drawn afresh: stationary law within 5 % up to a = B eta0 h = {exact:.3g}"
    claims.append(Claim(text, ends[0] < exact < ends[1], "{:.4g} to {:.4g}".format(*ends), ends))
    ends = of_curve(dataset.batch_a, dataset.departure, dataset.departure_standard_error)
    quiet = np.exp(np.interp(LIMIT, dataset.quiet_departure, np.log(dataset.batch_a)))
    text = (
        f"transient: 5 % is reached at a = {quiet:.2g} without noise; with it within a factor 1.3"
    )
    low, high = ends if not quick else ends[::-1]  # a quick one is wide: it must meet the range
    near = quiet / 1.3 < low and high < 1.3 * quiet
    claims.append(Claim(text, near, "{:.3g} to {:.3g}".format(*ends), ends))
    return claims


def run(quick, seed, threads, plant, each=in_memory):
    options, parts = {"seed": seed, "threads": threads}, {}
    for sampling in SAMPLINGS:
        for batch in STATIONARY:
            given = batch, sampling, 3_000 if quick else 40_000, plant, options
            parts[f"{sampling} {batch}"] = partial(stationary, *given)
        given = sampling, 4_000 if quick else 200_000, options
        parts[f"{sampling} second"] = partial(second_order, *given)
    parts["transient"] = partial(transient, 400 if quick else 20_000, options)
    parts["one step"] = partial(one_step, 10_000 if quick else 200_000, plant, options)
    found, rows = each(parts), []
    for sampling in SAMPLINGS:
        laws = xr.concat([found[f"{sampling} {batch}"] for batch in STATIONARY], "stationary_batch")
        rows.append(xr.merge([laws, found[f"{sampling} second"]]))
    dataset = xr.merge([xr.concat(rows, "sampling"), found["transient"], found["one step"]])
    axes = {
        "sampling": (list(SAMPLINGS), "how examples are drawn"),
        "stationary_batch": (list(STATIONARY), "examples B of a batch"),
        "a": (A, "a = B eta0 h"),
        "batch": (list(BATCHES), "examples B of a batch"),
        "seen": (np.arange(0, SEEN + 1, KEPT * GRID), "examples seen"),
        "place": (["start", "minimum"], "where the steps begin"),
        "length": (np.arange(2, FEW + 1), "steps B of one example each"),
    }
    dataset = dataset.assign_coords(
        {k: (k, value, {"long_name": text, "units": "1"}) for k, (value, text) in axes.items()}
    )
    return dataset.assign_attrs(provenance()), claims_of(dataset, quick)


if __name__ == "__main__":
    main("minibatch_rule", run, plot)
