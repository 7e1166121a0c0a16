"""Whatever one argument becomes, a public function answers with a finite result or with an error
that names the argument: see fuzz.py."""

from collections import Counter
from importlib.util import find_spec

import fuzz
import fuzz_commands
import numpy as np
import pytest

import langevin_sgd as ls

RECORDS = {"Potential", "Loss", "GradientNoise", "Dynamics", "Reducer"}  # that a user may make
MOST = 0.01  # share of calls that may end in another way


def judged(count, seed):
    outcomes = fuzz.fuzzed(count, seed)
    faults = [" | ".join(outcome) for outcome in outcomes if outcome.kind in fuzz.FAULTS]
    return faults, len(outcomes)


def test_some_calls_with_one_strange_argument():
    faults, count = judged(150, seed=1)
    assert len(faults) <= MOST * count, "\n".join(faults)


@pytest.mark.slow
def test_five_thousand_calls_with_one_strange_argument():
    faults, count = judged(5_000, seed=2)
    assert len(faults) <= MOST * count, "\n".join(faults)


def judged_commands(count, seed):
    answers = fuzz_commands.fuzzed_commands(count, seed)
    return [" | ".join(answer) for answer in answers if answer.kind in fuzz.FAULTS]


def test_fifty_commands_with_one_strange_word():
    assert not judged_commands(50, seed=1)


@pytest.mark.slow
def test_a_thousand_commands_with_one_strange_word():
    assert not judged_commands(1_000, seed=2)


def test_commands_that_end_in_another_way_are_told_apart(monkeypatch):
    def main(words):
        while words == ["hangs"]:
            pass
        if words == ["silent"]:
            return 1
        raise KeyError(words[0])

    monkeypatch.setattr(fuzz_commands, "main", main)
    kinds = [fuzz_commands.answered([word], 1).kind for word in ("hangs", "silent", "raises")]
    assert kinds == ["too long", "refused without the name", "raw error"]


def test_no_public_function_is_left_out():
    assert fuzz.functions() == set(fuzz.calls()) - RECORDS | fuzz.NOT_CALLED


def test_every_public_function_has_a_valid_call_that_works(tmp_path, monkeypatch):
    """A call that fails by itself would hide what becomes of the others."""
    monkeypatch.chdir(tmp_path)  # where the calls write their files
    for name, make in fuzz.calls().items():
        if name == "to_arviz" and find_spec("arviz_base") is None:
            continue
        arguments = make()
        argument = sorted(arguments)[0]
        outcome = fuzz.tried(name, arguments, argument, arguments[argument])
        assert outcome.kind == fuzz.FINITE, outcome


def test_the_fuzzer_tells_the_kinds_apart(monkeypatch):
    def function(number, word="a"):
        if word == "a":
            return np.sqrt(number)
        raise ValueError(f"number must be positive, got {number}") if word == "b" else KeyError(1)

    monkeypatch.setattr(ls, "planted", function, raising=False)
    seen = Counter()
    for number, word in [(1.0, "a"), (np.nan, "a"), (1.0, "b"), (1.0, "c")]:
        seen[fuzz.tried("planted", {"number": 2.0, "word": word}, "number", number).kind] += 1
    assert seen == {fuzz.FINITE: 1, "not finite": 1, fuzz.REFUSED: 1, "raw error": 1}
