"""A fuzzer of the command line: one word of a valid command becomes another, or is left out.

An answer is exit code 0, or 1 or 2 with a line on stderr, within ten seconds.
"""

import contextlib
import io
import os
import signal
import tempfile
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

import langevin_sgd as ls
from langevin_sgd.command_line.commands import main

COMMANDS = [
    *(["list"], ["list", "models"], ["list", "studies"], ["list", "sgd"], ["--version"]),
    *(["info", "run.nc"], ["info", "run"], ["info", "sweep"], ["info", "none"], ["info", "cut.nc"]),
    *(["merge", "sweep"], ["merge", "run"], ["merge", "out", "toy.py"], ["merge", "out"]),
    *(["resume", "run", "--threads", "1"], ["resume", "sweep"], ["resume", "cut"]),
    *(["run", "toy.py", "--quick"], ["run", "boltzmann_departure", "--shard", "1/1"]),
    ["bench", "merge", "--points", "4"],
    *(["list", "noise"], ["info", "run.nc", "--all"], ["plot", "none.nc"]),
    ["plot", "run.nc", "--kind", "paths", "--out", "paths.png"],
]
WORDS = ["", "x", "-1", "0", "4", "1e3", "nan", str(2**70), "a\0b", "x" * 5000, ".", "..", "/", "~"]
WORDS += ["/dev/null", "--help", "--quick", "--", "-", "--threads", "--points", "*", "\udcff", "é"]
WORDS += ["run.nc", "cut.nc", "run", "sweep", "out", "cut", "toy.py", "sgd", "1/1", "0/0", "\n"]


class TooLong(BaseException):
    """A call took more than it may."""


@contextlib.contextmanager
def limited(seconds):
    """TooLong after so many seconds of computing, or ten times as many by the clock: other
    processes may slow this one."""

    def ring(*_):
        raise TooLong

    signal.signal(signal.SIGPROF, ring)
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.alarm(10 * seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)


class Answer(NamedTuple):
    """What became of a command; the kinds are those of fuzz.py."""

    kind: str
    command: str
    message: str


def prepared():
    """What the commands name, made in the current folder."""
    model, noise = ls.potentials.quadratic([1.0]), ls.noise.gaussian([1.0])
    plan = {"model": model, "dynamics": ls.dynamics.sgd(0.1), "noise": noise, "seed": 1}
    plan |= {"particles": 16, "steps": 4, "every": 2, "threads": 1}
    ls.save(ls.simulate(**plan, checkpoint="run"), "run.nc")
    ls.sweep(**plan, grid={"learning_rate": [0.1, 0.2]}, directory="sweep")
    Path("cut.nc").write_bytes(Path("run.nc").read_bytes()[:3000])
    Path("cut").mkdir()
    Path("cut", "manifest.jsonl").write_bytes(Path("run", "manifest.jsonl").read_bytes()[:500])
    Path("out", "toy.points").mkdir(parents=True)
    Path("toy.py").write_text("print('a toy')")


def answered(words, seconds):
    """How a command ends."""
    command = ascii(words)[:150]
    told, printed = io.StringIO(), io.StringIO()
    try:
        with (
            limited(seconds),
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(told),
        ):
            code = main(words)
    except SystemExit as end:
        code = end.code or 0
    except TooLong:
        return Answer("too long", command, f"more than {seconds} s")
    except Exception as error:  # whatever it is, it is a fault, and is listed
        return Answer("raw error", command, f"{type(error).__name__}: {error}"[:300])
    if code == 0:
        return Answer("finite", command, "")
    message = told.getvalue()
    is_told = code in (1, 2) and message.strip() and "Traceback" not in message
    kind = "refused by name" if is_told else "refused without the name"
    return Answer(kind, command, message[-300:])


def fuzzed_commands(count, seed, seconds=10):
    """Answers to `count` commands, drawn with numpy's generator from `seed`."""
    random, outcomes, before = np.random.default_rng(seed), [], os.getcwd()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of files that are damaged on purpose
        os.chdir(folder)
        try:
            prepared()
            for _ in range(count):
                words = list(COMMANDS[random.integers(len(COMMANDS))])
                place = random.integers(len(words))
                instead = WORDS[random.integers(len(WORDS))]
                words[place : place + 1] = [instead] * random.integers(3)  # none, one, or it twice
                outcomes.append(answered(words, seconds))
        finally:
            os.chdir(before)
    return outcomes
