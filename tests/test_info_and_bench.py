"""What info says of any file, and what bench measures."""

from types import SimpleNamespace

import numpy as np
import xarray as xr
from test_command_line import answer

import langevin_sgd as ls
from langevin_sgd.command_line import measuring
from langevin_sgd.command_line.commands import main


def printed(capsys, *words):
    """What a command prints that ends well, none of it wider than 80 columns."""
    code, told, _ = answer(capsys, *words)
    assert code == 0
    return told


def test_the_merge_is_measured(capsys):
    told = printed(capsys, "bench", "merge", "--points", "4")
    assert "4 points: written in" in told and "manifest" in told


def test_the_speed_of_a_run_is_particle_steps_over_its_seconds(monkeypatch, capsys):
    clock = SimpleNamespace(seconds=0.0, perf_counter=lambda: clock.seconds)

    def simulate(*records, steps, **options):
        clock.seconds += steps / 100

    monkeypatch.setattr(measuring, "time", clock)
    monkeypatch.setattr(ls, "simulate", simulate)
    assert printed(capsys, "bench").count("    10.0 M particle-steps/s  ") == 3


def test_info_counts_particles_claims_and_bytes(tmp_path, capsys):
    file, told = tmp_path / "some.nc", {"particles": 1234, "claims": "pass: a\nfail: b\npass: c"}
    x = np.random.default_rng(1).normal(size=10**5)  # 0.8 MB
    run = xr.Dataset({"x": ("t", x), "status": ("particle", [0, 1, 2, 0])}, attrs=told)
    ls.save(run, file)
    words = " ".join(printed(capsys, "info", file).split())
    assert "particles 1,234, 2 of them stopped before the end" in words
    assert "claims 2 of 3 hold fail: b" in words
    assert f"size {file.stat().st_size / 1e6:.2f} MB" in words


def test_a_strange_file_is_told_and_moves_no_cursor(tmp_path, capsys):
    """Anybody may have written it."""
    told = {"model": "[1", "dynamics": "{}", "noise": "[1, 2]", "particles": [1, 2], "claims": 3}
    told |= {"title": "\x1b[2J a title", "seed": 1.5, "steps": "many", "history": "x"}
    strange = xr.Dataset({"a": ("t", np.arange(3.0), {"long_name": "\x1b[31m red"})}, attrs=told)
    ls.save(strange, tmp_path / "strange.nc")
    for words in ([], ["--all"]):
        seen = printed(capsys, "info", tmp_path / "strange.nc", *words)
        assert "a title" in seen and "red" in seen and "\x1b" not in seen


def test_a_flipped_bit_in_what_states_no_hash_is_seen_by_its_checksum(tmp_path, capsys):
    path, x = tmp_path / "some.nc", np.random.default_rng(1).normal(size=1000)
    ls.save(xr.Dataset({"x": ("t", x)}), path)
    assert "states no hash of its content" in printed(capsys, "info", path)
    raw = bytearray(path.read_bytes())
    raw[raw.index(x[500:510].tobytes())] ^= 1
    path.write_bytes(raw)
    assert main(["info", str(path)]) == 1 and "is damaged" in capsys.readouterr().err
