"""The loop over chunks of steps: between two chunks progress is shown, a Ctrl-C is answered, and a
checkpoint can be written.

How long a chunk is does not show in the results.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from ..arguments import checked, choice, integer, optional, shown, whole, whole_numbers
from .cpu import Chunk
from .cuda_found import find_cuda, why_no_cuda
from .interrupts import at_once, interrupts
from .reducers.of_run import due_bits
from .terminal import reporter

CHUNK_SECONDS = 0.2  # an interrupt waits for one chunk
LONGEST_CHUNK = 100_000  # updates whose parameters are tabulated at a time
LARGEST_BLOCK = 2**20  # particles
GPU_BLOCK = 128  # threads
TARGETS = "cpu", "cuda", "auto"  # where kernels run
latest = [0, 1]  # how far the last run of this process is: done, of so many


def chosen_target(value, name="target"):
    """Where kernels run, "cpu" or "cuda", for one of TARGETS; "auto" is "cuda" if it can be used.

    Raises
    ------
    RuntimeError
        If it is "cuda" and cannot be used here; the message says what was found and what to
        install.
    """
    if choice(value, name, TARGETS) == "cpu":
        return "cpu"
    reason = _why_not()
    if value == "cuda" and reason:
        raise RuntimeError(f"{name}='cuda' cannot be used here: {reason}")
    return "cpu" if reason else "cuda"


def decided(options):
    """Options of `simulate`, "auto" among them decided: what is written down says where it ran."""
    is_auto = options.get("target") == "auto"
    return options | {"target": chosen_target("auto")} if is_auto else options


@cache
def _why_not():
    return why_no_cuda(find_cuda())


class Options(NamedTuple):
    """How a run is carried out; nothing here shows in its results."""

    threads: int
    block_size: int  # particles that are moved together; on a GPU threads of a block
    chunk_steps: int | None = None
    progress: Any = None  # True, or a function of (steps done, steps in all, seconds)
    devices: tuple = (0,)  # GPUs that share the particles


def _progress(value, name):
    if not (value is None or isinstance(value, bool) or callable(value)):
        raise TypeError(
            f"{name} must be True, False, None or a function of (done, steps, seconds), got "
            f"{shown(value)}."
        )
    return value


@checked(
    threads=optional(whole(1)),
    block_size=optional(partial(integer, at_least=1, limit=LARGEST_BLOCK)),
    chunk_steps=optional(whole(1)),
    progress=_progress,
    devices=optional(whole_numbers),
)
def make_options(
    model,
    threads=None,
    block_size=None,
    chunk_steps=None,
    progress=None,
    target="cpu",
    devices=None,
):
    """The `Options` of `simulate`'s arguments; `target` is "cpu" or "cuda"."""
    if devices is not None and target == "cpu":
        raise ValueError(
            f"devices must be None on the CPU, got {shown(devices)}. Leave it out, or pass "
            "target='cuda'."
        )
    few = max(16, min(512, 4096 // getattr(model, "dim", 1)))
    size = block_size or (few if target == "cpu" else GPU_BLOCK)
    return Options(threads or available_threads(), size, chunk_steps, progress, devices or (0,))


def available_threads():
    """Number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Stored(NamedTuple):
    """Where x and v of the stored steps go, (rows, particles, components): that of the k-th stored
    step into row k modulo their number."""

    x: np.ndarray
    v: np.ndarray


@at_once()
def compile_kernel(program, ensemble, rows, problem, options):
    """Have the kernel compiled, by a chunk of no steps."""
    numbers, batches = problem.table.rows(problem.first_step * problem.dynamics.substeps, 1)
    none = np.empty(0, dtype=np.int64)
    chunk = Chunk(0, numbers[:0], batches[:0], none, none, *rows)
    program.move(program, ensemble, chunk, (None, 1), options.block_size)


def run_chunks(program, ensemble, rows, problem, options, pause=None, done=None):
    """Move the ensemble to the end of the problem; returns how many updates are done, fewer than
    its last one after a Ctrl-C.

    Parameters
    ----------
    rows : Stored
        Written after the steps that the problem stores.
    pause : checkpoint.Pieces, optional
        Says how far the next chunk may go, and writes what is due after it.
    done : int, optional
        Updates that are done already; default those before the problem's first step.
    """
    substeps, particles = problem.dynamics.substeps, problem.particles
    last = problem.last_step * substeps
    first = done = problem.first_step * substeps if done is None else done
    stored = problem.stored_steps() * substeps
    length = 1  # the rate is not known yet, and a step may be slow
    total = (last - first) // substeps
    report = reporter(options.progress, total, "steps", particles) if options.progress else None
    is_over = done >= last
    if not is_over:
        compile_kernel(program, ensemble, rows, problem, options)
    begun = time.perf_counter()
    with interrupts() as asked, ThreadPoolExecutor(options.threads) as pool:
        while not is_over:
            count = min((options.chunk_steps or length) * substeps, last - done)
            if pause:
                count = min(count, pause.until(done) - done)
            chunk = _chunk(problem, rows, stored, done, count)
            started = time.perf_counter()
            program.move(program, ensemble, chunk, (pool, options.threads), options.block_size)
            done, now = done + count, time.perf_counter()
            rate = count / substeps / max(now - started, 1e-9)
            length = _next_length(length, rate, substeps)
            latest[:] = (done - first) // substeps, total
            if report:
                report(latest[0], now - begun)
            is_over = done == last or bool(asked)  # a later Ctrl-C is answered after the next chunk
            if pause and (is_over or pause.due(done)):
                program.fetch(ensemble)
                pause.call(done)
    program.fetch(ensemble)
    return done


def _next_length(length, rate, substeps):
    """Steps of the next chunk, at a rate of so many a second."""
    wanted = max(CHUNK_SECONDS * rate, length / 4, 1)
    return int(min(wanted, 16 * length, max(1, LONGEST_CHUNK // substeps)))


def _chunk(problem, rows, stored, done, count):
    """The `Chunk` of `count` updates after `done`, where `stored` are stored."""
    reached = slice(*np.searchsorted(stored, (done, done + count), side="right"))
    numbers, batches = problem.table.rows(done, count)
    slots, due = np.full(count, -1), np.zeros(count, np.int64)
    slots[stored[reached] - done - 1] = np.arange(reached.start, reached.stop) % len(rows.x)
    if problem.reducers:
        due = due_bits(problem.reducers, done, count, problem.dynamics.substeps)
    return Chunk(done, numbers, batches, slots, due, rows.x, rows.v)
