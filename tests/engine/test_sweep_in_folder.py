"""Sweeps in a folder: points are computed once, by anyone, and another sweep is refused."""

import pytest
from small_sweeps import GRID, spread, swept

import langevin_sgd as ls
from langevin_sgd.storage import content_hash, sweep_folder


def test_finished_points_are_never_computed_again(tmp_path, monkeypatch):
    first, kept, keep = swept(measure=spread, directory=tmp_path), [], sweep_folder.keep_point

    def noted(dataset, folder, k):
        kept.append(k)
        keep(dataset, folder, k)

    monkeypatch.setattr(sweep_folder, "keep_point", noted)
    sweep_folder.path_of(tmp_path, 3).unlink()
    again = swept(measure=spread, directory=tmp_path, seed=None)
    assert kept == [3] and again.identical(first)
    before = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    swept(measure=spread, directory=tmp_path)
    assert before == {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}


@pytest.mark.parametrize("shards", [1, 2, 3, 7])
def test_merged_shards_are_the_same_for_any_number_of_them(shards, tmp_path):
    """Seven shards of six points: one has nothing to do. With one manifest even the bytes of the
    file are the same.
    """
    whole = swept(directory=tmp_path / "whole", measure=spread)
    ls.save(whole, tmp_path / "whole.nc")
    for file in tmp_path.glob("whole/point*"):
        file.unlink()
    for i in [*range(shards, 0, -1), 1]:  # backwards, and one of them twice
        assert swept(directory=tmp_path / "whole", measure=spread, shard=(i, shards)) is None
    ls.save(ls.merge(tmp_path / "whole"), tmp_path / "merged.nc")
    assert (tmp_path / "merged.nc").read_bytes() == (tmp_path / "whole.nc").read_bytes()
    assert content_hash(swept(measure=spread)) == content_hash(ls.load(tmp_path / "merged.nc"))


def test_missing_points_are_named(tmp_path):
    swept(directory=tmp_path, shard="2/3", measure=spread)
    first = "first 0 .learning_rate = 0.05, barrier = 0.25.*run their"
    with pytest.raises(ValueError, match=f"4 of 6 points are missing .*{first}"):
        ls.merge(tmp_path)
    with pytest.raises(ValueError, match="seed must be given with shard"):
        swept(directory=tmp_path / "new", shard="1/2", seed=None)
    with pytest.raises(FileNotFoundError, match="there is no manifest"):
        ls.merge(tmp_path / "nowhere")


def test_an_interrupted_sweep_says_what_is_kept_and_goes_on(tmp_path):
    def pressed_at_the_third(run, model):
        if len(list(tmp_path.glob("point*"))) == 2:
            raise KeyboardInterrupt
        return spread(run, model)

    with pytest.raises(KeyboardInterrupt, match="2 of 6 points are finished and kept in .* same"):
        swept(directory=tmp_path, measure=pressed_at_the_third)
    with pytest.raises(ValueError, match="4 of 6 points are missing .* call the sweep again, or"):
        ls.merge(tmp_path)


CHANGES = {
    'seed: "1" there, "2" now': {"seed": 2},
    "grid.barrier.1: 0.5 there, 0.6 now\n  records_sha256": {
        "grid": GRID | {"barrier": [0.25, 0.6]}
    },
    "at_first_point.particles: 16 there, 17 now": {"particles": 17},
    "at_first_point.noise.params.scale": {"noise": ls.noise.gaussian([0.4])},
    "measure.": {"measure": lambda run, model: spread(run, model) + 1},
    "at_first_point.x0": {"x0": [0.5], "block_size": 64},
    'random_numbers: "common" there, "independent" now': {"random_numbers": "independent"},
    "records_sha256: ": {
        "dynamics": lambda learning_rate: ls.dynamics.sgd(min(learning_rate, 0.1))
    },
}


@pytest.mark.parametrize("line", CHANGES)
def test_another_sweep_is_refused_with_the_difference(line, tmp_path):
    swept(directory=tmp_path, measure=spread, shard="6/6")
    with pytest.raises(ValueError, match="was begun with another description:\n") as refused:
        swept(**({"directory": tmp_path, "measure": spread} | CHANGES[line]))
    assert f"\n  {line}" in str(refused.value)
