"""A writer that is killed: at every call by which it changes the disk, and at random moments."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

# Children write and die, their parent judges what they left; one program, so that the imports are
# paid once.
PROGRAM = """
import importlib.util, os, pathlib, signal, sys, time
import numpy as np
import tiny_runs
from langevin_sgd.storage import content_hash, load, manifest, run_folder

find = importlib.util.find_spec  # no dask: its threads and fork do not mix
importlib.util.find_spec = lambda name, *rest: None if name == "dask" else find(name, *rest)
folders, how, kills = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
number = int(sys.argv[4])
FINISHED = 255

def careless(folder, record, length):
    "The manifest written anew for every segment, in place."
    path = folder / manifest.NAME
    old = path.read_bytes()[:length]
    with open(path, "wb", buffering=0) as file:
        os.fsync(file.fileno())
        file.write(old + manifest._sealed(record))
    return path.stat().st_size

if how.startswith("careless"):
    run_folder.add_line = careless

def write(folder, told=lambda number: None):
    if not (folder / manifest.NAME).exists():
        tiny_runs.begin(folder).close()
    with tiny_runs.reopen(folder, tiny_runs.DESCRIPTION) as run:
        if not run.finished:
            tiny_runs.go_on(run, number, told)
            tiny_runs.finish(run)
    told(FINISHED)

def dying(function, countdown):
    def instead(*arguments, **options):
        countdown[0] -= 1
        if countdown[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    return instead

def killed(folder, call=None, after=None):
    "Start a writer and kill it, at its n-th call or after a while; whether it died, what is safe."
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        countdown = [call]
        for name in ("fsync", "replace", "unlink") if call is not None else ():
            setattr(os, name, dying(getattr(os, name), countdown))
        write(folder, lambda number: os.write(told, bytes([number])))
        os._exit(0)
    os.close(told)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    died = os.waitpid(child, 0)[1] == signal.SIGKILL
    said = os.read(heard, 1000)
    os.close(heard)
    return died, said

def done(folder):
    "Segments in the folder, read in full; FINISHED for a finished run."
    if not (folder / manifest.NAME).exists():
        return 0
    back = load(folder)
    return FINISHED if back.attrs["finished"] else back.attrs["steps_done"] // tiny_runs.LENGTH

def fingerprint(folder):
    return content_hash(load(folder)), tiny_runs.segment_bytes(folder)

reference = fingerprint(tiny_runs.whole_run(folders / "whole", number))
deaths = bad = runs = 0
first = 12 if how.startswith("careless") else 0  # its manifest begins like any other
delay = np.random.default_rng(kills).uniform
while first + deaths < kills:
    folder = folders / f"run{runs}"
    try:
        before = done(folder) if folder.exists() else 0
        when = {"call": first + deaths} if "call" in how else {"after": delay(0, 0.1 * number)}
        died, said = killed(folder, **when)
        deaths += died
        safe = max(said, default=before)
        now = done(folder)
        bad += not (now == safe or now == safe + 1 or (now == FINISHED and safe == number))
        if "call" in how or now == FINISHED:
            write(folder)
            bad += fingerprint(folder) != reference
            runs += 1
    except (ValueError, OSError):
        bad, runs = bad + 1, runs + 1
        deaths += 1
    if "call" in how and not died:
        break
if "random" in how and folder.exists():
    write(folder)
    bad += fingerprint(folder) != reference
print("deaths, bad:", deaths, bad)
"""


def deaths_and_bad_folders(folders, how, kills, segments):
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    command = [sys.executable, "-c", PROGRAM, str(folders), how, str(kills), str(segments)]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.stdout.startswith("deaths, bad:"), done.stderr
    return tuple(int(word) for word in done.stdout.split()[2:])


@pytest.mark.slow
@pytest.mark.parametrize(("segments", "calls"), [(1, 20), (4, 50)])
def test_death_at_any_call_costs_nothing_that_was_safe(tmp_path, segments, calls):
    """Before each fsync, rename and removal of a whole run: the folder is readable, and its resumed
    run has the same bytes.
    """
    deaths, bad = deaths_and_bad_folders(tmp_path, "at every call", 1000, segments)
    assert bad == 0 and deaths > calls


@pytest.mark.slow
def test_the_same_deaths_break_a_manifest_that_is_written_anew(tmp_path):
    """The twin: one file rewritten in place for every segment; its first fsync comes after 16
    calls.
    """
    _, bad = deaths_and_bad_folders(tmp_path, "careless at every call", 18, 1)
    assert bad > 0


@pytest.mark.parametrize(
    ("kills", "segments"), [(5, 2), pytest.param(200, 6, marks=pytest.mark.slow)]
)
def test_death_at_random_moments(tmp_path, kills, segments):
    """All that was called safe is there, at most one segment more, and the resumed run has the same
    bytes.
    """
    assert deaths_and_bad_folders(tmp_path, "at random", kills, segments) == (kills, 0)
