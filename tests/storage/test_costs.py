"""What a piece of a run costs, first and ten-thousandth; `pytest -m slow -s
tests/storage/test_costs.py` prints the numbers.
"""

import os
import shutil
import time

import numpy as np
import pytest
import xarray as xr

from langevin_sgd.storage import create, load, reopen
from langevin_sgd.storage.manifest import Steps, add_line, read_manifest
from langevin_sgd.storage.run_files import segment_name, state_name

MANY = 10_000
STATE = {"x": np.zeros((2, 2))}


def piece(step, rows, particles):
    x = np.random.default_rng(0).normal(size=(rows, particles, 2))
    x = ("step", "particle", "component"), x
    return xr.Dataset({"x": x}, {"step": step + 1 + np.arange(rows)})


def cpu_of_appends(run, count):
    """Median of the processor's seconds of an append of one tiny row."""
    spent = []
    for _ in range(count):
        segment, begun = piece(run.step, 1, 2), time.process_time()
        run.append(segment, STATE, run.step + 1)
        spent.append(time.process_time() - begun)
    return float(np.median(spent))


@pytest.mark.slow
def test_an_append_costs_the_same_after_ten_thousand(tmp_path, monkeypatch):
    with create(tmp_path / "run", {}, STATE) as run:
        first = cpu_of_appends(run, 40)
        done = run.segments
    manifest = read_manifest(tmp_path / "run")
    length = manifest.ends[-1]
    folder = tmp_path / "run"
    # the segments between are links to one, and the disk need not be waited for
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        for number in range(done + 1, MANY + 1):
            os.link(folder / segment_name(done), folder / segment_name(number))
            place = {"segment": number, "step": number, "steps": Steps(number, 1, 1)}
            length = add_line(folder, manifest.last._replace(**place), length)
    for number in (MANY - 1, MANY):
        shutil.copy(folder / state_name(done), folder / state_name(number))
    begun = time.perf_counter()
    run = reopen(folder, {})
    opened = time.perf_counter() - begun
    with run:
        last = cpu_of_appends(run, 40)
    size = (tmp_path / "run" / "manifest.jsonl").stat().st_size
    print(f"\nappend: {1e3 * first:.1f} ms of processor at first, {1e3 * last:.1f} ms at last")
    print(f"manifest: {size / MANY:.0f} bytes a segment; reopened in {opened:.1f} s")
    assert last < 1.5 * first + 0.002 and size < 1000 * MANY and opened < 60


@pytest.mark.slow
def test_large_pieces_go_at_the_pace_of_the_disk(tmp_path):
    rows, particles = 100, 6250  # 10 MB
    with create(tmp_path / "run", {}, STATE) as run:
        spent = []
        for _ in range(8):
            segment, begun = piece(run.step, rows, particles), time.process_time()
            run.append(segment, {"x": segment.x.values[-1]}, run.step + rows)
            spent.append(time.process_time() - begun)
    begun = time.process_time()
    load(tmp_path / "run").compute()
    read = time.process_time() - begun
    print(f"\nappend of 10 MB: {np.median(spent):.3f} s of processor; 80 MB read: {read:.2f} s")
    assert np.median(spent) < 1.0
