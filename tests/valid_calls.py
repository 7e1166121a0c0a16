"""One valid call of each public function: "theory.NAME" -> a function that makes its arguments."""

from functools import cache

import numpy as np
import valid_calls_analysis
from valid_calls_linear import CALLS

import langevin_sgd as ls

VALID_CALLS = CALLS | valid_calls_analysis.CALLS
COINS = np.array([1.0, -1.0])
HISTOGRAM = {"density": [0.2, 0.5, 0.3], "reference": [0.3, 0.4, 0.3]}
CIRCLE = {"force": 0.3, "period": 6.0}
ESCAPE = {"learning_rate": 0.2, "batch_size": 2}
REGRESSION = {"curvature": 1.0, "learning_rate": 0.1, "batch_size": 2}


def calls(folder, **factories):
    """Add valid calls of the functions of a folder; a factory makes the arguments anew."""
    VALID_CALLS.update({f"{folder}.{name}": factory for name, factory in factories.items()})


def well(dim=1, **shape):
    return ls.potentials.double_well(dim=dim, **shape)


def in_well(**rest):
    return {"potential": well(), **rest}


def boltzmann(**rest):
    return in_well(temperature=0.2, bounds=[(-3.0, 3.0)], **rest)


def quadratic():
    return ls.potentials.quadratic([1.0])


def flat():
    """No energy, so that the gradient has every period."""
    return ls.potentials.quadratic([0.0])


@cache
def generator():
    return ls.theory.fokker_planck_generator(quadratic(), 0.5, points=20)


def equation():
    """What the two functions of the Fokker-Planck equation take."""
    given = in_well(diffusion=0.2, bounds=[(-3.0, 3.0)], points=40)
    return given | {"boundary": "reflecting", "force": np.zeros_like, "floor": 1e-3}


@cache
def law():
    return ls.theory.transfer_operator(quadratic(), 1.0, 0.4)


def sgd(model, **rest):
    """The arguments of a chain with Gaussian noise."""
    chain = {"potential": model, "noise_covariance": 2.0, "learning_rate": 0.2, "batch_size": 1}
    return chain | rest


def student(**rest):
    return {"hessian": [[2.0, 0.5], [0.5, 0.7]], "slope": 0.3, "offset": 0.4, **rest}


calls(
    "theory",
    saddles=lambda: in_well(minima=[[-1.0], [1.0]]),
    basin_populations=lambda: in_well(temperature=0.2),
    best_boltzmann=lambda: {"law": law(), "potential": quadratic()},
    best_fit_temperature=lambda: in_well(mean_energy=0.1, bounds=[(-3.0, 3.0)]),
    bin_probabilities=lambda: {"law": law(), "edges": [[-np.inf, 0.0, 1.0]]},
    boltzmann_bin_probabilities=lambda: boltzmann(edges=[[-1.0, 0.0, 1.0]], rtol=1e-9),
    boltzmann_density=lambda: boltzmann(rtol=1e-9),
    level_populations=lambda: boltzmann(levels=[0.0, 0.1, 0.5]),
    transfer_operator_circle=lambda: sgd(flat(), **CIRCLE),
    sde_law_circle=lambda: {"potential": flat(), "diffusion": 0.5, "points": 64, **CIRCLE},
    density_hellinger=lambda: HISTOGRAM | {"weight": 1.0},
    density_kl=lambda: HISTOGRAM | {"weight": 1.0},
    density_w2=lambda: HISTOGRAM | {"x": [0.0, 1.0, 2.0]},
    discrete_noise_law=lambda: {
        "gradients": lambda x: x[:, None] + COINS,
        "learning_rate": 0.5,
        "probabilities": [0.5, 0.5],
        "bounds": (-1.5, 1.5),
        "points": 201,
    },
    barrier_exponent=lambda: in_well(diffusion=0.1, start=-1.0, end=0.0),
    kramers_time=lambda: in_well(diffusion=0.1, minimum=-1.0, saddle=0.0),
    mori_escape_time=lambda: (
        ESCAPE
        | {"loss_minimum": 0.1, "loss_saddle": 0.35, "curvatures": (2.0, -1.0), "outliers": 1}
    ),
    quasi_potential=lambda: in_well(
        start=-1.0,
        end=0.0,
        noise_values=[2.0, -0.5],
        probabilities=[0.2, 0.8],
        batch_size=2,
        panel_count=10,
    ),
    xie_escape_time=lambda: (
        ESCAPE
        | {"barrier": 0.25, "curvature_minimum": 2.0, "curvature_saddle": -1.0, "fraction": 0.5}
    ),
    finite_rate_density=lambda: boltzmann(learning_rate=0.05),
    finite_rate_energy=lambda: in_well(x=[[0.5], [1.0]], learning_rate=0.05, temperature=0.2),
    gradient_flow=lambda: {"model": well(), "x0": [[0.5], [1.2]], "times": [0.0, 1.0]},
    evolve_density=lambda: {
        "generator": generator(),
        "density": np.full(20, 0.1),
        "times": [0.5, 1],
    },
    fokker_planck=equation,
    fokker_planck_generator=equation,
    relaxation_rates=lambda: {"generator": generator(), "count": 2},
    stationary_probability=lambda: {"generator": generator()},
    transfer_operator_heavy_ball=lambda: sgd(quadratic(), momentum=0.5),
    langevin_law=lambda: {
        "potential": quadratic(),
        "temperature": 0.3,
        "step_size": 0.2,
        "method": "baoab",
        "friction": 1.0,
        "mass": 1.0,
    },
    mean_first_passage_time=lambda: in_well(diffusion=0.1, start=-1.0, target=0.0, wall=-3.0),
    sde_law=lambda: in_well(diffusion=0.1, bounds=(-3.0, 3.0)),
    mean_first_passage_steps=lambda: sgd(well(), start=[-1.0], inside=[(-2.0, 0.0)]),
    quasi_stationary_law=lambda: sgd(well(), inside=[(-2.0, 0.0)]),
    selling_decomposition=lambda: {"matrix": [[2.0, 0.5], [0.5, 0.7]]},
    stationary_density=lambda: {"law": law(), "x": [0.0, 0.5]},
    student_covariance=lambda: student(learning_rate=0.1),
    student_density=lambda: student(x=[[0.1, 0.2]]),
    student_law=student,
    student_tail=lambda: {"radius": 1.2, "curvature": 1.5, "slope": 0.4, "offset": 0.3},
    lyapunov_edge=lambda: {"curvature": 1.0, "batch_size": 2, "moment": 1.0},
    regression_moments_1d=lambda: REGRESSION | {"label_noise": 0.5},
    regression_tail=lambda: (
        REGRESSION | {"distance": [0.5, 1.0], "label_noise": 0.5, "batch_size": 1}
    ),
    tail_exponents=lambda: dict(REGRESSION),
    transfer_operator=lambda: sgd(well(), bounds=[(-3.0, 3.0)]),
)
