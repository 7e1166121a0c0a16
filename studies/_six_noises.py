"""The systems of not_boltzmann.py: one landscape under six kinds of noise, of one mean power."""

from functools import cache

import numpy as np

import langevin_sgd as ls

T0, RATE, STEP, BATCH, EXAMPLES, COUPLING = 0.1, 0.1, 0.2, 2, 12, 0.8
EPOCH, TIME = EXAMPLES // BATCH, 150
WELL = ls.potentials.double_well(dim=2, barrier=0.25, stiffness=1.0, coupling=COUPLING)
NEARLY = {"of_x": 2.92, "drawn": 2.98, "reshuffled": 3.39}  # the spread of a table, to start from
TOLERANCE, TERMS = 0.1, ["virial", "noise_term", "step_term", "memory_term"]
KNOWN = ["occupation", "energy", "temperature_0", "temperature_1", "rotation"]
SYSTEMS = {
    "langevin": "Langevin",
    "isotropic": "SGD, isotropic noise",
    "anisotropic": "SGD, constant anisotropic noise",
    "of_x": "SGD, Gaussian noise $C(x)$",
    "drawn": "SGD, minibatches drawn afresh",
    "reshuffled": "SGD, minibatches reshuffled",
}


def example_loss(p, x, row):
    well, off = x[0] * x[0] - 1.0, x[1] - p.coupling * x[0]
    tilt = row[0] * x[0] + row[1] * x[1] + 0.5 * row[2] * x[0] * x[0]
    return 0.25 * well * well + 0.5 * off * off + p.spread * tilt


def example_gradient(p, x, row, out):
    off = x[1] - p.coupling * x[0]
    bend = row[0] + row[2] * x[0]
    out[0] = x[0] * (x[0] * x[0] - 1.0) - p.coupling * off + p.spread * bend
    out[1] = off + p.spread * row[1]


def table():
    """Tilts and bends of the examples: of mean zero, skewed; the well at x0 = 1 is the noisier."""
    rows = np.random.default_rng(1).exponential(size=(EXAMPLES, 3))
    rows -= rows.mean(axis=0)
    white = np.linalg.solve(np.linalg.cholesky(rows.T @ rows / EXAMPLES), rows.T).T
    return white @ [[1.0, -0.3, 0.25], [0.0, 0.3, 0.0], [0.0, 0.0, 0.1]]


def loss_of(spread):
    params = {"spread": spread, "coupling": COUPLING}
    return ls.Loss("two wells", example_loss, example_gradient, params, table(), 2)


def moved(model, dynamics, noise, pace, particles, seed, threads):
    """The last epoch, step by step, of particles that started in both wells alike."""
    x0 = np.where(np.arange(particles)[:, None] % 2, [1.0, COUPLING], [-1.0, -COUPLING])
    options = {"particles": particles, "seed": seed, "threads": threads}
    steps = EPOCH * round(TIME / EPOCH / pace)
    run = ls.simulate(model, dynamics, noise, steps=steps, x0=x0, **options)
    return ls.simulate(model, dynamics, noise, steps=EPOCH, every=1, **options | {"x0": run})


def over_the_epoch(path):
    """Each particle once, at one of the steps of the epoch in turn: (n, d)."""
    n = path.sizes["particle"]
    return path.x.values[1 + np.arange(n) % EPOCH, np.arange(n)]


def spread_table(name, particles, seed, threads, plant):
    """The loss whose noise has the power T0 in its own law, the noise, and its mean covariance."""
    noise = {"of_x": ls.noise.table_gaussian(), "drawn": ls.noise.minibatch()}
    noise = noise.get(name) or ls.noise.minibatch("reshuffle")
    spread, dynamics = NEARLY[name], ls.dynamics.sgd(RATE, BATCH)
    for _ in range(2):
        loss = loss_of(spread)
        path = moved(loss, dynamics, noise, RATE, particles, seed, threads)
        covariance = noise.batch_covariance(loss, over_the_epoch(path), BATCH).mean(axis=0)
        spread *= np.sqrt(T0 / (RATE * np.trace(covariance) / 4))
    return loss_of(spread * np.sqrt(1 + plant)), noise, covariance


def system(name, particles, seed, threads, plant):
    """The path of one system, what it moved in, and its noise."""
    if name == "langevin":
        heat = ls.dynamics.underdamped_langevin(T0 * (1 + plant), 1.0, STEP)
        return moved(WELL, heat, None, STEP, particles, seed, threads), WELL, None
    of_table = "drawn" if name.endswith("isotropic") else name
    loss, noise, covariance = spread_table(of_table, particles // 2, seed + 2**32, threads, plant)
    batch = BATCH
    if name.endswith("isotropic"):
        shape = covariance if name == "anisotropic" else np.eye(2)
        power = 4 * T0 / RATE * (1 + plant)
        loss, noise, batch = WELL, ls.noise.gaussian(power * shape / np.trace(shape)), 1
    path = moved(loss, ls.dynamics.sgd(RATE, batch), noise, RATE, particles, seed, threads)
    return path, loss, noise


def exact(name, noise):
    """What KNOWN names: of Boltzmann's law, or of SGD with constant noise at this rate."""
    if name == "langevin":
        return [0.5, float(ls.theory.boltzmann_density(WELL, T0).mean_energy), T0, T0, 0.0]
    if not name.endswith("isotropic"):
        return [np.nan] * len(KNOWN)
    covariance = noise.batch_covariance(WELL, np.zeros((1, 2)), 1)[0]
    law = ls.theory.transfer_operator(WELL, covariance, RATE)
    turn = 2 * float(law.area_per_step[0, 1]) / RATE
    return [0.5, float(law.mean_energy), *np.diagonal(law.virial), turn]


@cache
def populations():
    """Boltzmann's shares of the wells."""
    return ls.theory.basin_populations(WELL, T0)


def verdict_of(path, model):
    """The product's own words; where it refuses, why, and the budget that it points to."""
    about = {"temperature": T0, "tolerance": TOLERANCE, "populations": populations()}
    try:
        result = ls.analysis.boltzmann_test(path, WELL, **about)
        return {key: result.attrs[key] for key in ("decision", "verdict")}
    except ValueError as reason:
        budget = ls.analysis.temperature_budget(path, model)
        terms = {key: float(np.trace(budget[key]) / 2) for key in TERMS}
        closed = float(budget.p_value)
        return {"decision": "refused", "verdict": str(reason), "p_value": closed} | terms
