"""The rungs of a ledger, solved: exactly on a quadratic and for Boltzmann's law, else by
simulation."""

import warnings
from typing import NamedTuple

import numpy as np

from ..engine.simulate import simulate
from ..models.evaluate import evaluate
from ..theory.basin_populations import basin_populations
from ..theory.basins_of_attraction import basins_of_attraction, slope_of
from ..theory.boltzmann import boltzmann_density
from ..theory.confinement import box_around
from ..theory.epochs import epoch_covariance, single_shuffle_covariance
from .ledger_quadratic import (
    gaussian_symptoms,
    matrix_symptoms,
    overdamped_response,
    second_moment,
    steps_response,
    underdamped_response,
)
from .ledger_symptoms import (
    QUANTILE_LEVELS,
    Look,
    Ruler,
    in_white_bins,
    make_bins,
    quantiles_of,
    whitened,
)
from .ledger_systems import CORNER, Absent

SEEN_AT_ONCE = 2e7  # numbers of a path that are kept together
BASINS_FROM = 4096  # particles among which basins are looked for


class Plan(NamedTuple):
    """What simulated rungs share."""

    model: object
    particles: int
    steps: int
    seed: int
    x0: np.ndarray | None


class Moved(NamedTuple):
    """A simulated rung: the `Look` at its end, that of the coarser run or None, and the change of
    the mean energy in the second half of the run over its standard error."""

    look: Look
    coarse: Look | None
    drift: float


# ---- exact ---------------------------------------------------------------------------------------


def exact_rungs(frame, update, rungs, law, examples):
    """Symptoms, a dict, or `Absent`, of each of the rungs that second moments solve on a quadratic,
    by name; `law` is the `MeanCovariance` of independent batches, `examples` the size of the
    table."""
    h, temperature = frame.curvature, frame.temperature
    there = frame.basis.T @ frame.covariance @ frame.basis
    constant = law._replace(constant=there, slope=np.zeros_like(law.slope))
    fewer = (examples - update.batch_size) / max(examples - 1, 1)
    subsets = law._replace(constant=fewer * law.constant, slope=fewer * law.slope)

    def moment(response, noise):
        return lambda: second_moment(response(h, update), noise)

    laws = {
        "boltzmann": lambda: np.diag(temperature / h),
        "anisotropy": moment(overdamped_response, constant),
        CORNER: moment(overdamped_response, law.isotropic()),
        "state_dependence": moment(overdamped_response, law),
        "inertia": moment(underdamped_response, law),
        "finite_rate": moment(steps_response, law),
        "batch_law": moment(steps_response, law),
        "finite_population": moment(steps_response, subsets),
    }
    if not law.slope.any() and examples % update.batch_size == 0:
        epochs = rungs["reshuffling"]
        laws["reshuffling"] = lambda: _epoch_moment(h, update, law, examples, epochs.noise.sampling)
    return {
        name: _exact_symptoms(frame, update, name, solve)
        for name, solve in laws.items()
        if not isinstance(rungs[name], Absent)
    }


def _epoch_moment(h, update, law, examples, sampling):
    """Mean over the epoch; S of additive noise in shuffled epochs."""
    rate, momentum, batch = update
    solve = epoch_covariance if sampling == "reshuffle" else single_shuffle_covariance
    found = solve(np.diag(h), batch * law.constant, rate, batch, examples, momentum)
    return found if found.ndim == 2 else found.mean(axis=0)


def _exact_symptoms(frame, update, name, solve):
    try:
        second = solve()
    except ValueError as reason:
        return Absent(str(reason).partition(" Given: ")[0], same=False)
    found = gaussian_symptoms(second, frame.curvature, frame.temperature)
    if name not in ("finite_rate", "batch_law", "finite_population", "reshuffling"):
        apart = np.subtract.outer(frame.curvature, frame.curvature)
        turn = second * apart / (1 - update.momentum)
        found |= matrix_symptoms("rotation", turn, diagonal=1)
    return found


def boltzmann_symptoms(ruler, names):
    """Those of exp(-U/T) among `names`, a dict: on a quadratic, or in one or two dimensions."""
    frame = ruler.frame
    found = dict.fromkeys(names, 0.0)  # KL and rotations, and the cross terms of the temperature
    found |= {f"temperature_{k}_{k}": frame.temperature for k in range(len(frame.minimum))}
    if ruler.quadratic:
        return found | {"energy": len(frame.minimum) * frame.temperature / 2}
    law = boltzmann_density(frame.landscape, frame.temperature)
    found["energy"] = law.mean_energy.item() - frame.energy
    if ruler.minima is not None:
        known = basin_populations(
            frame.landscape, frame.temperature, start=box_around(ruler.minima)
        )
        for k, place in enumerate(ruler.minima):
            nearest = np.linalg.norm(known.minimum.values - place, axis=1).argmin()
            found[f"occupation_{k}"] = known.population.values[nearest]
    return found


# ---- simulated -----------------------------------------------------------------------------------


def simulated(plan, frame, update, rung):
    """The `Moved` of a `Simulated` rung, or `Absent` if particles leave."""
    try:
        fine, before = _moved(plan, rung.dynamics, rung.noise, update)
    except _Left as reason:
        return Absent(str(reason), same=False)
    end = fine.isel(step=-1)
    look = {"mobility": None, "diffusion": rung.diffusion}
    if rung.diffusion is not None:
        look["mobility"] = 1 / (1 - update.momentum)
    v = end.v.values if "underdamped" in rung.dynamics.name else None
    energies = (evaluate(frame.landscape, run.x.values, "energy") for run in (end, before))
    change = np.subtract(*energies)
    error = change.std(ddof=1) / np.sqrt(len(change))
    drift = float(change.mean() / error) if error > 0 else 0.0
    epoch = rung.noise.epoch(plan.model, update.batch_size)
    x = end.x.values if epoch == 1 else _over_the_epoch(plan, rung, fine, epoch)
    coarse = None
    if rung.coarse is not None:
        coarse, _ = _moved(plan, rung.coarse, rung.noise, update)
        coarse = Look(coarse.x.values[-1], **look)
    return Moved(Look(x, v, **look), coarse, drift)


class _Left(ValueError):
    """Particles have left."""


def _moved(plan, dynamics, noise, update):
    """A run to the end of its last epoch, and what it was half way."""
    epoch = noise.epoch(plan.model, update.batch_size)
    steps = epoch * -(-plan.steps // epoch)
    options = {"particles": plan.particles, "seed": plan.seed, "x0": plan.x0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # who left is counted below
        run = simulate(plan.model, dynamics, noise, steps=steps, every=-(-steps // 2), **options)
    lost = int((run.status != 0).sum())
    if lost:
        raise _Left(f"{lost} of {plan.particles} particles left within {steps} steps")
    return run.isel(step=[-1]), run.isel(step=1)


def _over_the_epoch(plan, rung, run, epoch):
    """Positions (n, d), each particle at one of the steps of an epoch in turn."""
    x = run.x.values[-1].copy()
    turn = np.arange(len(x)) % epoch
    block = max(1, int(SEEN_AT_ONCE / x.size))
    for first in range(0, epoch, block):
        steps = min(block, epoch - first)
        options = {"particles": plan.particles, "seed": plan.seed, "x0": run}
        run = simulate(plan.model, rung.dynamics, rung.noise, steps=steps, every=1, **options)
        seen = (turn >= first) & (turn < first + steps)
        x[seen] = run.x.values[turn[seen] - first + 1, np.flatnonzero(seen)]
    return x


def make_ruler(frame, quadratic, looks, count):
    """The `Ruler` for looks, a dict name -> (n, d): basins if there are several, bins in one or two
    dimensions, and marginals where there are none."""
    from scipy.special import ndtri

    if quadratic:
        return Ruler(frame, True, quantiles=ndtri(QUANTILE_LEVELS))
    pooled = np.concatenate(list(looks.values()))
    some = pooled[:: max(1, len(pooled) // BASINS_FROM)]
    scale = float(np.sqrt(pooled.var(axis=0).sum()))
    found = basins_of_attraction(some, slope_of(frame.landscape, scale))
    minima = found.minimum if len(found.minimum) > 1 else None
    if len(frame.minimum) <= 2:
        return Ruler(frame, False, minima, make_bins(frame, list(looks.values()), count))
    law = in_white_bins(whitened(frame.along_modes(looks["boltzmann"])))
    return Ruler(frame, False, minima, quantiles=quantiles_of(law))
