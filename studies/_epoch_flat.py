"""Runs of epochs.py in flat directions: how far variances collapse, and what momentum leaves."""

import numpy as np
from _epoch_laws import collapse, exact_by_position, exact_fresh, smoothed
from _epoch_runs import CURVATURES, RATE
from _runner import described, mean_and_error, with_error

import langevin_sgd as ls

SETTINGS = {  # batches of an epoch, examples of a batch, momentum
    "M = 256, momentum 0.9": (256, 1, 0.9),
    "M = 128, momentum 0": (128, 1, 0.0),
    "M = 16, momentum 0": (16, 2, 0.0),
}
LENGTHS = np.array([150.0, 90.0, 60.0, 40.0, 25.0])  # M (1 - mu)


def flat(setting, numbers):
    """Variance over that of independent batches against y, where eta h is at most .3."""
    batches, batch, momentum = SETTINGS[setting]
    y = np.geomspace(0.1, min(30.0, 0.3 * batches / (1 - momentum)), len(CURVATURES))
    curvatures = y * (1 - momentum) / batches / RATE
    about = curvatures, RATE, batch, batches * batch, momentum
    exact, fresh = exact_by_position(*about), exact_fresh(*about)
    loss = numbers.wells(curvatures, batches * batch)
    records, start = (loss, ls.dynamics.sgd(RATE, batch, momentum)), np.zeros(len(y))
    run = numbers.settled(records, 50 * batches, batches, x0=start)
    pair = mean_and_error(np.mean(run.x.values[:-1] ** 2, axis=0) / fresh)
    text = "variance over that of independent batches"
    values = with_error("collapse", "direction", pair, "1", text)
    values["collapse_exact"] = "direction", exact.mean(axis=0) / fresh, "1", f"exact: {text}"
    values["boundary_exact"] = "direction", exact[0] / fresh, "1", f"exact, end of epoch: {text}"
    off = collapse(y)["mean"] / values["collapse_exact"][1]
    values["limit_over_exact"] = "direction", off, "1", "limit of long epochs over the exact value"
    values["y"] = "direction", y, "1", "eta h N/(B (1 - mu))"
    return described(values)


def smoothing(numbers, momentum=0.9):
    """Plateau of flat directions with momentum, over eta^2 c0 (M + 1)/(6 (1 - mu)^2)."""
    found, flattest = [], np.array([1e-6])
    for length in LENGTHS:
        batches = round(length / (1 - momentum))
        plateau = RATE**2 * (batches + 1) / (6 * (1 - momentum) ** 2)
        loss, dynamics = numbers.wells(flattest, batches), ls.dynamics.sgd(RATE, 1, momentum)
        reader = ls.reducers.moments(start=batches)
        run = numbers.simulate(loss, dynamics, steps=5 * batches, reducers=reader, x0=[0.0])
        both = (run[f"moments_covariance{end}"].item() for end in ("", "_standard_error"))
        exact = exact_by_position(flattest, RATE, 1, batches, momentum).mean()
        found.append([each / plateau for each in (*both, exact)])
    table = np.transpose(found)
    text = "plateau over that of long epochs"
    values = with_error("plateau", "length", table[:2], "1", text)
    values["plateau_exact"] = "length", table[2], "1", f"exact: {text}"
    values["plateau_limit"] = "length", smoothed(LENGTHS), "1", "limit: closed form in M (1 - mu)"
    return described(values)
