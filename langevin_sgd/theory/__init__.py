"""Exact results and named approximations for SGD and Langevin dynamics, in NumPy and SciPy.

What docstrings do not repeat: `learning_rate` is eta > 0, in length^2/energy and inside the
velocity; `batch_size` B >= 1; `momentum` 0 <= mu < 1; `nesterov` is None, "torch" or "lookahead",
as in `linear_sgd`. `hessian` and `noise_covariance`, Sigma of ONE example's gradient in
(energy/length)^2, are (d, d) matrices, their diagonals (d,) or numbers. Where a theory is linear
these numbers may be arrays that broadcast together, a sweep: its shape leads that of the result.
Time is learning rate times steps.

A law on a grid is a Dataset: `density` (axis_0, ..., in length^-d), `weight` (quadrature weight of
each node) and `energy` on the grid, and numbers, each with `NAME_error`, the difference of two
grids, an upper estimate. `bounds` (d, 2) is a box in units of length. A ValueError names the
argument wherever a result does not exist."""

from .basin_populations import basin_populations
from .batch_noise import (
    GradientMoments,
    batch_covariance,
    epoch_cross_covariance,
    expected_squared_norm,
    gradient_moments,
    minibatch_covariance,
    simple_noise_scale,
)
from .boltzmann import (
    best_fit_temperature,
    boltzmann_bin_probabilities,
    boltzmann_density,
    level_populations,
)
from .circle import sde_law_circle, transfer_operator_circle
from .cumulants import Shape, noise_cumulants, stationary_shape, two_point_cdf
from .density_distances import density_hellinger, density_kl, density_w2
from .discrete_noise import discrete_noise_law
from .epochs import epoch_covariance, single_shuffle_covariance
from .escape import (
    barrier_exponent,
    kramers_time,
    mori_escape_time,
    quasi_potential,
    xie_escape_time,
)
from .example_gradients import (
    LogisticStatistics,
    RegressionStatistics,
    logistic_statistics,
    regression_statistics,
)
from .finite_rate import finite_rate_density, finite_rate_energy
from .fokker_planck import evolve_density, fokker_planck, relaxation_rates, stationary_probability
from .fokker_planck_generator import fokker_planck_generator
from .free_particle import FreeParticle, free_particle
from .gaussian_distances import (
    gaussian_hellinger,
    gaussian_kl,
    gaussian_mmd,
    gaussian_stein_discrepancy,
    gaussian_wasserstein2,
)
from .gradient_flow import gradient_flow
from .heavy_ball_operator import transfer_operator_heavy_ball
from .irreversibility import (
    OrnsteinUhlenbeck,
    area_per_step,
    area_variance,
    entropy_per_step,
    ornstein_uhlenbeck,
    weighted_rotation,
)
from .ito_1d import mean_first_passage_time, sde_law
from .langevin_law import langevin_law
from .least_squares import LeastSquaresMoments, least_squares_moments
from .leaving_region import mean_first_passage_steps, quasi_stationary_law
from .linear_process import (
    LinearProcess,
    StationaryBlocks,
    spectral_radius,
    state_covariance,
    stationary_blocks,
)
from .linear_process_in_time import autocovariance, evolve, time_average_covariance
from .momentum import UnderdampedLimit, gradient_average, heavy_ball_path, underdamped_limit
from .online_regression import (
    StabilityBounds,
    batch_sharpness_plateaus,
    regression_covariance,
    regression_excess_risk,
    regression_second_moment_radius,
    regression_threshold,
    stability_bounds,
)
from .quadratic_langevin import langevin_process
from .quadratic_sgd import (
    linear_sgd,
    small_step_covariance,
    stability_threshold,
    stationary_covariance,
)
from .regression_tail import RegressionTail, regression_tail
from .saddles import saddles
from .sampling_error import (
    HistogramBias,
    VarianceTest,
    ar1_autocorrelation_time,
    ar1_mean_inflation,
    cramer_von_mises_critical,
    histogram_kl_bias,
    kolmogorov_smirnov_critical,
    normal_critical,
    variance_test_samples,
)
from .selling_decomposition import selling_decomposition
from .student import StudentLaw, student_covariance, student_density, student_law, student_tail
from .tails import TailExponents, lyapunov_edge, regression_moments_1d, tail_exponents
from .temperatures import (
    MeasuredTemperatures,
    TemperatureConventions,
    measured_temperatures,
    momentum_learning_rate,
    sgd_temperature,
    temperature_conventions,
)
from .transfer_law import best_boltzmann, bin_probabilities, stationary_density
from .transfer_operator import transfer_operator
from .virial import VirialBudget, virial_budget
from .weak_error import (
    DriftNoise,
    diffusion_moments,
    flow_error,
    interpolating_ou,
    modified_equation,
    modified_loss,
    sgd_moments,
)

__all__ = ["DriftNoise", "FreeParticle", "GradientMoments", "HistogramBias"]
__all__ += ["LeastSquaresMoments", "LinearProcess", "LogisticStatistics", "MeasuredTemperatures"]
__all__ += ["OrnsteinUhlenbeck", "RegressionStatistics", "RegressionTail", "Shape"]
__all__ += ["StabilityBounds", "StationaryBlocks", "StudentLaw", "TailExponents"]
__all__ += ["TemperatureConventions", "UnderdampedLimit", "VarianceTest", "VirialBudget"]
__all__ += ["ar1_autocorrelation_time", "ar1_mean_inflation", "area_per_step", "area_variance"]
__all__ += ["autocovariance", "barrier_exponent", "basin_populations", "batch_covariance"]
__all__ += ["batch_sharpness_plateaus", "best_boltzmann", "best_fit_temperature"]
__all__ += ["bin_probabilities", "boltzmann_bin_probabilities", "boltzmann_density"]
__all__ += ["cramer_von_mises_critical", "density_hellinger", "density_kl", "density_w2"]
__all__ += ["diffusion_moments", "discrete_noise_law", "entropy_per_step", "epoch_covariance"]
__all__ += ["epoch_cross_covariance", "evolve", "evolve_density", "expected_squared_norm"]
__all__ += ["finite_rate_density", "finite_rate_energy", "flow_error", "fokker_planck"]
__all__ += ["fokker_planck_generator", "free_particle", "gaussian_hellinger", "gaussian_kl"]
__all__ += ["gaussian_mmd", "gaussian_stein_discrepancy", "gaussian_wasserstein2"]
__all__ += ["gradient_average", "gradient_flow", "gradient_moments", "heavy_ball_path"]
__all__ += ["histogram_kl_bias", "interpolating_ou", "kolmogorov_smirnov_critical"]
__all__ += ["kramers_time", "langevin_law", "langevin_process", "least_squares_moments"]
__all__ += ["level_populations", "linear_sgd", "logistic_statistics", "lyapunov_edge"]
__all__ += ["mean_first_passage_steps", "mean_first_passage_time", "measured_temperatures"]
__all__ += ["minibatch_covariance", "modified_equation", "modified_loss"]
__all__ += ["momentum_learning_rate", "mori_escape_time", "noise_cumulants", "normal_critical"]
__all__ += ["ornstein_uhlenbeck", "quasi_potential", "quasi_stationary_law"]
__all__ += ["regression_covariance", "regression_excess_risk", "regression_moments_1d"]
__all__ += ["regression_second_moment_radius", "regression_statistics", "regression_tail"]
__all__ += ["regression_threshold", "relaxation_rates", "saddles", "sde_law", "sde_law_circle"]
__all__ += ["selling_decomposition", "sgd_moments", "sgd_temperature", "simple_noise_scale"]
__all__ += ["single_shuffle_covariance", "small_step_covariance", "spectral_radius"]
__all__ += ["stability_bounds", "stability_threshold", "state_covariance", "stationary_blocks"]
__all__ += ["stationary_covariance", "stationary_density", "stationary_probability"]
__all__ += ["stationary_shape", "student_covariance", "student_density", "student_law"]
__all__ += ["student_tail", "tail_exponents", "temperature_conventions"]
__all__ += ["time_average_covariance", "transfer_operator", "transfer_operator_circle"]
__all__ += ["transfer_operator_heavy_ball", "two_point_cdf", "underdamped_limit"]
__all__ += ["variance_test_samples", "virial_budget", "weighted_rotation", "xie_escape_time"]


def __dir__():
    return __all__
