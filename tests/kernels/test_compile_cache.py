"""Machine code that outlives its process: found again whenever nothing changed, and never when
something did.
"""

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from langevin_sgd.kernels import compile_cache
from langevin_sgd.kernels.compile_cache import _read, _write, cache_folder

PRELUDE = """
import hashlib, sys
from numba.core import event
recorder = event.RecordingListener()
event.register("numba:compile", recorder)
import langevin_sgd as ls
from langevin_sgd.kernels.bits import kernel
from langevin_sgd.kernels.compiling import compiled, kept
def entry(function):
    inner = kept(compiled(function))
    return kernel(lambda x: inner(x))
def say(result):
    print(result, len(recorder.buffer) // 2)
"""
SIMULATE = """
well, noise = ls.potentials.double_well(dim=2), ls.noise.gaussian([[1.0, 0.0], [0.0, 0.25]])
options = {"particles": 50, "steps": 40, "seed": 1, "threads": 2, "block_size": 16}
run = ls.simulate(well, ls.dynamics.sgd(0.05), noise, **options)
say(hashlib.sha256(run.x.values.tobytes()).hexdigest())
"""
WORD = """
import numpy as np
from langevin_sgd.kernels.bits import kernel
from langevin_sgd.kernels.rng import words_at
def word(k):
    return words_at(k, k, k, k, k, k)[0]
say(kept(kernel(word))(np.uint64(1)))
"""
HALVES = """
from top import scaled
say(entry(scaled)(6.0))
"""
EQUAL_NAMES = """
import math, numba
def text(factor):
    def scaled(x):
        return factor * x
    return entry(scaled)
def too_large_to_copy(factor):
    @numba.njit
    def helper(x):
        s = x
        for k in range(9):
            s = math.sin(s) + math.cos(s) * math.exp(-s) + math.tanh(s)
            s = s + math.log(1.0 + s * s) + math.atan(s) + math.tan(s)
            s = math.sin(s) + math.cos(s) * math.exp(-s) + math.tanh(s)
            s = s + math.log(1.0 + s * s) + math.atan(s) + math.tan(s)
        return factor if x > 0.0 else s
    @numba.njit
    def scaled(x):
        return helper(x) + helper(2.0 * x) - helper(3.0 * x)
    return kept(scaled)
print([text(float(factor))(1.0) for factor in sys.argv[1:]], end=" ")
say([too_large_to_copy(float(factor))(1.0) for factor in sys.argv[1:]])
"""


def start(script, folder, *arguments):
    """A process of its own, which caches in `folder` and imports from the folder above."""
    settings = {"LANGEVIN_SGD_CACHE": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    settings["PYTHONPATH"] = os.pathsep.join([str(folder.parent), *sys.path])
    command = [sys.executable, "-c", PRELUDE + script, *map(str, arguments)]
    return subprocess.Popen(command, env=os.environ | settings, stdout=subprocess.PIPE, text=True)


def said(process):
    """(result, number of functions compiled) of a process."""
    text, _ = process.communicate()
    assert process.returncode == 0
    result, compiled = text.rsplit(" ", 1)
    return result, int(compiled)


def ran(*arguments):
    return said(start(*arguments))


def write(folder, factor):
    """A text, its helper in another module, and the helper's constant in a third."""
    folder.joinpath("constants.py").write_text(f"FACTOR = {factor}\n")
    folder.joinpath("helpers.py").write_text(
        "from constants import FACTOR\ndef scale(x):\n    return FACTOR * x\n"
    )
    folder.joinpath("top.py").write_text(
        "from helpers import scale\ndef scaled(x):\n    return scale(x) + 1.0\n"
    )


def test_a_second_process_compiles_nothing_and_gets_the_same_bits(tmp_path):
    folder = tmp_path / "cache"
    bits, compiled = ran(SIMULATE, folder)
    assert compiled > 10
    assert folder.stat().st_mode & 0o077 == 0
    assert ran(SIMULATE, folder) == (bits, 0)


def test_code_of_one_random_generator_is_not_taken_for_that_of_another(tmp_path, monkeypatch):
    found = []
    for generator in ("philox", "threefry", "philox"):
        monkeypatch.setenv("LANGEVIN_SGD_GENERATOR", generator)
        found.append(ran(WORD, tmp_path / "cache"))
    (philox, _), (threefry, _), again = found
    assert philox != threefry and again == (philox, 0)


def test_a_constant_of_a_helper_of_a_helper_is_part_of_the_key(tmp_path):
    """numba's own cache returns the old number here. What calls it from here is not kept."""
    folder = tmp_path / "cache"
    write(tmp_path, 0.5)
    both = [start(HALVES, folder), start(HALVES, folder)]  # at the same time, into the same folder
    assert [said(process)[0] for process in both] == ["4.0", "4.0"]
    write(tmp_path, 0.25)
    assert ran(HALVES, folder) == ("2.5", 3)
    write(tmp_path, 0.5)
    assert ran(HALVES, folder) == ("4.0", 1)


def test_code_of_equal_names_from_two_processes_does_not_meet(tmp_path):
    """numba counts functions of one name, and every process begins anew: kept under numba's names,
    the large text of the second process would return the 3 of its first. Code that is not its
    text's alone is therefore not kept."""
    folder = tmp_path / "cache"
    assert ran(EQUAL_NAMES, folder, 2) == ("[2.0] [2.0]", 4)
    assert len(list(folder.iterdir())) == 1
    # A function of the user's is compiled once for the same content; equal ones of numba's are two.
    assert ran(EQUAL_NAMES, folder, 3, 2, 2) == ("[3.0, 2.0, 2.0] [3.0, 2.0, 2.0]", 10)
    assert len(list(folder.iterdir())) == 2


def test_a_damaged_file_is_as_good_as_none(tmp_path):
    place = tmp_path / ("e" * 64)
    assert _read(place) is None
    _write(place, b"code1234")
    whole = place.read_bytes()
    assert _read(place) == b"code1234"
    for damaged in (b"", whole[:-1], whole[:10], whole[:-1] + b"?", b"?" + whole[1:]):
        place.write_bytes(damaged)
        assert _read(place) is None
    _write(place, b"code1234")
    assert _read(place) == b"code1234"


def test_files_that_changed_places_are_not_taken_for_each_other(tmp_path):
    one, other = tmp_path / ("a" * 64), tmp_path / ("b" * 64)
    _write(one, b"1.0")
    _write(other, b"2.0")
    swapped = other.read_bytes(), one.read_bytes()
    for place, whole in zip((one, other), swapped, strict=True):
        place.write_bytes(whole)
        assert _read(place) is None
    one.write_bytes(b"a" * 64 + swapped[0][64:])  # with the right key in front of the wrong code
    assert _read(one) is None


def test_neither_a_full_disk_nor_a_killed_process_leaves_files(tmp_path, monkeypatch):
    def full(handle, mode):
        os.close(handle)
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdopen", full)
        _write(tmp_path / ("a" * 64), b"code")
    assert not list(tmp_path.iterdir())
    for name, age in (("kernel_killed.tmp", 7_200.0), ("kernel_at_work.tmp", 0.0)):
        tmp_path.joinpath(name).write_bytes(b"half")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    _write(tmp_path / ("a" * 64), b"code")
    assert {each.name for each in tmp_path.iterdir()} == {"kernel_at_work.tmp", "a" * 64}


def test_a_reader_never_sees_half_a_file(tmp_path):
    place, entries = tmp_path / "entry", [bytes([k]) * 200_000 for k in range(4)]
    _write(place, entries[0])
    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(_write, place, entry) for entry in entries * 10]
        assert all(_read(place) in entries for _ in range(100))
        for each in writing:
            each.result()
    assert list(tmp_path.iterdir()) == [place]


def test_beyond_the_limit_the_least_recently_used_goes(tmp_path, monkeypatch):
    """And nothing but machine code: the folder may be one that holds other things."""
    monkeypatch.setattr(compile_cache, "SIZE_LIMIT", 3_300)
    (tmp_path / "thesis.dat").write_bytes(b"x" * 9_000)
    os.utime(tmp_path / "thesis.dat", (0, 0))
    a, b, c, d = (tmp_path / (letter * 64) for letter in "abcd")
    for number, place in enumerate((a, b, c)):
        _write(place, b"x" * 900)
        os.utime(place, (number, number))
    assert _read(a) is not None  # used now
    _write(d, b"x" * 900)
    assert {each.name for each in tmp_path.iterdir()} == {a.name, c.name, d.name, "thesis.dat"}


def test_a_folder_that_others_can_write_to_is_refused(tmp_path, monkeypatch):
    assert cache_folder(str(tmp_path / "new" / "one")).stat().st_mode & 0o777 == 0o700
    for mode in (0o720, 0o702):
        folder = tmp_path / oct(mode)
        folder.mkdir()
        folder.chmod(mode)
        with pytest.warns(UserWarning, match="for others can write to it.*LANGEVIN_SGD_CACHE"):
            assert cache_folder(str(folder)) is None
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    theirs = tmp_path / "theirs"
    with pytest.warns(UserWarning, match="for others can write to it"):
        assert cache_folder(str(theirs)) is None


def test_the_folder_is_the_users_or_none_without_a_place_to_write_or_when_off(
    tmp_path, monkeypatch
):
    (tmp_path / "file").touch()
    assert cache_folder(str(tmp_path / "file" / "below")) is None
    assert cache_folder("off") is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache_folder.cache_clear()
    assert cache_folder("") == tmp_path / "langevin_sgd"
    cache_folder.cache_clear()
