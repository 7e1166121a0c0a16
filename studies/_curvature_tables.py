"""Real tables and tables drawn from a law, as losses in nats, for fisher_hessian_covariance.py."""

from typing import NamedTuple

import numpy as np

import langevin_sgd as ls

COMPONENTS = 3  # leading principal components that are kept of breast cancer and digits
DIGITS = {"separable": (0, 3), "overlapping": (3, 8)}  # two classes
FOURTH_CUMULANT = {"coin": -2.0, "uniform": -1.2, "normal": 0.0, "Laplace": 3.0}

# How far a score of Sigma beside F is from that of equal matrices; of the exponent itself.
AWAY_FROM_ONE = {
    "distance": lambda value: value,
    "alignment": lambda value: np.sqrt(1 - value**2),  # |Sigma - c F| / |Sigma| for the best c
    "overlap": lambda value: 1 - value,
    "gamma": lambda value: value,
}


class Table(NamedTuple):
    """Inputs with an intercept, and labels; `of` makes a loss of both, `classes` is None for least
    squares."""

    of: object
    inputs: np.ndarray
    labels: np.ndarray
    classes: int | None

    def loss(self, **options):
        return self.of(self.inputs, self.labels, **options)

    def twin(self, random, x):
        """The same inputs with labels drawn from the model's own law at x."""
        if self.classes is None:
            labels = self.inputs @ x + random.normal(size=len(self.labels))
            labels = in_nats(self.inputs, labels)
        else:
            logits = self.inputs @ x.reshape(self.classes - 1, -1).T
            weights = np.exp(np.column_stack([np.zeros(len(logits)), logits]))
            edges = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)[:, :-1]
            labels = np.sum(random.uniform(size=(len(edges), 1)) > edges, axis=1)
        return self._replace(labels=labels)


def z_beside_twins(of, score):
    """How far the real labels are from those of twins, on a logarithmic scale, in their standard
    deviations."""
    each = of.sel(score=score)
    drawn = np.log(AWAY_FROM_ONE[score](each.of_twins.values))
    own = np.log(AWAY_FROM_ONE[score](float(each.measured)))
    return float((own - drawn.mean()) / drawn.std(ddof=1))


def minimum(loss, x=None):
    """Newton's method, from zero unless a start is given."""
    x = np.zeros(loss.dim) if x is None else x
    for _ in range(40):
        gradient = ls.example_gradients(loss, x).mean(axis=0)
        step = np.linalg.solve(ls.evaluate(loss, x, "hessian"), gradient)
        x = x - step
        if np.abs(step).max() < 1e-9 * (1 + np.abs(x).max()):
            return x
    raise RuntimeError(f"no minimum of {loss.name!r} in 40 steps")


def standardised(rows, components=None):
    """Columns of variance 1, of principal components if so many are asked for, and an intercept."""
    rows = rows[:, rows.std(axis=0) > 0]
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    if components is not None:
        rows = rows @ np.linalg.eigh(rows.T @ rows)[1][:, ::-1][:, :components]
    return np.column_stack([rows / rows.std(axis=0), np.ones(len(rows))])


def in_nats(inputs, targets):
    """Targets in units in which the residual variance is 1: least squares is a log-likelihood."""
    residual = targets - inputs @ np.linalg.lstsq(inputs, targets)[0]
    return targets / np.sqrt(np.mean(residual**2))


def real_table(name):
    """One of scikit-learn's tables."""
    from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

    if name == "diabetes":
        rows, targets = load_diabetes(return_X_y=True)
        inputs = standardised(rows)
        return Table(ls.losses.linear_regression, inputs, in_nats(inputs, targets), None)
    if name == "breast cancer":
        rows, labels = load_breast_cancer(return_X_y=True)
        inputs = standardised(rows, COMPONENTS)
        return Table(ls.losses.logistic_regression, inputs, 1.0 * labels, 2)
    rows, labels = load_digits(return_X_y=True)
    inputs = standardised(rows, COMPONENTS)
    return Table(ls.losses.multinomial_regression, inputs, 1.0 * labels, 10)


def two_digits(kind):
    """Two of the ten digits, which a plane separates in the leading components or does not."""
    from sklearn.datasets import load_digits

    rows, labels = load_digits(return_X_y=True)
    chosen = np.isin(labels, DIGITS[kind])
    inputs = standardised(rows[chosen], COMPONENTS)
    return Table(ls.losses.logistic_regression, inputs, 1.0 * (labels[chosen] == 3), 2)


def drawn_table(kind, examples, random, truth, deviation):
    """Standard normal inputs without intercept, and labels of a law: "least squares" with residual
    variance deviation^2, "uneven" with the same variance on average but proportional to the first
    input squared, or "logistic"."""
    inputs = random.normal(size=(examples, len(truth)))
    logits = inputs @ truth
    if kind == "logistic":
        labels = 1.0 * (random.uniform(size=examples) < 1 / (1 + np.exp(-logits)))
        return Table(ls.losses.logistic_regression, inputs, labels, 2)
    noise = deviation * random.normal(size=examples)
    noise = noise * inputs[:, 0] if kind == "uneven" else noise
    return Table(ls.losses.linear_regression, inputs, logits + noise, None)


def regression_on(law, examples, random, truth, deviation):
    """Least squares with normal noise on independent inputs of a law, of variance 1."""
    shape = examples, len(truth)
    inputs = {
        "coin": lambda: random.choice([-1.0, 1.0], size=shape),
        "uniform": lambda: random.uniform(-np.sqrt(3), np.sqrt(3), size=shape),
        "normal": lambda: random.normal(size=shape),
        "Laplace": lambda: random.laplace(scale=np.sqrt(0.5), size=shape),
    }[law]()
    targets = inputs @ truth + deviation * random.normal(size=examples)
    return ls.losses.linear_regression(inputs, targets)


def network_table(examples, random, x, deviation):
    """Targets of a network of two hidden units with the parameters x, and normal noise."""
    inputs, out = random.normal(size=(examples, 1)), x[:2]
    targets = np.tanh(inputs @ x[2:].reshape(2, 1).T) @ out
    targets = targets + deviation * random.normal(size=examples)
    return ls.losses.tanh_network(inputs, targets, hidden=2)
