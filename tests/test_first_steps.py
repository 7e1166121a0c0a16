"""The first steps run as a newcomer runs them, in a folder of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import langevin_sgd as ls

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow  # CI runs it as it runs every study
def test_from_a_loss_to_a_figure(tmp_path):
    story = subprocess.run(
        [sys.executable, ROOT / "studies" / "first_steps.py"],
        cwd=tmp_path,
        env=os.environ | {"MPLBACKEND": "Agg", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (story.returncode, story.stderr) == (0, "")
    stationary, verdict, going_on = story.stdout.splitlines()
    assert stationary.startswith("stationary: True after") and going_on.startswith("went on from")
    assert verdict.startswith("SGD departs from Boltzmann: temperatures along x0, x1 are")
    assert (tmp_path / "out" / "first_steps.png").stat().st_size > 10_000
    run = ls.load(tmp_path / "out" / "first_steps.nc")
    assert run.sizes["particle"] == 40_000 and run.stationary == 1
