"""The identities that `boltzmann_test` tests of a run, and for each that it does not, why."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..models.evaluate import evaluate, evaluator
from ..theory.basins_of_attraction import differenced_hessian
from .particles import weight_decay_of
from .stein_identities import (
    Cloud,
    Seen,
    bounded,
    cubic,
    energetic,
    inner,
    matrix_deviation,
    mean_force,
    position,
    push,
    trace_deviation,
)
from .wording import shorthand

STEP_OF_DIFFERENCES = 1e-3  # of a Hessian from gradients, relative to the spread of x
LEAST_INDEX = 2.0  # tail index of a number below which it has no variance
SHAPED = 16  # dimensions up to which the shape is tested as a matrix; beyond, by its trace
SCATTER_ROUNDS = 100  # of the scatter of heavy tails
SAME = 1e-6  # relative differences of a Hessian that count as none
LOOKED_AT = 2_000  # particles that tell whether minima are far apart ...
LEAST_OWN = 0.5  # ... which they are if E[div z] is at least this part of d
SEPARATION = 8.0  # of minima, squared, in the blending of centres
LONELY = 4.0  # times the energy of the next: e^-12 by chance among 50 particles of Boltzmann's law
VAGUE = 0.1  # relative error of a fitted temperature beyond which the tests do not keep their level


class Energy(NamedTuple):
    """U at the particles: ``value`` (n,), ``gradient`` (n, d), and ``hessian(part)`` of a slice."""

    value: np.ndarray
    gradient: np.ndarray
    hessian: Callable


def energy_at(run, model, x):
    """The `Energy` in Boltzmann's law, weight decay included, at particles x (n, d). A model
    without a Hessian gets one from central differences of its gradient."""
    decay, shifts = weight_decay_of(run), STEP_OF_DIFFERENCES * x.std(axis=0)
    gradient = evaluator(model, "gradient")

    def hessian(part):
        if model.function("hessian") is not None:
            matrix = evaluate(model, x[part], "hessian")
        else:
            matrix = differenced_hessian(gradient, x[part], shifts)
        return matrix + decay * np.eye(model.dim)

    value = evaluate(model, x, "energy") + decay / 2 * (x**2).sum(axis=1)
    return Energy(value, gradient(x) + decay * x, hessian)


def alone(x, energy):
    """What to say of a particle far above all others in energy (n,), or ""."""
    above = energy - energy.min()
    second, first = np.argsort(above)[-2:]
    if above[first] <= LONELY * above[second]:
        return ""
    place, times = np.array2string(x[first], precision=4), above[first] / above[second]
    return f"one particle is alone at x = {place}, {times:.3g} times as high as the next"


class Fit(NamedTuple):
    """A temperature, its standard ``error``, 0 if it was given, and why it is no good, or None."""

    temperature: float
    error: float
    trouble: str | None


class Charts(NamedTuple):
    """A `Cloud` in coordinates in which positions, or forces, have variance 1, and what the tail
    of the virial says against moments, or None."""

    by_position: Seen
    by_force: Seen
    heavy: str | None


def fitted(x, energy, centers, temperature):
    """The `Charts` of particles and the `Fit` of their temperature, by the virial, or by bounded
    functions where the virial has no variance; a `temperature` that is given is taken."""
    about = energy.gradient, energy.value, energy.hessian, 1.0, None
    z, slope = from_centers(x, centers, energy.gradient)
    sample, fit = Cloud(z, slope, *about), position
    seen = Seen(sample, _root_of_covariance)
    heavy = _heavy_tail(_lengths(seen.position) * _lengths(seen.force))
    if heavy:
        center, chart = _center_and_scatter_root(x)
        sample, fit = Cloud(x - center, None, *about), bounded
        seen = Seen(sample, chart)  # no moments: all particles choose it, in any dimension
    found = Fit(float(temperature or 0.0), 0.0, None)
    if temperature is None:
        found, sample = _fit_temperature(seen, fit), sample._replace(fitted=fit)
    scale = found.temperature if found.temperature > 0 else 1.0
    sample = sample._replace(temperature=scale)
    return Charts(Seen(sample, seen.way), Seen(sample, _by_force), heavy), found


def identities(views, trouble=None):
    """Name of a test -> `Deviation`, or the reason why it is not tested; with `trouble` about the
    temperature, those that need none."""
    at, of_force, d = views.by_position, views.by_force, views.by_position.dim
    shape = matrix_deviation if d <= SHAPED else trace_deviation
    place, at_force = _lengths(at.position), _lengths(at.force)
    force, energy = _lengths(of_force.force), np.abs(of_force.energy)
    same = "U is quadratic: {} say the same"
    quadratic = _is_quadratic(of_force)
    tests = {
        "mean_force": (force, lambda: mean_force(of_force.force)),
        "virial": (place * at_force, lambda: matrix_deviation(at, position)),
        "configurational": (force**2, lambda: matrix_deviation(of_force, push)),
        "fourth_moments": (place**3 * at_force, lambda: shape(at, cubic)),
        "energy": (energy * force**2, lambda: trace_deviation(of_force, energetic)),
    }
    if views.heavy:
        tests["bounded"] = (None, lambda: shape(at, bounded))
    found = {}
    if quadratic:
        found["configurational"] = same.format("virial and mean force")
        found["energy"] = same.format("fourth moments")
    for name, (size, test) in tests.items():
        if trouble and name != "mean_force":
            found[name] = trouble
        elif name not in found:
            found[name] = (
                (size is not None and _heavy_tail(size)) or test() or "it holds for every law here"
            )
    if isinstance(found["fourth_moments"], str) and not trouble:
        found["bounded_shape"] = shape(at, inner)
    return found


def _lengths(vectors):
    return np.linalg.norm(vectors, axis=1)


def _root_of_covariance(sample):
    """The chart in which positions have variance 1."""
    return _root(np.cov(sample.z.T))


def _by_force(sample):
    """The chart in which forces have variance 1."""
    return sample.temperature * np.linalg.inv(_root(np.cov(sample.gradient.T)))


def _root(matrix):
    """Symmetric square root."""
    values, vectors = np.linalg.eigh(np.atleast_2d(matrix))
    return (vectors * np.sqrt(values)) @ vectors.T


def _heavy_tail(size):
    """The reason not to test the mean of numbers of this size, or None: Hill's tail index from the
    n^(1/2) largest (1975) is below 2 by three standard errors."""
    count = max(5, int(np.sqrt(len(size))))
    largest = np.log(np.maximum(np.partition(size, -count - 1)[-count - 1 :], 1e-300))
    excess = (largest.sum() - largest.min()) / count - largest.min()
    index = 1 / max(excess, 1e-300)
    if index * (1 + 3 / np.sqrt(count)) >= LEAST_INDEX:
        return None
    shown = shorthand(index, index / np.sqrt(count))
    return f"its products have the tail index {shown} in this sample, below 2"


def _center_and_scatter_root(x):
    """Location and root of the scatter of a multivariate Cauchy law, by maximum likelihood: there
    for every tail, and as covariant as mean and covariance (Kent and Tyler 1991)."""
    center, scatter = np.median(x, axis=0), np.cov(x.T).reshape(2 * x.shape[1:])
    for _ in range(SCATTER_ROUNDS):
        z = x - center
        weight = (1 + x.shape[1]) / (1 + (z * np.linalg.solve(scatter, z.T).T).sum(axis=1))
        center, scatter = weight @ x / weight.sum(), (weight * z.T) @ z / len(x)
    return center, _root(scatter)


def _is_quadratic(seen):
    """Whether the Hessian is the same at a hundred particles."""
    return is_constant(next(iter(seen)).curvature[:: max(1, seen.size // 100)])


def is_constant(curvature):
    """Whether Hessians (n, d, d) are all the same."""
    return bool(np.all(np.abs(curvature - curvature[0]) < SAME * np.abs(curvature[0]).max()))


def _fit_temperature(seen, field):
    """The `Fit` of T = E[f . grad U] / E[div f] of a field, in a `Seen` with T = 1."""
    fields = [(field(place), place.force) for place in seen]
    power = np.concatenate([(own.u * force).sum(axis=1) for own, force in fields])
    spread = np.concatenate([np.trace(own.slope, axis1=1, axis2=2) for own, _ in fields])
    value, trouble = power.mean() / spread.mean(), None
    error = np.std(power - value * spread, ddof=1) / abs(spread.mean()) / np.sqrt(len(power))
    if value <= 0:
        trouble = "which no stationary state has. Run more steps"
    elif error > VAGUE * value:
        needed = len(power) * (error / value / VAGUE) ** 2
        trouble = f"too vague. Simulate about {needed:.1g} particles, or give temperature="
    if trouble:
        trouble = f"the fitted temperature is {shorthand(value, error)}, {trouble}"
    return Fit(float(value), float(error), trouble)


def from_centers(x, centers, gradient):
    """Where particles x (n, d) are from their centre, and the derivative of that as a function of
    a slice, or None if it is 1.

    The centre is the mean; or, where the minima `centers` (k, d) are far apart, so that each
    particle belongs to one, their blend c = sum_k w_k m_k with w_k ~ exp(-(x - m_k)' P (x - m_k)/2)
    and dc/dx = Cov_w(m) P. It is smooth: the identities hold exactly. P is the covariance of the
    gradient, times what makes SEPARATION the smallest squared distance of two minima."""
    d, plain = x.shape[1], x - x.mean(axis=0)
    if len(centers) < 2:
        return plain, None
    metric = np.cov(gradient.T).reshape(d, d)
    between = (centers[:, None] - centers)[np.triu_indices(len(centers), 1)]
    metric = metric * SEPARATION / ((between @ metric) * between).sum(axis=1).min()
    pull, outer = centers @ metric, centers[:, :, None] * centers[:, None, :]
    offset = (pull * centers).sum(axis=1) / 2

    def weights(part):
        weight = x[part] @ pull.T - offset
        weight = np.exp(weight - weight.max(axis=1, keepdims=True))
        return weight / weight.sum(axis=1, keepdims=True)

    def slope(part):
        weight = weights(part)
        center = weight @ centers
        square = (weight @ outer.reshape(-1, d * d)).reshape(-1, d, d)
        return np.eye(d) - (square - center[:, :, None] * center[:, None, :]) @ metric

    some = slope(slice(None, None, max(1, len(x) // LOOKED_AT)))
    if np.trace(some, axis1=1, axis2=2).mean() < LEAST_OWN * d:
        return plain, None
    z = x - weights(slice(None)) @ centers
    return z - z.mean(axis=0), slope
