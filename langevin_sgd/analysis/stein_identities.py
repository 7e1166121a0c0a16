"""Identities E[f . grad U] = T E[div f] of Boltzmann's law, each tested with its exact variance.

For fields f and k, in units where T = 1 and H is the Hessian of U, integration by parts, twice,
gives for the numbers A f = f . grad U - div f of a particle: E[A f] = 0 and
E[A f A k] = E[f' H k] + E[tr(grad f grad k)]. This variance, estimated without the numbers
themselves, keeps the level from some hundred particles on, where Student's t, whose error follows
the long tail of products of coordinates, rejects up to twenty times too often.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .significance import Deviation, hotelling, of_variance

WORKED_NUMBERS = 100_000  # matrix entries worked on at a time ...
KEPT_NUMBERS = 20_000_000  # ... and kept, if all particles have no more
LARGEST_MATRIX = 16  # dimensions up to which all particles may say in which coordinates to look
LEAST_VARIANCE = 1e-9  # relative; below it a number is the same for every law


class Cloud(NamedTuple):
    """Particles in the energy U: ``z`` (n, d), where they are from their centre; ``slope(part)``,
    dz_i/dx_a of a slice, (m, d, d), or None if that is 1; ``gradient`` (n, d), ``energy`` (n,) and
    ``hessian(part)`` (m, d, d) of U; ``temperature``, and the field that ``fitted`` it or None."""

    z: np.ndarray
    slope: Callable | None
    gradient: np.ndarray
    energy: np.ndarray
    hessian: Callable
    temperature: float
    fitted: Callable | None


class Place(NamedTuple):
    """Some particles in linear coordinates and units where T = 1: positions ``y``, ``slope``
    (m, a, i) = dy_i/dx_a, ``force`` = grad U, ``curvature``, and ``energy`` from its mean."""

    y: np.ndarray
    slope: np.ndarray
    force: np.ndarray
    curvature: np.ndarray
    energy: np.ndarray


class Field(NamedTuple):
    """A vector u (m, i) and its ``slope`` (m, a, i) = du_i/dx_a. It is one field, or it makes
    d^2 fields f_ij = u_i e_j."""

    u: np.ndarray
    slope: np.ndarray


def position(place):
    """The field y: the virial."""
    return Field(place.y, place.slope)


def cubic(place):
    """The field |y|^2 y: fourth moments, if U is quadratic."""
    square = (place.y**2).sum(axis=1)[:, None, None]
    slope = square * place.slope + _rise(place) * place.y[:, None, :]
    return Field(square[:, :, 0] * place.y, slope)


def bounded(place, power=1):
    """The field y / (1 + |y|^2/d)^power, whose product with a linear force is bounded."""
    d = place.y.shape[1]
    share = 1 / (1 + (place.y**2).sum(axis=1)[:, None, None] / d)
    bend = power / d * share ** (power + 1) * _rise(place) * place.y[:, None, :]
    return Field(share[:, :, 0] ** power * place.y, share**power * place.slope - bend)


def inner(place):
    """The field y / (1 + |y|^2/d)^2: with `bounded` it tells shapes apart whatever T is."""
    return bounded(place, 2)


def push(place):
    """The field grad U: configurational temperatures."""
    return Field(place.force, place.curvature)


def energetic(place):
    """The field (U - <U>) grad U."""
    energy, force = place.energy[:, None, None], place.force
    slope = force[:, :, None] * force[:, None, :] + energy * place.curvature
    return Field(energy[:, :, 0] * force, slope)


def _rise(place):
    """Gradient of |y|^2, (m, a, 1)."""
    return 2 * place.slope @ place.y[:, :, None]


class Seen:
    """A `Cloud` in linear coordinates y with x = chart @ y: iterating gives its `Place`s, some
    particles at a time; they are worked out once where they are not too many. The chart is an
    array, or a function that finds it from a `Cloud`."""

    def __init__(self, sample, chart):
        self.sample, self.way, self.fitted = sample, chart, sample.fitted
        self.chart = chart = chart(sample) if callable(chart) else chart
        self.size, self.dim = sample.z.shape
        self.position = sample.z @ np.linalg.inv(chart).T
        self.force = sample.gradient @ chart / sample.temperature
        self.energy = (sample.energy - sample.energy.mean()) / sample.temperature
        self.kept = list(self._places()) if sample.z.size * self.dim <= KEPT_NUMBERS else None

    def halves(self):
        """Every second particle, and the others, both in coordinates that the first have chosen:
        to the others their fields are fixed, as the identities ask for, in any dimension."""
        first = _every_second(self.sample, 0)
        center = first.z.mean(axis=0)
        first = Seen(first._replace(z=first.z - center), self.way)
        others = _every_second(self.sample, 1)
        return first, Seen(others._replace(z=others.z - center), first.chart)

    def __iter__(self):
        return iter(self.kept or self._places())

    def _places(self):
        sample, chart, d = self.sample, self.chart, self.dim
        inverse, one = np.linalg.inv(chart), np.eye(d)[None]
        rows = max(1, WORKED_NUMBERS // d**2)
        for part in (slice(k, k + rows) for k in range(0, self.size, rows)):
            y = self.position[part]
            slope = np.broadcast_to(one, (len(y), d, d))
            if sample.slope is not None:
                slope = chart.T @ np.swapaxes(sample.slope(part), 1, 2) @ inverse.T
            curvature = chart.T @ sample.hessian(part) @ chart / sample.temperature
            yield Place(y, slope, self.force[part], curvature, self.energy[part])


def _every_second(sample, start):
    """A `Cloud` of every second particle from `start` on."""
    rows, slope = np.arange(start, len(sample.z), 2), sample.slope
    return sample._replace(
        z=sample.z[rows],
        slope=slope and (lambda part: slope(rows[part])),
        gradient=sample.gradient[rows],
        energy=sample.energy[rows],
        hessian=lambda part: sample.hessian(rows[part]),
    )


def averages(seen, sums):
    """Means over all particles of each thing that `sums(place)` adds up over some of them."""
    parts = [sums(place) for place in seen]
    return [sum(values) / seen.size for values in zip(*parts, strict=True)]


def _traces(slope):
    return np.trace(slope, axis1=1, axis2=2)


def _number(field, force):
    """A f, (m,)."""
    return (field.u * force).sum(axis=1) - _traces(field.slope)


def _variance(field, curvature):
    """f' H f + tr(grad f)^2, (m,)."""
    bent = (curvature @ field.u[:, :, None])[:, :, 0]
    return (field.u * bent).sum(axis=1) + np.einsum("nab,nba->n", field.slope, field.slope)


def mean_force(gradient):
    """E[grad U] = 0, by Hotelling's test: one deviation, the length of the mean force less what is
    noise of it, in coordinates where the force (n, d) has variance 1. Needs no temperature."""
    n, d = gradient.shape
    mean, covariance = gradient.mean(axis=0), np.atleast_2d(np.cov(gradient.T))
    square = mean @ np.linalg.solve(covariance, mean)
    effect = np.sqrt(max(square - d / n, 0.0))
    p_value = hotelling(mean, covariance, n)
    return Deviation(np.array([effect]), np.array([1 / np.sqrt(n)]), p_value)


def _shares(seen, field):
    """E[div f_ij], (d, d), and how much each f_ij takes up of the field that fitted T."""

    def sums(place):
        return field(place).slope.sum(axis=0).T, _fitting_field(seen, place).slope.sum(axis=0)

    divergence, of_fit = averages(seen, sums)
    return divergence, divergence / (np.trace(of_fit) or np.inf)


def _fitting_field(seen, place):
    """The field that fitted T; zero if T was given."""
    if seen.fitted is None:
        return Field(np.zeros_like(place.y), np.zeros_like(place.slope))
    return seen.fitted(place)


def _along(seen, field, taken, weights):
    """Means over particles of A f, (A f)^2 and the variance of A f under Boltzmann's law, for the
    field f = sum_ij W_ij f_ij less what the fitted T takes up of it."""
    taken = (taken * weights).sum()

    def sums(place):
        own, fit = field(place), _fitting_field(seen, place)
        one = Field(own.u @ weights - taken * fit.u, own.slope @ weights - taken * fit.slope)
        number = _number(one, place.force)
        return number.sum(), (number**2).sum(), _variance(one, place.curvature).sum()

    return averages(seen, sums)


def trace_deviation(seen, field):
    """The identity of the field u, relative to E[div u]; None if it holds for every law. In many
    dimensions half of the particles choose the coordinates, and the others test: coordinates in
    which all are white would shift it by d/(2 n)^(1/2) of its error (Mardia 1970)."""
    if seen.dim > LARGEST_MATRIX:
        seen = seen.halves()[1]
    n, d = seen.size, seen.dim
    divergence, taken = _shares(seen, field)
    number, square, variance = _along(seen, field, taken, np.eye(d))
    scale = np.trace(divergence)
    if not variance > LEAST_VARIANCE * scale**2:
        return None
    error = np.sqrt((square - number**2) / n) / abs(scale)
    p_value = of_variance(np.array([number]), np.array([[variance / n]]))
    return Deviation(np.array([number / scale]), np.array([error]), p_value)


def matrix_deviation(seen, field):
    """The identities of f_ij = u_i e_j, their symmetric part, relative to E[div u]/d: as
    deviations, the eigenvalues of the matrix; None if it holds for every law.

    Up to LARGEST_MATRIX dimensions all entries are tested together. Beyond, half of the particles
    say in which coordinates and direction the matrix deviates, and the others test this number."""
    n, d = seen.size, seen.dim
    divergence, taken = _shares(seen, field)
    scale = np.trace(divergence) / d
    matrix, square, covariance = _matrix_means(seen, field, taken)
    if d > LARGEST_MATRIX:
        first, others = seen.halves()
        direction, _, _ = _matrix_means(first, field, _shares(first, field)[1])
        number, _, variance = _along(others, field, _shares(others, field)[1], direction)
        p_value = of_variance(np.array([number]), np.array([[variance / others.size]]))
    else:
        basis = _symmetric_basis(d)
        covariance = basis @ covariance @ basis.T
        if not np.trace(covariance) > LEAST_VARIANCE * scale**2:
            return None
        p_value = of_variance(basis @ matrix.ravel(), covariance / n)
    values, vectors = np.linalg.eigh(matrix)
    error = _errors_along(seen, field, taken, vectors, values)
    noise = (square - (matrix**2).sum()) / n / (d * (d + 1)) * (d - 1)
    return Deviation(_without_repulsion(values, noise) / scale, error / abs(scale), p_value)


def _matrix_means(seen, field, taken):
    """Mean of A f_ij, (d, d), as f_ij less what the fitted T takes up; of its squares; and, in few
    dimensions, the covariance of A f_ij and A f_kl under Boltzmann's law."""

    def sums(place):
        own, fit, covariance = field(place), _fitting_field(seen, place), 0.0
        numbers = _matrix_numbers(own, fit, taken, place.force)
        if seen.dim <= LARGEST_MATRIX:
            covariance = _covariance(own, fit, taken, place.curvature)
        return numbers.sum(axis=0), (numbers**2).sum(), covariance

    return averages(seen, sums)


def _matrix_numbers(own, fit, taken, force):
    """Symmetric part of A f_ij, less what the fitted T takes up, (m, d, d)."""
    numbers = own.u[:, :, None] * force[:, None, :] - np.swapaxes(own.slope, 1, 2)
    numbers = numbers - taken * _number(fit, force)[:, None, None]
    return (numbers + np.swapaxes(numbers, 1, 2)) / 2


def _covariance(own, fit, taken, curvature):
    """Sum over particles of f_ij' H f_kl + tr(grad f_ij grad f_kl), (d^2, d^2)."""
    m, d = own.u.shape
    outer = (own.u[:, :, None] * own.u[:, None, :]).reshape(m, d * d)
    bent = (outer.T @ curvature.reshape(m, d * d)).reshape(d, d, d, d)  # i, k, j, l
    slopes = own.slope.reshape(m, d * d)
    turned = (slopes.T @ slopes).reshape(d, d, d, d)  # l, i, j, k
    total = bent.transpose(0, 2, 1, 3) + turned.transpose(1, 2, 3, 0)
    push_fit = (curvature @ fit.u[:, :, None])[:, :, 0]
    mixed = own.u.T @ push_fit + np.einsum("nja,nai->ij", fit.slope, own.slope)
    mixed, taken = mixed.ravel(), taken.ravel()
    total = total.reshape(d * d, d * d) - np.outer(mixed, taken) - np.outer(taken, mixed)
    return total + np.outer(taken, taken) * _variance(fit, curvature).sum()


def _symmetric_basis(d):
    """An orthonormal basis of the symmetric matrices, (d (d + 1)/2, d^2)."""
    rows, columns = np.triu_indices(d)
    basis = np.zeros((len(rows), d, d))
    basis[np.arange(len(rows)), rows, columns] += 1
    basis[np.arange(len(rows)), columns, rows] += 1
    basis = basis.reshape(len(rows), d * d)
    return basis / np.linalg.norm(basis, axis=1, keepdims=True)


def _errors_along(seen, field, taken, vectors, values):
    """Standard errors of v' A f v for the columns v of `vectors`, which have the means `values`."""

    def sums(place):
        numbers = _matrix_numbers(field(place), _fitting_field(seen, place), taken, place.force)
        return ((((numbers @ vectors) * vectors).sum(axis=1) ** 2).sum(axis=0),)

    (squares,) = averages(seen, sums)
    return np.sqrt(np.maximum(squares - values**2, 0.0) / seen.size)


def _without_repulsion(values, noise):
    """Eigenvalues of a symmetric matrix without what its noise adds to the outer ones.

    An eigenvalue e of the exact matrix above s = (d - 1)^(1/2) sd of an entry is measured as
    e + s^2/e, smaller ones as up to 2 s (Baik, Ben Arous, Peche 2005); inverted here, with half of
    what is below 2 s, which may be anything up to s."""
    size = np.abs(values)
    return np.sign(values) * (size + np.sqrt(np.maximum(size**2 - 4 * noise, 0.0))) / 2
