"""What each function refuses although every argument by itself is in range, and in which words.

One entry changes some arguments of a valid call. What the checks of single arguments refuse is in
`test_arguments` and in `test_public_functions`."""

import inspect

import numpy as np
import pytest
from theory.landscapes import CIRCLE, WALLS, logarithmic, parabola, pendulum
from valid_calls import VALID_CALLS

from langevin_sgd import theory
from langevin_sgd.models.losses import linear_regression_population
from langevin_sgd.models.potentials import double_well, quadratic, washboard

FLAT = {"hessian": [1.0, 0.0], "noise_covariance": [1.0, 1.0], "nesterov": None}
SGD = theory.linear_sgd([1.0, 2.0], [1.0, 1.0], 0.1, momentum=0.5)
UNSTABLE = theory.linear_sgd(1.0, 1.0, 2.5)
SLOW = theory.linear_sgd(1e-12, 1.0, 1e-3)
SCHEDULE = theory.linear_sgd(1.0, 1.0, [0.1, 0.2])
NO_VELOCITY = theory.LinearProcess(np.eye(1) / 2, np.eye(1), np.eye(1), 1)
SINGULAR = theory.linear_sgd([1.0, 2.0], [1.0, 0.0], 0.1)
MANY = {"inputs": np.eye(12), "targets": np.ones(12), "batch_size": 1}
OF_THREE = {"hessian": np.ones(3), "batch_covariance": np.ones(3)}
TOO_LARGE = {"batch_size": 5, "sampling": "without_replacement"}
ONE_COLUMN = {"inputs": np.ones((4, 2))}
NARROW = {"mean_p": 0.0, "mean_q": 0.0, "covariance_q": np.eye(3)}

SIGNATURES = {name: inspect.signature(getattr(theory, name)) for name in theory.__all__}
WITH_POTENTIAL = [name for name, each in SIGNATURES.items() if "potential" in each.parameters]
WELL, COUPLED = double_well(), double_well(dim=2, coupling=0.8)
WALLED, ON_CIRCLE, PUSHED = (
    {"potential": model}
    for model in (parabola(domain=WALLS), pendulum(domain=CIRCLE), parabola(push=1.0))
)
FRESH = linear_regression_population([1.0], 0.5, examples=20)
OPEN = {"bounds": None}
TWO_WELLS = {"potential": WELL, "bounds": None, "learning_rate": 0.1, "noise_covariance": 0.06}
LOOSE = {"potential": WELL, "noise_covariance": 3.0, "learning_rate": 0.5, "momentum": 0.3}
BENT, PLANE = {"potential": parabola(domain=[("periodic", 0.0, 1.0)])}, {"potential": COUPLED}
ABSORBING = theory.fokker_planck_generator(WELL, 0.1, points=8, boundary="absorbing")
GRID, LONG = np.linspace(0, 1, 3), np.full(200_000, 0.1)


def well(x):
    """Gradients of a double well with noise too weak to leave it."""
    return (x**3 - x)[:, None] + np.array([0.3, -0.3])


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
    ("least_squares_moments", TOO_LARGE, "batch_size must be <= dataset_size = 4"),
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
    ("barrier_exponent", WALLED | {"end": 2.0}, "start and end must lie inside the wall"),
    ("basin_populations", {"start": [(-1.0, 1.0), (-1.0, 1.0)]}, "start must hold 1 pairs"),
    ("basin_populations", {"potential": double_well(dim=4)}, "must have dim 1 or 2 or 3"),
    ("basin_populations", {"potential": washboard(1.0, 0.3)}, "not normalisable"),
    ("best_fit_temperature", {"mean_energy": -0.1}, "mean_energy must be above the minimum"),
    ("boltzmann_density", {"bounds": (-1e160, 1e160)}, "bounds"),
    ("boltzmann_density", {"potential": logarithmic(), "temperature": 2.5} | OPEN, "not normalis"),
    ("boltzmann_density", {"potential": parabola(-1.0)} | OPEN, "Give finite bounds"),
    ("boltzmann_density", {"temperature": 0.0}, "temperature must be > 0, got 0"),
    ("boltzmann_density", {"temperature": 1e-9}, "too narrow .* narrower bounds"),
    ("boltzmann_density", {"temperature": np.nan}, "temperature must be > 0, got nan"),
    ("boltzmann_density", WALLED, "bounds must lie inside the wall"),
    ("boltzmann_density", BENT | OPEN, "must have equal energies at the ends"),
    ("density_hellinger", {"density": 1e300, "weight": 1e300}, "no finite value"),
    ("density_hellinger", {"reference": np.nan}, "reference must be finite"),
    ("density_kl", {"density": [1.0, -0.1, 0.0]}, "density must be >= 0"),
    ("density_kl", {"weight": [1.0, 1.0]}, "shape mismatch.* weight = "),
    ("density_w2", {"x": GRID[::-1]}, "x must be .* strictly increasing"),
    ("discrete_noise_law", {"gradients": well, "points": 2001, "bounds": None}, "more than one"),
    ("discrete_noise_law", {"learning_rate": 2.1, "bounds": None}, "leaves every interval"),
    ("finite_rate_density", {"learning_rate": 2.0}, "too large for the linearised density"),
    ("finite_rate_density", PUSHED, "potential must have no drift"),
    ("finite_rate_density", WALLED, "must not have reflecting walls"),
    ("fokker_planck", {"boundary": "absorbing"}, "no stationary law"),
    ("fokker_planck", {"boundary": "open"}, "boundary must be one of"),
    ("fokker_planck", {"diffusion": [[-1.0]]}, "diffusion must be positive semidefinite"),
    ("fokker_planck", {"points": 41}, "points must be even"),
    ("fokker_planck", {"points": [40, 40]}, "points = "),
    ("fokker_planck", {"potential": parabola(-1.0)} | OPEN, "not normalisable"),
    ("kramers_time", {"minimum": -0.9}, "minimum .* not a critical point"),
    ("kramers_time", {"saddle": 1.0}, "exactly one must be negative"),
    ("kramers_time", PUSHED, "potential must have no drift"),
    ("langevin_law", {"friction": None}, "give a friction > 0 to underdamped methods"),
    ("langevin_law", {"method": "leimkuhler_matthews"}, "only to them"),
    ("langevin_law", {"potential": WELL, "step_size": 0.7}, "reaches the edge of its box"),
    ("langevin_law", {"step_size": 2.1}, "lower the step_size"),
    ("mean_first_passage_steps", {"inside": [(-2.0, 0.0), (-1.0, 1.0)]}, "inside must hold 1"),
    ("mean_first_passage_steps", {"inside": [(1.0, -1.0)]}, "inside must be pairs"),
    ("mean_first_passage_steps", {"learning_rate": 1e-9}, "larger learning_rate"),
    ("mean_first_passage_steps", {"start": 0.5}, "start must be inside"),
    ("mean_first_passage_steps", WALLED, "must not have reflecting walls"),
    ("mean_first_passage_time", {"target": -1.0}, "two different points"),
    ("mean_first_passage_time", {"wall": 2.0}, "wall must lie on the other side"),
    ("mean_first_passage_time", WALLED | {"target": 2.0}, "start and target must lie inside"),
    ("quasi_potential", {"end": 1.0}, "rise all the way"),
    ("quasi_potential", {"noise_values": None}, "exactly one"),
    ("quasi_potential", {"noise_values": [2.0, -1.0]}, "mean zero"),
    ("regression_moments_1d", {"learning_rate": 0.9}, "moment 4 diverges"),
    ("regression_moments_1d", {"learning_rate": 1.5}, "moment 2 diverges"),
    ("regression_tail", {"batch_size": 33}, "batch_size must be >= 1 and <= 32"),
    ("regression_tail", {"learning_rate": 2.5}, "no stationary law"),
    ("relaxation_rates", {"count": 19}, "count must be at most 18 on 20 cells"),
    ("sde_law", {"diffusion": lambda x: x}, "diffusion must be positive"),
    ("sde_law", {"diffusion": lambda x: 1 + x**4} | OPEN, "tails are too heavy.* finite bounds"),
    ("sde_law_circle", {"points": 65}, "points must be even"),
    ("sde_law", ON_CIRCLE, "periodic walls.* sde_law_circle"),
    ("selling_decomposition", {"matrix": np.diag([1.0, -1.0])}, "matrix must be positive definite"),
    ("stationary_probability", {"generator": ABSORBING}, "must have no absorbing walls"),
    ("student_covariance", {"hessian": 1.0, "slope": 3.0}, "second moment diverges"),
    ("student_covariance", {"learning_rate": 2.5}, "stability threshold"),
    ("student_density", {"x": np.ones(3)}, "x must have the 2 components"),
    ("student_law", {"hessian": np.ones(4), "slope": 1.5}, "slope must be below 1"),
    ("student_law", {"offset": 0.0}, "offset must be > 0"),
    ("tail_exponents", {"batch_size": 1e12}, "batch_size 1e.12 .* too large"),
    ("tail_exponents", {"curvature": -1.0}, "curvature must be > 0"),
    ("tail_exponents", {"learning_rate": 6.0, "batch_size": 1}, "no stationary law"),
    ("tail_exponents", {"learning_rate": LONG}, "learning_rate must ask for at most"),
    ("transfer_operator", PLANE | OPEN | {"learning_rate": 1e-4}, "too small for the"),
    ("transfer_operator", {"noise_covariance": lambda x: -x}, "noise_covariance must be positive"),
    ("transfer_operator", PLANE | {"noise_covariance": np.ones((2, 2))}, "definite"),
    ("transfer_operator", {"potential": double_well(dim=3)}, "dim 1 or 2"),
    ("transfer_operator", TWO_WELLS, "give bounds around one part"),
    ("transfer_operator", TWO_WELLS | {"noise_covariance": 1.5, "learning_rate": 0.4}, "transient"),
    ("transfer_operator", ON_CIRCLE, "must not have periodic walls"),
    ("transfer_operator", PUSHED, "must have no drift"),
    ("transfer_operator", WALLED, "must not have reflecting walls"),
    ("virial_budget", {"batch_covariance": -np.eye(2)}, "batch_covariance must be a covariance"),
    ("virial_budget", OF_THREE, "blocks must hold matrices of 3 coordinates"),
    ("xie_escape_time", {"curvature_saddle": 0.0}, "curvature_saddle must not be zero"),
    ("boltzmann_bin_probabilities", {"edges": [np.arange(1e6 + 1)]}, "at most 1000000 numbers"),
    ("transfer_operator_circle", {"learning_rate": 1e-9}, "too small"),
    ("transfer_operator_circle", {"potential": quadratic([1.0])}, "must have a gradient of period"),
    ("transfer_operator_circle", ON_CIRCLE | {"period": 3.0}, "period must be 6.28319"),
    ("transfer_operator_circle", WALLED, "must not have reflecting walls"),
    ("transfer_operator_heavy_ball", LOOSE, "transient"),
]


def call(name, change):
    return getattr(theory, name)(**VALID_CALLS[f"theory.{name}"]() | change)


@pytest.mark.parametrize(("name", "change", "message"), REFUSED)
def test_what_does_not_fit_together_is_refused_in_these_words(name, change, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call(name, change)


@pytest.mark.parametrize("sampling", ["with_replacement", "reshuffle", "single_shuffle"])
def test_a_table_whose_moments_diverge_is_refused(sampling):
    with pytest.raises(ValueError, match="spectral radius .* lower the learning_rate"):
        call("least_squares_moments", {"learning_rate": 30.0, "sampling": sampling})


@pytest.mark.parametrize("name", WITH_POTENTIAL)
def test_a_loss_that_draws_fresh_examples_is_two_landscapes(name):
    with pytest.raises(ValueError, match="potential must be one landscape.* Pass its mean, a Pote"):
        call(name, {"potential": FRESH})


@pytest.mark.parametrize("name", WITH_POTENTIAL)
def test_what_is_no_potential_is_refused_by_its_name(name):
    with pytest.raises(TypeError, match="potential must be a Potential or a Loss, got 'well'"):
        call(name, {"potential": "well"})
