"""The test of Boltzmann's law: level under the null, three decisions, words, and refusals."""

import numpy as np
import pytest
from refusals import refusal
from synthetic_runs import gaussian_run

import langevin_sgd as ls
from langevin_sgd.analysis.wording import shorthand

boltzmann_test = ls.analysis.boltzmann_test
HESSIAN = np.array([[2.0, 0.5], [0.5, 1.0]])
TEMPERATURE = 0.3
BOLTZMANN, BOWL = TEMPERATURE * np.linalg.inv(HESSIAN), ls.potentials.quadratic(HESSIAN)


@pytest.mark.parametrize("temperature", [None, TEMPERATURE], ids=["fitted", "given"])
def test_p_values_are_uniform_under_boltzmann(temperature):
    runs = [gaussian_run(BOLTZMANN, 1000, seed) for seed in range(150)]
    results = [boltzmann_test(run, BOWL, temperature) for run in runs]
    p, n = np.array([r.p_value.values for r in results]), len(runs)
    assert results[0].test.values.tolist() == ["one_temperature", "cross_terms", "curvature"]
    assert np.all(np.abs(p[:, [0, 2]].mean(axis=0) - 0.5) < 4 / np.sqrt(12 * n))
    assert np.all((p < 0.1).mean(axis=0) < 0.1 + 4 * np.sqrt(0.09 / n))
    departs = np.mean([r.decision == "departs" for r in results])
    assert departs < 0.05 + 4 * np.sqrt(0.05 * 0.95 / n)


def test_three_decisions_and_their_words():
    laws = {
        "consistent within tolerance": (BOLTZMANN, 200_000),
        "undecided": (BOLTZMANN, 200),
        "departs": (np.diag([2.0, 1.0]) * BOLTZMANN, 5000),
    }
    words = [
        "the run is consistent with Boltzmann within 2 %: temperatures along x0, x1 are 0.",
        "undecided whether the run departs from Boltzmann by over 2 %",
        "the run departs from Boltzmann: ",
    ]
    for (decision, law), verdict in zip(laws.items(), words, strict=True):
        result = boltzmann_test(gaussian_run(*law, 1), BOWL)
        assert result.decision == decision and result.verdict.startswith(verdict)
    assert result.p_value.min() < 1e-6


def test_a_small_departure_is_significant_and_within_tolerance():
    """4 % between two temperatures, seen at p < 1e-6 by 200,000 particles, is no departure by more
    than 10 %.
    """
    hot = np.diag(TEMPERATURE * np.array([1.02, 0.98]))
    bowl = ls.potentials.quadratic([1.0, 1.0])
    result = boltzmann_test(gaussian_run(hot, 200_000, 3), bowl, tolerance=0.1)
    assert result.p_value.min() < 1e-6 and result.decision == "consistent within tolerance"
    assert abs(result.effect.sel(test="one_temperature").item()) == pytest.approx(0.02, abs=0.008)


def test_double_well_departs_in_words(well_run, well):
    result = boltzmann_test(well_run, well)
    begin = "SGD departs from Boltzmann: temperatures along x0, x1 are 0.36"
    assert result.decision == "departs" and result.verdict.startswith(begin)
    assert "one temperature would be 0.2" in result.verdict
    assert result.verdict.endswith("p < 1e-300")
    exact = np.array([0.3604204026410813, 0.1139140434636934])  # oracle dw2d_aniso
    measured = result.directional_temperature
    assert np.all(np.abs(measured - exact) < 4 * result.directional_temperature_standard_error)
    laplacian = 3 * 0.771099490489518 - 1 + 0.64 + 1
    curvature = exact.mean() * laplacian / (0.8056053685477559 + 0.18552057951593784) - 1
    assert abs(result.effect[2] - curvature) < 4 * result.effect_standard_error[2]


def test_weight_decay_is_part_of_the_curvature():
    """The law of U + (decay/2) |x|^2; the twin: without the decay in the Laplacian the temperature
    of the curvature is too low by tr H / tr (H + decay) = 3/4.
    """
    decayed = TEMPERATURE * np.linalg.inv(HESSIAN + 0.5 * np.eye(2))
    run = gaussian_run(decayed, 20_000, 2, dynamics=("sgd", {"weight_decay": 0.5}))
    result = boltzmann_test(run, BOWL).sel(test="curvature")
    assert abs(result.effect) < 4 * result.effect_standard_error < 0.05


def test_directions_and_many_components():
    run = gaussian_run(np.diag(TEMPERATURE / np.arange(1.0, 9.0)), 30_000, 1)
    turned = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))[0]
    bowl = ls.potentials.quadratic(np.arange(1.0, 9.0))
    result = boltzmann_test(run, bowl, tolerance=0.1, directions=turned)
    assert result.decision == "consistent within tolerance"
    assert "temperatures along 8 directions range from 0.2" in result.verdict
    assert "along direction" in result.verdict


def test_one_dimension_is_judged_by_the_curvature():
    """Gaussian particles in a quartic well: wrong shape; in a quadratic one both temperatures are
    one number: nothing to test.
    """
    result = boltzmann_test(gaussian_run([[1.0]], 20_000, 2), ls.potentials.double_well())
    assert result.test.values.tolist() == ["curvature"] and result.decision == "departs"
    assert "curvature implies" in result.verdict
    run, bowl = gaussian_run([[0.3]], 20_000, 2), ls.potentials.quadratic([1.0])
    assert refusal(boltzmann_test, run, bowl).startswith("ValueError: nothing to test")
    given = boltzmann_test(run, bowl, 0.3, tolerance=0.1)
    assert given.decision == "consistent within tolerance"
    assert "temperature from the virial is 0.299(3); one temperature is 0.3;" in given.verdict


def test_a_population_is_judged_by_its_own_mean_loss():
    """Small batches of fresh examples with a stiff direction depart from the table's law, and agree
    within the tolerance with their own: a table of 20 rows has another minimum and curvatures.
    """
    loss = ls.losses.linear_regression_population(np.eye(2), label_noise=0.5, examples=20)
    loss = loss._replace(mean=ls.potentials.quadratic(np.eye(2)))
    moves, noise = ls.dynamics.sgd(0.02, 4), ls.noise.minibatch("population")
    run = ls.simulate(loss, moves, noise, particles=20_000, steps=400, seed=2)
    assert boltzmann_test(run, loss, tolerance=0.05).decision == "consistent within tolerance"
    by_the_table = run.assign_attrs(noise="null")
    assert boltzmann_test(by_the_table, loss, tolerance=0.05).decision == "departs"
    message = "ValueError: 'linear_regression_population' draws fresh examples, and their mean loss"
    assert refusal(boltzmann_test, run, loss._replace(mean=None)).startswith(message)


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


WALLED = ls.potentials.quadratic([2.0, 1.0])._replace(domain=(("periodic", -1.0, 1.0), None))
FEW = gaussian_run(BOLTZMANN, 9, 1)
BAD = [
    ({"temperature": -1.0}, "ValueError: temperature must be > 0, got -1.0."),
    ({"tolerance": 2}, "ValueError: tolerance must be > 0 and < 1, got 2."),
    ({"level": 0.0}, "ValueError: level must be > 0 and < 1, got 0.0."),
    ({"directions": np.eye(2)[:, :1]}, "ValueError: directions must be 2 columns"),
    ({"potential": ls.potentials.quadratic([-1.0, -2.0])}, "ValueError: the fitted temperature is"),
    ({"potential": ls.potentials.quadratic([1.0, 0.0])}, "ValueError: run has no spread, or no fo"),
    ({"potential": WALLED}, "ValueError: potential must have an open domain here, but 'quadratic'"),
    ({"potential": 3.0}, "TypeError: potential must be a Potential or a Loss"),
    ({"run": FEW}, "ValueError: a joint p-value of 1 numbers needs at least 10 particles, got 9"),
    ({"run": FEW.x}, "TypeError: run must be a dataset with x (particle, component), as simulate("),
    ({"run": FEW.assign_attrs(independent_particles=0)}, "ValueError: run must have independent"),
    ({"on_diverged": "dorp"}, "ValueError: on_diverged must be one of 'raise', 'drop', got 'dorp'"),
    ({"lebel": 0.1}, "TypeError: boltzmann_test() has no argument 'lebel'"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), BAD)
def test_what_cannot_be_right_is_refused(change, message):
    given = {"run": gaussian_run(BOLTZMANN, 200, 1), "potential": BOWL} | change
    assert refusal(boltzmann_test, **given).startswith(message)


def test_all_intervals_hold_together():
    """65 numbers of 8 components: without Bonferroni nearly every run of Boltzmann's law would
    depart."""
    bowl = ls.potentials.quadratic(np.arange(1.0, 9.0))
    law = np.diag(TEMPERATURE / np.arange(1.0, 9.0))
    runs = (gaussian_run(law, 2000, seed) for seed in range(40))
    results = [boltzmann_test(run, bowl, tolerance=1e-9) for run in runs]
    departs = np.mean([result.decision == "departs" for result in results])
    assert departs < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 40)
    loose = (gaussian_run(law, 2000, seed) for seed in range(10))
    results = [boltzmann_test(run, bowl, tolerance=1e-9, level=0.99) for run in loose]
    assert np.mean([result.decision == "departs" for result in results]) > 0.3  # the twin
