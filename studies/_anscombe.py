"""Anscombe's four data sets, their twin, the gradients of their examples, and how round a
covariance is."""

import numpy as np

import langevin_sgd as ls

MOST = 22  # examples of the largest table, the twin
TABLES = ["twin", "I", "II", "III", "IV"]
WIDE = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
# Anscombe 1973, "Graphs in statistical analysis", The American Statistician 27, 17.
ANSCOMBE = {
    "I": (WIDE, [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]),
    "II": (WIDE, [9.14, 8.14, 8.74, 8.77, 9.26, 8.10, 6.13, 3.10, 9.13, 7.26, 4.74]),
    "III": (WIDE, [7.46, 6.77, 12.74, 7.11, 7.81, 8.84, 6.08, 5.39, 8.15, 6.42, 5.73]),
    "IV": (
        [8, 8, 8, 8, 8, 8, 8, 19, 8, 8, 8],
        [6.58, 5.76, 7.71, 8.84, 8.47, 7.04, 5.25, 12.50, 5.56, 7.91, 6.89],
    ),
}


def table_of(name):
    """Inputs (1, t) with t = (x - 7)/2, and targets: theta is the height at x = 7 and the slope.

    The twin has the best line of set I, and one residual of both signs at each of its points."""
    x, y = (np.array(column, dtype=float) for column in ANSCOMBE[name.replace("twin", "I")])
    inputs = np.column_stack([np.ones(len(x)), (x - 7) / 2])
    if name == "twin":
        line = inputs @ np.linalg.lstsq(inputs, y)[0]
        size = np.sqrt(np.mean((y - line) ** 2))
        inputs, y = np.tile(inputs, (2, 1)), np.concatenate([line + size, line - size])
    return inputs, y


def gradients_at(loss, point, place):
    """The gradient of each example at a point, their mean G_T, and Sigma with its eigenvectors."""
    found = ls.analysis.gradient_covariance(loss, point)
    kept = found[["mean_gradient", "covariance", "eigenvalues", "eigenvectors"]]
    gradients = np.full((MOST, 2), np.nan)
    gradients[: len(loss.data)] = ls.example_gradients(loss, point)
    about = {"long_name": "gradient of each example", "units": "energy / length"}
    kept = kept.drop_attrs(deep=False).assign(
        gradients=(("example", "component"), gradients, about)
    )
    return kept.rename({name: f"{name}_{place}" for name in kept})


def ratio_of(covariance, basis):
    """Variance along the steep over that along the flat direction."""
    flat, steep = np.diagonal(basis.T @ covariance @ basis)
    return steep / flat


def ratio_with_error(x, basis):
    """Variance along the steep over that along the flat direction of the loss, of particles x."""
    flat, steep = ((x - x.mean(axis=0)) @ basis).T ** 2
    ratio = steep.mean() / flat.mean()
    return ratio, (steep - ratio * flat).std(ddof=1) / flat.mean() / np.sqrt(len(x))
