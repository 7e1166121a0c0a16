"""Losses of a data table, by name."""

from .loss_record import Loss
from .multinomial import multinomial_regression
from .populations import linear_regression_population, logistic_regression_population
from .quadratic_centers import quadratic_centers
from .regressions import (
    huber_regression,
    linear_regression,
    logistic_regression,
    phase_retrieval,
    poisson_regression,
)
from .two_layers import matrix_factorisation, tanh_network

__all__ = ["Loss", "huber_regression", "linear_regression", "linear_regression_population"]
__all__ += ["logistic_regression", "logistic_regression_population", "matrix_factorisation"]
__all__ += ["multinomial_regression", "phase_retrieval", "poisson_regression", "quadratic_centers"]
__all__ += ["tanh_network"]


def __dir__():
    return __all__
