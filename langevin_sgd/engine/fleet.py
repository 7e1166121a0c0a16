"""The devices of a run on GPUs: what is copied to them and back, and how kernels are launched."""

from contextlib import contextmanager, nullcontext
from functools import cache, partial
from threading import Lock
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import cuda

from ..kernels.lanes import WIDTH
from ..kernels.lone import for_threads, not_for_gpu
from ..kernels.views import unpack
from .blocks import RUNNING
from .cpu import Ensemble
from .cuda import Updates, build_for_threads
from .passage import region_of
from .program import Program, compile_parts
from .reducers.kernel import reader_of

SIMULATED = bool(numba.config.ENABLE_CUDASIM)
WARP = 32  # threads
MOST_THREADS = 256  # of a block: with the most registers that a thread may take, more do not fit
_LAUNCHING = Lock()


class _Share(NamedTuple):
    """What one device moves: some groups of an ensemble."""

    device: int
    running: Any  # places of the particles that move, on the device
    ensemble: Any  # on the device
    constants: Any  # on the device
    groups: slice


def _on(device):
    if SIMULATED:
        return nullcontext()
    if device >= len(cuda.gpus):
        found = len(cuda.gpus)
        raise ValueError(f"devices must be below {found}, the number of GPUs, got {device}.")
    return cuda.gpus[device]


def _to_device(value):
    """A copy on the present device: of an array, or of all arrays in tuples."""
    if isinstance(value, tuple):
        parts = map(_to_device, value)
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if not isinstance(value, np.ndarray):
        return value
    return value.copy() if SIMULATED else cuda.to_device(np.ascontiguousarray(value))


def _to_host(array, there):
    """Copy an array from a device into one of the host's."""
    if SIMULATED:
        there[...] = array
    elif there.size:
        array.copy_to_host(there)


def _bytes(value):
    """Of an array, or of all arrays in tuples."""
    if isinstance(value, tuple):
        return sum(map(_bytes, value))
    return getattr(value, "nbytes", 0)


@contextmanager
def _told(device, running, *others):
    """Say what is too large for a device, particles at the places `running` with all arrays, or
    what has ended it."""
    try:
        yield
    except Exception as error:  # the driver's, of whichever package asks it
        if "CUDA_ERROR" not in str(error):
            raise
        if "OUT_OF_MEMORY" not in str(error):
            raise RuntimeError(
                f"device {device} has failed, and is lost to this process ({error}). A function "
                "that reads beyond an array does that, which NUMBA_DISABLE_JIT=1 and target='cpu' "
                "show, and a step of seconds on a GPU with a display."
            ) from error
        need = _bytes((running, *others)) / 1e9
        raise MemoryError(
            f"device {device} has no memory for {len(running)} particles, which take {need:.3g} GB "
            f"there with what they read, and for what their threads work with ({error}). Take "
            "fewer particles, more devices= or target='cpu'."
        ) from error


@contextmanager
def unfused():
    """While numba-cuda compiles: NVVM rounds products and sums each by itself, as the CPU does, but
    for those that a function asks to fuse. numba-cuda has no option for it."""
    from numba.cuda.cudadrv import nvvm

    own = nvvm.compile_ir
    nvvm.compile_ir = partial(own, fma=False)
    try:
        yield
    finally:
        nvvm.compile_ir = own


@contextmanager
def _launching(functions):
    """While a kernel is launched, and compiled if it is new: `unfused`, and without numba-cuda's
    warning of few blocks, for a small run is no mistake. If one of the `functions` does not
    compile, it is said which."""
    if SIMULATED:
        yield
        return
    from numba.cuda.core import config

    with _LAUNCHING:
        own, config.CUDA_LOW_OCCUPANCY_WARNINGS = config.CUDA_LOW_OCCUPANCY_WARNINGS, 0
        try:
            with unfused():
                yield
        except Exception as error:
            # numba's, numba-cuda's own of the same name, or a slip of theirs
            if {"NumbaError", "KeyError", "NotImplementedError"}.isdisjoint(
                kind.__name__ for kind in type(error).__mro__
            ):
                raise
            raise TypeError(not_for_gpu(functions, error)) from None
        finally:
            config.CUDA_LOW_OCCUPANCY_WARNINGS = own


@cache
def _jitted(kernel):
    return cuda.jit(kernel) if SIMULATED else cuda.jit(kernel, lto=False)


def _groups_of(ensemble, groups):
    """A part of an ensemble, in its memory; the counts are those of all."""
    lanes = slice(groups.start * WIDTH, groups.stop * WIDTH)
    each_group = (array[groups] for array in (ensemble.x, ensemble.v, ensemble.g))
    each_lane = (array[lanes] for array in (ensemble.status, ensemble.stopped_at_step))
    return Ensemble(*each_group, *each_lane, ensemble.acc[groups], ensemble.counts)


class Fleet:
    """Devices, each of which moves its share of the particles; they stay there between chunks."""

    def __init__(self, kernel, constants, functions, devices=None):
        self.kernel, self.constants, self.devices = kernel, constants, devices or (0,)
        self.functions = functions  # of the records, by their labels
        self.shares, self.counts = [], None

    def move(self, program, ensemble, chunk, workers, block_size):
        """Move all particles through a `Chunk` of updates, as `cpu.move` does; `block_size` threads
        are a block. Nothing of this shows in the results. A chunk of no steps has the kernel
        compiled for all devices, finds out whether they are there and large enough, and leaves
        nothing on them."""
        if not self.shares:
            self._load(ensemble)
        if not len(chunk.stored_in):
            nothing = Updates(chunk.first, chunk.numbers, chunk.batches, chunk.due)
            self._launch(nothing, block_size)
            self.shares = []
            return
        first = 0
        stored = np.flatnonzero(chunk.stored_in >= 0) + 1  # such a step is the last of a launch
        for last in np.unique(np.append(stored, len(chunk.stored_in))):
            part, row = slice(first, last), chunk.stored_in[last - 1]
            of_steps = chunk.numbers[part], chunk.batches[part], chunk.due[part]
            self._launch(Updates(chunk.first + first, *of_steps), block_size)
            if row >= 0:
                self._bring(ensemble, ("x", "v"))
                chunk.x[row] = unpack(ensemble.x, self.constants.particles)
                chunk.v[row] = unpack(ensemble.v, self.constants.particles)
            first = last
        self._look_who_moves(ensemble)

    def fetch(self, ensemble):
        """Bring an ensemble up to date."""
        if not self.shares:
            return
        self._bring(ensemble, [name for name in ensemble._fields if name != "counts"])
        ensemble.counts[...] = self.counts
        for share in self.shares:
            found = np.empty_like(self.counts)
            with _on(share.device):
                _to_host(share.ensemble.counts, found)
            ensemble.counts[...] += found

    def _load(self, ensemble):
        edges = np.linspace(0, len(ensemble.x), len(self.devices) + 1).astype(int)
        parts = zip(self.devices, map(slice, edges, edges[1:]), strict=False)
        self.shares = [
            self._share(device, ensemble, groups)
            for device, groups in parts
            if groups.start < groups.stop
        ]
        self.counts = ensemble.counts.copy()

    def _share(self, device, ensemble, groups):
        part = _groups_of(ensemble, groups)
        part = part._replace(counts=np.zeros_like(part.counts))  # each device begins its own
        own = self._running(ensemble, groups), part, self.constants
        with _on(device), _told(device, *own):
            return _Share(device, *_to_device(own), groups)

    def _running(self, ensemble, groups):
        """Places, in their share, of the particles that move."""
        lanes = slice(groups.start * WIDTH, min(groups.stop * WIDTH, self.constants.particles))
        return np.flatnonzero(ensemble.status[lanes] == RUNNING)

    def _look_who_moves(self, ensemble):
        """Threads are given only to particles that move."""
        self._bring(ensemble, ("status",))
        for number, share in enumerate(self.shares):
            running = self._running(ensemble, share.groups)
            if len(running) < len(share.running):
                with _on(share.device):
                    self.shares[number] = share._replace(running=_to_device(running))

    def _launch(self, steps, block_size):
        """Begin on all devices, and wait for all."""
        threads = min(MOST_THREADS, -(-block_size // WARP) * WARP)
        kernel, busy = _jitted(self.kernel), [share for share in self.shares if len(share.running)]
        read = []  # till all are done: to free memory a device is waited for
        for share in busy:
            blocks, first = -(-len(share.running) // threads), share.groups.start * WIDTH
            with _on(share.device), _told(*share), _launching(self.functions):
                read.append(_to_device(steps))
                given = share.ensemble, share.running, share.constants, read[-1], first
                kernel[blocks, threads](*given)
        for share in busy:
            with _on(share.device), _told(*share):
                cuda.synchronize()

    def _bring(self, ensemble, names):
        for share in self.shares:
            here = _groups_of(ensemble, share.groups)
            with _on(share.device):
                for name in names:
                    _to_host(getattr(share.ensemble, name), getattr(here, name))


def program_of_fleet(problem, devices):
    """The `Program` of a problem for GPUs of these numbers."""
    functions = {}  # by their labels

    def for_gpu(function, label, kinds, written):
        functions[label] = function
        return for_threads(function, label, kinds, written)

    parts = compile_parts(problem, compile_function=for_gpu)
    readers = tuple(reader_of(reducer, parts, problem) for reducer in problem.readers)
    reached, constants = region_of(problem, parts)
    combination = parts.force, parts.update, parts.advance, readers, parts.shape
    kernel = build_for_threads(*combination, constants.batch_rows, reached)
    fleet = Fleet(kernel, constants, functions, devices)
    return Program(kernel, parts.shape, constants, fleet.move, fleet.fetch)
