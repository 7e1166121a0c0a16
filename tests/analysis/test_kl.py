"""KL divergence of histograms: exact expectations, calibrated errors, the double well on its own
bins, refusals.
"""

from itertools import product
from math import factorial

import numpy as np
import pytest
from refusals import refusal
from scipy.special import rel_entr
from scipy.stats import multinomial
from synthetic_runs import gaussian_run, synthetic_run

import langevin_sgd as ls

kl_to_probabilities, kl_to_boltzmann = ls.analysis.kl_to_probabilities, ls.analysis.kl_to_boltzmann


def sampled(law, particles, times, q, seed, **options):
    """Divergences from q of histograms of a law."""
    histograms = np.random.default_rng(seed).multinomial(particles, law, size=times)
    return [kl_to_probabilities(counts, q, **options) for counts in histograms]


def column(results, name):
    return np.array([result[name].item() for result in results])


def test_means_over_all_histograms_are_exact():
    """Every histogram of 6 particles in 3 bins, with its multinomial probability: the plug-in has
    the bias of the theory, kl that of the digamma function, sum p integral_0^(1-p) t^5/(1-t) dt,
    with 1/(1 - t) less the first powers, whose integral is a logarithm and a sum."""
    p, n, plug_in, kl = np.array([0.2, 0.3, 0.5]), 6, 0.0, 0.0
    for counts in product(range(n + 1), repeat=3):
        if sum(counts) == n:
            ways = factorial(n) / np.prod([factorial(k) for k in counts])
            found = kl_to_probabilities(np.array(counts), p, least_expected=0)
            plug_in += ways * np.prod(p**counts) * found.plug_in.item()
            kl += ways * np.prod(p**counts) * found.kl.item()
    assert plug_in == pytest.approx(ls.theory.histogram_kl_bias(p, n).exact, rel=1e-12)
    powers = np.arange(1, n)
    rest = [-np.log(one) - ((1 - one) ** powers / powers).sum() for one in p]
    assert kl == pytest.approx(p @ rest, rel=1e-12)


def test_bins_that_expect_few_particles_are_merged():
    """Each group of them expects 5 to 15; the others stay as they are."""
    q = np.array([0.2, 0.001, 0.3, 0.0, *np.full(40, 0.01), 0.003, 0.096])
    counts = np.random.default_rng(1).multinomial(200, q)
    found = kl_to_probabilities(counts, q)
    group, expected = found.group.values, 200 * q
    merged = np.bincount(group, expected)
    of_merged = np.unique(group[expected < 5])
    assert np.all((merged[of_merged] >= 5) & (merged[of_merged] < 15)) and len(of_merged) > 5
    assert len(np.unique(group[expected >= 5])) == 3 and merged.min() >= 5
    assert len(merged) == len(of_merged) + 3 and np.bincount(group)[group[0]] == 1
    by_hand = kl_to_probabilities(np.bincount(group, counts), np.bincount(group, q))
    assert found.kl.item() == pytest.approx(by_hand.kl.item(), rel=1e-12)
    few = kl_to_probabilities(np.array([93, 4]), np.array([0.93, 0.04]), outside=3)
    assert few.group.values.tolist() == [1, 0] and few.outside_group == 0
    lone = kl_to_probabilities(np.array([60, 39]), np.array([0.6, 0.39]), outside=1)
    assert lone.group.values.tolist() == [1, 0] and lone.outside_group == 0


LONG = (pytest.param(bins, 2000, marks=pytest.mark.slow) for bins in (40, 100))


@pytest.mark.parametrize(("bins", "times"), [(40, 100), *LONG])
def test_coverage_is_nominal_on_more_bins_than_can_be_filled(bins, times, well):
    """20,000 particles of Boltzmann's law itself. The twin: without merging, nearly all deviate."""
    edges = [np.linspace(-2.4, 2.4, bins + 1)] * 2
    q = np.append(ls.theory.boltzmann_bin_probabilities(well, 0.24, edges), 0.0)
    q[-1] = 1 - q.sum()
    results = sampled(q, 20_000, times, q, 7)
    z = column(results, "kl") / column(results, "kl_standard_error")
    assert abs(z.mean()) < 4 / np.sqrt(times) + 0.15
    assert np.mean(z > 1.645) < 0.1 + 2 / np.sqrt(times) and np.mean(z < -1.645) < 0.1
    loose = column(sampled(q, 20_000, times, q, 7, least_expected=0), "kl")
    assert np.mean(loose / column(results, "kl_standard_error") > 1.645) > 0.8


def flattened(weight, bins=30):
    """A law between a sloped one (weight 0) and the uniform one (weight 1)."""
    slope = np.linspace(1.0, 3.0, bins)
    return (1 - weight) * slope / slope.sum() + weight / bins


@pytest.mark.parametrize("weight", [0.0, 0.1, 0.3, 1.0])
def test_errors_are_calibrated_near_and_far_from_the_reference(weight):
    """At weight 0.1 and 0.3 first and second order of the error are both felt: KL is 1 and 9 times
    0.6/n. 4 standard errors are 0.28; the clipped variance is 10 % too large at p = q. The twins:
    errors wrong by sqrt 2 or 2.
    """
    p, q = flattened(weight), flattened(0.0)
    results = sampled(p, 2000, 400, q, 2)
    z = (column(results, "kl") - rel_entr(p, q).sum()) / column(results, "kl_standard_error")
    square = (z**2).mean()
    assert abs(z.mean()) < 4 / np.sqrt(len(z)) and 0.6 < square < 1.35
    assert 2 * square > 1.35 and square / 4 < 0.6


NUMBERS = "kl", "kl_standard_error", "plug_in", "bias", "occupied_bins"


def test_outside_is_one_more_bin():
    counts, q = np.array([30, 50, 20]), np.array([0.2, 0.5, 0.3])
    whole = kl_to_probabilities(counts, q)
    split = kl_to_probabilities(counts[:2], q[:2], outside=20)
    assert all(split[key].item() == pytest.approx(whole[key].item(), rel=1e-12) for key in NUMBERS)


def test_double_well_against_its_exact_law_on_the_same_bins(well_run, well):
    """Coarse bins see less than the 0.1047 of the densities; the run sees what the exact law has on
    these bins. The twin: Boltzmann's law is not the run's.
    """
    edges, best = (np.linspace(-2.4, 2.4, 17),) * 2, 0.24018420841545712
    law = ls.theory.transfer_operator(well, 2 * np.array([0.3, 0.1]) / 0.15, 0.15)
    p = ls.theory.bin_probabilities(law, edges)
    measured = kl_to_boltzmann(well_run, well, bins=edges)
    exact = rel_entr(p, ls.theory.boltzmann_bin_probabilities(well, best, edges)).sum()
    assert 0.09 < exact < 0.10473617681855774
    assert abs(measured.kl - exact) < 4 * measured.kl_standard_error < 0.02
    assert abs(measured.temperature - best) < 4 * measured.temperature_standard_error < 0.01
    count = measured["count"].values
    outside = well_run.sizes["particle"] - int(count.sum())
    to_itself = kl_to_probabilities(count, p, outside=outside)
    assert abs(to_itself.kl) < 4 * to_itself.kl_standard_error
    assert measured.kl > 10 * measured.kl_standard_error


def test_a_boltzmann_law_has_none_and_its_temperature_is_found():
    """The error of the temperature is T/sqrt(n), for sd(U) = T on two components."""
    temperature, bowl = 0.3, ls.potentials.quadratic([1.0, 4.0])
    run, options = gaussian_run(0.3 * np.diag([1.0, 0.25]), 20_000, 4), {"range": (-1.2, 1.2)}
    options["bins"] = 10
    fitted, given, wrong = (kl_to_boltzmann(run, bowl, t, **options) for t in (None, 0.3, 0.6))
    assert all(abs(one.kl) < 4 * one.kl_standard_error for one in (fitted, given))
    error = fitted.temperature_standard_error
    assert error == pytest.approx(temperature / np.sqrt(20_000), rel=0.05)
    assert abs(fitted.temperature - temperature) < 4 * error
    assert given.temperature_standard_error == 0 and given.attrs["particles"] == 20_000
    assert fitted.bias < given.bias and wrong.kl > 10 * wrong.kl_standard_error


REFLECTING = (("reflecting", -1.0, 1.0),)
SHALLOW = ls.potentials.quadratic([0.5])._replace(domain=REFLECTING)


def test_walls_are_walls_of_the_reference_too():
    """Langevin dynamics on x^2/4 at T = 1 between walls: variance 0.3117, not 2; the twin: the law
    without walls is far away.
    """
    moves = ls.dynamics.langevin(1.0, 1e-3)
    x0 = np.random.default_rng(1).uniform(-1.0, 1.0, size=(20_000, 1))
    run = ls.simulate(SHALLOW, moves, particles=20_000, steps=1000, x0=x0, seed=1)
    options = {"bins": 20, "range": (-1.0, 1.0)}
    exact = ls.theory.boltzmann_density(SHALLOW, 1.0).second_moment.item()
    assert exact == pytest.approx(0.31173, abs=1e-4)
    error = np.sqrt(2 / 20_000) * exact
    assert abs(run.x[-1].var().item() - exact) < 4 * error
    walled = kl_to_boltzmann(run, SHALLOW, 1.0, **options)
    assert abs(walled.kl) < 4 * walled.kl_standard_error
    far = kl_to_boltzmann(run, ls.potentials.quadratic([0.5]), 1.0, **options)
    assert far.kl > 0.5 > 10 * far.kl_standard_error


COLD = ls.potentials.double_well()


@pytest.mark.parametrize(("temperature", "message"), [
    (1e-3, ""),
    (1e-4, "ValueError: bins: 'double_well' at temperature 0.0001 lives in 2.1 of the 50 bins"),
    (1e-6, "ValueError: potential 'double_well' at temperature 1e-06 is cold: where it is less th"),
])  # fmt: skip
@pytest.mark.parametrize("fitted", [False, True])
def test_cold_wells_work_until_they_are_narrower_than_the_bins(temperature, message, fitted):
    """Exact samples to the second order of T: around each of the two wells, U'' = 2."""
    random = np.random.default_rng(5)
    around = random.normal(scale=np.sqrt(temperature / 2), size=4000)
    x = np.resize([-1.0, 1.0], 4000) * (1 - 0.75 * temperature) + around
    given = None if fitted else temperature
    said = refusal(kl_to_boltzmann, synthetic_run(x[:, None]), COLD, given)
    assert said.startswith(message if not fitted else message[:35]) and bool(said) == bool(message)
    if not message:
        found = kl_to_boltzmann(synthetic_run(x[:, None]), COLD, given)
        assert abs(found.kl) < 4 * found.kl_standard_error
        assert abs(found.temperature - temperature) < 0.1 * temperature


def test_a_fitted_parameter_takes_its_share_of_the_bias():
    """Every histogram of 30 particles of the law (t^2, 2 t (1 - t), (1 - t)^2), each held against
    the law of its own best t: the mean is nearly 0, and -1/(2n) if the fit is not told."""
    n, t, means = 30, 0.4, np.zeros(2)
    for first, second in product(range(n + 1), repeat=2):
        counts = np.array([first, second, n - first - second])
        if counts[2] < 0 or np.sum(counts > 0) < 2:
            continue  # a single bin, of probability 1e-6
        best, law = ((2 * first + second) / (2 * n), t) if first + second else (0.0, t)
        p, q = (np.array([s * s, 2 * s * (1 - s), (1 - s) ** 2]) for s in (law, best))
        weight = multinomial.pmf(counts, n, p)
        if weight > 1e-9:
            for fitted in (0, 1):
                found = kl_to_probabilities(counts, q, fitted=fitted, least_expected=0)
                means[fitted] += weight * found.kl.item()
    untold, told = 2 * n * means
    assert abs(told) < 0.15 and abs(untold + 1) < 0.15
