"""The tables of one_temperature.py at their minima, in the eigenbases of their Hessians."""

from typing import NamedTuple

import numpy as np
from _curvature_tables import COMPONENTS, minimum, real_table, standardised

import langevin_sgd as ls
from langevin_sgd.models.example_gradients import gradients_of

# Learning rate without momentum, batch size, which divides the rows that are used.
SETTINGS = {"diabetes": (0.1, 13), "breast cancer": (0.25, 8), "digits": (1.0, 16)}


class Case(NamedTuple):
    """A table at its minimum, in the eigenbasis of its Hessian: gradients (N, d) and Hessians of
    its examples less their mean (N, d, d); the learning rate without momentum, and B."""

    loss: object
    minimum: np.ndarray
    curvature: np.ndarray
    basis: np.ndarray
    gradients: np.ndarray
    hessians: np.ndarray
    learning_rate: float
    batch_size: int

    @property
    def epoch(self):
        return len(self.gradients) // self.batch_size

    @property
    def sigma(self):
        """Covariance of one example's gradient at the minimum."""
        return self.gradients.T @ self.gradients / len(self.gradients)


def loss_of(name):
    """scikit-learn's table as a loss, of as many rows as the batches of `SETTINGS` use up; logistic
    regressions have the ridge 1/N, scikit-learn's own."""
    if name == "diabetes":
        return real_table(name).loss()
    from sklearn.datasets import load_breast_cancer, load_digits

    rows, labels = (load_digits if name == "digits" else load_breast_cancer)(return_X_y=True)
    count = len(rows) - len(rows) % 8
    inputs = standardised(rows[:count], COMPONENTS if name == "digits" else None)
    of = ls.losses.multinomial_regression if name == "digits" else ls.losses.logistic_regression
    return of(inputs, 1.0 * labels[:count], l2=1 / count)


def case_of(name):
    loss = loss_of(name)
    place = minimum(loss)
    curvature, basis = np.linalg.eigh(ls.evaluate(loss, place, "hessian"))
    gradients = ls.example_gradients(loss, place) @ basis
    hessians = gradients_of(loss, "hessian")(place[None], slice(None))[0]
    hessians = basis.T @ hessians.reshape(-1, loss.dim, loss.dim) @ basis
    hessians = hessians - hessians.mean(axis=0)
    return Case(loss, place, curvature, basis, gradients, hessians, *SETTINGS[name])


def additive_twin(case):
    """A table with the same Hessian and the same gradients at the minimum, but for all examples the
    same Hessian: what remains is noise that does not depend on x."""
    hessian = case.basis * case.curvature @ case.basis.T
    centres = case.minimum - np.linalg.solve(hessian, case.basis @ case.gradients.T).T
    return ls.losses.quadratic_centers(hessian, centres)
