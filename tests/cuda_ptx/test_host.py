"""numba-cuda's own host code, from contexts and copies to the launch, on a stand-in for NVIDIA's
driver that runs kernels on this CPU."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
COMPILER = shutil.which("cc")


@pytest.mark.skipif(COMPILER is None, reason="there is no C compiler")
def test_runs_on_the_stand_in(tmp_path):
    library = tmp_path / "libcuda.so.1"
    options = ["-shared", "-fPIC", "-w", "-Wl,-soname,libcuda.so.1", "-o", str(library)]
    subprocess.run([COMPILER, TESTS / "cuda_ptx" / "driver.c", *options, "-ldl"], check=True)
    paths = os.pathsep.join(map(str, (TESTS.parent, TESTS)))
    environment = os.environ | {"LD_LIBRARY_PATH": str(tmp_path), "PYTHONPATH": paths}
    command = [sys.executable, "-m", "cuda_ptx.stand_in", str(library)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "all is well" in done.stdout, done.stdout + done.stderr
