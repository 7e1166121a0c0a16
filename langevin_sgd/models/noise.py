"""Gradient noise: what is added to the gradient of ONE example. A batch of B is the mean of B
independent draws. Each function returns a `GradientNoise`, if it does not say otherwise."""

from .disk import disk
from .gaussian_field import gaussian_field
from .gaussian_noise import covariance_factor, gaussian
from .gradient_noise import GradientNoise
from .minibatches import Minibatch, minibatch
from .noise_laws import alpha_stable, online_regression, student_t, two_point
from .table_gaussian import TableGaussian, table_gaussian

__all__ = ["GradientNoise", "Minibatch", "TableGaussian", "alpha_stable", "covariance_factor"]
__all__ += ["disk", "gaussian", "gaussian_field", "minibatch", "online_regression", "student_t"]
__all__ += ["table_gaussian", "two_point"]


def __dir__():
    return __all__
