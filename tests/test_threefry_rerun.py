"""Studies under a second generator: all claims hold again, and what the two runs measure differs by
N(0, 1) standard errors.

Each study runs under Philox and under Threefry, in processes of their own, with the same seeds,
addresses and everything else. Compared is every variable of four of them that has a
`_standard_error` beside it, at small sizes and 20 seeds. All numbers of one seed share their
random numbers, so that only different seeds are independent: each number is held to N(0, 1) over
its seeds, and one number of each seed, another one each time, goes into a sample of independent
z-scores from all studies.

    python -m pytest -m slow -s tests/test_threefry_rerun.py
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import langevin_sgd as ls

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
# What measures time, what draws tables with NumPy's generator and simulates nothing, and a story.
OTHERS = {"throughput", "fisher_hessian_covariance", "power_of_the_test", "first_steps"}
OTHERS |= {"known_answers"}  # holds both generators against each other itself
STUDIES = sorted({file.stem for file in (ROOT / "studies").glob("[!_]*.py")} - OTHERS)
# What of them runs at many seeds: every stream of random numbers is used in one of them.
MANY = ["boltzmann_departure", "right_density_wrong_physics", "theory_atlas", "three_temperatures"]
SEEDS, SMALLEST_P = 20, 1e-3
MANY_SEEDS = """
import importlib, sys
import langevin_sgd as ls
study, plant, out, *seeds = sys.argv[1:]
for seed in map(int, seeds):
    dataset, _ = importlib.import_module(study).run(True, seed, None, bool(int(plant)))
    ls.save(dataset, f"{out}/{seed}.nc")
"""


def python(generator, *arguments):
    """Run Python with this generator; its output and exit code."""
    environment = os.environ | {
        "LANGEVIN_SGD_GENERATOR": generator,
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'studies'}",
    }
    return subprocess.run(
        [sys.executable, *map(str, arguments)], env=environment, capture_output=True, text=True
    )


def measured(study, generator, seeds, folder, plant=False):
    """{number: values and standard errors (2, seed)} of small runs."""
    done = python(generator, "-c", MANY_SEEDS, study, int(plant), folder, *seeds)
    assert done.returncode == 0, done.stderr
    runs = [ls.load(folder / f"{seed}.nc") for seed in seeds]
    assert {run.attrs["generator"] for run in runs} == {generator}
    pairs = {
        name: f"{name}_standard_error" for name in runs[0] if f"{name}_standard_error" in runs[0]
    }
    return {
        f"{name}{list(index)}": np.array(
            [[run[of].values[index] for run in runs] for of in (name, error)]
        )
        for name, error in pairs.items()
        for index in np.ndindex(runs[0][name].shape)
    }


def z_scores(ones, others):
    """(number, seed) z-scores of the differences; what is the same to the last bit did not come
    from the generator.
    """
    pairs = [
        (a, b)
        for a, b in zip(ones.values(), others.values(), strict=True)
        if not np.array_equal(a[0], b[0])
    ]
    return np.array([(b[0] - a[0]) / np.hypot(a[1], b[1]) for a, b in pairs])


def p_values(z):
    """That these independent z-scores come from N(0, 1): by their mean, their mean square and
    Kolmogorov-Smirnov.
    """
    from scipy import stats

    mean = 2 * stats.norm.sf(abs(z.sum()) / np.sqrt(z.size))
    square = stats.chi2(z.size).cdf((z**2).sum())
    return [mean, 2 * min(square, 1 - square), stats.kstest(z, "norm").pvalue]


def plausible(z):
    """(number, seed): every number's p-values, with Bonferroni's bound for their count."""
    p = np.array([p_values(row) for row in z])
    return p.size > 0 and bool(p.min() * p.size > SMALLEST_P)


@pytest.mark.parametrize("study", STUDIES)
def test_all_claims_hold_under_both_generators(study, tmp_path):
    """At full size, as the study runs by itself."""
    for generator in ("philox", "threefry"):
        done = python(generator, ROOT / "studies" / f"{study}.py", "--out", tmp_path / generator)
        print(f"\n{generator}\n{done.stdout}")
        assert done.returncode == 0, done.stdout + done.stderr
        assert ls.load(tmp_path / generator / f"{study}.nc").attrs["generator"] == generator


def seeds_of(study):
    """No two studies share a seed."""
    first = 1000 * (MANY.index(study) + 1)
    return range(first, first + SEEDS)


@pytest.fixture(scope="module")
def reruns(tmp_path_factory):
    """Of each study what Philox and what Threefry measured."""
    return {
        study: [
            measured(study, name, seeds_of(study), tmp_path_factory.mktemp(study))
            for name in ("philox", "threefry")
        ]
        for study in MANY
    }


def test_differences_between_the_generators_are_standard_normal(reruns):
    independent = np.array([])
    for study, (philox, threefry) in reruns.items():
        z = z_scores(philox, threefry)
        least = min(p for row in z for p in p_values(row))
        print(
            f"\n{study}: {len(z)} of {len(philox)} numbers differ, least of {3 * len(z)} p-values "
            f"{least:.2g}"
        )
        print(f"mean z {z.mean():+.3f}, mean square {(z**2).mean():.3f}")
        assert plausible(z)
        independent = np.append(independent, [z[k % len(z), k] for k in range(SEEDS)])
    print(
        f"{independent.size} independent z: mean {independent.mean():+.3f}, mean square "
        f"{(independent**2).mean():.3f}"
    )
    print("p-values of mean, mean square, KS:", *(f"{p:.2g}" for p in p_values(independent)))
    assert plausible(independent[None])
    # The twins.
    assert not plausible(1.6 * independent[None]) and not plausible(1.0 + independent[None])


def test_the_same_generator_twice_is_no_rerun(reruns):
    """The twin: a switch that does nothing is noticed."""
    for philox, _ in reruns.values():
        assert not plausible(z_scores(philox, philox))


def test_a_study_with_other_noise_is_seen(reruns, tmp_path):
    """The twin: Threefry with the study's planted fault, two seeds."""
    study = "boltzmann_departure"
    sound = {name: values[:, :2] for name, values in reruns[study][0].items()}
    assert not plausible(
        z_scores(sound, measured(study, "threefry", seeds_of(study)[:2], tmp_path, plant=True))
    )
