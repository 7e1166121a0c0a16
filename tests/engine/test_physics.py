"""Simulations against exact values: 100,000 particles, |z| < 5, with a twin that fails. Those that
were computed elsewhere come from `_oracle_runs`, whose z-scores over many seeds known_answers.py
judges."""

import numpy as np
import pytest
import z_scores
from _oracle_cases import CASES, NOT_SIMULATED, of_group, scores
from _oracle_runs import SIMULATIONS
from z_scores import worst

import langevin_sgd as ls

PARTICLES, SEED = 100_000, 2024
SPLITTINGS = ("aboba", "oabao", "obabo", "sghmc")  # in tests/models/test_dynamics.py
DEFAULT = {  # what the default suite simulates of the oracle
    *of_group("01"),
    *of_group("04"),
    *of_group("12_nystrom_2d"),
    *(name for name in SIMULATIONS if name.split()[0] in [*of_group("09"), *of_group("11")]),
    *(name for name in SIMULATIONS if name.endswith(" with_replacement")),
    "cumulants_skewed",
}
# whose like are among the others
DEFAULT -= {"q1d_hb", "q1d_nesterov", "epoch_1d_hb with_replacement", "linreg_2d_hb", "sgld"}
DEFAULT -= {"q2d_noncommuting_torch_nesterov", "q2d_noncommuting_nesterov"}
DEFAULT.remove("sampling_8x2 with_replacement")
DEFAULT -= {f"integrators_{k} {name}" for k in "ab" for name in SPLITTINGS}


def test_every_case_of_the_oracle_is_simulated_or_its_reason_is_named():
    simulated = {name.split()[0] for name in SIMULATIONS}
    for name, case in CASES.items():
        named = name in NOT_SIMULATED or case["group"] in NOT_SIMULATED
        assert named != (name in simulated), name


@pytest.mark.filterwarnings("ignore:learning_rate = 0.5 is above")  # that of a schedule, at first
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in DEFAULT else pytest.mark.slow) for name in SIMULATIONS],
)
def test_a_simulation_has_its_exact_values(name):
    """The twin: noise of twice the variance."""
    particles = PARTICLES if name in DEFAULT else PARTICLES // 5  # some store every step
    assert worst(scores(SIMULATIONS[name](), particles, SEED).values()) < 5
    assert worst(scores(SIMULATIONS[name](excess=2), particles, SEED).values()) > 5


SAMPLED = "without_replacement", "reshuffle", "single_shuffle"


def sampled_scores(sampling, steps):
    """Tables of 12 tilts, batches of 2: the variance of Langevin dynamics at the start of an epoch
    against T/h and what they add, and against what they would add if they were drawn."""
    tilts, rate, heat = np.linspace(-4, 4, 12)[:, None], 0.2, 0.3
    model = ls.losses.quadratic_centers([1.0], tilts)
    dynamics = ls.dynamics.langevin(heat, rate, 2, "leimkuhler_matthews")
    noise = ls.noise.minibatch(sampling)
    run = ls.simulate(model, dynamics, noise, particles=PARTICLES, steps=steps, seed=SEED)
    x = run.x[-1].values
    about = 1.0, (tilts**2).mean(), rate, 2
    added = [float(ls.theory.stationary_covariance(*about)[0, 0])]
    if sampling == "reshuffle":
        added.append(ls.theory.epoch_covariance(*about, 12)[0, 0, 0])
    elif sampling == "single_shuffle":
        added.append(ls.theory.single_shuffle_covariance(*about, 12)[0, 0])
    else:
        added.append(added[0] * 10 / 11)
    return [z_scores.of_products(x, x, [[heat + more]]) for more in added[::-1]]


@pytest.mark.slow
@pytest.mark.parametrize("sampling", SAMPLED)
def test_batches_of_a_table_add_their_exact_variance_to_langevin_dynamics(sampling):
    exact, as_if_drawn = sampled_scores(sampling, 120)
    assert worst([exact]) < 5
    assert worst([as_if_drawn]) > 5
