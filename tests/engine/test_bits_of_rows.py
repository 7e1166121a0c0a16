"""Hashes that were written down: the bits of 100 combinations of model, dynamics and noise do not
change from one version to the next, in either precision.

The rows and their hashes (tests/bits_of_rows.json) are from the engine before its redesign, run in
plain Python. A change of a last place is a decision: say which and why, and write the new hash.
"""

import json
import warnings
from hashlib import sha256
from pathlib import Path

import pytest
from engine import test_covering as table
from engine.test_bits import digests

import langevin_sgd as ls
from langevin_sgd.kernels.bits import JIT

ROWS = json.loads((Path(__file__).parents[1] / "bits_of_rows.json").read_text(encoding="utf-8"))
pytestmark = pytest.mark.interpreted


def hash_of(row, precision, **changed):
    model, variants = table.models()[row["model"]], table.dynamics()[row["dynamics"]]
    options = {**table.BASE, "seed": int(row["seed"]), "loss": True, "precision": precision}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some rows are unstable at their start
        run = ls.simulate(
            model,
            variants[row["variant"]],
            table.noises(model.dim)[row["noise"]],
            particles=table.PARTICLES,
            steps=table.STEPS,
            x0=table.START[:, : model.dim],
            **{**options, **changed},
        )
    found = json.dumps(digests(run, table.PARTICLES), sort_keys=True)
    return sha256(found.encode()).hexdigest()[:24]


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("number", range(len(ROWS)))
def test_the_bits_are_those_written_down(number, precision):
    if JIT and number:
        pytest.skip("compiling each row takes minutes; in plain Python all are run")
    assert hash_of(ROWS[number], precision) == ROWS[number][precision], ROWS[number]


def test_another_seed_has_other_bits():
    assert hash_of(ROWS[0], "float64", seed=1) != ROWS[0]["float64"]
