"""Runs of epochs.py on a table of data: where the additive theory fails, and why."""

from typing import NamedTuple

import numpy as np
from _epoch_runs import EPOCHS
from _runner import described, mean_and_error, with_error

import langevin_sgd as ls
from langevin_sgd.theory.linear_process import solve_stationary

BATCH, RATES = 34, np.array([0.005, 0.01, 0.02, 0.05, 0.1, 0.2])


class Table(NamedTuple):
    """Least squares in the eigenbasis of its Hessian: inputs (N, d), targets, the minimum,
    curvatures (d,) and gradients at the minimum (N, d)."""

    inputs: np.ndarray
    targets: np.ndarray
    minimum: np.ndarray
    curvatures: np.ndarray
    gradients: np.ndarray

    def loss(self, noisy=1.0):
        """Least squares with this minimum, and residuals multiplied by `noisy`."""
        fitted = self.inputs @ self.minimum
        return ls.losses.linear_regression(self.inputs, fitted + noisy * (self.targets - fitted))

    def covariance(self):
        return self.gradients.T @ self.gradients / len(self.gradients)

    def of_loops(self, batch):
        """What the additive theory lacks in flat directions at small rates: the slope against the
        rate of the variance over it, and how far the mean is off, in its standard deviations.

        At the minimum the gradients of an epoch sum to zero; those at the moving x do not: their
        sum is eta times that of (H_t - H) g_s over t > s. It is the area of a loop of two bridges,
        of variance eta^2 V M^2 (M + 1)/(12 (M - 1)), V = E |e'(H_t - H) g_s|^2, new in each epoch:
        beside the plateau eta^2 c0 (M + 1)/6 it adds eta V/(4 h c0) M/(M - 1) (derived). Its mean
        moves x by -(eta/4) grad tr C / h, the modified loss of Smith et al. 2021."""
        rows = len(self.targets)
        batches, noise = rows // batch, ls.theory.batch_covariance(self.covariance(), batch, rows)
        share, own = ls.theory.batch_covariance(1.0, batch, rows).item(), np.diag(noise)
        other = self.inputs[:, :, None] * self.inputs[:, None, :] - np.diag(self.curvatures)
        area = share * np.einsum("nij,jk,nik->i", other, noise, other) / rows
        mean = share * np.einsum("nij,nj->i", other, self.gradients) / rows
        slope = area / (4 * self.curvatures * own) * batches / (batches - 1)
        return slope, -mean / (2 * self.curvatures) / np.sqrt(own * (batches + 1) / 6)


def diabetes():
    """scikit-learn's diabetes table (Efron et al. 2004), standardised."""
    from sklearn.datasets import load_diabetes

    given = load_diabetes()
    columns = given.data, given.target
    inputs, targets = ((each - each.mean(axis=0)) / each.std(axis=0) for each in columns)
    curvatures, basis = np.linalg.eigh(inputs.T @ inputs / len(inputs))
    turned = inputs @ basis
    minimum = np.linalg.lstsq(turned, targets)[0]
    gradients = turned * (turned @ minimum - targets)[:, None]
    return Table(turned, targets, minimum, curvatures, gradients)


class OneEpoch(NamedTuple):
    """Means (d,) and covariances (d, d) by position, of a linear process whose noise is that of
    single epochs which start in the minimum."""

    mean: np.ndarray
    covariance: np.ndarray


def from_one_epoch(of, moved, rate):
    """`moved` from the minimum: (position, particle, component)."""
    step = np.eye(len(of.curvatures)) - rate * np.diag(of.curvatures)
    powers = np.array([np.linalg.matrix_power(step, m) for m in range(len(moved))])
    injected, shifts = np.array([np.cov(each.T) for each in moved]), moved.mean(axis=1)
    boundary = solve_stationary(powers[-1], injected[-1])
    shift = np.linalg.solve(np.eye(len(step)) - powers[-1], shifts[-1])
    covariance = powers @ boundary @ powers.transpose(0, 2, 1) + injected
    return OneEpoch((powers @ shift + shifts)[:-1], covariance[:-1])


def table_at(rate, numbers):
    """Variances and mean of reshuffled SGD on the diabetes table in units of the additive theory;
    and of the theory that takes the noise of one epoch as it is."""
    of, batches = diabetes(), 442 // BATCH
    hessian, sigma = np.diag(of.curvatures), of.covariance()
    additive = ls.theory.epoch_covariance(hessian, sigma, rate, BATCH, 442).mean(axis=0)
    records = of.loss(numbers.noisy), ls.dynamics.sgd(rate, BATCH)
    start = {"x0": of.minimum, "particles": 10 * numbers.particles}
    moved = numbers.simulate(*records, steps=batches, every=1, **start).x.values - of.minimum
    one = from_one_epoch(of, moved, rate)
    slowest = of.curvatures[0 if rate >= 0.05 else 1]
    settle = batches * round(4 / (rate * slowest * batches) + 1)
    random = np.random.default_rng(numbers.seed)
    x0 = random.multivariate_normal(of.minimum + one.mean[0], one.covariance[0], numbers.particles)
    run = numbers.settled(records, settle, EPOCHS * batches, x0=x0)
    x, over = run.x.values[:-1] - of.minimum, np.diagonal(additive)
    mean, error = mean_and_error(x.mean(axis=0) / np.sqrt(over))
    squares = ((x - x.mean(axis=1, keepdims=True)) ** 2).mean(axis=0) / over
    table = np.array([*mean_and_error(squares), mean, error])
    table[:, of.curvatures < slowest] = np.nan
    of_one = np.diagonal(one.covariance.mean(axis=0)) / over, one.mean.mean(axis=0) / np.sqrt(over)
    words = "variance over that of the additive theory", "mean less the minimum, in its s.d."
    values = with_error("warm", "eigenvector", table[:2], "1", words[0])
    values |= with_error("shift", "eigenvector", table[2:], "1", words[1])
    for name, value, text in zip(("warm", "shift"), of_one, words, strict=True):
        values[f"{name}_one_epoch"] = "eigenvector", value, "1", f"theory of one epoch: {text}"
    return described(values)
