"""The promise of addresses for what the catalogue has, not only for chosen cases: same bits for any
cut, and in plain Python.

A row is (model, dynamics, noise), and each new row is compiled: hence a covering table of at most
100 rows over 24 models, 10 dynamics (19 with their variants) and 19 noises. Potentials go with the
gradient noises, losses with the sampling modes and the table's Gaussian twin. No table of 100 rows
has all pairs, as a row holds one of each kind. This one has 100 of the 181 compatible pairs
(dynamics, noise), 100 of the 212 (model, noise) and 100 of the 240 (model, dynamics), the most that
100 rows can have.

`NUMBA_DISABLE_JIT=1 python tests/engine/test_covering.py` prints the digests of all rows as JSON.
"""

import json
import warnings
from functools import cache

import numpy as np
import pytest
from engine.test_bits import BASE, compiled_only, digests
from plain_python import printed_by

import langevin_sgd as ls
from langevin_sgd.command_line.listing import entries
from langevin_sgd.models.minibatches import SAMPLING

pytestmark = pytest.mark.slow
ROWS, BATCH, RATE = 100, 2, 0.002
PARTICLES, STEPS = 19, 6  # neither is a multiple of 16 or of a chunk
KINDS = ("model", "dynamics", "noise")
LAYOUTS = [BASE, {"threads": 2, "block_size": 16, "chunk_steps": 4, "every": 1}]
random = np.random.default_rng(12)
START = 0.3 * random.normal(size=(PARTICLES, 16))
MATRIX = [[2.0, 0.3], [0.3, 1.0]]
EXAMPLES = 11  # five batches of two and one example left over: six steps reach the second epoch
INPUTS, TARGETS = random.normal(size=(EXAMPLES, 2)), random.normal(size=EXAMPLES)
LABELS, CLASSES = (TARGETS > 0) * 1.0, np.arange(EXAMPLES) % 3
FACTORS = np.column_stack([np.arange(EXAMPLES) % 3, np.arange(EXAMPLES) % 2, TARGETS])


def write_factor(p, x, out):
    for k in range(len(x)):
        out[2 * k] = p.scale * (1.0 + x[k] * x[k])
        out[2 * k + 1] = p.scale


# ---- example arguments: one line for each entry of the catalogue -------------------------------

POTENTIALS = {  # also the noises that live beside their potentials
    "double_well": lambda make: make(2, 0.5, 2.0, coupling=0.5, tilt=0.1),
    "edge_of_stability": lambda make: make(0.4),
    "from_expression": lambda make: make("a*x**4 + x*y + exp(y)/2 + y**2", "x y", a=0.5),
    "label_noise": lambda make: make(0.4),
    "label_noise_valley": lambda make: make(),
    "modified_loss": lambda make: make(ls.potentials.double_well(2), RATE),
    "mueller_brown": lambda make: make(),
    "quadratic": lambda make: make(MATRIX),
    "ring": lambda make: make(1.3, 2.0),
    "rosenbrock": lambda make: make(2, 3.0),
    "rotational_drift": lambda make: make(0.8),
    "swirl_noise": lambda make: make(0.7, RATE, BATCH),
    "two_minima": lambda make: make(energies=(0.0, 0.3)),
    "washboard": lambda make: make(1.3, 0.4),
    "zhu_bowls": lambda make: make(),
}
LOSSES = {
    "huber_regression": lambda make: make(INPUTS, TARGETS, 0.7, 0.1),
    "linear_regression": lambda make: make(INPUTS, TARGETS),
    "linear_regression_population": lambda make: make(MATRIX, 0.3, [0.5, -0.2], examples=EXAMPLES),
    "logistic_regression": lambda make: make(INPUTS, LABELS, 0.1),
    "logistic_regression_population": lambda make: make(
        MATRIX, [0.5, -0.2], 0.1, examples=EXAMPLES
    ),
    "matrix_factorisation": lambda make: make(FACTORS, 1),
    "multinomial_regression": lambda make: make(INPUTS, CLASSES),
    "phase_retrieval": lambda make: make(INPUTS, TARGETS * TARGETS),
    "poisson_regression": lambda make: make(INPUTS, CLASSES),
    "quadratic_centers": lambda make: make(MATRIX, INPUTS),
    "tanh_network": lambda make: make(INPUTS, TARGETS, 1),
}
NOISES = {  # of d components; minibatches come from SAMPLING
    "alpha_stable": lambda make, d: make(1.5, [0.3] * d),
    "disk": lambda make, d: make(0.3),
    "gaussian": lambda make, d: make(0.5 * np.eye(d) + 0.25),
    "gaussian_field": lambda make, d: make(write_factor, {"scale": 0.4}, 2),
    "minibatch": None,
    "online_regression": lambda make, d: make(0.5 * np.eye(d) + 0.25, 0.3),
    "student_t": lambda make, d: make(4.5, 0.5 * np.eye(d) + 0.25),
    "table_gaussian": lambda make, d: make(),
    "two_point": lambda make, d: make([0.3] * d),
}
DYNAMICS = {  # the rows of a dynamics take its variants in turn
    "adam": [lambda make: make(RATE, BATCH, weight_decay=0.1)],
    "averaged_sgd": [lambda make: make(RATE, BATCH)],
    "clipped_sgd": [lambda make: make(RATE, BATCH, 0.5, 0.9)],
    "langevin": [
        lambda make, m=m: make(0.5, RATE, BATCH, m)
        for m in ("euler_maruyama", "leimkuhler_matthews")
    ],
    "rmsprop": [lambda make: make(RATE, BATCH)],
    "sign_sgd": [lambda make: make(RATE, BATCH, 0.9)],
    "sgd": [
        lambda make: make(RATE, BATCH, weight_decay=0.1),
        lambda make: make(RATE, BATCH, 0.9),
        lambda make: make(RATE, BATCH, 0.9, "torch"),
        lambda make: make(RATE, BATCH, 0.9, "lookahead"),
        lambda make: make(RATE, BATCH, 0.9, rate_inside=False),
    ],
    "sgd_diffusion": [lambda make: make(RATE, BATCH, 3)],
    "sgd_running_average": [lambda make: make(RATE, BATCH)],
    "underdamped_langevin": [
        lambda make, m=m: make(0.5, 1.0, RATE, 2.0, BATCH, m)
        for m in ("baoab", "aboba", "obabo", "oabao", "sghmc")
    ],
}
CATALOGUE = [
    (ls.potentials, POTENTIALS),
    (ls.losses, LOSSES),
    (ls.noise, NOISES),
    (ls.dynamics, DYNAMICS),
]


def known(module, examples):
    """name, function and example arguments of the entries of a module that have them."""
    return [
        (name, make, examples[name]) for name, make in entries(module).items() if name in examples
    ]


@cache
def models():
    """name: Potential or Loss."""
    made = {
        name: build(make)
        for module, table in CATALOGUE[:2]
        for name, make, build in known(module, table)
    }
    return {
        name: model for name, model in made.items() if isinstance(model, (ls.Potential, ls.Loss))
    }


@cache
def noises(dim):
    """name: noise of `dim` components."""
    made = {name: build(make) for name, make, build in known(ls.potentials, POTENTIALS)}
    found = {name: noise for name, noise in made.items() if isinstance(noise, ls.GradientNoise)}
    found |= {name: build(make, dim) for name, make, build in known(ls.noise, NOISES) if build}
    batches = [[(5 * step) % EXAMPLES, (7 * step + 3) % EXAMPLES] for step in range(STEPS)]
    minibatch = ls.noise.minibatch
    more = {"given": {"batches": batches}, "svag": {"amplification": 3.0}}
    found |= {mode: minibatch(mode, **more.get(mode, {})) for mode in SAMPLING}
    return found | {
        "shared": minibatch("reshuffle", shared=True),
        "weighted": minibatch(weights=1.0 + np.arange(EXAMPLES)),
    }


@cache
def dynamics():
    """name: the variants of a dynamics."""
    return {
        name: [build(make) for build in variants]
        for name, make, variants in known(ls.dynamics, DYNAMICS)
    }


def compatible(model, noise, dynamics):
    if not isinstance(model, ls.Loss):
        return isinstance(noise, ls.GradientNoise) and noise.dim in (None, model.dim)
    sampling = getattr(noise, "sampling", None)
    if sampling is not None:
        return dynamics.substeps == 1 and (sampling != "population" or model.draw is not None)
    return isinstance(noise, ls.noise.TableGaussian)


def pairs(row):
    return {(KINDS[i], KINDS[j], row[i], row[j]) for i, j in ((1, 2), (0, 2), (0, 1))}


@cache
def candidates():
    return [
        (model_name, dynamics_name, noise_name)
        for model_name, model in models().items()
        for dynamics_name, variants in dynamics().items()
        for noise_name, noise in noises(model.dim).items()
        if compatible(model, noise, variants[0])
    ]


@cache
def covering_rows(most=ROWS):
    """At most so many rows. Greedy: the row with most new entries, then with most new pairs, then
    with the entries used least, then the first.
    """
    rows, covered, used = [], set(), {}
    left = {row: pairs(row) for row in candidates()}

    def gain(row):
        uses = [used.get((kind, name), 0) for kind, name in zip(KINDS, row, strict=True)]
        return uses.count(0), len(left[row] - covered), -sum(uses)

    while left and len(rows) < most:
        best = max(left, key=gain)
        if not left[best] - covered:
            break
        covered |= left.pop(best)
        rows.append(best)
        for key in zip(KINDS, best, strict=True):
            used[key] = used.get(key, 0) + 1
    return rows


def run(number, layout):
    """The digests of a row."""
    row = covering_rows()[number]
    model, variants = models()[row[0]], dynamics()[row[1]]
    turn = sum(earlier[1] == row[1] for earlier in covering_rows()[:number]) % len(variants)
    given = {"particles": PARTICLES, "steps": STEPS, "x0": START[:, : model.dim]}
    given |= {"seed": 2**63 + number, "loss": True}
    with warnings.catch_warnings():
        # Some rows are unstable at their start, some texts do not run in lanes.
        warnings.simplefilter("ignore")
        noise = noises(model.dim)[row[2]]
        dataset = ls.simulate(model, variants[turn], noise, **given, **layout)
    assert np.sum(dataset.status.values > 0) < 3, (
        "particles left: the row sees too little of its update"
    )
    moved = np.any(dataset.x.values[-1] != dataset.x.values[0], axis=1)
    assert np.sum(moved) > PARTICLES / 2, "particles did not move"  # signs may lead back
    return digests(dataset, PARTICLES)


@pytest.fixture(scope="module")
def in_plain_python():
    """The interpreted side runs beside the compiled one."""
    with printed_by(__file__) as results:
        yield lambda number: results()[number]


def test_every_entry_has_example_arguments():
    for module, examples in CATALOGUE:
        missing, gone = (
            entries(module).keys() - examples.keys(),
            examples.keys() - entries(module).keys(),
        )
        assert not missing, (
            f"{module.__name__} has the new entries {sorted(missing)}: give example arguments in "
            f"{__file__}."
        )
        assert not gone, (
            f"{module.__name__} no longer has {sorted(gone)}: drop the example arguments in "
            f"{__file__}."
        )


def test_the_table_covers():
    """Every entry and every variant, and nearly three new pairs a row; the twin: rows in catalogue
    order have fewer.
    """
    rows = covering_rows()
    assert len(rows) == len(set(rows)) <= ROWS
    assert {row[0] for row in rows} == set(models()) and {row[1] for row in rows} == set(dynamics())
    assert {row[2] for row in rows} == {
        name for model in models().values() for name in noises(model.dim)
    }
    for name, variants in dynamics().items():
        assert sum(row[1] == name for row in rows) >= len(variants), name
    wanted = min(0.95 * 3 * ROWS, len(set().union(*map(pairs, candidates()))))
    assert (
        len(set().union(*map(pairs, rows)))
        >= wanted
        > len(set().union(*map(pairs, candidates()[:ROWS])))
    )


@compiled_only
# Numbers: names would build all models where the test is only collected.
@pytest.mark.parametrize("number", range(ROWS))
def test_bits_of_a_row(number, in_plain_python):
    if number >= len(covering_rows()):
        pytest.skip("fewer rows have all pairs")
    row = covering_rows()[number]
    print(row)  # shown if anything fails
    base, other = (run(number, layout) for layout in LAYOUTS)
    assert base == other, f"{row}: the bits depend on the layout"
    assert base == in_plain_python(number), f"{row}: compiled and interpreted differ"


if __name__ == "__main__":
    print(json.dumps([run(number, BASE) for number in range(len(covering_rows()))]))
