"""What each law on a grid refuses, and in which words: one entry changes a valid call."""

import inspect

import numpy as np
import pytest
from theory.landscapes import CIRCLE, WALLS, logarithmic, parabola, pendulum
from valid_calls import VALID_CALLS

from langevin_sgd import theory
from langevin_sgd.models.losses import linear_regression_population
from langevin_sgd.models.potentials import double_well, quadratic

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
    ("barrier_exponent", WALLED | {"end": 2.0}, "start and end must lie inside the wall"),
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
    ("xie_escape_time", {"curvature_saddle": 0.0}, "curvature_saddle must not be zero"),
    ("boltzmann_bin_probabilities", {"edges": [np.arange(1e6 + 1)]}, "at most 1000000 numbers"),
    ("transfer_operator_circle", {"learning_rate": 1e-9}, "too small"),
    ("transfer_operator_circle", {"potential": quadratic([1.0])}, "must have a gradient of period"),
    ("transfer_operator_circle", ON_CIRCLE | {"period": 3.0}, "period must be 6.28319"),
    ("transfer_operator_circle", WALLED, "must not have reflecting walls"),
    ("transfer_operator_heavy_ball", LOOSE, "transient"),
]


@pytest.mark.parametrize(("name", "change", "message"), REFUSED)
def test_it_is_refused_in_these_words(name, change, message):
    with pytest.raises(ValueError, match=message):
        getattr(theory, name)(**VALID_CALLS[f"theory.{name}"]() | change)


@pytest.mark.parametrize("name", WITH_POTENTIAL)
def test_a_loss_that_draws_fresh_examples_is_two_landscapes(name):
    with pytest.raises(ValueError, match="potential must be one landscape.* Pass its mean, a Pote"):
        getattr(theory, name)(**VALID_CALLS[f"theory.{name}"]() | {"potential": FRESH})


@pytest.mark.parametrize("name", WITH_POTENTIAL)
def test_what_is_no_potential_is_refused_by_its_name(name):
    with pytest.raises(TypeError, match="potential must be a Potential or a Loss, got 'well'"):
        getattr(theory, name)(**VALID_CALLS[f"theory.{name}"]() | {"potential": "well"})
