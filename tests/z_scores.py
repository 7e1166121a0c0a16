"""How many standard errors a measured mean or covariance lies from the exact one; particles are the
rows, and independent.
"""

import numpy as np


def of_means(samples, exact):
    """z of the mean over rows, with the sample's own standard error."""
    samples = np.asarray(samples)
    return (samples.mean(axis=0) - exact) / (samples.std(axis=0, ddof=1) / np.sqrt(len(samples)))


def of_products(x, y, exact):
    """z of each entry of E[x y'], for x and y of any law: the products are averaged like any other
    quantity.
    """
    return of_means(x[:, :, None] * y[:, None, :], exact)


def of_gaussian_products(x, y, exact, x_variance, y_variance):
    """z of each entry of E[x y'] for Gaussian x and y of zero mean: variance (S_ii V_jj + C_ij^2) /
    n by Isserlis.
    """
    error = np.sqrt((np.outer(x_variance, y_variance) + np.square(exact)) / len(x))
    return (x.T @ y / len(x) - exact) / error


def z_of(run, name, exact):
    """z of a variable of a dataset, with its own standard error."""
    return (run[name].values - exact) / run[f"{name}_standard_error"].values


def worst(scores):
    """The largest |z| of all."""
    return max(float(np.abs(score).max()) for score in scores)
