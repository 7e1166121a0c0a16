"""Commands as somebody at a terminal sees them, in a pseudo-terminal."""

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import langevin_sgd as ls
from langevin_sgd.storage import is_whole

pty = pytest.importorskip("pty")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = {"PYTHONPATH": f"{ROOT}:{ROOT / 'studies'}", "MPLBACKEND": "Agg"}
COMMAND = [sys.executable, "-m", "langevin_sgd"]
PARTS = '''"""Are there three parts?"""
import time
from functools import partial
import xarray as xr
from _runner import Claim, in_memory, main

def part(number):
    time.sleep(1.5)
    return xr.Dataset({"number": number})

def run(quick, seed, threads, plant, each=in_memory):
    parts = each({f"piece {k}": partial(part, k) for k in range(3)})
    return xr.concat(parts.values(), "part"), [Claim("there are three", True, "3")]

def plot(dataset):
    import matplotlib.pyplot as plt
    return plt.figure()

if __name__ == "__main__":
    main("parts", run, plot)
'''
LONG_RUN = """
import langevin_sgd as ls
plan = {"particles": 1000, "steps": 1_500_000, "every": 100_000, "seed": 1, "threads": 1}
model, noise = ls.potentials.double_well(2), ls.noise.gaussian([1.0, 1.0])
ls.simulate(model, ls.dynamics.sgd(0.02), noise, **plan, checkpoint="folder", progress=True)
"""


def at_a_terminal(words, folder, columns=80, key_after=None):
    """Exit code, and what the terminal of a command gets, carriage returns and all; Ctrl-C is
    pressed once the text `key_after` is seen."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        sizes = {"COLUMNS": str(columns), "LINES": "24"}
        os.execvpe(words[0], list(map(str, words)), os.environ | ENVIRONMENT | sizes)
    seen, begun = b"", time.monotonic()
    while time.monotonic() - begun < 300:
        if not select.select([terminal], [], [], 1.0)[0]:
            continue
        try:
            piece = os.read(terminal, 2**16)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        seen += piece
        if key_after is not None and key_after in seen:
            os.write(terminal, b"\x03")
            key_after = None
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), seen.decode()


def lines_of(seen):
    """What stays to be read: of a line that is written over, the last."""
    return [line.rpartition("\r")[2].rstrip() for line in seen.replace("\r\n", "\n").split("\n")]


@pytest.fixture
def parts(tmp_path):
    (tmp_path / "parts.py").write_text(PARTS)
    return tmp_path


@pytest.mark.parametrize("columns", [80, 130])
def test_tables_fill_the_terminal(columns, tmp_path):
    code, seen = at_a_terminal([*COMMAND, "list"], tmp_path, columns)
    widths = [len(line) for line in lines_of(seen)]
    assert code == 0 and 0.7 * columns < max(widths) <= columns


def test_a_study_says_which_part_it_computes_and_what_is_left(parts):
    words = [*COMMAND, "run", "parts.py", "--out", "out", "--threads", "1"]
    code, seen = at_a_terminal(words, parts)
    assert code == 0 and is_whole(ls.load(parts / "out" / "parts.nc"))
    assert "\rpart 1 of 3, piece 0: 1 s " in seen
    assert "\rpart 2 of 3, piece 1: 1 s, about " in seen and " left" in seen
    assert "claims" in lines_of(seen) and "\rclaims" not in seen


def test_a_quick_study_says_how_many_parts_are_done(parts):
    code, seen = at_a_terminal([*COMMAND, "run", "parts.py", "--quick"], parts)
    assert code == 0 and (" of 3 parts done, two at a time: " in seen or "\rpart 1 of 3" in seen)


@pytest.mark.parametrize("words", [["--no-progress"], ["--no-progress", "--quick"]])
def test_a_study_is_silent_if_that_is_wanted(words, parts):
    code, seen = at_a_terminal([*COMMAND, "run", "parts.py", *words], parts)
    assert code == 0 and "part 1" not in seen and "parts done" not in seen


@pytest.mark.parametrize("words", [[], ["--quick"]])
def test_ctrl_c_ends_a_study_in_one_line(words, parts):
    words = [*COMMAND, "run", "parts.py", *words]
    code, seen = at_a_terminal(words, parts, key_after=b"1 s")
    assert code == 128 + signal.SIGINT and "Traceback" not in seen
    assert lines_of(seen)[-2:] == ["stopped by Ctrl-C", ""]


def test_a_run_that_ctrl_c_stopped_goes_on_from_the_command_line(tmp_path):
    (tmp_path / "long.py").write_text(LONG_RUN)
    first = at_a_terminal([sys.executable, "long.py"], tmp_path, key_after=b" steps, ")
    assert first[0] == 0 and "interrupted: " in first[1] and "Traceback" not in first[1]
    code, seen = at_a_terminal([*COMMAND, "resume", "folder"], tmp_path, key_after=b"left")
    assert code == 130 and "interrupted. To go on:  langevin-sgd resume folder" in seen
    code, seen = at_a_terminal([*COMMAND, "resume", "folder"], tmp_path)
    assert code == 0 and lines_of(seen)[-2].startswith("1,500,000 steps are done, the run is fin")
    assert " M particle-steps/s, " in seen and " left" in seen


@pytest.mark.parametrize(
    "words",
    ["list", "list theory", "list double_well", "info {data}", "info {data} --all", "--help"],
)
def test_whoever_reads_no_further_hears_of_no_error(words, tmp_path):
    words = words.format(data=ROOT / "data" / "escape.nc")
    piped = f"({' '.join(COMMAND)} {words}; echo code $? >&2) | head -n 1"
    done = subprocess.run(
        ["sh", "-c", piped], env=os.environ | ENVIRONMENT, capture_output=True, text=True
    )
    assert done.stdout.count("\n") == 1 and done.stderr == "code 0\n"


def test_a_full_disk_is_told_and_is_a_failure():
    if not Path("/dev/full").exists():
        pytest.skip("no full disk to write to")
    command = f"{' '.join(COMMAND)} list > /dev/full"
    done = subprocess.run(
        ["sh", "-c", command], env=os.environ | ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == 1 and "No space left" in done.stderr
    assert "Exception" not in done.stderr
