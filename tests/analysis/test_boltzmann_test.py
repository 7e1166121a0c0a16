"""The test of Boltzmann's law: level under the null, three decisions, words, and refusals."""

import numpy as np
import pytest
from synthetic_runs import gaussian_run

import langevin_sgd as ls
from langevin_sgd.analysis.wording import shorthand

boltzmann_test = ls.analysis.boltzmann_test
HESSIAN = np.array([[2.0, 0.5], [0.5, 1.0]])
TEMPERATURE = 0.3
BOLTZMANN = TEMPERATURE * np.linalg.inv(HESSIAN)


@pytest.mark.parametrize("temperature", [None, TEMPERATURE], ids=["fitted", "given"])
def test_p_values_are_uniform_under_boltzmann(temperature):
    bowl = ls.potentials.quadratic(HESSIAN)
    results = [
        boltzmann_test(gaussian_run(BOLTZMANN, 1000, seed), bowl, temperature)
        for seed in range(150)
    ]
    p = np.array([r.p_value.values for r in results])
    assert results[0].test.values.tolist() == ["one_temperature", "cross_terms", "curvature"]
    assert np.all(np.abs(p[:, [0, 2]].mean(axis=0) - 0.5) < 4 / np.sqrt(12 * len(p)))
    assert np.all((p < 0.1).mean(axis=0) < 0.1 + 4 * np.sqrt(0.09 / len(p)))
    assert np.mean([r.decision == "departs" for r in results]) < 0.05 + 4 * np.sqrt(
        0.05 * 0.95 / len(p)
    )


def test_three_decisions_and_their_words():
    bowl = ls.potentials.quadratic(HESSIAN)
    good = boltzmann_test(gaussian_run(BOLTZMANN, 200_000, 1), bowl)
    assert good.decision == "consistent within tolerance"
    assert good.verdict.startswith(
        "the run is consistent with Boltzmann within 2 %: temperatures along x0, x1 are 0."
    )
    few = boltzmann_test(gaussian_run(BOLTZMANN, 200, 1), bowl)
    assert few.decision == "undecided" and few.verdict.startswith(
        "undecided whether the run departs from Boltzmann by over 2 %"
    )
    bad = boltzmann_test(gaussian_run(np.diag([2.0, 1.0]) * BOLTZMANN, 5000, 1), bowl)
    assert bad.decision == "departs" and bad.p_value.min() < 1e-6


def test_a_small_departure_is_significant_and_within_tolerance():
    """4 % between two temperatures, seen at p < 1e-6 by 200,000 particles, is no departure by more
    than 10 %.
    """
    hot = np.diag(TEMPERATURE * np.array([1.02, 0.98]))
    run, bowl = gaussian_run(hot, 200_000, 3), ls.potentials.quadratic([1.0, 1.0])
    result = boltzmann_test(run, bowl, tolerance=0.1)
    assert result.p_value.min() < 1e-6 and result.decision == "consistent within tolerance"
    assert abs(result.effect.sel(test="one_temperature").item()) == pytest.approx(0.02, abs=0.008)


def test_double_well_departs_in_words(well_run, well):
    result = boltzmann_test(well_run, well)
    assert result.decision == "departs"
    assert result.verdict.startswith(
        "SGD departs from Boltzmann: temperatures along x0, x1 are 0.36"
    )
    assert "one temperature would be 0.2" in result.verdict and result.verdict.endswith(
        "p < 1e-300"
    )
    exact = np.array([0.3604204026410813, 0.1139140434636934])  # oracle dw2d_aniso
    assert np.all(
        np.abs(result.directional_temperature - exact)
        < 4 * result.directional_temperature_standard_error
    )
    curvature = (
        exact.mean()
        * (3 * 0.771099490489518 - 1 + 0.64 + 1)
        / (0.8056053685477559 + 0.18552057951593784)
        - 1
    )
    assert abs(result.effect[2] - curvature) < 4 * result.effect_standard_error[2]


def test_directions_and_many_components():
    covariance = np.diag(TEMPERATURE / np.arange(1.0, 9.0))
    bowl = ls.potentials.quadratic(np.arange(1.0, 9.0))
    turned = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))[0]
    result = boltzmann_test(
        gaussian_run(covariance, 30_000, 1), bowl, tolerance=0.1, directions=turned
    )
    assert result.decision == "consistent within tolerance"
    assert (
        "temperatures along 8 directions range from 0.2" in result.verdict
        and "along direction" in result.verdict
    )


def test_one_dimension_is_judged_by_the_curvature():
    """Gaussian particles in a quartic well: wrong shape; in a quadratic one both temperatures are
    one number: nothing to test.
    """
    result = boltzmann_test(gaussian_run([[1.0]], 20_000, 2), ls.potentials.double_well())
    assert (
        result.test.values.tolist() == ["curvature"]
        and result.decision == "departs"
        and "curvature implies" in result.verdict
    )
    run = gaussian_run([[0.3]], 20_000, 2)
    with pytest.raises(ValueError, match="nothing to test"):
        boltzmann_test(run, ls.potentials.quadratic([1.0]))
    given = boltzmann_test(run, ls.potentials.quadratic([1.0]), 0.3, tolerance=0.1)
    assert (
        given.decision == "consistent within tolerance"
        and "temperature from the virial is 0.299(3); one temperature is 0.3;" in given.verdict
    )


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.2961, 0.0021, "0.296(2)"),
        (0.5, 0.098, "0.5(1)"),
        (12.34, 3.2, "12(3)"),
        (0.25, 0.0, "0.25"),
    ],
)
def test_shorthand(value, error, text):
    assert shorthand(value, error) == text


def test_messages():
    run, bowl = gaussian_run(BOLTZMANN, 200, 1), ls.potentials.quadratic(HESSIAN)
    for arguments, options, message in [
        ((-1.0,), {}, "temperature must be one positive finite number"),
        ((), {"tolerance": 2}, "tolerance and level must be between 0 and 1"),
        ((), {"directions": np.eye(2)[:, :1]}, "directions must be 2 columns"),
    ]:
        with pytest.raises(ValueError, match=message):
            boltzmann_test(run, bowl, *arguments, **options)
    with pytest.raises(ValueError, match="fitted temperature is -"):
        boltzmann_test(run, ls.potentials.quadratic([-1.0, -2.0]))
    flat = ls.potentials.quadratic([1.0, 0.0])
    with pytest.raises(ValueError, match="no spread, or no force, along direction 1"):
        boltzmann_test(run, flat)
    with pytest.raises(ValueError, match="needs at least 10 particles, got 9"):
        boltzmann_test(run.isel(particle=slice(9)), bowl)
