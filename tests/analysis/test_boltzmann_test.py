"""The test of Boltzmann's law: cases whose answer is known, invariance, words, and refusals."""

import numpy as np
import pytest
from scipy.signal import lfilter
from synthetic_runs import adjacent, gaussian_run, series_run, synthetic_run, well_draws

import langevin_sgd as ls
from langevin_sgd.analysis.wording import shorthand

boltzmann_test = ls.analysis.boltzmann_test
HESSIAN, TEMPERATURE = np.array([[2.0, 0.5], [0.5, 1.0]]), 0.3
BOLTZMANN = TEMPERATURE * np.linalg.inv(HESSIAN)
BOWL, ROUND = ls.potentials.quadratic(HESSIAN), ls.potentials.quadratic([1.0, 1.0])
CONSISTENT = "consistent within tolerance"


def test_a_transient_departs_by_its_mean_force():
    """50 steps of a decay over 100: E[grad U] is 6 where the gradient spreads by 0.06."""
    moves, noise = ls.dynamics.sgd(0.01), ls.noise.gaussian([1.0, 1.0])
    run = ls.simulate(ROUND, moves, noise, particles=2_000, steps=50, x0=[10.0, 10.0], seed=1)
    result = boltzmann_test(run, ROUND)
    assert result.decision == "departs" and result.p_value.sel(test="mean_force") < 1e-100
    assert "virial, fourth moments" in result.verdict and "too vague" in result.not_tested


def test_a_uniform_law_departs_by_its_shape():
    """Two-point noise at learning rate 1/2 ends uniform: the second moments are Boltzmann's."""
    x = np.random.default_rng(1).uniform(-1.0, 1.0, size=(20_000, 2))
    result = boltzmann_test(synthetic_run(x), ROUND)
    assert result.decision == "departs" and result.p_value.sel(test="virial") > 1e-3
    shape = result.sel(test="fourth_moments")
    exact = (9 / 5 + 1) / 4 - 1  # E[y_i^2 |y|^2] = 9/5 + 1, where a Gaussian has d + 2
    assert abs(shape.effect - exact) < 4 * shape.effect_standard_error


def test_the_verdict_does_not_change_with_units():
    """Correlations of 1 %, in length and in a tenth of it: within 4 % both times."""
    law, units = 0.1 * np.array([[1.0, 0.01], [0.01, 1.0]]), np.array([10.0, 1.0])
    x = gaussian_run(law, 100_000, 1).x.values[0]
    results = [
        boltzmann_test(synthetic_run(x * unit), ls.potentials.quadratic(unit**-2.0), tolerance=0.04)
        for unit in (np.ones(2), units)
    ]
    assert [result.decision for result in results] == [CONSISTENT, CONSISTENT]
    assert np.allclose(*(result.effect for result in results), atol=1e-9)


UNITS = [((1e-8, 1e-8), 0.0), ((1e8, 1e8), 0.0), ((1.0, 1e6), 0.0), ((1.0, 1.0), 1e6)]


@pytest.mark.parametrize(("units", "origin"), UNITS)
def test_p_values_do_not_change_with_units_and_origin(units, origin):
    """Of units x + origin in a bowl; the twin, with a hundredth of the spread, departs."""
    x, units = np.random.default_rng(1).normal(size=(500, 2)), np.array(units)
    one, two = units.tolist()
    energy = f"(((x - {origin!r}) / {one!r})**2 + ((y - {origin!r}) / {two!r})**2) / 2"
    bowl = ls.potentials.from_expression(energy, ["x", "y"])
    expected = boltzmann_test(synthetic_run(x), ROUND, 1.0)
    found = boltzmann_test(synthetic_run(units * x + origin), bowl, 1.0)
    assert found.test.values.tolist() == expected.test.values.tolist()
    assert np.allclose(found.p_value, expected.p_value, rtol=0, atol=1e-6)
    assert boltzmann_test(synthetic_run(units * x / 100 + origin), bowl, 1.0).decision == "departs"


@pytest.mark.parametrize("length", [1e-8, 1.0, 1e8])
def test_occupations_do_not_change_with_units(length):
    """Also where all particles are in one of two wells."""
    unit = f"(x / {length!r})"
    well = ls.potentials.from_expression(f"({unit}**2 - 1)**2 / 4", ["x"])
    x = 1 + 0.15 * np.random.default_rng(1).normal(size=(500, 1))
    result = boltzmann_test(synthetic_run(length * x), well, 0.05)
    assert abs(result.effect.sel(test="occupation").item()) == pytest.approx(0.5, abs=1e-6)


def test_a_well_too_cold_for_a_grid_has_no_occupation_and_a_verdict():
    x = 1 + 1e-5 * np.random.default_rng(1).normal(size=(500, 1))
    well = ls.potentials.from_expression("(x - 0.0123)**2 * (x - 1)**2", ["x"])
    result = boltzmann_test(synthetic_run(x), well, 2e-10)
    assert "virial" in result.test.values and "occupation: potential" in result.not_tested
    assert "ive bounds" not in result.not_tested


@pytest.mark.parametrize("temperature", [None, TEMPERATURE], ids=["fitted", "given"])
@pytest.mark.parametrize("tails", [False, True], ids=["light", "heavy"])
def test_p_values_are_invariant_under_linear_maps(temperature, tails):
    random = np.random.default_rng(3)
    x = random.standard_t(1.5, size=(500, 3)) if tails else random.laplace(size=(500, 3))
    hessian = np.diag([1.0, 2.0, 3.0])
    expected = boltzmann_test(synthetic_run(x), ls.potentials.quadratic(hessian), temperature)
    for _ in range(3):
        there = random.normal(size=(3, 3))
        bowl = ls.potentials.quadratic(np.linalg.inv(there @ np.linalg.inv(hessian) @ there.T))
        found = boltzmann_test(synthetic_run(x @ there.T), bowl, temperature)
        assert np.allclose(found.p_value, expected.p_value, rtol=0, atol=1e-9)
        assert np.allclose(found.effect, expected.effect, rtol=1e-6, atol=1e-9)
        assert found.decision == expected.decision


@pytest.mark.parametrize(("far", "temperature"), [(60.0, None), (1000.0, None), (10.0, 1.0)])
def test_a_particle_far_from_all_others_is_named(far, temperature):
    x = np.random.default_rng(1).normal(size=(20_000, 2))
    assert "alone" not in boltzmann_test(synthetic_run(x), ROUND, temperature).verdict
    x[17] = [far, 0.0]
    try:
        said = boltzmann_test(synthetic_run(x), ROUND, temperature).verdict
    except ValueError as refusal:  # T cannot be fitted
        said = str(refusal)
    assert f"one particle is alone at x = [{far:.0f}." in said


def test_heavy_tails_are_judged_by_bounded_functions():
    """Cauchy positions in a bowl: no moments, so none are tested, and the law departs."""
    x = np.random.default_rng(1).standard_cauchy(size=(20_000, 2))
    result = boltzmann_test(synthetic_run(x), ROUND)
    assert result.test.values.tolist() == ["bounded", "bounded_shape"]
    assert result.decision == "departs" and result.family_p_value < 1e-100
    assert "virial" in result.not_tested and "tail index 0.49(4)" in result.not_tested


def test_three_decisions_and_their_words():
    laws = {
        CONSISTENT: (BOLTZMANN, 200_000),
        "undecided": (BOLTZMANN, 200),
        "departs": (np.diag([2.0, 1.0]) * BOLTZMANN, 5000),
    }
    words = [
        "the run is consistent with Boltzmann within 2 %: temperatures along x0, x1 are 0.",
        "undecided whether the run departs from Boltzmann by over 2 % (about ",
        "the run departs from Boltzmann: ",
    ]
    for (decision, law), verdict in zip(laws.items(), words, strict=True):
        result = boltzmann_test(gaussian_run(*law, 1), BOWL)
        assert result.decision == decision and result.verdict.startswith(verdict)
        assert "Tested: mean force, virial, fourth moments. Not tested: conf" in result.verdict
        assert "Stationarity: not checked." in result.verdict
    assert result.p_value.min() < 1e-6 and result.family_p_value < 0.05


def test_the_verdict_tells_of_stationarity_and_of_dropped_particles():
    run = gaussian_run(BOLTZMANN, 200, 1)
    run.status[:3] = 1
    words = {None: "not checked", 1: "checked", 0: "checked, and not reached"}
    for stationary, word in words.items():
        run.attrs |= {} if stationary is None else {"stationary": stationary}
        verdict = boltzmann_test(run, BOWL, on_diverged="drop").verdict
        assert verdict.endswith(f"Stationarity: {word}. 3 particles were dropped.")


def test_a_small_departure_is_significant_and_within_tolerance():
    """4 % between two temperatures, seen at p < 1e-6 by 200,000 particles, is no departure by more
    than 10 %."""
    hot = np.diag(TEMPERATURE * np.array([1.02, 0.98]))
    result = boltzmann_test(gaussian_run(hot, 200_000, 3), ROUND, tolerance=0.1)
    assert result.p_value.min() < 1e-6 and result.decision == CONSISTENT
    assert abs(result.effect.sel(test="virial").item()) == pytest.approx(0.02, abs=0.008)


def test_double_well_departs_in_words(well_run, well):
    result = boltzmann_test(well_run, well)
    begin = "SGD departs from Boltzmann: temperatures along x0, x1 are 0.36"
    assert result.decision == "departs" and result.verdict.startswith(begin)
    assert "one temperature would be 0.2" in result.verdict and "p < 1e-300." in result.verdict
    exact = np.array([0.3604204026410813, 0.1139140434636934])  # oracle dw2d_aniso
    measured = result.directional_temperature
    assert np.all(np.abs(measured - exact) < 4 * result.directional_temperature_standard_error)


def test_a_model_without_hessian_is_differenced(well):
    run = synthetic_run(well_draws(2_000, 1, 0.05, 1.0))
    pair = well, well._replace(hessian=None)
    exact, differenced = (boltzmann_test(run, one, 0.05) for one in pair)
    assert np.allclose(exact.p_value, differenced.p_value, rtol=1e-4)
    assert exact.test.values.tolist()[2] == "configurational"


def test_directions_and_many_components():
    run = gaussian_run(np.diag(TEMPERATURE / np.arange(1.0, 9.0)), 30_000, 1)
    turned = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))[0]
    bowl = ls.potentials.quadratic(np.arange(1.0, 9.0))
    result = boltzmann_test(run, bowl, tolerance=0.1, directions=turned)
    assert result.decision == CONSISTENT
    assert "temperatures along 8 directions range from 0.2" in result.verdict
    assert "along direction" in result.verdict


def test_one_dimension():
    """Gaussian particles in a quartic well have the wrong shape; in a bowl the right one."""
    wrong = boltzmann_test(gaussian_run([[1.0]], 20_000, 2), ls.potentials.double_well())
    assert wrong.decision == "departs" and "virial" in wrong.not_tested  # fitted: it holds
    run, bowl = gaussian_run([[0.3]], 20_000, 2), ls.potentials.quadratic([1.0])
    given = boltzmann_test(run, bowl, 0.3, tolerance=0.1)
    assert given.decision == CONSISTENT
    assert "temperature from the virial is 0.299(3); one temperature is 0.3;" in given.verdict


def test_shorthand():
    assert shorthand(0.2961, 0.0021) == "0.296(2)" and shorthand(0.5, 0.098) == "0.5(1)"
    assert shorthand(12.34, 3.2) == "12(3)" and shorthand(0.25, 0.0) == "0.25"
    assert shorthand(2.5e15, 3.1e14) == "2.5e+15 +- 3e+14"
    assert shorthand(1e-40, 2e-42) == "1e-40 +- 2e-42"


def test_the_occupation_of_two_equal_wells():
    """All particles in one well depart by half; the exact law does not, at half a percent."""
    well = ls.potentials.double_well(dim=2, barrier=1.0, coupling=0.8)
    x = well_draws(50_000, 1, 0.05, 1.0)
    shares = ls.theory.basin_populations(well, 0.05)
    one_well = x * np.sign(x[:, :1])
    given = {"potential": well, "tolerance": 0.05, "populations": shares}
    assert boltzmann_test(synthetic_run(x), **given).decision == CONSISTENT
    result = boltzmann_test(synthetic_run(one_well), **given)
    assert result.decision == "departs" and "occupation off by 50.0(2) %" in result.verdict
    assert result.p_value.drop_sel(test="occupation").min() > 1e-3


def test_a_stirred_process_departs_by_its_current():
    """Two steps of a linear process with a Gaussian law at T = 1 and half the drift turned."""
    random, forward = np.random.default_rng(1), np.array([[0.9, -0.05], [0.05, 0.9]])
    x = random.normal(size=(5_000, 2))
    noise = np.sqrt(1 - 0.9**2 - 0.05**2)
    late = x @ forward.T + noise * random.normal(size=(5_000, 2))
    result = boltzmann_test(adjacent(x, late), ROUND, 1.0)
    assert result.decision == "departs" and result.p_value.sel(test="current") < 1e-6
    assert result.p_value.drop_sel(test="current").min() > 1e-3


def test_a_time_series_of_one_particle_is_thinned():
    z = np.random.default_rng(1).normal(size=(20_000, 1, 2)) * np.sqrt(1 - 0.9**2)
    run = series_run(lfilter([1.0], [1.0, -0.9], z, axis=0))
    result = boltzmann_test(run, ROUND, 1.0)
    assert result.decision == "undecided" and 200 < result.particles < 500
    assert boltzmann_test(run, ROUND, 0.5).decision == "departs"


def test_a_reference_run_and_the_stein_discrepancy_on_request():
    """Both see a uniform law, at a known temperature only."""
    x = np.random.default_rng(1).uniform(-1.0, 1.0, size=(1_000, 2))
    asked = {"reference": "langevin", "stein": True}
    result = boltzmann_test(synthetic_run(x), ROUND, 1 / 3, **asked)
    assert result.p_value.sel(test=["reference", "stein"]).max() < 0.05
    fitted = boltzmann_test(synthetic_run(x), ROUND, **asked)
    assert "reference, stein (needs temperature=)" in fitted.verdict


def test_a_reference_that_fails_is_not_tested_and_the_reason_is_told():
    hill = ls.potentials.from_expression("-a*a*a*a - b*b - c*c - e*e", ["a", "b", "c", "e"])
    x = np.random.default_rng(1).normal(size=(200, 4))
    result = boltzmann_test(synthetic_run(x), hill, 1.0, reference="langevin")
    assert "reference: the reference did not converge: its particles ran away" in result.not_tested


def absolute(p, x):
    return ls.elementary.where(x[0] > 0.0, x[0], -x[0])


def sign(p, x, out):
    out[0] = ls.elementary.where(x[0] > 0.0, 1.0, -1.0)


def test_a_kink_is_seen_by_differences_of_the_gradient():
    x = np.random.default_rng(1).laplace(size=(20_000, 1))
    found = boltzmann_test(synthetic_run(x), ls.Potential("kink", absolute, sign, {}, 1), 1.0)
    assert found.family_p_value > 0.01 and found.decision == "undecided"
