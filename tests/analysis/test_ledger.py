"""The ledger of causes: worked examples, exact systems and their simulation, planted faults."""

import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd.analysis import ledger
from langevin_sgd.analysis.ledger_quadratic import underdamped_response
from langevin_sgd.analysis.ledger_symptoms import QUANTILE_LEVELS as LEVELS
from langevin_sgd.analysis.ledger_symptoms import in_white_bins, quantiles_of, whitened
from langevin_sgd.analysis.ledger_systems import CORNER, Update, make_frame, systems
from langevin_sgd.kernels.elementary import sqrt


def rotated(angle, entries):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turn @ np.diag(entries) @ turn.T


INPUTS = rotated(0.5, [1.0, 0.2])
ONLINE = ls.potentials.quadratic(INPUTS), ls.dynamics.sgd(0.3)
LABELS = ls.noise.online_regression(INPUTS, 1.0)
TILTED = ls.noise.gaussian(rotated(np.pi / 4, [2.0, 0.2]))
BOWL = ls.potentials.quadratic([1.0, 0.2])
HEAVY = BOWL, ls.dynamics.sgd(0.1, momentum=0.9), TILTED
CHAIN = ["anisotropy", "state_dependence", "finite_rate"]


def centers(examples=12):
    rows = np.random.default_rng(2).normal(size=(examples, 2)) * [1.0, 0.5]
    return ls.losses.quadratic_centers([1.0, 0.1], rows - rows.mean(axis=0))


def test_the_worked_example_of_online_regression():
    result = ledger(*ONLINE, LABELS, reference="average")
    kl = result.sel(symptom="kl")
    assert result.temperature == pytest.approx(0.1414, abs=5e-5)
    assert np.allclose(kl.contribution.sel(rung=CHAIN), [0.3499, -0.0079, 0.0667], atol=5e-5)
    assert np.allclose([kl.total, kl.corner], [0.4088, 0.0089], atol=5e-5)
    parts = result.total.sel(symptom=["kl_temperature", "kl_direction", "kl_rotation"])
    assert np.allclose(parts, [0.0109, 0.3978, 0.0], atol=5e-5)
    assert np.allclose(kl.shapley, [(0.3499 + 0.3331) / 2, (-0.0079 + 0.0089) / 2], atol=1e-4)
    assert kl.order_spread == pytest.approx(0.3499 - 0.3331, abs=1e-4)
    along = np.linalg.eigh(INPUTS)[1]  # temperatures: noise and step of the budget there
    noise, step = [[0.1955, 0.0844], [0.0844, 0.0872]], [[0.0331, 0.0174], [0.0174, 0.0108]]
    measured = along.T @ np.add(noise, step) @ along
    symptoms = ["temperature_0_0", "temperature_0_1", "temperature_1_1"]
    last = result.value.sel(rung="finite_rate", symptom=symptoms)
    assert np.allclose(last, measured[np.triu_indices(2)], atol=1e-4)
    assert not result.value_standard_error.sum()


def test_the_table_of_momentum_read_as_a_chain():
    result = ledger(*HEAVY)
    turn = result.value.sel(rung="anisotropy", symptom="rotation_0_1")
    assert abs(turn) == pytest.approx(2 * 4.5 * 0.8 / 1.2)  # 2 D_01 (h_1 - h_0)/(h_1 + h_0)
    result = result.sel(symptom="kl")
    rungs = ["anisotropy", "state_dependence", "inertia", "finite_rate"]
    assert np.allclose(result.value.sel(rung=rungs), [0.2325, 0.2325, 0.0151, 0.0150], atol=5e-5)
    words = str(result.words.sel(rung="inertia").values)
    assert "kl -0.2174 nat, cancels" in words


def test_the_underdamped_law_is_the_limit_of_a_splitting_with_small_steps():
    h, update = np.array([1.0, 0.2]), Update(0.1, 0.9, 1)
    friction, mass = ls.theory.underdamped_limit(0.1, 0.9)
    process = ls.theory.langevin_process(h, 1.0, 1e-3, "baoab", friction, mass)
    steady = ls.theory.stationary_blocks(process).position
    heat = 2 * friction * mass / 0.1 * np.eye(2)  # eta C of the temperature 1
    assert np.allclose(underdamped_response(h, update) * heat, steady, atol=1e-6)


def test_shuffled_epochs_have_their_exact_covariance_and_their_own_rung():
    loss, moves = centers(), ls.dynamics.sgd(0.3, 2)
    result = ledger(loss, moves, ls.noise.minibatch("reshuffle"))
    sigma = ls.noise.minibatch().batch_covariance(loss, np.zeros((1, 2)), 1)[0]
    second = ls.theory.epoch_covariance([1.0, 0.1], sigma, 0.3, 2, 12).mean(axis=0)
    energy = result.sel(symptom="energy")
    exact = second[0, 0] / 2 + second[1, 1] / 20
    assert energy.value.sel(rung="reshuffling") == pytest.approx(exact)
    fewer = energy.value.sel(rung="finite_population") / energy.value.sel(rung="batch_law")
    assert fewer == pytest.approx(10 / 11)
    assert list(result.how.values[4:]) == ["exact"] * 4


WHOLE_TABLE = centers(), ls.dynamics.sgd(0.3, 12), ls.noise.minibatch("reshuffle")
ABSENT = [
    (HEAVY, "batch_law", "the noise is Gaussian"),
    (HEAVY, "reshuffling", "batches are drawn afresh"),
    ((*ONLINE, LABELS), "inertia", "there is no momentum"),
    ((BOWL, ls.dynamics.sgd(2.5), TILTED), "finite_rate", "stability threshold 2"),
    ((ONLINE[0], ls.dynamics.sgd(0.65), LABELS), "finite_rate", "second moments are infinite"),
    (WHOLE_TABLE, "reshuffling", "there is no noise"),
]


@pytest.mark.parametrize(("case", "rung", "words"), ABSENT)
def test_a_rung_that_is_not_there_is_named_with_its_reason(case, rung, words):
    result = ledger(*case).sel(rung=rung)
    assert result.how == "absent" and words in str(result.reason.values)
    same = "afresh" in words or "no momentum" in words or "Gaussian" in words
    energy = float(result.contribution.sel(symptom="energy"))
    assert energy == 0 if same else np.isnan(energy)


def test_a_direction_without_noise_has_no_density_and_finite_temperatures():
    """Boltzmann's law is infinitely far away at each rung, and its temperatures are not. The twin:
    a little noise there."""
    noises = (ls.noise.gaussian([1.0, v]) for v in (0.0, 1e-3))
    silent, faint = (ledger(BOWL, ls.dynamics.sgd(0.3), noise) for noise in noises)
    kl = silent.sel(symptom="kl")
    assert np.isinf(kl.value[1:]).all() and np.isinf(kl.total)
    assert "energy +" in str(silent.words.values[4])
    still = silent.sel(symptom="temperature_0_0")
    assert np.allclose(still.value, [0.075, *[0.0] * 7]) and still.total == pytest.approx(-0.075)
    assert np.isfinite(faint.total).all() and np.isfinite(faint.value[:, :8]).all()


def moved_once(dynamics, xi, z):
    """x and v of a particle of two components at rest at the minimum, after one update."""
    p, x, v, g = dynamics.params, np.zeros(2), np.zeros(2), np.zeros(2)
    dynamics.update(p, x, v, g, xi, z)
    return x, v


def growing(p, x, out):
    size = sqrt(1.0 + x[0] * x[0])
    for k in range(4):
        out[k] = size * p.root[k]


def test_the_noise_of_each_rung_has_the_power_of_sgd():
    model, update, sigma = BOWL, Update(0.1, 0.9, 1), rotated(np.pi / 4, [2.0, 0.2])
    root = rotated(np.pi / 4, np.sqrt([2.0, 0.2])).ravel()
    noise = ls.noise.gaussian_field(growing, {"root": root}, normals=2)

    def covariance(x):
        return noise.batch_covariance(model, x, 1)

    frame = make_frame(model, covariance, update, None, np.zeros((1, 2)))
    assert frame.temperature == pytest.approx(0.1 * 2.2 / (4 * 0.1))
    rungs, xi = systems(frame, update, noise, covariance, 1, 1000), np.array([0.3, -0.4])
    rates = {"boltzmann": 2 * frame.temperature * np.eye(2) / 0.1, "anisotropy": sigma * 10}
    rates |= {"state_dependence": sigma * 10, "corner": np.eye(2) * 11}
    for name, rate in rates.items():
        rung = rungs.get(name, rungs[CORNER])
        assert np.allclose(rung.diffusion(np.zeros((1, 2)))[0], rate)  # E[dx dx']/d(eta steps)
        assert rung.dynamics.params.learning_rate == pytest.approx(1.0)
        if name != "corner":
            own = rung.noise.batch_covariance(model, np.zeros((1, 2)), 1)[0]
            assert np.allclose(own / (1 - update.momentum), rate)
    step = np.array([moved_once(rungs[CORNER].dynamics, xi, unit)[0] for unit in np.eye(2)])
    assert np.allclose(step, -np.sqrt(2000 / 2) * 0.5 / 2000 * np.eye(2))  # 2000 substeps
    mass = ls.theory.underdamped_limit(0.1, 0.9).mass
    x, v = moved_once(rungs["inertia"].dynamics, xi, np.empty(0))
    kick = np.sqrt(0.1 * 1e-4) / mass  # sqrt(eta dt)/m, up to friction dt/2
    assert np.allclose(v, -kick * xi, rtol=1e-3) and np.allclose(x, v * 5e-5)


def test_whitened_marginals_keep_the_shape_and_nothing_else():
    even = (np.arange(200_000) + 0.5) / 200_000
    y = np.stack([3 * even, np.random.default_rng(1).permutation(even)], axis=1)
    y = y @ [[1, 0.4], [0, 2]]
    white = whitened(y)
    assert np.allclose(np.cov(white.T, ddof=0), np.eye(2))
    alone = quantiles_of(in_white_bins(whitened(y[:, :1])))[0]
    assert np.allclose(alone, np.sqrt(12) * (LEVELS - 0.5), atol=0.04)  # a bin


def z_of(found, expected, name="value"):
    error = found[f"{name}_standard_error"]
    return ((found[name] - expected[name]) / error.where(error > 0)).values


@pytest.mark.slow
@pytest.mark.parametrize("case", [HEAVY, (*ONLINE, LABELS)], ids=["momentum", "online regression"])
def test_simulated_rungs_agree_with_exact_ones_and_telescope(case):
    plan = {"exact": False, "steps": 120, "particles": 8192}
    found = ledger(*case, **plan, seed=3)
    z = z_of(found, ledger(*case))
    assert np.nanmax(np.abs(z)) < 4.5 and np.isfinite(z).sum() > 30
    total = found.contribution.sum("rung")
    assert np.abs(total - found.total).max() < 1e-12
    assert np.nanmax(np.abs(found.drift)) < 4.5
    other = ledger(case[0], case[1], ls.noise.gaussian(2 * np.eye(2)))
    assert np.nanmax(np.abs(z_of(found, other))) > 10


@pytest.mark.slow
def test_isotropic_additive_noise_and_small_steps_leave_nothing_to_explain():
    model, noise = ls.potentials.double_well(dim=2, barrier=1.0), ls.noise.gaussian([4.0, 4.0])
    x0 = np.where(np.arange(16_384)[:, None] % 2, [1.0, 0.0], [-1.0, 0.0])
    plan = {"steps": 600, "particles": 16_384, "x0": x0}
    plain = ledger(model, ls.dynamics.sgd(0.02), noise, **plan)
    z = z_of(plain, {"contribution": 0}, "contribution")
    assert np.nanmax(np.abs(z)) < 4.5 and np.isfinite(z).sum() > 12
    tilted = ledger(model, ls.dynamics.sgd(0.02), ls.noise.gaussian([6.0, 2.0]), **plan)
    z = z_of(tilted, {"contribution": 0}, "contribution")
    only = list(tilted.rung.values).index("anisotropy")
    assert np.nanmax(np.abs(z[only])) > 10
    assert np.nanmax(np.abs(np.delete(z, only, axis=0))) < 4.5


@pytest.mark.slow
def test_a_swirl_is_seen_by_the_weighted_rotation_of_the_rung_of_state_dependence_alone():
    bowl, noise = ls.potentials.quadratic([1.0, 1.0]), ls.potentials.swirl_noise(0.9, 0.05)
    found = ledger(bowl, ls.dynamics.sgd(0.05), noise, steps=200).sel(rung="state_dependence")
    turn = found.sel(symptom="weighted_rotation_0_1")
    assert abs(turn.contribution + 0.225) < 4 * turn.contribution_standard_error
    assert abs(float(found.sel(symptom="rotation_0_1").contribution)) < 1e-9


@pytest.mark.slow
def test_the_uniform_law_of_two_point_noise_is_the_doing_of_the_law_of_batches():
    given = ls.potentials.quadratic([1.0]), ls.dynamics.sgd(0.5), ls.noise.two_point([1.0])
    result = ledger(*given, steps=40, exact=False)
    shape = result.sel(symptom="w2_squared")
    error = shape.contribution_standard_error.sel(rung="batch_law")
    uniform = 2 - np.sqrt(12 / np.pi)  # W2^2 from the normal law, of unit variances
    assert abs(shape.contribution.sel(rung="batch_law") - uniform) < 4 * error + 1e-4
    before = shape.contribution.sel(rung=["anisotropy", "finite_rate"])
    assert np.all(np.abs(before) < 4 * shape.contribution_standard_error + 1e-4)


@pytest.mark.slow
def test_the_jackknife_knows_its_errors():
    given, scores = (BOWL, ls.dynamics.sgd(0.3), TILTED), []
    expected = ledger(*given).drop_sel(symptom="kl_direction")
    for seed in range(40):
        found = ledger(*given, exact=False, steps=80, particles=2048, seed=seed)
        scores.append(z_of(found.sel(symptom=expected.symptom), expected, "contribution"))
    spread = np.nanstd(np.array(scores)[:, [1, 4], :3], axis=0)  # temperatures
    assert np.all((spread > 0.65) & (spread < 1.4))


@pytest.mark.slow
def test_a_double_well_at_a_finite_rate_has_the_energy_of_its_transfer_operator():
    well, sigma = ls.potentials.double_well(barrier=0.5), [[1.0]]
    x0 = np.where(np.arange(8_192)[:, None] % 2, [1.0], [-1.0])
    noise, plan = ls.noise.gaussian(sigma), {"steps": 400, "x0": x0, "particles": 8_192}
    result = ledger(well, ls.dynamics.sgd(0.2), noise, **plan).sel(symptom="energy")
    law = ls.theory.transfer_operator(well, sigma, 0.2)
    row = result.sel(rung="finite_rate")
    assert abs(row.value - float(law.mean_energy)) < 4 * row.value_standard_error
    boltzmann = ls.theory.boltzmann_density(well, 0.1).mean_energy
    assert result.value.sel(rung="boltzmann") == pytest.approx(float(boltzmann), abs=1e-6)
