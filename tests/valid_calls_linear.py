"""Valid calls of the theory of linear processes and of the scalars of SGD, for `valid_calls`."""

import numpy as np

from langevin_sgd import theory

HESSIAN = [[3.0, 0.4], [0.4, 0.5]]
SIGMA = [[2.0, -0.7], [-0.7, 1.0]]
GRADIENTS = [[1.0, 0.2], [-0.3, 1.1], [0.4, -0.8], [2.0, 0.5]]
SGD = {"learning_rate": 0.1, "batch_size": 2, "momentum": 0.5}
ON_QUADRATIC = {"hessian": HESSIAN, "noise_covariance": SIGMA, **SGD}
REGRESSION = {"input_covariance": HESSIAN, "label_noise": 0.3, **SGD}
EPOCH = {**ON_QUADRATIC, "dataset_size": 8, "nesterov": "torch"}
LAWS = {"mean_p": [0.0, 1.0], "covariance_p": HESSIAN, "mean_q": [1.0, 0.0], "covariance_q": SIGMA}
NOISE = {"noise_covariance": SIGMA}
TABLE = {"gradients": GRADIENTS}
SHARES = {"probabilities": [0.1, 0.2, 0.3, 0.4]}
MEAN = {"mean_gradient": [1.0, 2.0]}
ONE_MODE = {"curvature": 0.7, "noise_variance": 0.3, "learning_rate": 0.1}
LATER = {"learning_rate": 0.1, "time": 2.0, "start": 1.5}
WIDTH = {"variance": 1.3, "length": 0.7}


def process(**changed):
    return {"process": theory.linear_sgd(**ON_QUADRATIC | changed)}


DATA = {  # arguments that are data stand here, those that must be made stand in MADE
    "ar1_autocorrelation_time": {"coefficient": 0.9},
    "ar1_mean_inflation": {"coefficient": 0.9, "samples": 100},
    "batch_covariance": NOISE | {"batch_size": 2, "dataset_size": 8},
    "batch_sharpness_plateaus": {"learning_rate": 0.1, "momentum": 0.5},
    "cramer_von_mises_critical": {"level": 0.05},
    "diffusion_moments": LATER | {"process": theory.DriftNoise(0.7, 0.3)},
    "epoch_covariance": EPOCH,
    "epoch_cross_covariance": NOISE | {"dataset_size": 8},
    "expected_squared_norm": MEAN | NOISE | {"batch_size": 2, "dataset_size": 8},
    "flow_error": LATER | {"curvature": 0.7},
    "free_particle": {"time": 2.0, "temperature": 0.3, "friction": 1.5, "mass": 0.8},
    "gaussian_hellinger": LAWS,
    "gaussian_kl": LAWS,
    "gaussian_mmd": WIDTH,
    "gaussian_stein_discrepancy": WIDTH,
    "gaussian_wasserstein2": LAWS,
    "gradient_average": TABLE | {"momentum": 0.5},
    "gradient_moments": TABLE | SHARES,
    "heavy_ball_path": TABLE | {"learning_rate": 0.1, "momentum": 0.5, "start": [1.0, 2.0]},
    "histogram_kl_bias": {"probabilities": [0.1, 0.2, 0.7], "samples": 50},
    "interpolating_ou": ONE_MODE,
    "kolmogorov_smirnov_critical": {"level": 0.05, "samples": 100},
    "langevin_process": {
        "hessian": HESSIAN,
        "temperature": 0.5,
        "step_size": 0.1,
        "method": "semi_implicit",
        "friction": 1.0,
        "mass": 2.0,
        "batch_covariance": SIGMA,
    },
    "least_squares_moments": {
        "inputs": GRADIENTS,
        "targets": [1.0, 0.5, -0.3, 0.2],
        **SGD,
        "sampling": "reshuffle",
    },
    "linear_sgd": ON_QUADRATIC | {"nesterov": "lookahead"},
    "logistic_statistics": {"inputs": GRADIENTS, "labels": [0, 1, 1, 0], "parameters": [0.3, -0.2]},
    "measured_temperatures": {"hessian": HESSIAN, "covariance": SIGMA},
    "minibatch_covariance": TABLE | SHARES | {"batch_size": 2, "sampling": "with_replacement"},
    "modified_equation": ONE_MODE | {"order": 2},
    "modified_loss": {
        "energy": [1.0, 2.0],
        "gradient": [[1.0, 2.0], [0.5, 0.1]],
        "learning_rate": 0.1,
        "batch_covariance": SIGMA,
    },
    "momentum_learning_rate": {"base_rate": 0.1, "batch_size": 2, "momentum": 0.5},
    "noise_cumulants": {"values": [1.0, -0.5], "probabilities": [1 / 3, 2 / 3]},
    "normal_critical": {"level": 0.05},
    "ornstein_uhlenbeck": {"drift": [[1.0, 2.0], [-2.0, 1.0]], "diffusion": HESSIAN},
    "regression_covariance": REGRESSION,
    "regression_excess_risk": REGRESSION,
    "regression_second_moment_radius": SGD | {"input_covariance": HESSIAN},
    "regression_statistics": {
        "input_covariance": HESSIAN,
        "displacement": [0.3, -0.2],
        "label_noise": 0.3,
    },
    "regression_threshold": {"input_covariance": HESSIAN, "batch_size": 2, "momentum": 0.5},
    "sgd_moments": ONE_MODE | {"steps": 20, "start": 1.5},
    "sgd_temperature": NOISE | SGD,
    "simple_noise_scale": MEAN | NOISE,
    "single_shuffle_covariance": EPOCH,
    "small_step_covariance": ON_QUADRATIC,
    "spectral_radius": {"transition": [[0.5, 0.2], [0.1, 0.3]]},
    "stability_bounds": {"hessian": HESSIAN, "batch_size": 2},
    "stability_threshold": {"hessian": HESSIAN, "momentum": 0.5, "nesterov": "torch"},
    "stationary_covariance": ON_QUADRATIC | {"nesterov": "torch"},
    "stationary_shape": {
        "curvature": 0.7,
        "cumulants": [0.0, 1.0, 0.5, -0.3],
        **SGD,
        "nesterov": "torch",
    },
    "temperature_conventions": NOISE | SGD | MEAN | {"dataset_size": 100},
    "two_point_cdf": {
        "x": np.linspace(-1, 1, 5),
        "curvature": 1.2,
        "learning_rate": 0.5,
        "scale": 1.1,
    },
    "underdamped_limit": {"learning_rate": 0.1, "momentum": 0.5},
    "variance_test_samples": {"excess": 0.05, "level": 0.05, "miss_rate": 0.2},
}
MADE = {
    "virial_budget": lambda: (
        {"hessian": HESSIAN, "blocks": theory.stationary_blocks(**process()), "nesterov": None}
        | {"batch_covariance": SIGMA, "learning_rate": 0.1, "momentum": 0.5}
    ),
    "area_per_step": process,
    "area_variance": lambda: process() | {"i": 0, "j": 1},
    "autocovariance": lambda: process() | {"lags": 5},
    "entropy_per_step": lambda: process(momentum=0.0),
    "evolve": lambda: process() | {"mean": [1.0, 2.0], "covariance": SIGMA, "steps": 5},
    "weighted_rotation": lambda: process() | {"decay": 0.7, "covariance": SIGMA},
    "state_covariance": process,
    "stationary_blocks": process,
    "time_average_covariance": lambda: process() | {"steps": 7},
}

CALLS = {f"theory.{name}": (lambda given=given: dict(given)) for name, given in DATA.items()}
CALLS |= {f"theory.{name}": make for name, make in MADE.items()}
