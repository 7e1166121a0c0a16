"""Estimates from runs: from a dataset to a dataset, each number with its standard error."""

from .basins import basins
from .boltzmann_test import boltzmann_test
from .budget_of_arrays import temperature_budget_of_arrays
from .currents import rotation_rate
from .curvature import curvature
from .density import density
from .departure import departure
from .drift_and_diffusion import drift_and_diffusion
from .effective_sample_size import effective_sample_size
from .entropy_production import entropy_production
from .equipartition import equipartition
from .escape_rate import escape_rate
from .gradient_covariance import covariance_at, gradient_covariance
from .kl import kl_to_boltzmann, kl_to_probabilities
from .ledger import ledger
from .reference_sample import reference_sample
from .rhat import rhat
from .stein import stein_discrepancy
from .survival_curve import survival_curve
from .temperature_budget import noise_covariance_of, temperature_budget
from .two_sample import two_sample_test

__all__ = [
    "basins",
    "boltzmann_test",
    "covariance_at",
    "curvature",
    "density",
    "departure",
    "drift_and_diffusion",
    "effective_sample_size",
    "entropy_production",
    "equipartition",
    "escape_rate",
    "gradient_covariance",
    "kl_to_boltzmann",
    "kl_to_probabilities",
    "ledger",
    "noise_covariance_of",
    "reference_sample",
    "rhat",
    "rotation_rate",
    "stein_discrepancy",
    "survival_curve",
    "temperature_budget",
    "temperature_budget_of_arrays",
    "two_sample_test",
]


def __dir__():
    return __all__
