"""The loop over chunks of steps: between two chunks progress is shown, a Ctrl-C is answered, and a
checkpoint can be written.

How long a chunk is does not show in the results.
"""

import _thread
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from .cpu import Chunk, move
from .reducers.of_run import due_bits

CHUNK_SECONDS = 0.2  # an interrupt waits for one chunk
LONGEST_CHUNK = 100_000  # updates whose parameters are tabulated at a time
SHOW_SECONDS = 0.2
AGAIN_SECONDS = 0.01
_keys = [0]


class Options(NamedTuple):
    """How a run is carried out; nothing here shows in its results."""

    threads: int
    block_size: int
    chunk_steps: int | None = None
    progress: object = None  # True, or a function of (steps done, steps in all, seconds)


class Pause(NamedTuple):
    """What `drive` asks: how far it may go, `until(updates done)`, and after each chunk
    `call(updates done, is it the last)`.
    """

    until: object
    call: object


def keys_pressed():
    """How often a Ctrl-C was noted in this process: one that comes when a run ends is for whoever
    makes the next one.
    """
    return _keys[0]


@contextmanager
def interrupts():
    """A list that the first Ctrl-C fills; the second one raises KeyboardInterrupt. Outside the main
    thread it stays empty.
    """
    asked = []

    def note(number, frame):
        asked.append(number)
        _keys[0] += 1
        if len(asked) > 1:
            raise KeyboardInterrupt

    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is None
    ):
        yield asked
        return
    former = signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, former)


@contextmanager
def at_once():
    """What has nothing to keep: the first Ctrl-C raises.

    If that is in a destructor or a callback, where Python drops it, the key is pressed again a
    little later."""
    presses = []

    def again(ignored):
        if isinstance(ignored.exc_value, KeyboardInterrupt):
            presses.append(threading.Timer(AGAIN_SECONDS, _thread.interrupt_main))
            presses[-1].start()
        else:
            former(ignored)

    with interrupts() as asked:
        asked.append(0)
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        former, sys.unraisablehook = sys.unraisablehook, again
        try:
            yield
        finally:
            sys.unraisablehook = former
            for press in presses:
                press.cancel()
                press.join()
        if len(asked) > 1:
            raise KeyboardInterrupt


def show(done, total, seconds, what, particles):
    """One line on the terminal: how far, how fast, how long still."""
    rate = done / max(seconds, 1e-9)
    left = (total - done) / rate if rate else float("inf")
    speed = f"{rate * particles / 1e6:.1f} M particle-steps/s" if particles else f"{rate:.0f}/s"
    print(
        f"\r{f'{done:,} of {total:,} {what}, {speed}, {left:.0f} s left':<79s}",
        end="",
        file=sys.stderr,
        flush=True,
    )
    if done == total:
        print(file=sys.stderr)


def reporter(progress, total, what, particles=0):
    """A function of (done, seconds) that reports at most every SHOW_SECONDS, and at the end; what =
    "steps" (of `particles`).
    """
    shown = [0.0]

    def report(done, seconds):
        if progress and (seconds - shown[0] >= SHOW_SECONDS or done == total):
            shown[0] = seconds
            if progress is True:
                show(done, total, seconds, what, particles)
            else:
                progress(done, total, seconds)

    return report


@at_once()
def compile_kernel(plan, ensemble, rows, numbers, options):
    """Have the kernel compiled, by a chunk of no steps."""
    none = np.empty(0, dtype=np.int64)
    chunk = Chunk(0, *(part[:0] for part in numbers), none, none, *rows)
    move(plan, ensemble, chunk, (None, 1), options.block_size)


def drive(plan, ensemble, rows, job, options, pause=None, done=None):
    """Move the ensemble to the end of the job; returns how many updates are done, fewer than its
    last one after a Ctrl-C.

    Parameters
    ----------
    rows : (x, v)
        Arrays (rows, particles, components), written after the steps that the job stores; the k-th
        of these goes into row k, modulo their number.
    done : int, optional
        Updates that are done already; default those before the job's first step.
    """
    table, substeps = job.table, job.table.substeps
    last, first = (
        (job.first_step + job.steps) * substeps,
        job.first_step * substeps if done is None else done,
    )
    stored = job.stored_steps() * substeps
    particles, done = job.particles, first
    length = 1  # the rate is not known yet, and a step may be slow
    report = reporter(options.progress, (last - first) // substeps, "steps", particles)
    if done < last:
        compile_kernel(plan, ensemble, rows, table.rows(done, 1), options)
    begun = time.perf_counter()
    with interrupts() as asked, ThreadPoolExecutor(options.threads) as pool:
        while done < last:
            count = min((options.chunk_steps or length) * substeps, last - done)
            if pause:
                count = min(count, pause.until(done) - done)
            slots = np.full(count, -1, dtype=np.int64)
            reached = slice(*np.searchsorted(stored, (done, done + count), side="right"))
            slots[stored[reached] - done - 1] = np.arange(reached.start, reached.stop) % len(
                rows[0]
            )
            due = due_bits(job.reducers, done, count, substeps)
            chunk = Chunk(done, *table.rows(done, count), slots, due, *rows)
            started = time.perf_counter()
            move(plan, ensemble, chunk, (pool, options.threads), options.block_size)
            done, now = done + count, time.perf_counter()
            rate = count / substeps / max(now - started, 1e-9)
            length = int(
                min(
                    max(CHUNK_SECONDS * rate, length / 4, 1),
                    16 * length,
                    max(1, LONGEST_CHUNK // substeps),
                )
            )
            report((done - first) // substeps, now - begun)
            if pause:
                pause.call(done, done == last or bool(asked))
            if asked:
                break
    return done


def counted(work, total, progress):
    """The items of `work`, with a line on stderr that says how many are done and how long the rest
    takes at this rate.

    A Ctrl-C that came when an item was as good as done is answered when it is done.
    """
    begun, keys = time.perf_counter(), keys_pressed()
    for done, item in enumerate(work, 1):
        yield item
        if keys_pressed() > keys:
            raise KeyboardInterrupt
        if progress:
            left = (time.perf_counter() - begun) * (total - done) / done
            print(
                f"\r{done} of {total} points, {left:.0f} s left ",
                end="" if done < total else "\n",
                file=sys.stderr,
                flush=True,
            )
