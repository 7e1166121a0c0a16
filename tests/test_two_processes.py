"""A quick study in two processes: the same results, each part once, and no failure is lost."""

import os
import subprocess
import sys
import time

import pytest
from _runner import in_two_processes


def parts(seconds=0.0):
    def part(k):
        time.sleep(seconds)
        return k, os.getpid()

    return {f"part {k}": lambda k=k: part(k) for k in range(5)}


def test_each_part_is_computed_once_by_one_of_two_processes_and_in_order():
    done = in_two_processes(parts(0.05))
    assert [number for number, _ in done.values()] == list(range(5))
    assert list(done) == list(parts())
    first, *_, last = [process for _, process in done.values()]
    assert first == os.getpid() != last


def test_one_part_is_enough():
    assert in_two_processes({"a": lambda: 1}) == {"a": 1}


@pytest.mark.parametrize("place", ["part 0", "part 4"])
def test_a_part_that_fails_ends_the_study(place):
    with pytest.raises((SystemExit, ZeroDivisionError)):
        in_two_processes(parts(0.05) | {place: lambda: 1 / 0})


ORPHAN = """
import os, sys, time
from _runner import in_two_processes
here = os.getpid()
def part(k):
    print(os.getpid(), flush=True)
    time.sleep(60 if os.getpid() == here else 0.2)
    return bytes(10**6)
in_two_processes({k: lambda k=k: part(k) for k in range(20)}, False)
"""


def test_the_second_process_ends_soon_after_the_first_is_killed():
    """It would compute what is left, and then wait for a reader that is itself."""
    script = [sys.executable, "-c", ORPHAN]
    path = os.pathsep.join(sys.path)
    environment = os.environ | {"PYTHONPATH": path}
    with subprocess.Popen(script, stdout=subprocess.PIPE, env=environment) as first:
        next(pid for pid in map(int, first.stdout) if pid != first.pid)
        first.kill()
        first.wait()
        begun = time.perf_counter()
        assert len(first.stdout.read().split()) < 5  # reads until the other has ended
    assert time.perf_counter() - begun < 10
