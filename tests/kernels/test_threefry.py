"""The second generator: known answers, and a switch that only the environment moves."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from langevin_sgd.kernels import rng
from langevin_sgd.kernels.bits import kernel
from langevin_sgd.kernels.functions import interpreted
from langevin_sgd.kernels.lanes import WIDTH, lane_numbers
from langevin_sgd.kernels.threefry import threefry
from langevin_sgd.kernels.views import store_words
from langevin_sgd.storage.provenance import provenance

ROOT = Path(__file__).parents[2]
CASES = json.loads((ROOT / "tests" / "oracles_public.json").read_text())["cases"]
KNOWN = [
    [[int(word, 16) for word in case[part].split()] for part in ("ctr", "key", "out")]
    for case in next(case for case in CASES if case["id"] == "rng_kat")["expected"][
        "threefry4x32_20"
    ]
]
ADDRESS = (
    2**63 + 12345,
    2**40 + 7,
    2**41 + 16,
    3,
    5,
    1,
)  # seed, step, particle, stream, draw, attempt
SWITCHED = f"""
import numpy as np
from langevin_sgd.kernels import rng
from langevin_sgd.storage.provenance import provenance
print(provenance()["generator"], *rng.words_at(*(np.uint64(n) for n in {ADDRESS})))
"""


def u64(*numbers):
    return tuple(np.uint64(number) for number in numbers)


@kernel
def group_of_words(c0, first, rest, out):
    """Threefry at WIDTH counters that differ in word 1."""
    c2, c3, k0, k1, k2, k3 = rest
    words = threefry(c0, lane_numbers(first), c2, c3, k0, k1, k2, k3)
    for k in range(4):
        store_words(out, k * WIDTH, words[k])


@pytest.mark.interpreted
@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_known_answers_of_random123(counter, key, words):
    assert list(threefry(*u64(*counter, *key))) == words
    assert list(interpreted(threefry)(*u64(*counter, *key))) == words


@pytest.mark.interpreted
@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_known_answers_in_lanes(counter, key, words):
    lane = min(counter[1], WIDTH - 1)
    first, out = counter[1] - lane, np.zeros(4 * WIDTH, np.int64)
    group_of_words(*u64(counter[0], first), u64(*counter[2:], *key), out)
    assert out.reshape(4, WIDTH)[:, lane].tolist() == words


def under(generator):
    """Generator and words at ADDRESS of a fresh interpreter with this LANGEVIN_SGD_GENERATOR; None
    leaves it unset.
    """
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "NUMBA_DISABLE_JIT": "1",
        "LANGEVIN_SGD_GENERATOR": generator or "",
    }
    if generator is None:
        del environment["LANGEVIN_SGD_GENERATOR"]
    return subprocess.run(
        [sys.executable, "-c", SWITCHED], env=environment, capture_output=True, text=True
    )


def test_the_environment_switches_the_generator_and_the_dataset_says_so():
    seed, step, particle, stream, draw, attempt = ADDRESS
    high = (step >> 32) + (particle >> 32 << 16)
    counter = step % 2**32, particle % 2**32, high, (stream << 26) + (attempt << 20) + draw
    words = threefry(*u64(*counter, seed % 2**32, seed >> 32, 0, 0))
    assert under("threefry").stdout.split() == ["threefry", *map(str, words)]
    assert under(None).stdout.split() == [
        "philox",
        *map(str, rng.philox(*u64(*counter, seed % 2**32, seed >> 32))),
    ]


def test_an_unknown_generator_is_refused():
    done = under("mersenne")
    assert (
        done.returncode == 1
        and "'mersenne'; allowed are philox and threefry, and unset means philox" in done.stderr
    )


def test_this_run_uses_philox():
    """Other tests compare with words that Philox gave."""
    assert rng.GENERATOR == provenance()["generator"] == "philox"
