"""How the study of all z-scores judges them."""

import numpy as np
import pytest
from _runner import agreement
from known_answers import claims_of_family, independent, p_values
from scipy.stats import kstest

SYSTEMS = np.repeat([f"system {k}" for k in range(40)], 5)


def z_scores(correlation, seed):
    """(number, seed): five numbers of each of 40 systems, correlated within a system."""
    random = np.random.default_rng(seed)
    common = np.repeat(random.normal(size=(40, 50)), 5, axis=0)
    own = random.normal(size=common.shape)
    return np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own


def verdicts(z):
    return [claim.holds for claim in claims_of_family("z", z, SYSTEMS)]


@pytest.mark.parametrize("correlation", [0.0, 0.5, 1.0])
def test_numbers_of_one_run_may_depend_on_each_other(correlation):
    assert all(all(verdicts(z_scores(correlation, seed))) for seed in range(3))


@pytest.mark.parametrize(
    ("wrong", "which"),
    [
        (lambda z: 1.1 * z, 3),
        (lambda z: z + 0.15, 2),
        (lambda z: np.where(np.arange(len(z))[:, None] == 7, z + 1.0, z), 0),
        (lambda z: np.where(np.arange(len(z))[:, None] == 7, 1.8 * z, z), 0),
        (lambda z: (z**2 - 1) / np.sqrt(2), 1),
    ],
    ids=["errors too small", "a bias of all", "a bias of one", "an error of one", "skewed"],
)
def test_z_scores_that_are_not_normal_are_seen(wrong, which):
    assert not verdicts(wrong(z_scores(0.5, 1)))[which]


def test_a_system_gives_one_number_of_each_seed_another_one_each_time():
    z = np.arange(6.0).reshape(3, 2)  # numbers 0 and 1 of a, number 0 of b
    assert independent(z, np.array(["a", "a", "b"])).tolist() == [0.0, 3.0, 4.0, 5.0]


def test_p_values_are_uniform():
    z = np.random.default_rng(1).normal(size=(1_000, 50))
    p = p_values(z)
    assert p[2, 0] == pytest.approx(kstest(z[0], "norm").pvalue)
    for kind in p:
        for level in (0.01, 0.1, 0.5):
            error = np.sqrt(level * (1 - level) / len(kind))
            assert abs(np.mean(kind < level) - level) < 4 * error


def test_an_agreement_keeps_the_sign_of_each_distance():
    claim = agreement("measured", [[1.0, 2.0], [3.0, 1.0]], 2.0, 0.5)
    assert claim.scores.tolist() == [-2.0, 0.0, 2.0, -2.0] and claim.z == 2.0
