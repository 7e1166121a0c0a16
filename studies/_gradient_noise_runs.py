"""SGD that trains on a real table, and SGD that is stationary on another: parts of
gradient_noise.py."""

import numpy as np
import xarray as xr
from _gradient_noise_frozen import measured
from _runner import described
from _scalar_tables import diabetes, noise_at
from _scalar_tables import table as table_of

import langevin_sgd as ls

SEGMENTS, WINDOWS = (64, 512, 4096), 16  # steps of a training run
RATE, BATCH, MOMENTUM = 0.1, 4, 0.5  # of the stationary run


def training(particles, seed, threads):
    """Logistic regression on the breast-cancer table from theta = 0, read ever more seldom."""
    from sklearn.datasets import load_breast_cancer

    inputs, labels = load_breast_cancer(return_X_y=True)
    inputs = np.column_stack([(inputs - inputs.mean(0)) / inputs.std(0), np.ones(len(inputs))])
    loss = ls.losses.logistic_regression(inputs, labels.astype(float), l2=0.01)
    run, found, moves = None, [], ls.dynamics.sgd(0.2, 16)
    for steps in SEGMENTS:
        read = ls.reducers.gradient_noise(every=steps // WINDOWS, windows=WINDOWS, name="noise")
        given = {"particles": particles, "steps": steps, "seed": seed, "threads": threads}
        run = ls.simulate(loss, moves, ls.noise.minibatch(), x0=run, reducers=read, **given)
        along = [name for name in run if "_along" in name]
        found.append(run[along].reset_coords(drop=True))
    start = ls.analysis.gradient_covariance(loss, np.zeros(loss.dim))
    norms = np.linalg.norm(ls.example_gradients(loss, np.zeros(loss.dim)), axis=1)
    ratio = norms.mean() / np.sqrt(start.squared_mean_gradient.item())
    found = xr.concat(found, "noise_step").rename(noise_step="step")
    return found.assign(start_ratio=((), ratio, {"units": "1", "long_name": "E|G|/|G_T| at 0"}))


def stationary(plant, options):
    """Temperatures of SGD on the diabetes table, in the eigenvectors of its Hessian."""
    table = diabetes()
    h, basis = np.linalg.eigh(table.hessian)
    table = table_of(table.inputs @ basis, table.targets)
    moves, read = ls.dynamics.sgd(RATE, BATCH // (1 + plant), MOMENTUM), {"start": 200}
    options = options | {
        "reducers": (ls.reducers.virial(**read), ls.reducers.gradient_noise(**read))
    }
    run = ls.simulate(table.loss(), moves, ls.noise.minibatch(), x0=table.minimum, **options)
    law = ls.theory.least_squares_moments(table.inputs, table.targets, RATE, BATCH, MOMENTUM)
    factor, away = RATE / (2 * (1 - MOMENTUM)), run.x.values[-1] - table.minimum
    noise = factor * np.diag(noise_at(table, law.covariance)) / BATCH
    found = {}
    exactly = {"virial": h * np.diag(law.covariance), "virial_noise": noise}
    for name, exact in (exactly | {"virial_residual": np.zeros(4)}).items():
        value, error = (np.diag(run[f"{name}{end}"]) for end in ("", "_standard_error"))
        text = f"{name.replace('_', ' ')} of a direction"
        found |= measured(name, "direction", (value, error, exact), "energy", text)
    loss, square = (away**2 @ h) / 4, (away**2 @ h**2) / h.sum()
    rows = [[each.mean(), each.std() / np.sqrt(len(each))] for each in (loss, square)]
    rows += [[run.gradient_noise_temperature_along.item(), 0.0]]
    rows[-1][1] = run.gradient_noise_temperature_along_standard_error.item()
    exact = ls.theory.measured_temperatures(np.diag(h), law.covariance)
    rows = [*np.transpose(rows), [exact.energy, exact.configurational, noise.sum() / 4]]
    found |= measured("heat", "temperature", rows, "energy", "temperature of the run")
    said = ls.theory.temperature_conventions(
        table.sigma,
        RATE,
        BATCH,
        MOMENTUM,
        len(table.inputs),
        np.sqrt(h**2 * np.diag(law.covariance)),
    )
    found["said"] = "convention", np.array(said), "1", "temperature by convention"
    found["curvature"] = "direction", h, "energy/length^2", "eigenvalue of the Hessian"
    trace = "tr Sigma at the minimum"
    return described(found | {"trace": ((), np.trace(table.sigma), "(energy/length)^2", trace)})
