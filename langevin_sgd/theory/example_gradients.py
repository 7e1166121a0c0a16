"""Per-example gradient covariance, Hessian and Fisher information of the two regressions that allow
closed forms.
"""

from typing import NamedTuple

import numpy as np

from ..arguments import all_within, finite_array, formula, positive_matrix, within
from .batch_noise import gradient_moments


class LogisticStatistics(NamedTuple):
    """Of a logistic regression at one point: ``loss``, ``gradient`` (d,), ``hessian``, ``fisher``,
    ``empirical_fisher``, ``noise_covariance`` (d, d) each."""

    loss: float
    gradient: np.ndarray
    hessian: np.ndarray
    fisher: np.ndarray
    empirical_fisher: np.ndarray
    noise_covariance: np.ndarray


class RegressionStatistics(NamedTuple):
    """Of a population linear regression at one point: ``loss``, ``gradient`` (d,), ``hessian``,
    ``noise_covariance``, ``second_moment`` of one example's gradient, ``fisher`` of the Gaussian
    model: (d, d) each."""

    loss: float
    gradient: np.ndarray
    hessian: np.ndarray
    noise_covariance: np.ndarray
    second_moment: np.ndarray
    fisher: np.ndarray


@formula(inputs=finite_array, labels=all_within(at_least=0, at_most=1), parameters=finite_array)
def logistic_statistics(inputs, labels, parameters):
    """Loss, gradient, curvature and noise of logistic regression (mean negative log-likelihood), as
    `LogisticStatistics`.

    ``inputs`` (N, d), ``labels`` (N,) of 0 and 1, ``parameters`` (d,). With p_i = sigmoid(x_i .
    theta): hessian = fisher = mean of p (1 - p) x x' for every theta and labels (canonical link);
    empirical_fisher = mean of (p - y)^2 x x' = noise_covariance + gradient gradient', a different
    matrix. The gradient covariance equals the Fisher matrix only where the model is right and the
    mean gradient vanishes. Exact. Amari 1998; Martens 2020; derived."""
    if inputs.ndim != 2 or labels.shape != inputs.shape[:1] or parameters.shape != inputs.shape[1:]:
        raise ValueError(
            "inputs, labels and parameters must have the shapes (N, d), (N,) and (d,), got "
            f"{inputs.shape}, {labels.shape} and {parameters.shape}."
        )
    logits = inputs @ parameters
    probability = np.exp(-np.logaddexp(0.0, -logits))
    loss = float(np.mean(np.logaddexp(0.0, logits) - labels * logits))
    gradients = (probability - labels)[:, None] * inputs
    mean, covariance = gradient_moments(gradients)
    hessian = (inputs.T * (probability * np.exp(-np.logaddexp(0.0, logits)))) @ inputs / len(inputs)
    chances = [1 - probability, probability]  # of the model's own labels, 0 and 1
    outcomes = [(probability - label) ** 2 * chances[label] for label in (0, 1)]
    fisher = (inputs.T * sum(outcomes)) @ inputs / len(inputs)
    empirical = gradients.T @ gradients / len(gradients)
    return LogisticStatistics(loss, mean, hessian, fisher, empirical, covariance)


@formula(input_covariance=positive_matrix, displacement=finite_array, label_noise=within(above=0))
def regression_statistics(input_covariance, displacement, label_noise):
    """Loss, gradient, curvature and noise of (x . w - y)^2 / 2 with x ~ N(0, A) at w - w* =
    ``displacement``, as `RegressionStatistics`.

    ``input_covariance`` A (d, d), its diagonal or a scalar, positive definite; ``displacement``
    delta (d,); ``label_noise`` the variance of the label noise, > 0 for the Fisher matrix. loss L =
    (d' A d + label_noise)/2, gradient G = A delta, hessian H = A, noise_covariance = 2 L H + G G'
    exactly, second_moment = 2 L H + 2 G G', fisher = A / label_noise (that of the negative
    log-likelihood, whose loss is L / label_noise).

    Exact for Gaussian inputs (Isserlis) and label noise independent of them, of any law. For inputs
    of mean m and second moment A Sigma is less by 2 (m . delta)^2 m m'; independent inputs of
    another law add their fourth cumulants times diag(delta^2), nothing at the minimum. Mori et al.
    2022 drop G G'. Derived here."""
    if displacement.shape != (d := len(input_covariance),):
        raise ValueError(f"displacement must have the shape ({d},), got {displacement.shape}.")
    gradient = input_covariance @ displacement
    loss = float(displacement @ gradient + label_noise) / 2
    outer, hessian = np.outer(gradient, gradient), input_covariance
    noise = 2 * loss * hessian + outer
    return RegressionStatistics(
        loss, gradient, hessian, noise, noise + outer, hessian / label_noise
    )
