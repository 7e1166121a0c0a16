"""Files with wrong bytes: the library behind h5py hangs or takes all memory on some; `load` does
neither.
"""

import subprocess
import sys

import h5py
import numpy as np
import pytest
import xarray as xr
from hostile_parts import text_references, vector

from langevin_sgd.storage import load, save


@pytest.fixture
def path(tmp_path):
    return tmp_path / "damaged.nc"


def test_a_heap_that_the_library_would_walk_for_ever_is_refused(path):
    save(xr.Dataset({"x": ((), 1.0)}, attrs={"title": "a"}), path)
    content = bytearray(path.read_bytes())
    place = content.index(b"GCOL") + 16
    while index := content[place]:
        place += 16 + (content[place + 8] + 7) // 8 * 8
    content[place + 8 : place + 16] = bytes(8)  # the size of the free space
    path.write_bytes(content)
    assert index == 0
    with pytest.raises(ValueError, match="has a damaged or excessive heap of texts"):
        load(path)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the limit of memory is not set")
def test_a_text_that_claims_four_gigabytes_costs_no_more_than_two(path):
    import resource

    with h5py.File(path, "w", libver="earliest") as file:
        file.attrs["texts"] = ["x" * 9, "a"]
    content = bytearray(path.read_bytes())
    (place,) = text_references(content, 9)
    content[place : place + 4] = b"\xff" * 4
    path.write_bytes(content)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    limit = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(ValueError, match="is damaged, or not a plain netCDF4 file"):
        load(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - most < 2**21  # kB
    assert resource.getrlimit(resource.RLIMIT_AS) == limit


FUZZ = """
import faulthandler, resource, sys
import numpy as np
from langevin_sgd.storage import load

path, trials = sys.argv[1:]
whole = np.fromfile(path, np.uint8)
resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))
generator, read = np.random.default_rng(0), 0
for trial in range(int(trials)):
    damaged = whole.copy()
    at = generator.integers(0, len(whole), generator.integers(1, 9))
    damaged[at] ^= generator.integers(1, 256, len(at)).astype(np.uint8)
    damaged.tofile(path)
    faulthandler.dump_traceback_later(20, exit=True)
    try:
        load(path)
        read += 1
    except ValueError as error:
        assert str(error).startswith("load:"), error
print("read:", read)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits its memory by RLIMIT_AS")
@pytest.mark.parametrize("trials", [50, pytest.param(500, marks=pytest.mark.slow)])
@pytest.mark.parametrize("layout", ["with checksums", "without"])
def test_damaged_files_are_read_or_refused_in_plain_words(path, layout, trials):
    """Up to eight bytes anywhere are changed; the process may take 4 GiB and 20 s for each file,
    and must not die.
    """
    variables = {"x": ("d", np.arange(4.0), {"units": "1"}), "text": ("d", list("abcd"))}
    save(xr.Dataset(variables, attrs={"words": ["a", "b"]}), path)
    if layout == "without":
        # the library's older layout, whose headers carry no checksum: damage gets further
        with h5py.File(path, "w", libver="earliest") as file:
            vector(file, "x", np.arange(4.0)).attrs["units"] = "1"
            vector(file, "y", np.zeros(4, "i1"), chunks=(2,)).attrs["words"] = ["a", "b"]
    command = [sys.executable, "-W", "ignore", "-c", FUZZ, str(path), str(trials)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{done.returncode}: {done.stderr[-2000:]}"
    assert trials / 20 < int(done.stdout.split()[-1]) < trials * 19 / 20
