"""The slow obvious twins of the losses, in plain numpy: like `naive`, means over the table at
positions (n, d).
"""

import numpy as np
from naive import Landscape


def predictors(inputs, x):
    """z (n, examples)."""
    return x @ np.array(inputs).T


def mean_outer(weights, inputs):
    """Mean over examples of weight a a', for weights (n, examples)."""
    return np.einsum("ni,ij,ik->njk", weights, np.array(inputs), np.array(inputs)) / len(inputs)


def of_predictor(inputs, value, slope, curvature, l2=0.0):
    """Mean of value(z_i) + (l2/2) |x|^2 from value, slope and curvature as functions of z (n,
    examples).
    """
    inputs = np.array(inputs)
    return Landscape(
        lambda x: np.mean(value(predictors(inputs, x)), axis=1) + l2 / 2 * np.sum(x**2, axis=1),
        lambda x: slope(predictors(inputs, x)) @ inputs / len(inputs) + l2 * x,
        lambda x: (
            mean_outer(curvature(predictors(inputs, x)), inputs) + l2 * np.eye(inputs.shape[1])
        ),
    )


def poisson_regression(inputs, counts, l2):
    """-log P(count) without log(count!)."""
    return of_predictor(
        inputs, lambda z: np.exp(z) - counts * z, lambda z: np.exp(z) - counts, np.exp, l2
    )


def huber_regression(inputs, targets, delta, l2):
    """The two pieces one by one."""

    def value(z):
        r = z - targets
        return np.where(np.abs(r) <= delta, r**2 / 2, delta * (np.abs(r) - delta / 2))

    def slope(z):
        r = z - targets
        return np.where(np.abs(r) <= delta, r, delta * np.sign(r))

    return of_predictor(inputs, value, slope, lambda z: (np.abs(z - targets) <= delta) * 1.0, l2)


def phase_retrieval(inputs, intensities):
    """(z^2 - y)^2 / 4."""
    return of_predictor(
        inputs,
        lambda z: (z**2 - intensities) ** 2 / 4,
        lambda z: z * (z**2 - intensities),
        lambda z: 3 * z**2 - intensities,
    )


def class_probabilities(inputs, classes, x):
    """(n, examples, classes): all classes on one footing, the reference class with weights zero."""
    weights = x.reshape(len(x), classes - 1, -1)
    weights = np.concatenate([np.zeros_like(weights[:, :1]), weights], axis=1)
    odds = np.exp(np.einsum("ncf,if->nic", weights, np.array(inputs)))
    return odds / odds.sum(axis=2, keepdims=True)


def multinomial_regression(inputs, labels, classes, l2):
    """-log of the label's probability + (l2/2) |x|^2."""
    inputs, one_hot = np.array(inputs), np.eye(classes)[np.array(labels, dtype=int)]
    dim = (classes - 1) * inputs.shape[1]

    def energy(x):
        own = np.sum(class_probabilities(inputs, classes, x) * one_hot, axis=2)
        return -np.mean(np.log(own), axis=1) + l2 / 2 * np.sum(x**2, axis=1)

    def gradient(x):
        errors = (class_probabilities(inputs, classes, x) - one_hot)[:, :, 1:]
        return np.einsum("nic,if->ncf", errors, inputs).reshape(len(x), dim) / len(inputs) + l2 * x

    def hessian(x):
        p = class_probabilities(inputs, classes, x)[:, :, 1:]
        weights = np.einsum("nia,ab->niab", p, np.eye(classes - 1)) - np.einsum(
            "nia,nib->niab", p, p
        )
        blocks = np.einsum("niab,ij,ik->najbk", weights, inputs, inputs) / len(inputs)
        return blocks.reshape(len(x), dim, dim) + l2 * np.eye(dim)

    return Landscape(energy, gradient, hessian)


def matrix_factorisation(entries, rank, shape):
    """Mean of ((U V')_ij - value)^2 / 2, with the whole matrix U V' written out. No Hessian:
    differences of the gradient do.
    """
    entries = np.array(entries)
    i, j, values = entries[:, 0].astype(int), entries[:, 1].astype(int), entries[:, 2]

    def factors(x):
        matrix = x.reshape(len(x), sum(shape), rank)
        return matrix[:, : shape[0]], matrix[:, shape[0] :]

    def residuals(x):
        u, v = factors(x)
        return (u @ np.swapaxes(v, 1, 2))[:, i, j] - values

    def gradient(x):
        u, v = factors(x)
        grid = np.zeros((len(x), *shape))
        np.add.at(grid, (slice(None), i, j), residuals(x) / len(entries))
        return np.concatenate([grid @ v, np.swapaxes(grid, 1, 2) @ u], axis=1).reshape(x.shape)

    return Landscape(lambda x: np.mean(residuals(x) ** 2, axis=1) / 2, gradient, None)


def tanh_network(inputs, targets, hidden):
    """Mean of (a . tanh(W inputs) - target)^2 / 2. No Hessian: differences of the gradient do."""
    inputs = np.array(inputs)

    def layers(x):
        return x[:, :hidden], np.tanh(
            np.einsum("nhf,if->nih", x[:, hidden:].reshape(len(x), hidden, -1), inputs)
        )

    def residuals(x):
        a, active = layers(x)
        return np.einsum("nh,nih->ni", a, active) - targets

    def gradient(x):
        a, active = layers(x)
        r = residuals(x)
        outer = np.einsum("ni,nih->nh", r, active)
        inner = np.einsum("ni,nh,nih,if->nhf", r, a, 1 - active**2, inputs).reshape(len(x), -1)
        return np.concatenate([outer, inner], axis=1) / len(inputs)

    return Landscape(lambda x: np.mean(residuals(x) ** 2, axis=1) / 2, gradient, None)


def logistic_population(covariance, true_parameters, x, l2):
    """Mean gradient and Hessian of logistic regression on N(0, A) inputs: averages over the plane
    of (x . a, w . a) on a grid.

    With the Cholesky factor of A the inputs are a = F z; z is spread over a 60 x 60 Gauss-Hermite
    grid (d = 2 only)."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    z = np.stack(np.meshgrid(nodes, nodes), axis=-1).reshape(-1, 2)
    weights = np.outer(weights, weights).ravel() / weights.sum() ** 2
    inputs = z @ np.linalg.cholesky(np.array(covariance)).T
    here, there = (1 / (1 + np.exp(-inputs @ w)) for w in (np.array(x), np.array(true_parameters)))
    gradient = (weights * (here - there)) @ inputs + l2 * np.array(x)
    return gradient, (inputs.T * weights * here * (1 - here)) @ inputs + l2 * np.eye(2)
