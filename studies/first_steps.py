# %%
"""First steps: from a loss of your own to a figure, cell by cell, in less than a minute.

It runs as a script, `python studies/first_steps.py`, and opens as a notebook in editors that know
cells. What it draws and keeps lies in out/."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import langevin_sgd as ls

OUT = Path("out")
OUT.mkdir(exist_ok=True)

# %% 1. A loss of your own: what ONE example costs, and the gradient of that


def example_loss(p, x, row):
    """log cosh of the residual: half its square if it is small, |residual| for an outlier."""
    residual = x[0] + x[1] * row[0] - row[1]
    return ls.elementary.softplus(2 * residual) - residual - p.log_2


def example_gradient(p, x, row, out):
    slope = ls.elementary.tanh(x[0] + x[1] * row[0] - row[1])
    out[0] = slope
    out[1] = slope * row[0]


random = np.random.default_rng(1)
inputs = random.normal(size=200)
targets = 0.5 + 2.0 * inputs + random.standard_t(3, size=200)
table = np.column_stack([inputs, targets])
loss = ls.Loss("robust line", example_loss, example_gradient, {"log_2": np.log(2)}, table, dim=2)

# %% 2. Minibatches of four examples, until the law of 40,000 particles no longer changes
sgd, batches = ls.dynamics.sgd(learning_rate=0.2, batch_size=4), ls.noise.minibatch()
run = ls.run_until_stationary(
    loss, sgd, batches, particles=40_000, x0=[0.5, 2.0], max_steps=20_000, seed=1
)
print("stationary:", bool(run.stationary), "after", int(run.step[-1]), "steps")

# %% 3. Is it Boltzmann's law?
print(ls.analysis.boltzmann_test(run, loss).verdict)

# %% 4. A figure: where the particles are, and where the temperature of each direction comes from
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
ls.plots.density_with_marginals(ls.analysis.density(run), left)
ls.plots.temperature_budget(ls.analysis.temperature_budget(run, loss), right)
figure.savefig(OUT / "first_steps.png")

# %% 5. Keep it, and go on from there another day
ls.save(run, OUT / "first_steps.nc")
longer = ls.extend(ls.load(OUT / "first_steps.nc"), 100, loss)
print("went on from step", *longer.step.values)
