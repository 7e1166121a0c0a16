"""What langevin_limit.py simulates besides its window: epochs at fixed x, and the bowl."""

import numpy as np
import xarray as xr
from _limit_operators import LOSS, PUSH, SLOPE, START, TIME
from _limit_window import with_errors

import langevin_sgd as ls

BATCHES, EPOCHS = 16, 3  # M
EPOCH_RATE = 0.02  # in a bowl of curvature 1
SPLIT = 0.1  # rate of the split of drift and diffusion
EDGES = np.linspace(-1.5, 1.5, 31)
STEPS = np.array([8, 16, 32])  # to the time, of the simulated weak errors
COARSE, AMPLIFICATIONS = 0.25, np.array([1, 2, 4, 8, 16, 32])  # rate of SVAG; l
SUBSTEPS = (10, 20)


def mean_and_error(values):
    """Mean over particles (last axis) and its standard error."""
    return values.mean(axis=-1), values.std(axis=-1, ddof=1) / np.sqrt(values.shape[-1])


def constant_push_loss(p, x, row):
    return row[0] * x[0]


def constant_push(p, x, row, out):
    out[0] = row[0]


def epochs(sampling, particles, seed, threads, plant):
    """Variance of sums of steps of M batches whose gradients do not depend on x, over that of
    fresh noise of one step; the largest sum at the ends of epochs."""
    table = np.random.default_rng(7).normal(size=(BATCHES, 1))
    table -= table.mean()
    loss = ls.Loss("frozen", constant_push_loss, constant_push, None, table, 1)
    options = {"particles": particles, "steps": EPOCHS * BATCHES, "every": 1, "x0": [0.0]}
    moves, options = ls.dynamics.sgd(1.0), options | {"seed": seed, "threads": threads}
    run = ls.simulate(loss, moves, ls.noise.minibatch(sampling), **options)
    x = run.x.values[1:, :, 0] * (np.sqrt(2) if plant else 1.0)
    pair = mean_and_error(x**2 / table.var())
    text = "variance of the sum of N gradients over that of one"
    found = with_errors("spread", "steps", pair, text)
    about = {"long_name": "largest sum of an epoch", "units": "energy / length"}
    found["largest_sum"] = (), np.abs(x[BATCHES - 1 :: BATCHES]).max(), about
    # the same in a bowl, where x moves
    bowl = ls.losses.quadratic_centers([1.0], table)
    options |= {"steps": BATCHES, "every": BATCHES}
    options["x0"] = np.random.default_rng(seed).normal(size=(particles, 1))
    run = ls.simulate(bowl, ls.dynamics.sgd(EPOCH_RATE), ls.noise.minibatch(sampling), **options)
    whole = {"lag": BATCHES, "time_step": EPOCH_RATE}
    of_epoch = ls.analysis.drift_and_diffusion(run, bins=1, **whole).squeeze()
    scale = EPOCH_RATE / 2 * table.var() / (2 if plant else 1)
    pair = [of_epoch[f"diffusion{k}"].values / scale for k in ("", "_standard_error")]
    text = "diffusion over an epoch in a bowl, over (rate/2) Sigma"
    return xr.Dataset(found | with_errors("epoch_diffusion", (), pair, text))


def exact_epoch_diffusion(sampling):
    """sum of a^2j / M for fresh batches, a = 1 - eta h; else M/(M - 1) times its excess over the
    square of the mean of a^j."""
    powers = (1 - EPOCH_RATE) ** np.arange(BATCHES)
    if sampling == "with_replacement":
        return np.mean(powers**2)
    return powers.var() * BATCHES / (BATCHES - 1)


def exact_spread(sampling):
    """Of N fresh ones N; in an epoch m (M - m)/(M - 1) at the position m = N mod M."""
    n = np.arange(1, EPOCHS * BATCHES + 1)
    m = n % BATCHES
    return n if sampling == "with_replacement" else m * (BATCHES - m) / (BATCHES - 1)


def split(particles, seed, threads, plant):
    """Drift and diffusion of one step in the bowl, from particles everywhere."""
    x0 = np.random.default_rng(seed).uniform(-1.6, 1.6, size=(particles, 1))
    moves = ls.dynamics.sgd(SPLIT, 1 if not plant else 2)
    options = {"particles": particles, "steps": 1, "x0": x0, "seed": seed, "threads": threads}
    run = ls.simulate(LOSS, moves, ls.noise.minibatch(), **options)
    found = ls.analysis.drift_and_diffusion(run, bins=EDGES, potential=LOSS)
    names = ["drift", "diffusion", "position", "force"]
    names += [f"{name}_standard_error" for name in names[:2]]
    found = found[names].isel(component=0, component_j=0, drop=True)
    found["position"].attrs["units"] = "length"
    return found.drop_attrs(deep=False)


def exact_diffusion(position):
    """(rate/2) Sigma, mean over a bin of this mean position."""
    square = position**2 + (EDGES[1] - EDGES[0]) ** 2 / 12
    return SPLIT / 2 * (SLOPE**2 * square + PUSH**2)


def in_the_bowl(moves, noise, particles, steps, seed, threads):
    """E x^2 at the time from x0, and its standard error."""
    options = {"particles": particles, "steps": int(steps), "x0": [START], "every": int(steps)}
    run = ls.simulate(LOSS, moves, noise, seed=seed, threads=threads, **options)
    return mean_and_error(run.x.values[-1, :, 0] ** 2)


def weak(particles, seed, threads, plant):
    """E x^2 of SGD at three rates, of SVAG, and of the diffusion by substeps."""
    noise = ls.noise.minibatch()
    batch = 2 if plant else 1
    sgd = [
        in_the_bowl(ls.dynamics.sgd(TIME / n, batch), noise, particles, n, seed + n, threads)
        for n in STEPS.tolist()
    ]
    amplified = [
        in_the_bowl(
            ls.dynamics.sgd(COARSE / factor, 2 * batch),
            ls.noise.minibatch("svag", amplification=float(factor)),
            *(particles, TIME / COARSE * factor, seed + factor, threads),
        )
        for factor in AMPLIFICATIONS.tolist()
    ]
    twin = ls.noise.table_gaussian()
    fine = [
        in_the_bowl(
            ls.dynamics.sgd_diffusion(COARSE, batch, m), twin, particles, 4, seed + m, threads
        )
        for m in SUBSTEPS
    ]
    text = "E x^2 at t = 1 of"
    found = with_errors("sgd", "rate_steps", np.transpose(sgd), f"{text} SGD", "length^2")
    rows = {"svag": ("amplification", amplified), "diffusion_substeps": ("substeps", fine)}
    for name, (dim, values) in rows.items():
        found |= with_errors(name, dim, np.transpose(values), f"{text} {name}", "length^2")
    return xr.Dataset(found)
