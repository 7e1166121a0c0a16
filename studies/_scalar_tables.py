"""Four least-squares tables of one Hessian and one tr(Sigma), their exact moments along a run, and
SGD that keeps the sum of its positions.

All loss is quadratic, x_i x_i' e + r_i x_i is the gradient of example i at the distance e from the
minimum, and batches are drawn with replacement, so that second moments obey a closed equation."""

from typing import NamedTuple

import numpy as np

import langevin_sgd as ls

FEATURES = ["bmi", "bp", "s1", "s2"]
SHAPES = {"aligned": 1.0, "isotropic": 0.0, "opposed": -1.0}  # Sigma is proportional to H^power
NAMES = ["diabetes", *SHAPES]


class Table(NamedTuple):
    """A least-squares problem: inputs (N, d), targets (N,), the minimum, H and Sigma there."""

    inputs: np.ndarray
    targets: np.ndarray
    minimum: np.ndarray
    hessian: np.ndarray
    sigma: np.ndarray

    def loss(self):
        return ls.losses.linear_regression(self.inputs, self.targets)

    def rise(self, moved):
        """Loss above the minimum at distances from it, (..., d)."""
        return ((moved @ self.hessian) * moved).sum(axis=-1) / 2


def table(inputs, targets):
    minimum = np.linalg.lstsq(inputs, targets)[0]
    loss = ls.losses.linear_regression(inputs, targets)
    sigma = ls.analysis.gradient_covariance(loss, minimum).covariance.values
    return Table(inputs, targets, minimum, inputs.T @ inputs / len(inputs), sigma)


def diabetes():
    """Four features of scikit-learn's diabetes table (Efron et al. 2004), all standardised."""
    from sklearn.datasets import load_diabetes

    given = load_diabetes()
    inputs = given.data[:, [given.feature_names.index(name) for name in FEATURES]]
    columns = (each - each.mean(axis=0) for each in (inputs, given.target))
    return table(*(each / each.std(axis=0) for each in columns))


def table_named(name):
    """The diabetes table, or one with its H and tr(Sigma): along each eigenvector of H four
    examples of one input, whose residuals, of two sizes and both signs, set the noise there."""
    real = diabetes()
    if name == "diabetes":
        return real
    curvature, basis = np.linalg.eigh(real.hessian)
    noise = curvature ** SHAPES[name]
    noise *= np.trace(real.sigma) / noise.sum()
    inputs = np.repeat(basis * np.sqrt(len(basis) * curvature), 4, axis=1).T
    sizes = np.sqrt([1.5, 1.5, 0.5, 0.5]) * [1, -1, 1, -1]
    residuals = np.outer(np.sqrt(noise / curvature), sizes).ravel()
    return table(inputs, inputs @ real.minimum + residuals)


def noise_at(table, second):
    """Mean of Sigma(theta) where theta has the second moment `second` about the minimum."""
    residuals = table.inputs @ table.minimum - table.targets
    weights = ((table.inputs @ second) * table.inputs).sum(axis=1) + residuals**2
    mean = (table.inputs.T * weights) @ table.inputs / len(weights)
    return mean - table.hessian @ second @ table.hessian


def second_moments(table, rate, batch, steps):
    """E[e e'] of SGD that starts at the minimum, after 0 ... steps steps: exact."""
    second = [np.zeros_like(table.hessian)]
    contraction = np.eye(len(table.hessian)) - rate * table.hessian
    for _ in range(steps):
        kicks = rate**2 / batch * noise_at(table, second[-1])
        second.append(contraction @ second[-1] @ contraction + kicks)
    return np.array(second)


def moments_off(name, rate=0.1, batch=4, steps=2048):
    """How far the last of them is from the stationary covariance of the package, relatively."""
    given = table_named(name)
    exact = ls.theory.least_squares_moments(given.inputs, given.targets, rate, batch).covariance
    return np.abs(second_moments(given, rate, batch, steps)[-1] / exact - 1).max()


def time_average(table, rate, batch, stationary, steps):
    """Covariance of the mean of `steps` positions of a stationary run: exact."""
    noise = noise_at(table, stationary)
    process = ls.theory.linear_sgd(table.hessian, noise, rate, batch)
    return ls.theory.time_average_covariance(process, steps)


def _step_and_sum(p, x, v, g, xi, z):
    for k in range(len(x)):
        x[k] = x[k] - p.learning_rate * (g[k] + xi[k])
        v[k] = v[k] + x[k]


def sgd_with_sum(rate, batch):
    """SGD; v is the sum of the positions after each step."""
    params = {"learning_rate": rate, "batch_size": batch}
    return ls.Dynamics("sgd_with_sum", _step_and_sum, params, memory="velocity")
