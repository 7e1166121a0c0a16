"""A process that simulates into a folder and is killed at random moments."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

# Children simulate and die, their parent judges what they left; one program, so that imports and
# compilation are paid once.
PROGRAM = """
import importlib.util, os, pathlib, signal, sys, time
import numpy as np
import langevin_sgd as ls
from langevin_sgd.storage import content_hash, run_folder

find = importlib.util.find_spec  # no dask: its threads and fork do not mix
importlib.util.find_spec = lambda name, *rest: None if name == "dask" else find(name, *rest)
folders, kills, every = pathlib.Path(sys.argv[1]), int(sys.argv[2]), 10
well, noise = ls.potentials.double_well(dim=2), ls.noise.gaussian([1.0, 0.5])
how = dict(particles=20, steps=50, every=3, seed=8, threads=1)

def simulated(**options):
    return ls.simulate(well, ls.dynamics.sgd(0.1), noise, **how, **options)

def killed(folder, after):
    "Simulate in a child and kill it after a while; whether it died of that, and what was safe."
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        append = run_folder.Run.append
        def telling(run, segment, state, step):
            append(run, segment, state, step)
            os.write(told, bytes([step // every]))
        run_folder.Run.append = telling
        simulated(checkpoint=folder, checkpoint_every=every)
        os._exit(0)
    os.close(told)
    time.sleep(after)
    os.kill(child, signal.SIGKILL)
    died = os.waitpid(child, 0)[1] == signal.SIGKILL
    said = os.read(heard, 1000)
    os.close(heard)
    return died, said

def done(folder):
    "Segments that can be read in full."
    return ls.load(folder).steps_done // every if (folder / "manifest.jsonl").exists() else 0

reference = content_hash(simulated())
simulated(checkpoint=folders / "warm", checkpoint_every=every)
begun = time.perf_counter()
simulated(checkpoint=folders / "timed", checkpoint_every=every)
whole = time.perf_counter() - begun
delay, deaths, bad, runs = np.random.default_rng(kills).uniform, 0, 0, 0
while deaths < kills:
    folder = folders / f"run{runs}"
    try:
        before = done(folder) if folder.exists() else 0
        died, said = killed(folder, delay(0, whole))
        deaths += died
        safe, now = max(said, default=before), done(folder)
        bad += now not in (safe, safe + 1)
        if now == 50 // every or deaths == kills:
            run = ls.resume(folder) if now else simulated(checkpoint=folder)
            bad += content_hash(run) != reference
            runs += 1
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        deaths, bad, runs = deaths + 1, bad + 1, runs + 1
print("deaths, bad, runs:", deaths, bad, runs)
"""


@pytest.mark.parametrize("kills", [2, pytest.param(200, marks=pytest.mark.slow)])
def test_death_at_random_moments_costs_one_piece_at_most(tmp_path, kills):
    """All that was called safe can be read, at most one piece more, and the resumed run has the
    bits of one left alone.
    """
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), str(kills)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.startswith("deaths, bad, runs:"), done.stderr
    deaths, bad, runs = map(int, done.stdout.split()[3:])
    assert deaths == kills and bad == 0 and runs >= 1, done.stderr
