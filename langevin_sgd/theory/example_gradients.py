"""Per-example gradient covariance, Hessian and Fisher information of the two regressions that allow
closed forms.
"""

from typing import NamedTuple

import numpy as np

from .batch_noise import gradient_moments
from .inputs import in_range, positive_matrix, real_array


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


def logistic_statistics(inputs, labels, parameters):
    """Loss, gradient, curvature and noise of logistic regression (mean negative log-likelihood), as
    `LogisticStatistics`.

    Parameters
    ----------
    inputs : (N, d) array
    labels : (N,) array of 0 and 1
    parameters : (d,) array

    Raises
    ------
    ValueError
        If the shapes do not fit together or a label lies outside [0, 1].

    Notes
    -----
    With p_i = sigmoid(x_i . theta): hessian = fisher = mean of p (1 - p) x x' for every theta and
    labels (canonical link); empirical_fisher = mean of (p - y)^2 x x' = noise_covariance + gradient
    gradient', a different matrix. The gradient covariance equals the Fisher matrix only where the
    model is right and the mean gradient vanishes. Exact. Amari; Martens 2020 (not read); derived.
    """
    inputs, parameters = real_array("inputs", inputs), real_array("parameters", parameters)
    labels = in_range("labels", labels, 0.0, 1.0, closed_low=True, closed_high=True)
    if inputs.ndim != 2 or labels.shape != inputs.shape[:1] or parameters.shape != inputs.shape[1:]:
        raise ValueError(
            f"shapes inputs {inputs.shape}, labels {labels.shape}, parameters {parameters.shape}; "
            "pass (N, d), (N,), (d,)"
        )
    logits = inputs @ parameters
    probability = np.exp(-np.logaddexp(0.0, -logits))
    loss = float(np.mean(np.logaddexp(0.0, logits) - labels * logits))
    gradients = (probability - labels)[:, None] * inputs
    moments = gradient_moments(gradients)
    hessian = (inputs.T * (probability * np.exp(-np.logaddexp(0.0, logits)))) @ inputs / len(inputs)
    # the expectation over the model's own labels, label by label
    outcomes = [
        (probability - label) ** 2 * np.where(label, probability, 1 - probability)
        for label in (0, 1)
    ]
    fisher = (inputs.T * sum(outcomes)) @ inputs / len(inputs)
    empirical = gradients.T @ gradients / len(gradients)
    return LogisticStatistics(loss, moments.mean, hessian, fisher, empirical, moments.covariance)


def regression_statistics(input_covariance, displacement, label_noise):
    """Loss, gradient, curvature and noise of (x . w - y)^2 / 2 with x ~ N(0, A) at w - w* =
    ``displacement``.

    Parameters
    ----------
    input_covariance : (d, d) matrix, (d,) variances or scalar
        A, positive definite.
    displacement : (d,) array
        delta = w - w*.
    label_noise : float
        Variance of the label noise, > 0 for the Fisher matrix.

    Returns
    -------
    RegressionStatistics
        loss L = (d' A d + label_noise)/2, gradient G = A delta, hessian H = A, noise_covariance = 2
        L H + G G' exactly, second_moment = 2 L H + 2 G G', fisher = A / label_noise (that of the
        negative log-likelihood, whose loss is L / label_noise).

    Raises
    ------
    ValueError
        If input_covariance is not positive definite, the shapes differ or label_noise is not
        positive.

    Notes
    -----
    Exact for Gaussian inputs (Isserlis). Mori et al. 2022 (arXiv:2105.09557, abstract read only)
    drop G G'. Derived here."""
    covariance = positive_matrix("input_covariance", input_covariance)
    delta = real_array("displacement", displacement)
    if delta.shape != covariance.shape[-1:]:
        raise ValueError(f"displacement has shape {delta.shape}; pass ({covariance.shape[-1]},)")
    label_noise = float(in_range("label_noise", label_noise, 0.0, np.inf))
    gradient = covariance @ delta
    loss = float(delta @ gradient + label_noise) / 2
    outer = np.outer(gradient, gradient)
    noise = 2 * loss * covariance + outer
    return RegressionStatistics(
        loss, gradient, covariance, noise, noise + outer, covariance / label_noise
    )
