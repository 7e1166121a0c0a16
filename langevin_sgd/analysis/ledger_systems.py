"""The rungs of a ledger as systems to simulate: which noise moves the particles, and by which
update; and what all rungs are read against: the minimum, the eigenbasis of its Hessian, and the
temperature of the noise."""

from functools import cache
from typing import NamedTuple

import numpy as np

from ..kernels.elementary import fma, maximum, sqrt, where
from ..models.descent import sgd
from ..models.dynamics import Dynamics
from ..models.evaluate import evaluate
from ..models.gaussian_field import gaussian_field
from ..models.gaussian_noise import gaussian
from ..models.minibatches import minibatch
from ..models.sgd_diffusion import sgd_diffusion
from ..models.table_gaussian import table_gaussian
from ..theory.basins_of_attraction import slope_of
from ..theory.momentum import underdamped_limit

RUNGS = (
    "boltzmann",
    "anisotropy",
    "state_dependence",
    "inertia",
    "finite_rate",
    "batch_law",
    "finite_population",
    "reshuffling",
)
CORNER = "isotropic_state_dependence"  # state dependence before anisotropy
SHUFFLED = ("reshuffle", "single_shuffle")
OVERDAMPED_STEP = 0.05  # time step of a diffusion times the largest curvature
UNDERDAMPED_STEP = 0.2  # ... of an underdamped one times the largest frequency
FRICTION_STEP = 0.5
TINY = 1e-150
AWAY = np.array([1.0, 10.0, 30.0])[:, None, None]  # how far, where a law of x is looked for
NEAR_MINIMUM = 0.05  # standard deviations of Boltzmann's law
STARTS = 16  # points of x0 from which the minimum is looked for


class Update(NamedTuple):
    """The numbers of SGD that all rungs share."""

    learning_rate: float
    momentum: float
    batch_size: int

    def temperature(self, covariance):
        """eta tr C / (2 d (1 - mu)) of a batch covariance C (d, d)."""
        scale = self.learning_rate / (2 * len(covariance) * (1 - self.momentum))
        return scale * np.trace(covariance)


class Frame(NamedTuple):
    """A minimum (d,), its energy, and H there: ``basis`` (d, d), columns, and ``curvature`` (d,).

    ``covariance`` (d, d) of a batch is the constant noise of the rung "anisotropy", in the
    components of x, and ``temperature`` what it says."""

    landscape: object
    minimum: np.ndarray
    energy: float
    curvature: np.ndarray
    basis: np.ndarray
    covariance: np.ndarray
    temperature: float

    @property
    def spread(self):
        """Standard deviations (d,) of Boltzmann's law along the modes, in the harmonic limit."""
        return np.sqrt(self.temperature / self.curvature)

    def directions(self):
        """Points (k, d) in the eigenbasis, some standard deviations away."""
        d = len(self.minimum)
        return np.random.default_rng(1).normal(size=(2 * d + 6, d)) * self.spread

    def along_modes(self, x):
        """Points (n, d) as distances from the minimum along the modes."""
        return (x - self.minimum) @ self.basis


def make_frame(landscape, covariance, update, point, x0):
    """The `Frame` at `point`, or at the lowest minimum below the first of the starting points x0.

    Raises
    ------
    ValueError
        If there is no minimum, or no noise there."""
    if point is None:
        point = _lowest_minimum(landscape, x0)
    scale = max(1e-3, float(np.linalg.norm(point - x0.mean(axis=0))))
    curvature, basis = np.linalg.eigh(slope_of(landscape, scale).hessian(point[None])[0])
    if not curvature[0] > 1e-12 * curvature[-1]:
        raise ValueError(
            f"reference_point must be a minimum with positive curvatures, but those of "
            f"{landscape.name!r} at {point.tolist()} are {curvature.tolist()}: Boltzmann's law "
            "around it is not normalisable. Pass another one."
        )
    away = basis.T @ evaluate(landscape, point, "gradient") / curvature
    there = covariance(point[None])[0]
    temperature = update.temperature(there)
    if not temperature > 0:
        raise ValueError(
            f"noise must not vanish at the reference point {point.tolist()}: the temperature there "
            "is 0, and Boltzmann's law is a point."
        )
    distance = np.abs(away) / np.sqrt(temperature / curvature)
    if not distance.max() < NEAR_MINIMUM:
        raise ValueError(
            f"reference_point must be a minimum, but a Newton step from {point.tolist()} is "
            f"{distance.max():.3g} standard deviations long, and may be {NEAR_MINIMUM:g}. Leave it "
            f"out, or pass {(point - basis @ away).tolist()} if that is one."
        )
    energy = float(evaluate(landscape, point, "energy"))
    return Frame(landscape, point, energy, curvature, basis, there, temperature)


def _lowest_minimum(landscape, x0):
    from scipy.optimize import minimize

    size = 1e-3 * (1 + np.abs(x0).max())
    starts = x0[:STARTS] + size * np.random.default_rng(1).normal(size=x0[:STARTS].shape)

    def energy(x):
        return float(evaluate(landscape, x, "energy"))

    def slope(x):
        return evaluate(landscape, x, "gradient")

    found = [minimize(energy, x, jac=slope, options={"gtol": 1e-10}) for x in starts]
    lowest = min(found, key=lambda end: end.fun)
    hessian = slope_of(landscape, max(size, float(np.linalg.norm(lowest.x)))).hessian
    return lowest.x - np.linalg.lstsq(hessian(lowest.x[None])[0], slope(lowest.x), rcond=None)[0]


class Simulated(NamedTuple):
    """A rung to simulate: dynamics and noise; ``coarse`` is the same with half the substeps, to
    extrapolate from, or None; `diffusion` the rate of E[dx dx'] in the time t = eta * steps at
    points (n, d), where the rung is overdamped."""

    dynamics: object
    noise: object
    coarse: object = None
    diffusion: object = None


class Absent(NamedTuple):
    """A rung that is not there; ``same`` if it could not differ from the one before."""

    reason: str
    same: bool


def _isotropic_diffusion(p, x, v, g, xi, z):
    square = 0.0
    for k in range(len(x)):
        square = fma(xi[k], xi[k], square)
    step, size = p.learning_rate / p.substeps, sqrt(square * (p.substeps / len(x)))
    for k in range(len(x)):
        x[k] = fma(-step, fma(size, z[k], g[k]), x[k])


def isotropic_diffusion(learning_rate, batch_size, substeps):
    """`sgd_diffusion` with noise of the same power at each point, the same in all directions.

    The length of xi times normals z: covariance E|xi|^2/d. Not Gaussian in one substep, but
    symmetric and of the right covariance, so that the error in the law is of order one in the time
    step, as Euler and Maruyama's."""
    params = {"learning_rate": learning_rate, "batch_size": batch_size, "substeps": substeps}
    return Dynamics("isotropic_diffusion", _isotropic_diffusion, params, None, 1, substeps=substeps)


def _half_drift(p, x, v, g, z):
    for k in range(len(x)):
        x[k] = x[k] + 0.5 * p.step_size * v[k]


def _kick_and_half_drift(p, x, v, g, xi, z):
    half = 0.5 * p.step_size / p.mass
    for k in range(len(x)):
        kept = p.keep * (v[k] - half * g[k]) - p.kick * xi[k]
        v[k] = kept - half * g[k]
        x[k] = x[k] + 0.5 * p.step_size * v[k]


def underdamped_diffusion(update, substeps):
    """m dv = -grad U dt - m f v dt + sqrt(eta C(x)) dW with the mass and friction of
    `underdamped_limit`, in substeps A B O B A of the time eta / substeps.

    O, friction and noise at a fixed x, is exact, and x does not move while the noise acts: the
    splitting is symmetric, so that the error is of second order for noise that depends on x too
    (derived)."""
    eta = update.learning_rate
    friction, mass = (float(k) for k in underdamped_limit(eta, update.momentum))
    step = eta / substeps
    keep = np.exp(-friction * step)
    params = {"step_size": step, "mass": mass, "keep": keep, "batch_size": update.batch_size}
    params["kick"] = np.sqrt(eta * (1 - keep**2) / (2 * friction)) / mass
    moves = _kick_and_half_drift, params, _half_drift
    return Dynamics("underdamped_diffusion", *moves, memory="velocity", substeps=substeps)


@cache
def _root_of(covariance):
    """The factor of a Gaussian noise of the covariance that a function writes: Cholesky's."""

    def factor(p, x, out):
        covariance(p, x, out)
        d = len(x)
        for j in range(d):
            square = out[j * d + j]
            for k in range(j):
                square = fma(-out[j * d + k], out[j * d + k], square)
            pivot = sqrt(maximum(square, 0.0))
            out[j * d + j] = pivot
            for i in range(j + 1, d):
                entry = out[i * d + j]
                for k in range(j):
                    entry = fma(-out[i * d + k], out[j * d + k], entry)
                out[i * d + j] = where(pivot > TINY, entry / maximum(pivot, TINY), 0.0)
                out[j * d + i] = 0.0

    return factor


def gaussian_twin(noise, dim):
    """Gaussian noise of the same covariance at each point as independent batches have."""
    if not noise.adds:
        return table_gaussian()
    if getattr(noise, "gaussian", True):
        return noise
    return gaussian_field(_root_of(noise.covariance), noise.params, dim, dim)


def systems(frame, update, noise, covariance, examples, substeps=None):
    """The rungs behind Boltzmann's as `Simulated` or `Absent`, and `CORNER`: a dict by name.

    `covariance` (n, d) -> (n, d, d) is that of independent batches of a table of `examples`."""
    eta, mu, batch = update
    d, rate = len(frame.minimum), eta / (1 - mu)
    stiffest = frame.curvature[-1]
    count = substeps or max(2, int(np.ceil(rate * stiffest / OVERDAMPED_STEP)))
    twin, per_time = gaussian_twin(noise, d), eta / (1 - mu) ** 2

    def constant(matrix):
        return lambda x: np.broadcast_to(matrix, (len(x), d, d))

    def overdamped(maker, of_batch, noise, diffusion):
        fine, coarse = (maker(rate, of_batch, n) for n in (2 * count, count))
        return Simulated(fine, noise, coarse, diffusion)

    def isotropic(x):
        power = np.trace(covariance(x), axis1=1, axis2=2) * per_time / d
        return power[:, None, None] * np.eye(d)

    def of_x(x):
        return per_time * covariance(x)

    heat = gaussian(np.full(d, 2 * frame.temperature / rate))
    level, fixed = per_time * 2 * frame.temperature / rate * np.eye(d), per_time * frame.covariance
    found = {
        "boltzmann": overdamped(sgd_diffusion, 1, heat, constant(level)),
        "anisotropy": overdamped(sgd_diffusion, 1, gaussian(frame.covariance), constant(fixed)),
        CORNER: overdamped(isotropic_diffusion, batch, twin, isotropic),
        "state_dependence": overdamped(sgd_diffusion, batch, twin, of_x),
        "inertia": Absent("there is no momentum", same=True),
        "finite_rate": Simulated(sgd(eta, batch, mu), twin),
    }
    if _is_constant(frame, covariance):
        same = Absent("the covariance of the noise does not depend on x", same=True)
        found |= {"state_dependence": same, CORNER: same}
    if mu:
        friction, mass = underdamped_limit(eta, mu)
        parts = (
            eta * np.sqrt(stiffest / mass) / UNDERDAMPED_STEP,
            eta * friction / FRICTION_STEP,
        )
        found["inertia"] = Simulated(
            underdamped_diffusion(update, substeps or max(2, int(np.ceil(max(parts))))), twin
        )
    return found | _batches(noise, twin, sgd(eta, batch, mu), batch < examples)


def _is_constant(frame, covariance):
    """Whether C is the same at points up to 30 standard deviations away."""
    away = np.concatenate(frame.directions() * AWAY)
    excess = covariance(frame.minimum + away @ frame.basis.T) - covariance(frame.minimum[None])
    return np.abs(excess).max() <= 1e-12 * np.trace(frame.covariance)


def _batches(noise, twin, dynamics, some_left):
    """The rungs of the law of the batches."""
    names = "batch_law", "finite_population", "reshuffling"
    found = dict.fromkeys(names, Absent("batches are drawn afresh in each step", same=True))
    if noise is twin:
        return found | {"batch_law": Absent("the noise is Gaussian", same=True)}
    if noise.adds:
        return found | {"batch_law": Simulated(dynamics, noise)}
    found["batch_law"] = Simulated(dynamics, minibatch("with_replacement"))
    if noise.sampling == "with_replacement":
        return found
    if not some_left:
        quiet = Absent("a batch is the whole table: there is no noise", same=False)
        return found | {"finite_population": quiet, "reshuffling": quiet}
    found["finite_population"] = Simulated(dynamics, minibatch("without_replacement"))
    if noise.sampling in SHUFFLED:
        found["reshuffling"] = Simulated(dynamics, noise)
    return found
