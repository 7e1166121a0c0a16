"""The package's own Boltzmann sample: right where it converges, silent where it does not."""

import numpy as np
import pytest
from refusals import refusal
from synthetic_runs import gaussian_run, synthetic_run

import langevin_sgd as ls
from langevin_sgd.analysis.reference_sample import reference_deviation

WELL = ls.potentials.double_well(dim=2, coupling=0.8)
SMALL = {"particles": 1000, "most": 20_000_000, "permutations": 199}


@pytest.fixture(scope="module")
def sample():
    """At T = 0.25, the height of the barrier, from a run that fills one well."""
    run = gaussian_run(np.eye(2) / 100, 500, 1)
    run["x"] += np.array([1.0, 0.8])
    return ls.analysis.reference_sample(run, WELL, 0.25, particles=4000, seed=1)


def test_a_sample_has_boltzmanns_moments_and_says_what_it_cost(sample):
    law = ls.theory.boltzmann_density(WELL, 0.25)
    x = sample.x.values
    square = (x[:, :, None] * x[:, None]).mean(axis=0)
    error = (x[:, :, None] * x[:, None]).std(axis=0) / np.sqrt(len(x))
    assert sample.attrs["converged"] == 1 and sample.attrs["particle_steps"] > 1e5
    assert np.all(np.abs(square - law.second_moment) < 4 * error)
    assert np.all(np.abs(x.mean(axis=0)) < 4 * x.std(axis=0) / np.sqrt(len(x)))


def test_occupations_and_tails_are_seen_and_boltzmanns_law_is_not(sample):
    """The run is an independent sample, then lacks half of one well, then all beyond 3 T."""
    x = sample.x.values
    found = reference_deviation(x, WELL, 0.25, **SMALL)
    assert found.p_value > 0.01
    kept = (x[:, 0] > 0) | (np.arange(len(x)) % 2 > 0)
    assert reference_deviation(x[kept], WELL, 0.25, **SMALL).p_value == 1 / 200
    low = ls.evaluate(WELL, x, "energy") < 0.75
    assert reference_deviation(x[low], WELL, 0.25, **SMALL).p_value == 1 / 200


@pytest.mark.parametrize("left", [0, 500])
def test_wells_that_are_rarely_left_give_no_p_value(left):
    """The barrier is 20 T: neither one filled well nor two equal ones pass for a reference."""
    x = np.random.default_rng(1).normal(size=(1000, 2)) * 0.1 + [1.0, 0.8]
    x[:left] *= -1
    cold = ls.potentials.double_well(dim=2, barrier=1.0, coupling=0.8)
    found = reference_deviation(x, cold, 0.05, **SMALL | {"most": 2_000_000})
    words = "remember where they started" if left else "two starts disagree"
    assert "did not converge: " in found and words in found
    assert "particle-steps, time steps up to 0.0" in found


def test_refusals_and_a_budget_that_is_too_small():
    run = gaussian_run(np.eye(2), 50, 1, dynamics=("sgd", {"weight_decay": 0.5}))
    assert "weight_decay" in refusal(ls.analysis.reference_sample, run, WELL, 0.25)
    plain = synthetic_run(run.x.values.reshape(-1, 2))
    made = ls.analysis.reference_sample(plain, WELL, 0.25, max_particle_steps=100)
    assert (made.converged, made.reason) == (0, "max_particle_steps is too small")
    line = ls.potentials.from_expression("x+0*y", ["x", "y"])
    assert "finite curvature above 0" in refusal(ls.analysis.reference_sample, plain, line, 1.0)
    hill = ls.potentials.from_expression("-x*x-y*y", ["x", "y"])
    made = ls.analysis.reference_sample(plain, hill, 1.0, particles=100)
    assert made.converged == 0 and "its particles ran away" in made.reason
