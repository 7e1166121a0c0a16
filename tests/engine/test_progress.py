"""Progress, Ctrl-C, and what a run holds that was stopped."""

import io
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
from langevin_sgd.engine import chunks, cpu, interrupts, program, terminal
from langevin_sgd.kernels.bits import JIT

WELL, STEP = ls.potentials.double_well(2), ls.dynamics.sgd(0.1)
NOISE = ls.noise.gaussian([1.0, 1.0])


def simulate(**options):
    return ls.simulate(WELL, STEP, NOISE, **({"particles": 40, "steps": 3000, "seed": 1} | options))


def press():
    os.kill(os.getpid(), signal.SIGINT)


needs_signals = pytest.mark.skipif(
    not hasattr(signal, "pthread_kill"), reason="signals of this process"
)


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Broken(io.StringIO):
    def write(self, text):
        raise BrokenPipeError


def closed():
    stream = io.StringIO()
    stream.close()
    return stream


def test_progress_on_a_terminal_writes_over_its_line_and_elsewhere_seldom(monkeypatch, capsys):
    monkeypatch.setattr(terminal, "SHOW_SECONDS", 0.0)
    last = "40,000 of 40,000 steps, "
    for stream, begin in ((Terminal(), "\r"), (io.StringIO(), "")):
        monkeypatch.setattr(sys, "stderr", stream)
        simulate(progress=True, steps=40_000, chunk_steps=10_000)
        lines = stream.getvalue().split("\r" if begin else "\n")
        assert len(lines) == (5 if begin else 2), lines
        line = lines[-1] if begin else lines[0]
        assert line.startswith(last) and line.rstrip().endswith(" M particle-steps/s, 0 s left")
    assert simulate(progress=None).equals(simulate(progress=False))
    assert capsys.readouterr() == ("", "")
    assert chunks.latest == [3000, 3000]


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("stream", [None, closed(), Broken()], ids=["none", "closed", "broken"])
def test_a_finished_run_is_not_lost_where_nobody_reads_stderr(monkeypatch, stream):
    rates = ls.dynamics.sgd(1.5)
    monkeypatch.setattr(sys, "stderr", stream)
    run = simulate(progress=True)
    lost = ls.simulate(WELL, rates, NOISE, particles=4, steps=50, seed=1, progress=True)
    monkeypatch.undo()
    np.testing.assert_array_equal(run.x, simulate().x)
    assert lost.status.all()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (99.4, "99 s"), (100, "2 min"), (5_960, "99 min"), (12_000, "3 h 20 min")],
)
def test_times_are_told_as_one_reads_them(seconds, words):
    assert terminal.in_words(seconds) == words


@pytest.mark.parametrize(
    ("particles", "speed"), [(0, "2.5/s"), (2_000_000, "5.0 M particle-steps/s")]
)
def test_a_line_tells_the_rate_and_the_time_left(monkeypatch, particles, speed):
    """30 of 100 in 12 s: 70 more take 28 s."""
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    terminal.reporter(True, 100, "steps", particles)(30, 12.0)
    assert sys.stderr.getvalue() == f"30 of 100 steps, {speed}, 28 s left\n"


def test_a_warning_begins_a_line_of_its_own(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", "30")
    terminal.write_line(1, 2, "x" * 99)
    with pytest.warns(UserWarning):
        terminal.tell("news")
    terminal.end_line()
    assert stream.getvalue() == "\r" + "x" * 29 + "\n"


@pytest.mark.slow
def test_progress_of_first_passages_counts_particles(capsys):
    simulate(progress=True, reducers=ls.reducers.first_passage(above=1.0), steps=10**6)
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("40 of 40 particles, ") and last.endswith("/s, 0 s left")


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
    key = threading.Timer(0.3, press)
    simulate(steps=1)
    key.start()
    told = r"^interrupted: \d+ of 10000000000 steps are done, and kept\. Twice Ctrl-C ends a loop"
    try:
        with pytest.warns(UserWarning, match=told):
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
    lines = capsys.readouterr().err.count("\n")
    quiet, shown = np.min(runs, axis=0)
    with capsys.disabled():
        print(
            f"\n{quiet:.3f} s without, {shown:.3f} s with progress: "
            f"{100 * (shown / quiet - 1):.2f} %, {lines} lines"
        )
    assert shown < 1.01 * quiet and lines >= 9


@needs_signals
def test_ctrl_c_while_the_kernel_compiles_raises(monkeypatch):
    """Nothing is done yet: the chunk of no steps, which compiles."""

    def move(of, ensemble, chunk, *others):
        if not len(chunk.stored_in):
            press()
        return cpu.move(of, ensemble, chunk, *others)

    monkeypatch.setattr(program, "move", move)
    with pytest.raises(KeyboardInterrupt):
        simulate(steps=10)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@needs_signals
@pytest.mark.parametrize("steps", [3000, 300_000])
def test_a_signal_that_is_ignored_or_handled_by_the_program_is_left_to_it(steps):
    """Pressed between two chunks, and while a kernel is looked for."""
    heard = []

    def press_once(done, total, seconds):
        press()

    former = signal.getsignal(signal.SIGINT)
    try:
        for handler, count in ((signal.SIG_IGN, 0), (lambda *about: heard.append(about), 1)):
            signal.signal(signal.SIGINT, handler)
            run = simulate(steps=steps, progress=press_once, chunk_steps=steps)
            assert run.attrs["interrupted"] == 0 and len(heard) == count
            assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, former)
    np.testing.assert_array_equal(run.x, simulate(steps=steps).x)


class PressedAtTheEnd:
    def __del__(self):
        press()


@needs_signals
def test_ctrl_c_in_a_destructor_of_the_compiler_raises_at_once():
    """Python drops what a destructor raises."""
    reached = []
    with pytest.raises(KeyboardInterrupt), interrupts.at_once():
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

    with pytest.warns(UserWarning, match=r"^Ctrl-C came when the run was at its end: it is whole"):
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

    seen, rates = [], [0.1, 0.2, 0.3, 0.4]
    options = {"particles": 4, "steps": 20, "seed": 1, "grid": {"learning_rate": rates}}
    options |= {"measure": at_the_second, "directory": tmp_path if in_folder else None}
    monkeypatch.setattr("langevin_sgd.engine.sweep.simulate", point)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if in_folder:
            with pytest.raises(KeyboardInterrupt):
                ls.sweep(WELL, ls.dynamics.sgd, NOISE, **options)
        else:
            swept = ls.sweep(WELL, ls.dynamics.sgd, NOISE, **options)
            assert swept.failed.values.tolist() == [0, 0, 1, 1]
    assert len(seen) == 2


# ---- Ctrl-C in a process of its own --------------------------------------------------------------

BEGIN = """
    import os, signal, threading, time, warnings
    import numpy as np
    import langevin_sgd as ls
    signal.signal(signal.SIGINT, signal.default_int_handler)
    well, step, pressed = ls.potentials.double_well(2), ls.dynamics.sgd(0.1), []
    noise, moments = ls.noise.gaussian([1.0, 1.0]), ls.reducers.moments(every=7)
    passage = ls.reducers.first_passage(above=1.6)
    def simulate(steps, model=well, **options):
        options |= {"particles": 2000, "steps": steps, "seed": 1, "threads": 2}
        return ls.simulate(model, step, noise, **options)
    def press(times):
        pressed[:] = time.time(), time.process_time()
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
    def told():
        print(time.time() - pressed[0], time.process_time() - pressed[1])
    def interrupted(**options):
        simulate(7, **options)  # compiles
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            threading.Timer(1.0, press, [1]).start()
            part = simulate(10**9, **options)
        told()
        print(part.attrs["interrupted"] == 1, str(caught[-1].message).startswith("interrupted: "))
        return part
"""
PATHS = """
    part = interrupted(every=None, reducers=moments)
    whole = simulate(part.attrs["steps"], reducers=moments)
    print(*(np.array_equal(part[name], whole[name]) for name in whole.variables))
    try:
        threading.Timer(0.5, press, [2]).start()
        simulate(10**9, reducers=moments)
    except KeyboardInterrupt:
        print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""
PASSAGES = """
    part = interrupted(reducers=passage)
    whole = simulate(20_000, reducers=passage)
    arrived = int((part.first_passage_step >= 0).sum())
    error = part.first_passage_rate_standard_error + whole.first_passage_rate_standard_error
    difference = abs(part.first_passage_rate - whole.first_passage_rate)
    print(0 < arrived < 2000, bool(difference < 4 * error))
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
    for reducers in ((), passage):
        threading.Timer(0.4, press, [1]).start()
        try:
            simulate(10**9, own, reducers=reducers)
        except KeyboardInterrupt:
            if not reducers:
                told()
            handler = signal.getsignal(signal.SIGINT)
            print(time.time() - pressed[0] < 3.0, handler is signal.default_int_handler)
"""


def answers(text):
    """(seconds, processor seconds) from the key to the answer, and the words that follow."""
    package = str(Path(ls.__file__).parents[1])
    found = {"PYTHONPATH": package, "LANGEVIN_SGD_CACHE": "off"}
    command = [sys.executable, "-c", textwrap.dedent(BEGIN) + textwrap.dedent(text)]
    options = {"env": os.environ | found, "capture_output": True, "text": True, "timeout": 300}
    done = subprocess.run(command, **options)
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
    print(f"\nanswered after {seconds:.3f} s, {busy:.3f} s of processor time")
    assert busy < 1.0 and seconds < 1.5 * max(1.0, os.getloadavg()[0])
    assert len(words) == (3 if text == PATHS else 2), words
    assert {word for line in words for word in line} == {"True"}, words
