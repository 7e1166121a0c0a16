"""What each function refuses although every argument by itself is in range, and in which words.

One entry changes some arguments of a valid call. What the checks of single arguments refuse is in
`test_arguments` and in `test_public_functions`."""

import numpy as np
import pytest
from valid_calls import VALID_CALLS

from langevin_sgd import theory

FLAT = {"hessian": [1.0, 0.0], "noise_covariance": [1.0, 1.0], "nesterov": None}
SGD = theory.linear_sgd([1.0, 2.0], [1.0, 1.0], 0.1, momentum=0.5)
UNSTABLE = theory.linear_sgd(1.0, 1.0, 2.5)
SLOW = theory.linear_sgd(1e-12, 1.0, 1e-3)
SCHEDULE = theory.linear_sgd(1.0, 1.0, [0.1, 0.2])
NO_VELOCITY = theory.LinearProcess(np.eye(1) / 2, np.eye(1), np.eye(1), 1)
SINGULAR = theory.linear_sgd([1.0, 2.0], [1.0, 0.0], 0.1)
MANY = {"inputs": np.eye(12), "targets": np.ones(12), "batch_size": 1}
ONE_COLUMN = {"inputs": np.ones((4, 2))}
NARROW = {"mean_p": 0.0, "mean_q": 0.0, "covariance_q": np.eye(3)}

REFUSED = [
    ("area_variance", {"i": 2}, "i = 2, j = 1: the coordinates are counted from 0 to 1"),
    ("batch_covariance", {"batch_size": 9}, "batch_size must be <= dataset_size = 8, got 9"),
    ("entropy_per_step", {"process": SGD}, "momentum > 0"),
    ("entropy_per_step", {"process": SINGULAR}, "singular noise_covariance"),
    ("epoch_covariance", {"batch_size": 3}, "batch_size must divide dataset_size"),
    ("epoch_covariance", {"batch_size": 8}, "two batches or more"),
    ("epoch_covariance", {"dataset_size": 10**9}, "at most 100000; got 2 and 1000000000"),
    ("epoch_covariance", {"learning_rate": 2.0}, "stability threshold"),
    ("epoch_covariance", FLAT, "hessian must be positive definite, got the eigenvalue 0"),
    ("single_shuffle_covariance", {"batch_size": 3}, "batch_size must divide dataset_size"),
    ("evolve", {"steps": None}, "a constant process and the number of steps"),
    ("evolve", {"process": SCHEDULE}, "one leading axis"),
    ("evolve", {"mean": [0.0]}, r"mean must have the shape \(2,\)"),
    ("evolve", {"covariance": -np.eye(2)}, "covariance must be a covariance.* eigenvalue -1"),
    ("expected_squared_norm", {"mean_gradient": np.ones(3)}, "noise_covariance must have the sha"),
    ("gaussian_kl", NARROW, "must have one dimension"),
    ("gaussian_kl", {"covariance_q": [1.0, 0.0]}, "covariance_q must be positive definite"),
    ("gradient_average", {"gradients": 1.0}, "gradients must have the shape"),
    ("gradient_moments", {"gradients": [1.0, 2.0]}, "gradients must have the shape"),
    ("gradient_moments", {"probabilities": [0.5, 0.5, 0.0, 0.0]}, "must be 4 numbers > 0"),
    ("histogram_kl_bias", {"probabilities": [0.5, 0.6]}, "sum to 1; .* the sum 1.1"),
    ("histogram_kl_bias", {"probabilities": [0.0, 1.0]}, "probabilities must be > 0"),
    ("histogram_kl_bias", {"samples": 10**9}, "samples must ask for at most"),
    ("interpolating_ou", {"curvature": 1.0, "learning_rate": 1.5}, r"learning_rate \* curvature"),
    ("langevin_process", {"method": "baoab"}, "takes no batch_covariance"),
    ("langevin_process", {"friction": None}, "give a friction > 0 to underdamped methods"),
    ("langevin_process", {"method": "euler_maruyama"}, "only to them"),
    ("least_squares_moments", {"batch_size": 3}, "must divide the 4 examples"),
    ("least_squares_moments", {"sampling": "sorted"}, "sampling must be one of .* got 'sorted'"),
    ("least_squares_moments", {"targets": np.ones(3)}, "inputs and targets must have the shapes"),
    ("least_squares_moments", ONE_COLUMN, "rank 1 < 2"),
    ("least_squares_moments", MANY, "12 examples more than 100000 orders"),
    ("logistic_statistics", {"labels": [0, 1]}, "inputs, labels and parameters must have the sh"),
    ("minibatch_covariance", {"sampling": "reshuffle"}, "probabilities must be None for sampling"),
    ("minibatch_covariance", {"sampling": "shuffle"}, "Did you mean 'reshuffle'"),
    ("noise_cumulants", {"probabilities": [1.0]}, "probabilities must be 2 numbers"),
    ("ornstein_uhlenbeck", {"drift": np.diag([1.0, -1.0])}, "drift has .* real part -1"),
    ("regression_covariance", {"learning_rate": 3.0}, "mean-square threshold"),
    ("regression_statistics", {"displacement": [1.0]}, "displacement must have the shape"),
    ("regression_threshold", {"input_covariance": [1.0, 0.0]}, "must be positive definite"),
    ("sgd_moments", {"steps": 3.5}, "steps must be whole numbers of updates, got 3.5"),
    ("diffusion_moments", {"process": theory.DriftNoise(1.0, -1.0)}, "process.variance must be >="),
    ("simple_noise_scale", {"mean_gradient": [0.0, 0.0]}, "mean_gradient must not be zero"),
    ("spectral_radius", {"transition": np.ones((2, 3))}, "transition must have the shape"),
    ("stability_bounds", {"hessian": [0.0, 0.0]}, "hessian must not be zero"),
    ("stability_threshold", {"hessian": [1.0, -1.0]}, "leaves a saddle"),
    ("state_covariance", {"process": UNSTABLE}, "spectral radius 1.5"),
    ("state_covariance", {"process": SLOW}, "too small for double precision|spectral radius"),
    ("state_covariance", {"process": np.eye(2)}, "process must be a LinearProcess"),
    ("state_covariance", {"process": SGD._replace(dim=7)}, "process has .* must fit together"),
    ("stationary_blocks", {"process": NO_VELOCITY}, "carries no velocity"),
    ("stationary_covariance", {"learning_rate": 2.0}, "stability threshold"),
    ("stationary_covariance", {"noise_covariance": np.ones(3)}, "noise_covariance must have the"),
    ("stationary_covariance", {"learning_rate": 1e-320}, "learning_rate"),
    ("small_step_covariance", {"hessian": [1.0, 0.0]}, "Drop its flat directions"),
    ("stationary_shape", {"cumulants": [0, 1]}, "cumulants must be the four numbers"),
    ("stationary_shape", {"cumulants": [0, 0, 0, 0]}, r"variance cumulants\[1\] > 0"),
    ("stationary_shape", {"learning_rate": 9.0}, "stability threshold"),
    ("temperature_conventions", {"dataset_size": 1}, "dataset_size must be >= batch_size"),
    ("two_point_cdf", {"learning_rate": 0.3}, r"learning_rate \* curvature must be >= 0.5"),
]


@pytest.mark.parametrize(("name", "change", "message"), REFUSED)
def test_what_does_not_fit_together_is_refused_by_name(name, change, message):
    with pytest.raises((ValueError, TypeError), match=message):
        getattr(theory, name)(**VALID_CALLS[f"theory.{name}"]() | change)


@pytest.mark.parametrize("sampling", ["with_replacement", "reshuffle", "single_shuffle"])
def test_a_table_whose_moments_diverge_is_refused(sampling):
    arguments = VALID_CALLS["theory.least_squares_moments"]()
    with pytest.raises(ValueError, match="spectral radius .* lower the learning_rate"):
        theory.least_squares_moments(**arguments | {"learning_rate": 30.0, "sampling": sampling})
    with pytest.raises(ValueError, match="batch_size must be <= dataset_size = 4"):
        subset = {"batch_size": 5, "sampling": "without_replacement"}
        theory.least_squares_moments(**arguments | subset)
