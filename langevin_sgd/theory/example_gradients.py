"""Gradient covariance, Hessian and Fisher information of two regressions with closed forms."""

from typing import NamedTuple

import numpy as np

from ..arguments import all_within
from .batch_noise import gradient_moments
from .meanings import ABOVE_ZERO, exact


class LogisticStatistics(NamedTuple):
    """Statistics of a logistic regression at one point.

    Parameters
    ----------
    loss : float
        Mean negative log-likelihood.
    gradient : (d,) array
        Of the loss.
    hessian, fisher, empirical_fisher, noise_covariance : (d, d) arrays
        Of the loss, of the model, of the labels that were seen, and of one example's gradient.

    Examples
    --------
    >>> ls.theory.logistic_statistics([[1.0], [1.0]], [1, 0], [0.0]).fisher.item()  # p (1 - p)
    0.25
    """

    loss: float
    gradient: np.ndarray
    hessian: np.ndarray
    fisher: np.ndarray
    empirical_fisher: np.ndarray
    noise_covariance: np.ndarray


class RegressionStatistics(NamedTuple):
    """Statistics of a population linear regression at one point.

    Parameters
    ----------
    loss : float
        Mean of (x . w - y)^2 / 2.
    gradient : (d,) array
        Of the loss.
    hessian, noise_covariance, second_moment, fisher : (d, d) arrays
        Of the loss; covariance and second moment of one example's gradient; Fisher matrix of the
        Gaussian model.

    Examples
    --------
    >>> ls.theory.regression_statistics(1.0, [0.0], label_noise=3.0).loss  # half the label noise
    1.5
    """

    loss: float
    gradient: np.ndarray
    hessian: np.ndarray
    noise_covariance: np.ndarray
    second_moment: np.ndarray
    fisher: np.ndarray


@exact(labels=all_within(at_least=0, at_most=1))
def logistic_statistics(inputs, labels, parameters):
    """Loss, gradient, curvature and noise of logistic regression, as `LogisticStatistics`.

    Parameters
    ----------
    inputs : (N, d) array
        One row for each example.
    labels : (N,) array
        0 and 1.
    parameters : (d,) array
        theta.

    Returns
    -------
    LogisticStatistics
        Of the mean negative log-likelihood at theta.

    Raises
    ------
    ValueError
        For labels outside [0, 1], or shapes that do not fit together.

    Notes
    -----
    With p_i = sigmoid(x_i . theta): hessian = fisher = mean of p (1 - p) x x' for every theta and
    labels (canonical link); empirical_fisher = mean of (p - y)^2 x x' = noise_covariance +
    gradient gradient', a different matrix. The gradient covariance equals the Fisher matrix only
    where the model is right and the mean gradient vanishes. Exact. Amari 1998; Martens 2020;
    derived.

    Examples
    --------
    At theta = 0 the model says p = 1/2. Labels 1 and 0 bear it out, and noise and Fisher matrix are
    both p (1 - p) = 1/4; if both labels are 1 there is no noise, and the Fisher matrix is the same.

    >>> for labels in ([1, 0], [1, 1]):
    ...     found = ls.theory.logistic_statistics([[1.0], [1.0]], labels, [0.0])
    ...     print(found.fisher.item(), found.noise_covariance.item())
    0.25 0.25
    0.25 0.0
    """
    if inputs.ndim != 2 or labels.shape != inputs.shape[:1] or parameters.shape != inputs.shape[1:]:
        raise ValueError(
            "inputs, labels and parameters must have the shapes (N, d), (N,) and (d,), got "
            f"{inputs.shape}, {labels.shape} and {parameters.shape}."
        )
    from scipy.special import expit

    logits = inputs @ parameters
    loss = float(np.mean(np.logaddexp(0.0, logits) - labels * logits))
    gradients = (expit(logits) - labels)[:, None] * inputs
    mean, covariance = gradient_moments(gradients)
    hessian = (inputs.T * (expit(logits) * expit(-logits))) @ inputs / len(inputs)
    empirical = gradients.T @ gradients / len(gradients)
    return LogisticStatistics(loss, mean, hessian, hessian.copy(), empirical, covariance)


@exact(label_noise=ABOVE_ZERO)
def regression_statistics(input_covariance, displacement, label_noise):
    """Loss, gradient, curvature and noise of linear regression with Gaussian inputs, exactly.

    Parameters
    ----------
    input_covariance : (d, d) array, (d,) diagonal or float
        A, positive definite, of the inputs x ~ N(0, A).
    displacement : (d,) array
        delta = w - w*, from the true weights.
    label_noise : float
        Variance of the label noise, > 0 for the Fisher matrix.

    Returns
    -------
    RegressionStatistics
        Of (x . w - y)^2 / 2 at w.

    Raises
    ------
    ValueError
        If A is not positive definite, or the shapes do not fit together.

    Notes
    -----
    loss L = (delta' A delta + label_noise)/2, gradient G = A delta, hessian H = A,
    noise_covariance = 2 L H + G G' exactly, second_moment = 2 L H + 2 G G',
    fisher = A / label_noise (that of the negative log-likelihood, whose loss is L / label_noise).
    Exact for Gaussian inputs (Isserlis) and label noise independent of them, of any law. For inputs
    of mean m and second moment A Sigma is less by 2 (m . delta)^2 m m'; independent inputs of
    another law add their fourth cumulants times diag(delta^2), nothing at the minimum. Mori et al.
    2022 drop G G'. Derived here.

    Examples
    --------
    x ~ N(0, 1), one unit from the solution, label noise 1: L = (1 + 1)/2 and the variance
    E x^2 (x - e)^2 - 1 = 3 + 1 - 1.

    >>> found = ls.theory.regression_statistics(1.0, [1.0], label_noise=1.0)
    >>> found.loss, found.noise_covariance.item()
    (1.0, 3.0)
    """
    if displacement.shape != (d := len(input_covariance),):
        raise ValueError(f"displacement must have the shape ({d},), got {displacement.shape}.")
    gradient = input_covariance @ displacement
    loss = float(displacement @ gradient + label_noise) / 2
    outer, hessian = np.outer(gradient, gradient), input_covariance
    noise = 2 * loss * hessian + outer
    return RegressionStatistics(
        loss, gradient, hessian, noise, noise + outer, hessian / label_noise
    )
