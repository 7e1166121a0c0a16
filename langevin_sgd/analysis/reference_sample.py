"""Boltzmann's law itself, as a sample: the package's own Langevin run at the temperature."""

import warnings
from typing import NamedTuple

import numpy as np
import xarray as xr

from ..arguments import checked, whole, within
from ..engine.reducers.readings import labelled
from ..engine.simulate import simulate
from ..models.evaluate import evaluate, landscape
from ..models.langevin import langevin
from .particles import AT_STEP, at_step, attributes, landscape_of, refuse_weight_decay
from .two_sample import bounded_functions, sample_deviation

OWN_SEED = 0x5EED_0F_B01725  # unlikely to be that of a run
HOT = 20.0  # temperatures at which the second ensemble starts
STEP_OF_CURVATURE = 0.2  # time step of the first ensemble times the largest curvature
FIRST_STEPS = 100
FAR = 1e100  # where particles have run away
FORGOTTEN = 4.5  # standard errors of a correlation with the start


class Reference(NamedTuple):
    """A sample ``x`` (m, d), the ``reason`` why it is no reference (empty if it is one), its cost
    in ``particle_steps``, and the ``step_size`` of its coarser half."""

    x: np.ndarray
    reason: str
    particle_steps: int
    step_size: float


@checked(
    potential=landscape,
    temperature=within(above=0),
    particles=whole(40, 10**7),
    max_particle_steps=whole(1),
    seed=whole(0, 2**63),
    **AT_STEP,
)
def reference_sample(
    run,
    potential,
    temperature,
    *,
    particles=10_000,
    max_particle_steps=200_000_000,
    seed=OWN_SEED,
    step=None,
    on_diverged="raise",
):
    """A sample of Boltzmann's law by Langevin dynamics, to hold a run against in any dimension.

    Two ensembles are moved by the method of Leimkuhler and Matthews: one starts from the particles
    of the run, the other too, but is heated to 20 T first and has half the time step. The time is
    doubled until neither remembers its start and both agree, then once more. So a difference that
    the time step, the start or a barrier makes is seen where the ensembles are large enough to see
    it.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate`; uses ``x``.
    potential : Potential or Loss
        U in units of energy, on an open domain; a drift is left out.
    temperature : float
        T in units of energy.
    particles : int
        Of the sample, half of them in each ensemble.
    max_particle_steps : int
        Where it gives up.
    seed : int
        Of its random numbers; not that of the run.
    step, on_diverged
        As in `density`.

    Returns
    -------
    xarray.Dataset
        ``x`` (particle, component). Attributes ``converged`` (1 or 0) and, if not, the ``reason``;
        ``particle_steps``, the cost; ``step_size``.

    Raises
    ------
    TypeError, ValueError
        For a run with weight decay (add it to the potential), of another dimension, with dependent
        or diverged particles, or a potential with walls.

    Notes
    -----
    The time step is 0.2 over the largest curvature at the particles; its error in averages is of
    second order, and zero for the covariance on a quadratic (Leimkuhler and Matthews 2013,
    arXiv:1203.5428). "Does not remember": no bounded function of `two_sample_test` is correlated
    with itself at the start by more than 4.5 standard errors. Not seen: wells that no particle
    reaches at 20 T.

    Examples
    --------
    Its variances are T/a, here 0.05 and 0.0125:

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, particles=4000, steps=100, seed=1)
    >>> sample = ls.analysis.reference_sample(run, well, 0.05, particles=1000)
    >>> print(sample.converged, sample.x.var("particle").values.round(3).tolist())
    1 [0.049, 0.012]
    """
    particles_of_run = at_step(run, step, on_diverged)
    x = particles_of_run.x
    potential = landscape_of(run, potential)
    refuse_weight_decay(run)
    made = langevin_sample(x, potential, temperature, particles, max_particle_steps, seed)
    more = made._asdict() | {"converged": int(not made.reason), "seed": seed}
    del more["x"]
    attrs = attributes(run, particles_of_run, **more) | {"particles": len(made.x)}
    for name in ("dynamics", "noise"):
        attrs.pop(name, None)
    position = labelled(("particle", "component"), made.x, "position", "length")
    return xr.Dataset({"x": position}, attrs=attrs)


def reference_deviation(
    x,
    potential,
    temperature,
    *,
    particles=10_000,
    most=200_000_000,
    permutations=999,
    seed=OWN_SEED,
):
    """The `Deviation` of particles x (n, d) from a `langevin_sample`, by `sample_deviation`; at
    most twice as many particles as the sample has, evenly chosen. Without convergence the reason,
    with what it cost."""
    made = langevin_sample(x, potential, temperature, particles, most, seed)
    if made.reason:
        return (
            f"the reference did not converge: {made.reason}; {made.particle_steps:.2g} "
            f"particle-steps, time steps up to {made.step_size:.3g}"
        )
    some = x[:: max(1, len(x) // (2 * particles))]
    return sample_deviation(some, made.x, potential, permutations, seed)


def langevin_sample(x, potential, temperature, particles, most, seed):
    """A `Reference` of so many particles for exp(-U/T), started from points x (n, d)."""
    if potential.drift is not None:
        potential = potential._with(drift=None)
    random, half = np.random.default_rng(seed), particles // 2
    curvature = _largest_curvature(potential, x, random)
    if not 0 < curvature < np.inf:
        raise ValueError(
            f"potential must have a finite curvature above 0 at the particles, for a time step, "
            f"got {curvature:g} for {potential.name!r}."
        )
    step_size = STEP_OF_CURVATURE / curvature
    start = x[random.integers(len(x), size=half)]

    def move(where, steps, hot=1.0, fine=1, key=0):
        moves = langevin(hot * temperature, step_size / fine, method="leimkuhler_matthews")
        numbers = {"particles": half, "steps": steps * fine, "seed": seed + key}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of particles that left: told below
            run = simulate(potential, moves, x0=where, **numbers)
        return run.x.where(run.status == 0).transpose("step", ...).values[-1]

    heated = move(start, FIRST_STEPS, HOT)
    starts, ends = (start, heated), (start, heated)
    done, cost, settled = 0, half * FIRST_STEPS, False
    reason = "max_particle_steps is too small"
    while _stay(ends) and cost + 3 * half * max(done, FIRST_STEPS) <= most:
        steps = max(done, FIRST_STEPS)
        ends = tuple(
            move(end, steps, fine=fine, key=2 * done + fine)
            for end, fine in zip(ends, (1, 2), strict=True)
        )
        done, cost = done + steps, cost + 3 * half * steps
        if settled or not _stay(ends):
            break
        reason = _unsettled(starts, ends, potential, random)
        settled = not reason
    else:
        reason = reason or "max_particle_steps is too small"
    if not _stay(ends):
        reason = "its particles ran away, as if exp(-U/T) were not normalisable"
    return Reference(np.concatenate(ends), reason, cost, step_size)


def _stay(ends):
    return np.abs(ends).max() < FAR  # not for nan


def _unsettled(starts, ends, potential, random):
    """Why two ensembles have not forgotten their starts; empty if they have."""
    if sample_deviation(*ends, potential, 199, 0).p_value < 0.02:
        return "two starts disagree, as with wells that are rarely left"
    for start, end in zip(starts, ends, strict=True):
        functions, _ = bounded_functions(np.concatenate([start, end]), potential, random)
        pair = (part - part.mean(axis=0) for part in np.split(functions, 2))
        before, after = (part / part.std(axis=0).clip(1e-12) for part in pair)
        if np.abs((before * after).mean(axis=0)).max() * np.sqrt(len(end)) > FORGOTTEN:
            return "particles still remember where they started"
    return ""


def _largest_curvature(potential, x, random):
    """The largest |eigenvalue| of the Hessian at some of the points, by power iteration on
    differences of the gradient."""
    x = x[:: max(1, len(x) // 256)]
    shift = 1e-5 * max(np.sqrt(x.var(axis=0).sum()), 1e-8)
    way = random.normal(size=x.shape)
    for _ in range(30):
        way /= np.linalg.norm(way, axis=1).clip(1e-300)[:, None]
        ends = (evaluate(potential, x + sign * shift * way, "gradient") for sign in (1, -1))
        way = np.subtract(*ends) / (2 * shift)
    return float(np.linalg.norm(way, axis=1).max())
