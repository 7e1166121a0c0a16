"""First passage and quasi-stationary laws of SGD chains, against geometric laws and the operator
without walls.
"""

import numpy as np
import pytest

from langevin_sgd import theory
from langevin_sgd.models.potentials import double_well, quadratic

INF = np.inf
WELL = double_well()


def test_a_chain_that_forgets_in_one_step_leaves_geometrically():
    """eta h = 1: x' is pure noise, so that the mean number of steps is 1/P(outside) and the law
    inside is a cut normal law.
    """
    from scipy.stats import norm

    setting = quadratic([1.0]), 1.0, 1.0
    stay = norm.cdf(1.2) - norm.cdf(-0.5)
    steps = theory.mean_first_passage_steps(*setting, start=[0.0, 1.1], inside=[(-0.5, 1.2)])
    assert np.allclose(steps.mean_steps, 1 / (1 - stay), rtol=1e-10)
    law = theory.quasi_stationary_law(*setting, inside=[(-0.5, 1.2)])
    assert law.survival.item() == pytest.approx(stay, rel=1e-11)
    assert law.mean_position.item() == pytest.approx(
        (norm.pdf(-0.5) - norm.pdf(1.2)) / stay, rel=1e-10
    )


def test_two_dimensions_without_coupling_are_one_dimension():
    line = theory.mean_first_passage_steps(WELL, 2.0, 0.1, start=-1.0, inside=[(-INF, 0.0)])
    plane = theory.mean_first_passage_steps(
        double_well(dim=2), [2.0, 3.0], 0.1, start=[-1.0, 0.3], inside=[(-INF, 0.0), (-INF, INF)]
    )
    assert plane.mean_steps.item() == pytest.approx(line.mean_steps.item(), rel=1e-8)
    assert plane.mean_steps_error.item() < 1e-5 * line.mean_steps.item()


def test_lifetime_of_the_quasi_stationary_law():
    """From the quasi-stationary law itself the mean number of steps is exactly 1/(1 - survival)."""
    setting = double_well(), 1.5, 0.4
    region = [(-2.4, 2.4)]
    law = theory.quasi_stationary_law(*setting, inside=region)
    steps = theory.mean_first_passage_steps(
        *setting, start=law.axis_0.values, inside=region
    ).mean_steps.values
    assert float((law.density * law.weight).values @ steps) == pytest.approx(
        1 / law.exit_probability.item(), rel=1e-8
    )


def test_a_chain_seen_at_its_steps_is_slower_than_the_diffusion():
    """The twin of the oracle cases: the diffusion's time is 12 % too short here, so that a mix-up
    would be seen.
    """
    steps = theory.mean_first_passage_steps(
        WELL, 2 * 0.1 / 0.05, 0.05, start=-1.0, inside=[(-INF, 0.0)]
    )
    assert (
        0.05 * steps.mean_steps.item()
        > 1.1 * theory.mean_first_passage_time(WELL, 0.1, -1.0, 0.0).mean_time.item()
    )


def test_refusals():
    with pytest.raises(ValueError, match="start must be inside"):
        theory.mean_first_passage_steps(WELL, 1.0, 0.1, start=0.5, inside=[(-INF, 0.0)])
    with pytest.raises(ValueError, match="inside must hold one or two pairs"):
        theory.quasi_stationary_law(WELL, 1.0, 0.1, inside=[(1.0, -1.0)])
