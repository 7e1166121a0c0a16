"""What `simulate` checks before it starts: shapes and ranges, and whether the learning rate can be
stable at all.
"""

import os
import secrets
import warnings

import numpy as np

from ..kernels.functions import interpreted
from ..kernels.rng import DRAW_LIMIT, PARTICLE_LIMIT
from ..models.arrays import real_array, shown
from ..models.dynamics import Dynamics
from ..models.evaluate import evaluate
from ..models.losses import Loss
from ..models.noise_record import SILENCE, Noise
from ..models.parameters import Schedule, integer, number
from ..models.potentials import Potential
from .reducers.kernel import cells
from .reducers.readings import REPLICATES

STEP_PARAMETERS = ("learning_rate", "step_size")


def check_records(model, dynamics, noise):
    """Refuse what is no record, and combinations that mean nothing."""
    if not isinstance(model, (Potential, Loss)):
        raise TypeError(
            "model must be a Potential or a Loss (see langevin_sgd.potentials and "
            f"langevin_sgd.losses), got {shown(model)}."
        )
    if not isinstance(dynamics, Dynamics):
        raise TypeError(
            f"dynamics must be a Dynamics (see langevin_sgd.dynamics), got {shown(dynamics)}."
        )
    if noise is not None and not isinstance(noise, Noise):
        raise TypeError(f"noise must be None or a noise of langevin_sgd.noise, got {shown(noise)}.")
    dynamics.check(model)
    (noise or SILENCE).check(model, dynamics)


def check_addresses(model, dynamics, noise, particles, largest_batch):
    """Refuse a run whose random numbers would need more addresses than there are: a wrapped counter
    repeats numbers.
    """
    integer(particles, "particles", 1, PARTICLE_LIMIT)
    draws = {"thermal normals": dynamics.normals * model.dim // 2}
    draws |= (noise or SILENCE).draws(model, largest_batch)
    for name, count in draws.items():
        if count >= DRAW_LIMIT:
            raise ValueError(
                f"{name}: {count} random draws are needed per particle and step, the limit is "
                f"{DRAW_LIMIT - 1}."
            )


def _memory():
    """Bytes of memory of this machine; 2^40 where it does not say."""
    return (
        os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        if hasattr(os, "sysconf")
        else 2**40
    )


def check_memory(model, dynamics, particles, stored):
    """Refuse a run whose stored steps alone exceed the memory of this machine."""
    integer(particles, "particles", 1, limit=PARTICLE_LIMIT)
    need = (
        4 * particles * stored * model.dim * (2 if dynamics.memory == "velocity" else 1)
    )  # 4 bytes: of float32
    if need > _memory():
        raise ValueError(
            f"particles = {particles} with {stored} stored steps need more than {need / 1e9:.3g} "
            "GB of memory, this machine has "
            f"{_memory() / 1e9:.3g} GB. Take fewer particles or steps, or a larger `every` with "
            "reducers."
        )


def check_reducer_memory(reducers, particles):
    """Refuse reducers whose accumulators, `size` numbers a particle, and bins exceed the memory of
    this machine.
    """
    need = {
        reducer.name: 8 * (reducer.size * particles + (REPLICATES + 1) * cells(reducer))
        for reducer in reducers
    }
    if sum(need.values()) > _memory():
        most = max(reducers, key=lambda reducer: need[reducer.name])
        raise ValueError(
            f"reducers need {sum(need.values()) / 1e9:.3g} GB of memory, this machine has "
            f"{_memory() / 1e9:.3g} GB; "
            f"{most.name!r} has {most.size} numbers for each of {particles} particles, and "
            f"{cells(most)} bins. Take fewer "
            "particles, lags or bins."
        )


def initial_state(value, name, particles, components, precision="float64"):
    """`value` (None, (d,) or (particles, d)) as an array (particles, d)."""
    state = real_array(0.0 if value is None else value, name)
    if value is not None and state.shape not in ((components,), (particles, components)):
        raise ValueError(
            f"{name} must be None or have the shape ({components},) or ({particles}, "
            f"{components}), got {state.shape}."
        )
    if not np.all(np.isfinite(state)):
        raise ValueError(
            f"{name} must be finite, but {np.sum(~np.isfinite(state))} of its numbers are not: "
            f"{state[~np.isfinite(state)][0]}."
        )
    if precision == "float32" and not np.all(
        np.hypot.reduce(np.atleast_1d(state), axis=-1) < 1.8e19
    ):
        raise ValueError(
            f"{name} must have |{name}| below 1.8e19 for precision='float32', where squares end; "
            f"got {np.abs(state).max():g}. "
            "Choose another unit of length, or precision='float64'."
        )
    return np.broadcast_to(state.astype(precision, copy=False), (particles, components))


def checked_seed(seed):
    """`seed` as an int below 2^64; a fresh one for None."""
    return secrets.randbits(63) if seed is None else integer(seed, "seed", 0, 2**64)


def check_continuing(dynamics, noise, params, dim):
    """Refuse to begin after step 0 where the state is more than the x and v of a dataset."""
    if dynamics.memory == "hidden":
        raise ValueError(
            f"first_step must be 0 for {dynamics.name!r}, whose memory no dataset holds. Make a "
            "single run of it."
        )
    if (
        noise is not None
        and dynamics.advance is not None
        and _advance_reads_gradient(dynamics, params, dim)
    ):
        raise ValueError(
            f"first_step must be 0 for {dynamics.name!r} with a noise: a step begins with the "
            "noisy gradient of the last one, "
            "which no dataset holds. Make a single run of it."
        )


def _advance_reads_gradient(dynamics, params, dim):
    advance, numbers = (
        interpreted(dynamics.advance),
        dynamics.state_size * dim if dynamics.memory else 0,
    )

    def moved(gradient):
        x, v = np.full(dim, 0.5), np.full(numbers, 0.25)
        advance(params, x, v, np.full(dim, gradient), np.ones(max(1, dynamics.normals * dim)))
        return np.concatenate([x, v])

    return not np.array_equal(moved(0.0), moved(1.0))


def _step_matrix(dynamics, params, curvature):
    """One step on U = curvature x^2 / 2 without noise, from the text of the dynamics itself; None
    if it is not linear.
    """
    memory = dynamics.state_size if dynamics.memory else 0
    update, advance = (
        interpreted(dynamics.update),
        dynamics.advance and interpreted(dynamics.advance),
    )

    def moved(start):
        x, v = start[:1].copy(), start[1:].copy()
        for _ in range(dynamics.substeps):
            g, none = curvature * x, np.zeros(max(1, dynamics.normals))
            if advance:
                advance(params, x, v, g, none)
            update(params, x, v, curvature * x, np.zeros(1), none)
        return np.concatenate([x, v])

    with np.errstate(all="ignore"):
        columns = np.array([moved(start) for start in np.eye(1 + memory)])
        linear = np.allclose(
            moved(np.full(1 + memory, 3.0)), 3.0 * columns.sum(axis=0), rtol=1e-9, atol=1e-12
        )
    return columns if linear else None


def _stability(dynamics, curvature, steps):
    """(name, largest value, whether a value is stable: a function) of what makes a step long; or
    None, as `stable_limit`.
    """
    name = next((n for n in STEP_PARAMETERS if n in dynamics.params._fields), None)
    values = {
        n: v.largest(steps) if isinstance(v, Schedule) else v
        for n, v in dynamics.params._asdict().items()
    }
    params = type(dynamics.params)(**values)
    if name is None or _step_matrix(dynamics, params, curvature) is None:
        return None

    def stable(rate):
        matrix = _step_matrix(dynamics, params._replace(**{name: rate}), curvature)
        return matrix is not None and float(np.abs(np.linalg.eigvals(matrix)).max()) <= 1.0 + 1e-12

    return name, float(values[name]), stable


def stable_limit(dynamics, curvature, steps=1):
    """Largest learning rate (or step size) at which the dynamics is stable on a quadratic of this
    curvature.

    Parameters
    ----------
    steps : int
        Steps of the run, in which the largest value of a schedule is looked for.

    Returns
    -------
    (str, float, float) or None
        Name of the parameter, its largest value in the run and its threshold; None if the dynamics
        has no such parameter, or does not move in proportion to where it is, as with clipped
        gradients or Adam.
    """
    found = _stability(dynamics, curvature, steps)
    if found is None:
        return None
    name, value, stable = found
    low, high = 0.0, value
    while stable(high) and high < 1e12:
        low, high = high, 2.0 * high
    while high - low > 1e-9 * high:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if stable(middle) else (low, middle)
    return name, value, low


def warn_if_unstable(model, dynamics, x0, steps):
    """Warn if the learning rate is above the threshold of the largest curvature at x0 (of at most
    64 starting points).
    """
    if (model.example_hessian if isinstance(model, Loss) else model.hessian) is None:
        return
    places = np.unique(x0[:64], axis=0)
    curvature = float(np.linalg.eigvalsh(evaluate(model, places, "hessian")).max())
    found = (
        _stability(dynamics, curvature, steps) if np.isfinite(curvature) and curvature > 0 else None
    )
    if found and not found[2](found[1]):
        name, value, threshold = stable_limit(dynamics, curvature, steps)
        warnings.warn(
            f"{name} = {value:g} is above the threshold {threshold:.6g}, where the largest "
            "Hessian eigenvalue at x0, "
            f"{curvature:.6g}, becomes unstable: particles will leave unless the landscape is "
            "flatter elsewhere. "
            f"Choose {name} < {threshold:.6g}.",
            stacklevel=4,
        )


def check_radius(escape_radius, x0):
    """Largest squared norm that is inside."""
    if escape_radius is None:
        return float(np.finfo(x0.dtype).max)
    number(
        escape_radius, "escape_radius", above=0, at_most=1e150 if x0.dtype == np.float64 else 1e19
    )
    farthest = float(np.sqrt((x0 * x0).sum(axis=1)).max())
    if farthest > escape_radius * (
        1 + 4 * np.finfo(x0.dtype).eps
    ):  # a run goes on from where it ended, rounded
        raise ValueError(
            f"escape_radius must be at least {farthest:g}, the distance of the farthest particle "
            f"of x0, got {escape_radius!r}."
        )
    return float(escape_radius) ** 2
