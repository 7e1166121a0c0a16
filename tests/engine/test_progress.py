"""Progress, Ctrl-C, and what a run holds that was stopped."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd.engine import chunks, cpu, terminal
from langevin_sgd.kernels.bits import JIT

WELL, STEP, NOISE = (
    ls.potentials.double_well(2),
    ls.dynamics.sgd(0.1),
    ls.noise.gaussian([1.0, 1.0]),
)


def simulate(**options):
    return ls.simulate(WELL, STEP, NOISE, **({"particles": 40, "steps": 3000, "seed": 1} | options))


def test_progress_on_the_terminal(capsys):
    simulate(progress=True, steps=40_000, chunk_steps=10_000)
    lines = capsys.readouterr().err.rstrip("\n").split("\r")
    assert "40,000 of 40,000 steps, " in lines[-1] and " M particle-steps/s, 0 s left" in lines[-1]
    simulate(progress=None)
    simulate(progress=False)
    assert capsys.readouterr() == ("", "")


@pytest.mark.slow
def test_progress_of_first_passages_counts_particles(capsys):
    simulate(progress=True, reducers=ls.reducers.first_passage(above=1.0), steps=10**6)
    last = capsys.readouterr().err.split("\r")[-1]
    assert last.startswith("40 of 40 particles, ") and last.rstrip().endswith("/s, 0 s left")


def test_a_function_hears_of_it_at_most_every_fifth_of_a_second_and_at_the_end():
    told = []
    simulate(progress=lambda *numbers: told.append(numbers), steps=600_000)
    done, steps, seconds = (np.array(column) for column in zip(*told, strict=True))
    assert done[-1] == 600_000 and np.all(steps == 600_000) and np.all(np.diff(done) > 0)
    assert np.all(np.diff(seconds)[:-1] >= 0.2) and len(told) <= seconds[-1] / 0.2 + 2


def test_what_is_no_progress_is_refused_and_an_error_in_it_is_not_swallowed():
    with pytest.raises(
        TypeError, match=r"progress must be True, False, None or a function of .*, got 'bar'\."
    ):
        simulate(progress="bar")
    with pytest.raises(ZeroDivisionError):
        simulate(progress=lambda *numbers: 1 / 0)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_run_in_another_thread_has_the_same_bits():
    found = []
    thread = threading.Thread(target=lambda: found.append(simulate(threads=2)))
    thread.start()
    thread.join()
    np.testing.assert_array_equal(found[0].x, simulate(threads=1).x)


@pytest.mark.skipif(not JIT, reason="plain Python is too slow for ten million steps")
def test_a_run_that_was_stopped_is_the_first_part_of_a_whole_one():
    """The signal of Ctrl-C, to this process."""
    if threading.current_thread() is not threading.main_thread():
        pytest.skip("only the main thread gets signals")
    key = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT])
    simulate(steps=1)
    key.start()
    try:
        with pytest.warns(
            UserWarning, match=r"^interrupted: \d+ of 10000000000 steps are done, and kept"
        ):
            part = simulate(steps=10**10, every=10**9)
    finally:
        key.cancel()
    done = part.attrs["steps"]
    assert part.attrs["interrupted"] == 1 and part.step.values.tolist() == [0, done] and done > 1000
    whole = simulate(steps=done)
    assert whole.attrs["interrupted"] == 0
    for name in whole.variables:
        np.testing.assert_array_equal(part[name], whole[name])


@pytest.mark.slow
def test_progress_costs_less_than_a_hundredth(capsys):
    """Processor time of one thread, the least of nine runs each; about 1 s, so five lines."""

    def seconds(progress):
        begun = time.process_time()
        simulate(particles=4096, steps=80_000, threads=1, progress=progress)
        return time.process_time() - begun

    runs = [(seconds(None), seconds(True)) for _ in range(9)]
    lines = capsys.readouterr().err.count("\r")
    quiet, shown = np.min(runs, axis=0)
    with capsys.disabled():
        print(
            f"\n{quiet:.3f} s without, {shown:.3f} s with progress: "
            f"{100 * (shown / quiet - 1):.2f} %, {lines} lines"
        )
    assert shown < 1.01 * quiet and lines >= 9


def press():
    os.kill(os.getpid(), signal.SIGINT)


needs_signals = pytest.mark.skipif(
    not hasattr(signal, "pthread_kill"), reason="signals of this process"
)


@needs_signals
def test_ctrl_c_while_the_kernel_compiles_raises(monkeypatch):
    """Nothing is done yet: the chunk of no steps, which compiles."""

    def move(program, ensemble, chunk, *others):
        if not len(chunk.rows):
            press()
        return cpu.move(program, ensemble, chunk, *others)

    monkeypatch.setattr(chunks, "move", move)
    with pytest.raises(KeyboardInterrupt):
        simulate(steps=10)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class PressedAtTheEnd:
    def __del__(self):
        press()


@needs_signals
def test_ctrl_c_in_a_destructor_of_the_compiler_raises_at_once():
    """Python drops what a destructor raises."""
    reached = []
    with pytest.raises(KeyboardInterrupt), terminal.at_once():
        thing = PressedAtTheEnd()
        del thing
        for k in range(1000):
            time.sleep(0.01)
            reached.append(k)
    assert len(reached) < 100


@needs_signals
def test_ctrl_c_in_the_last_chunk_keeps_the_run_and_is_told():
    def at_the_end(done, steps, seconds):
        if done == steps:
            press()

    with pytest.warns(
        UserWarning, match=r"^Ctrl-C came when the run was at its end: it is whole\."
    ):
        run = simulate(progress=at_the_end)
    np.testing.assert_array_equal(run.x, simulate().x)


@needs_signals
@pytest.mark.parametrize("in_folder", [False, True])
def test_ctrl_c_in_the_last_chunk_of_a_point_ends_a_sweep(in_folder, tmp_path, monkeypatch):
    def at_the_second(run, model):
        seen.append(run)
        return run[["x"]]

    def at_the_end(done, steps, seconds):
        if len(seen) == 1 and done == steps:
            press()

    def point(*records, **options):
        return ls.simulate(*records, progress=at_the_end, **options)

    seen, options = (
        [],
        {"particles": 4, "steps": 20, "seed": 1, "grid": {"learning_rate": [0.1, 0.2, 0.3, 0.4]}},
    )
    options |= {"measure": at_the_second, "directory": tmp_path if in_folder else None}
    monkeypatch.setattr("langevin_sgd.engine.sweep.simulate", point)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if in_folder:
            with pytest.raises(KeyboardInterrupt):
                ls.sweep(WELL, ls.dynamics.sgd, NOISE, **options)
        else:
            assert ls.sweep(WELL, ls.dynamics.sgd, NOISE, **options).failed.values.tolist() == [
                0,
                0,
                1,
                1,
            ]
    assert len(seen) == 2


# ---- Ctrl-C in a process of its own --------------------------------------------------------------

BEGIN = """
    import os, signal, threading, time, warnings
    import numpy as np
    import langevin_sgd as ls
    signal.signal(signal.SIGINT, signal.default_int_handler)
    well, step, noise = ls.potentials.double_well(2), ls.dynamics.sgd(0.1), ls.noise.gaussian([1.0, 1.0])
    moments, passage, pressed = ls.reducers.moments(every=7), ls.reducers.first_passage(above=1.6), []
    def simulate(steps, **options):
        return ls.simulate(well, step, noise, particles=2000, steps=steps, seed=1, threads=2, **options)
    def press(times):
        pressed[:] = time.time(), time.process_time()
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
    def interrupted(**options):
        simulate(7, **options)  # compiles
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            threading.Timer(1.0, press, [1]).start()
            part = simulate(10**9, **options)
        print(time.time() - pressed[0], time.process_time() - pressed[1])
        print(part.attrs["interrupted"] == 1, str(caught[-1].message).startswith("interrupted: "))
        return part
"""
PATHS = """
    part = interrupted(every=None, reducers=moments)
    whole = simulate(part.attrs["steps"], reducers=moments)
    print(*(np.array_equal(part[name], whole[name]) for name in whole.variables), part.attrs["steps"] > 1000)
    try:
        threading.Timer(0.5, press, [2]).start()
        simulate(10**9, reducers=moments)
    except KeyboardInterrupt:
        print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, "raised" == "raised")
"""
PASSAGES = """
    part = interrupted(reducers=passage)
    passed = part.first_passage_step.values
    arrived = passed[passed >= 0]
    rate, error = part.first_passage_rate.item(), part.first_passage_rate_standard_error.item()
    whole = simulate(20_000, reducers=passage)
    difference = rate - whole.first_passage_rate.item()
    print(0 < len(arrived) < 2000, abs(difference) < 4 * np.hypot(error, whole.first_passage_rate_standard_error.item()))
"""


COMPILING = """
    def never_seen(p, x, out):
        for k in range(len(x)):
            out[k] = x[k] * x[k] * x[k] * p.stiffness
    def energy(p, x):
        s = 0.0
        for k in range(len(x)):
            s += x[k] * x[k] * x[k] * x[k]
        return 0.25 * p.stiffness * s
    own = ls.Potential("own", energy, never_seen, {"stiffness": 1.0}, 2)
    for reducers, seconds in (((), 0.4), (passage, 0.4)):
        threading.Timer(seconds, press, [1]).start()
        try:
            ls.simulate(own, step, noise, particles=2000, steps=10**9, seed=1, threads=2, reducers=reducers)
        except KeyboardInterrupt:
            if not reducers:
                print(time.time() - pressed[0], time.process_time() - pressed[1])
            print(time.time() - pressed[0] < 3.0, signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


def answers(text):
    """(seconds, seconds of processor time) from the key to the answer, and the words that follow."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(ls.__file__).parents[1]),
        "LANGEVIN_SGD_CACHE": "off",
    }
    code = textwrap.dedent(BEGIN) + textwrap.dedent(text)
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    return [float(number) for number in first.split()], [line.split() for line in rest]


@pytest.mark.skipif(not JIT, reason="a second of plain Python is too few steps")
@pytest.mark.slow
@pytest.mark.parametrize(
    "text", [PATHS, PASSAGES, COMPILING], ids=["paths", "passages", "compiling"]
)
def test_ctrl_c_keeps_what_is_done_and_is_answered_soon_and_the_second_raises(text):
    """Within 0.5 s on a free machine: of two processors 1 s; a machine that others load may take
    its time.
    """
    (seconds, busy), words = answers(text)
    print(
        f"\nanswered after {seconds:.3f} s, {busy:.3f} s of processor time, load "
        f"{os.getloadavg()[0]:.1f}"
    )
    assert busy < 1.0 and seconds < 1.5 * max(1.0, os.getloadavg()[0])
    assert len(words) == (3 if text == PATHS else 2) and {
        word for line in words for word in line
    } == {"True"}, words
