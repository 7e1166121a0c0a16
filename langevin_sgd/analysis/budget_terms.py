"""The terms of the virial identity, averaged over independent particles, with standard errors."""

from typing import NamedTuple

import numpy as np

from ..engine.reducers.readings import MATRIX, labelled, with_error
from ..theory.virial import LONG_NAMES, Products, symmetric_product, virial_terms
from .significance import hotelling

CHUNK_NUMBERS = 2_000_000  # matrix entries worked on at a time
PARTICLES_PER_NUMBER = 100  # for a p-value that is right to 1 or 2 % at 5 %
TERMS = "virial", "step_term", "noise_term", "inertia_term", "memory_term", "residual"
MEANS = *TERMS, "traceless", "temperature"  # the noise term is the sum of these two
RESIDUAL = TERMS.index("residual")


class Path(NamedTuple):
    """What moves independent particles, before each of some steps: arrays (steps, particles, d).

    `x` is where the gradient is taken, and `gradient` the full one there, weight decay included;
    `noise` is the rest of the push, or None for one step of fresh noise with a known covariance."""

    x: np.ndarray
    gradient: np.ndarray
    velocity: np.ndarray | None
    noise: np.ndarray | None


class Descent(NamedTuple):
    """What the identity needs of SGD."""

    learning_rate: float
    momentum: float
    looks_ahead: bool  # Nesterov's momentum


def budget_variables(path, covariance, descent, reference_covariance=None, digits=1e-16):
    """The variables of a budget, a dict name -> (dims, values, attributes), and the reason why it
    has no p-value, or "".

    `covariance(particles)` is that of the batch gradient at the particles of a slice, (n, d, d),
    where the path has no noise; `reference_covariance` that at the reference point, if it is known;
    `digits` the relative rounding of x."""
    means, residual_covariance = _means(path, covariance, descent)
    variables = {}
    for name in TERMS:
        variables |= with_error(name, MATRIX, means[name], LONG_NAMES[name], "energy")
    if reference_covariance is not None:
        variables |= _split(means, at_reference(reference_covariance, descent))
    residual, error = means["residual"][0].copy(), means["residual"][1]
    squares = np.mean(path.x**2, axis=(0, 1))
    rounding = rounding_of(squares, [means[name][0] for name in TERMS], descent, digits)
    residual[(error <= rounding) & (np.abs(residual) <= rounding)] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(residual == 0, 0.0, residual / np.where(error > rounding, error, 0.0))
    variables["z"] = labelled(MATRIX, ratio, "residual in standard errors")
    upper = np.triu_indices(len(residual))
    particles, entries = path.x.shape[1], len(upper[0])
    if residual_covariance is None:
        p_value, reason = (
            np.nan,
            (
                f"a joint p-value of {entries} numbers needs {PARTICLES_PER_NUMBER * entries} "
                f"particles, got {particles}; each number has its z"
            ),
        )
    else:
        varies = (error > rounding)[upper]
        known = residual_covariance * np.outer(varies, varies)
        p_value, reason = hotelling(residual[upper], known, particles), ""
    variables["p_value"] = labelled((), p_value, "p-value of a vanishing residual")
    return variables, reason


def rounding_of(squares, terms, descent, digits):
    """Residuals that are not told from 0, (d, d): where all particles go round without noise, and
    what motion in the last digits of x, of the mean `squares` (d,), amounts to."""
    share = max(1e-8, 10 * digits)
    sizes = np.abs(np.einsum("tii->ti", terms)).sum(axis=0), share * squares / descent.learning_rate
    return share * sum(np.sqrt(np.outer(size, size)) for size in sizes)


class AtReference(NamedTuple):
    """The noise term at the reference point: its trace / d, and the traceless rest (d, d)."""

    temperature: float
    anisotropy: np.ndarray


def at_reference(covariance, descent):
    """The noise `AtReference` of the batch covariance (d, d) there."""
    noise = descent.learning_rate / (2 * (1 - descent.momentum)) * covariance
    temperature = np.trace(noise) / len(noise)
    return AtReference(temperature, noise - temperature * np.eye(len(noise)))


def _split(means, there):
    """The noise term in parts: one temperature at the reference point, what state dependence adds
    to it, anisotropy there, and the traceless rest."""
    mean, error = (float(matrix[0, 0]) for matrix in means["temperature"])
    shift = mean - there.temperature, error
    traceless, error = means["traceless"]
    beyond = traceless - there.anisotropy, error
    return {
        "reference_temperature": labelled((), there.temperature, REFERENCE, "energy"),
        "anisotropy_term": labelled(MATRIX, there.anisotropy, ANISOTROPY, "energy"),
        **with_error("temperature_shift", (), shift, SHIFT, "energy"),
        **with_error("state_dependence_term", MATRIX, beyond, BEYOND, "energy"),
    }


REFERENCE = "sgd_temperature of the noise at the reference point"
ANISOTROPY = "traceless part of the noise term at the reference point"
SHIFT = "shift of the temperature by noise that depends on x"
BEYOND = "traceless part of what noise that depends on x adds"


def _means(path, covariance, descent):
    """Means over the particles, worked out in parts: a dict name -> (mean, error), (d, d) each, of
    MEANS; and the covariance of the upper triangle of a residual, None where there are too few
    particles for it."""
    _, n, d = path.x.shape
    rows, columns = np.triu_indices(d)
    tested = n >= PARTICLES_PER_NUMBER * len(rows)
    terms_of = terms_by_particle(path, covariance, descent)
    # One particle's terms: less these, a constant term has exactly no spread.
    shift = terms_of(slice(0, 1))
    total, squares, products = np.zeros_like(shift[:, 0]), np.zeros_like(shift[:, 0]), 0.0
    chunk = max(1, CHUNK_NUMBERS // (d * d * len(path.x)))
    for start in range(0, n, chunk):
        terms = terms_of(slice(start, start + chunk)) - shift
        total += terms.sum(axis=1)
        squares += (terms**2).sum(axis=1)
        if tested:
            residual = terms[RESIDUAL][:, rows, columns]
            products = products + residual.T @ residual
    mean = total / n
    error = np.sqrt(np.maximum(squares / n - mean**2, 0.0) / (n - 1))
    flat, known = mean[RESIDUAL][rows, columns], None
    if tested:
        known = (products - n * np.outer(flat, flat)) / (n - 1)
    pairs = zip(mean + shift[:, 0], error, strict=True)
    return dict(zip(MEANS, pairs, strict=True)), known


def terms_by_particle(path, covariance, descent):
    """A function of a slice of the particles: their MEANS, (means, particles, d, d); the
    temperature is the trace / d of the noise term, times the identity."""
    steps, n, d = path.x.shape
    once = path.noise is None
    # The factor makes the virial unbiased; along a path noise and gradient see the same x, and its
    # sums telescope.
    centred = (path.x - path.x.mean(axis=(0, 1))) * (n / (n - 1) if once else 1.0)
    moves = bool(descent.momentum)

    def mean_product(a, b, part):
        if steps == 1:
            return symmetric_product(a[0, part], b[0, part])
        product = np.moveaxis(a[:, part], 0, -1) @ np.moveaxis(b[:, part], 0, 1) / steps
        return (product + np.swapaxes(product, -1, -2)) / 2

    def products_of(part):
        g, v, xi = path.gradient, path.velocity, path.noise
        found = Products(
            x_g=mean_product(centred, g, part),
            g_g=mean_product(g, g, part),
            xi_xi=covariance(part) if once else mean_product(xi, xi, part),
            v_g=mean_product(v, g, part) if moves else 0.0,
        )
        if once:
            return found
        return found._replace(
            v_xi=mean_product(v, xi, part) if moves else 0.0,
            g_xi=mean_product(g, xi, part),
            x_xi=mean_product(centred, xi, part),
        )

    def terms_of(part):
        found = virial_terms(products_of(part), *descent)
        count = len(path.x[0, part])
        terms = [np.broadcast_to(getattr(found, name), (count, d, d)) for name in TERMS]
        noise = np.broadcast_to(found.noise_term, (count, d, d))
        mean = np.trace(noise, axis1=1, axis2=2)[:, None, None] / d * np.eye(d)
        return np.stack([*terms, noise - mean, mean])

    return terms_of


def pushes(x, v, descent):
    """g + xi of each of the steps between stored positions (steps + 1, ...) and velocities."""
    if v is None or not descent.momentum:
        return (x[:-1] - x[1:]) / descent.learning_rate
    return (v[1:] - descent.momentum * v[:-1]) / descent.learning_rate
