"""Folders of points: the manifest is made once, files are whole, damage is noticed."""

from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest
import xarray as xr

from langevin_sgd.storage import sweep_folder as points
from langevin_sgd.storage.lock import shared_lock
from langevin_sgd.storage.manifest import NAME

POINT = xr.Dataset({"x": ("particle", np.arange(100.0))}, attrs={"text": "a", "numbers": [1, 2]})


def settle(folder, description):
    return points.settle(folder, "sweep", description, "test").description


def test_whoever_comes_first_settles_the_description(tmp_path):
    """Twenty threads with twenty: one wins, and only its description is accepted from then on."""

    def attempt(k):
        try:
            return settle(tmp_path, {"grid": {"a": [k]}})
        except ValueError:
            return None

    with ThreadPoolExecutor(20) as pool:
        accepted = [found for found in pool.map(attempt, range(20)) if found]
    assert accepted == [points.header_of(tmp_path).description]
    assert settle(tmp_path, accepted[0]) == accepted[0]
    differences = r"\n  grid.a.0: \d+ there, 77 now\n  more: .absent. there, 1 now\n"
    with pytest.raises(ValueError, match=rf"begun with another description:{differences}"):
        settle(tmp_path, {"grid": {"a": [77]}, "more": 1})
    assert sorted(file.name for file in tmp_path.iterdir()) == ["lock", NAME]


def test_other_code_is_told_in_one_line_with_the_program_that_began(tmp_path):
    code = {f"kernels/{name}.py": "0" for name in "abc"}
    settle(tmp_path, {"seed": 1, "source": code})
    with pytest.raises(ValueError) as refused:
        settle(tmp_path, {"seed": 1, "source": dict.fromkeys(code, "1")})
    about = points.header_of(tmp_path).attributes
    commit = about.get("git_commit", "not told")[:12]  # known of a checkout
    program = f"{about['langevin_sgd_version']}, commit {commit}"
    line = f"files of code: 3, such as kernels/a.py; begun by langevin_sgd {program}"
    assert str(refused.value).splitlines()[1].strip() == line


def test_what_a_killed_process_was_writing_is_cleared_by_the_next_that_is_alone(tmp_path):
    settle(tmp_path, {})
    litter = tmp_path / ".point_000000.nc.1234.tmp"
    litter.write_bytes(b"half")
    with shared_lock(tmp_path):
        settle(tmp_path, {})
        assert litter.exists()
    settle(tmp_path, {})
    assert not litter.exists()


def test_a_point_is_what_was_kept(tmp_path):
    points.keep_point(POINT, tmp_path, 3)
    assert points.missing(tmp_path, range(5)) == [0, 1, 2, 4]
    assert points.read_point(tmp_path, 3).identical(POINT)


def test_a_truncated_point_and_a_flipped_bit_are_named(tmp_path):
    points.keep_point(POINT, tmp_path, 0)
    path = points.path_of(tmp_path, 0)
    raw = bytearray(path.read_bytes())
    path.write_bytes(raw[:-500])
    with pytest.raises(ValueError, match="cut short .*Delete the file and compute point 0 again"):
        points.read_point(tmp_path, 0)
    raw[raw.index(POINT.x.values[90:].tobytes())] ^= 1
    path.write_bytes(raw)
    with pytest.raises(ValueError, match="is damaged .*Delete the file and compute point 0 again"):
        points.read_point(tmp_path, 0)
    points.keep_point(POINT, tmp_path, 0)
    with h5py.File(path, "r+") as file:  # with a new checksum
        file["x"][90] += 1.0
    with pytest.raises(ValueError, match="point_000000.nc' is damaged: its content has changed"):
        points.read_point(tmp_path, 0)


def test_no_flipped_bit_changes_a_result_unnoticed(tmp_path):
    """Anywhere in the file: either the bit means nothing, or the message says what to do."""
    points.keep_point(POINT, tmp_path, 0)
    path, noticed = points.path_of(tmp_path, 0), 0
    raw = path.read_bytes()
    for place in range(0, len(raw), len(raw) // 40):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 4]) + raw[place + 1 :])
        try:
            assert points.read_point(tmp_path, 0).identical(POINT)
        except ValueError as error:
            assert "Delete the file and compute point 0 again" in str(error)
            noticed += 1
    assert noticed > 5


@pytest.mark.parametrize("shards", [1, 2, 3, 7, 50])
def test_shards_are_a_partition(shards):
    taken = [points.share((i, shards), 20) for i in range(1, shards + 1)]
    assert sorted(sum(taken, [])) == list(range(20)) and points.share(f"1/{shards}", 20) == taken[0]
    assert max(map(len, taken)) - min(map(len, taken)) <= 1


@pytest.mark.parametrize(
    "shard", ["0/3", "4/3", "1", "a/b", "1/2/3", 3, (1.5, 3), (1,), "-1/3", "", [1, 2]]
)
def test_what_is_no_shard_is_refused(shard):
    with pytest.raises(ValueError, match="shard must be 'i/n' or .i, n. with 1 <= i <= n"):
        points.share(shard, 3)
