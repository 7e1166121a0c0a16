"""The second generator: a switch that only the environment moves. Its known answers are in
`test_rng`."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from langevin_sgd.kernels import rng
from langevin_sgd.kernels.threefry import threefry
from langevin_sgd.storage.provenance import provenance

ROOT = Path(__file__).parents[2]
# seed, step, particle, stream, draw, attempt
ADDRESS = 2**63 + 12345, 2**40 + 7, 2**41 + 16, 3, 5, 1
SWITCHED = f"""
import numpy as np
from langevin_sgd.kernels import rng
from langevin_sgd.storage.provenance import provenance
print(provenance()["generator"], *rng.words_at(*(np.uint64(n) for n in {ADDRESS})))
"""


def u64(*numbers):
    return tuple(np.uint64(number) for number in numbers)


def under(generator):
    """Generator and words at ADDRESS of a fresh interpreter with this LANGEVIN_SGD_GENERATOR; None
    leaves it unset.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1"}
    environment.pop("LANGEVIN_SGD_GENERATOR", None)
    if generator:
        environment["LANGEVIN_SGD_GENERATOR"] = generator
    command = [sys.executable, "-c", SWITCHED]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_the_environment_switches_the_generator_and_the_dataset_says_so():
    seed, step, particle, stream, draw, attempt = ADDRESS
    high = (step >> 32) + (particle >> 32 << 16)
    counter = step % 2**32, particle % 2**32, high, (stream << 26) + (attempt << 20) + draw
    words = threefry(*u64(*counter, seed % 2**32, seed >> 32, 0, 0))
    assert under("threefry").stdout.split() == ["threefry", *map(str, words)]
    words = rng.philox(*u64(*counter, seed % 2**32, seed >> 32))
    assert under(None).stdout.split() == ["philox", *map(str, words)]


def test_an_unknown_generator_is_refused():
    done = under("mersenne")
    allowed = "'mersenne'; allowed are philox and threefry, and unset means philox"
    assert done.returncode == 1 and allowed in done.stderr


def test_this_run_uses_philox():
    """Other tests compare with words that Philox gave."""
    assert rng.GENERATOR == provenance()["generator"] == "philox"
