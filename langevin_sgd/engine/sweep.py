"""sweep(): one simulation per point of a grid, to one dataset; in memory, as files, in shards, or
on a cluster.

A point is a pure function of the plan and its number k: the records made from the grid, `simulate`,
and perhaps `measure`. So it does not matter who computes it, how often, or in which order."""

import functools
import inspect
import json
import traceback
import warnings
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from ..arguments import checked, function, nearest, one_of, optional, path, whole
from ..storage import provenance, source_hashes, sweep_folder
from ..storage.provenance import global_attributes
from .chunks import decided
from .dataset import OF_SWEEP, RECORDS_OF_RUN
from .description import LIBRARIES_AT, data_of
from .gather import all_names, check_alike, check_axes, gathered, layout, point_in_words
from .grid import RECORDS, axes_of, count, made, sides
from .problem import checked_seed
from .reducers.of_run import TAKEN
from .simulate import simulate
from .terminal import counted

OWN_CODE = Path(__file__).parents[1]
COMMAND = "langevin_sgd.sweep(...)"
INTERRUPTED = "interrupted"  # the error of points that were not done
HOW = "block_size", "chunk_steps", "checkpoint", "checkpoint_every", "devices"  # do not show


class _Task(NamedTuple):
    """Everything that a worker needs besides the number of a point."""

    axes: tuple
    makers: dict  # role -> record, function or option of simulate
    measure: Any
    seed: int
    random_numbers: str
    threads: int | None


@checked(
    random_numbers=one_of("common", "independent"),
    measure=optional(function),
    directory=optional(path),
    threads=optional(whole(1)),
    progress=one_of(None, False, True),
)
def sweep(
    model,
    dynamics,
    noise=None,
    *,
    grid,
    particles,
    steps,
    seed=None,
    random_numbers="common",
    measure=None,
    directory=None,
    shard=None,
    threads=None,
    cluster=None,
    progress=None,
    **options,
):
    """Simulate at every point of a grid of parameters.

    Parameters
    ----------
    model, dynamics, noise
        Each a record, as for `simulate`: those that this package's functions made are made again by
        them, with the arguments of the grid, which they judge; of a record of your own
        (`Potential`, `Dynamics` ...), grid names may be numbers in its params. Or a function of
        grid names that returns a record: `langevin_sgd.dynamics.sgd`, `lambda level:
        noise.gaussian(level * matrix)`.
    grid : dict
        Name -> list of numbers or texts; each becomes a dimension. A name goes to every function
        that needs it; where several only may have it, write "model.stiffness" for one of them
        (dimension model_stiffness).
    particles, steps
        As for `simulate`. These and all other options may be functions of grid names: `steps=lambda
        learning_rate: ...`.
    seed : int in [0, 2^64), optional
        None draws one, or takes that of `directory`.
    random_numbers : {"common", "independent"}
        "common": the same seed at every point, so that differences between points have little
        noise, but the points are dependent. "independent": a seed of its own for each, from
        `numpy.random.SeedSequence(seed, spawn_key=(k,))`.
    measure : callable, optional
        `measure(run, model)` -> dataset that is kept in place of the run, e.g.
        `langevin_sgd.analysis.equipartition`. It is tried on the first point that is computed: an
        error of your own code there ends the sweep before anything else is computed.
    directory : str or path-like, optional
        Folder that keeps the result of each point in a file, with a manifest that fixes the plan:
        points that are there are not computed again, and another plan is refused. A failed point
        stays, too; delete its file to try again.
    shard : "i/n" or (int, int), optional
        Compute only the i-th of n shares (1 <= i <= n) into `directory`, and return None. Any
        process, on any machine, in any order; once all shares are there, the same call without
        `shard` gathers them.
    threads : int, optional
        Threads of a simulation; default all processors, or 1 on a cluster, whose workers compute
        several points at a time.
    cluster : distributed.Client, optional
        Compute the points there. Results go into `directory`, which all machines must share, and
        not through the scheduler.
    progress : bool, optional
        Report to stderr how many points are done.
    **options
        Of `simulate`.

    Returns
    -------
    xarray.Dataset or None
        The variables of the runs (or of what `measure` returned), the grid names as leading dims;
        ``failed`` (0 or 1), ``error`` (its message) and ``seed`` of each point. Numbers of a failed
        point are nan, whole numbers 0. A coordinate that differs between points, as ``step`` may,
        is the variable ``step_of_point``. A parameter of the runs that differs has the grid's
        dimensions; one with the name of an axis but other values is ``NAME_of_point``. ``model``,
        ``dynamics`` and ``noise`` are variables where they differ. Diverged particles are no
        failure: see ``status``.

    Raises
    ------
    TypeError, ValueError
        For bad input; for results of unequal shape; for a `directory` with another plan or a
        damaged file.

    Warns
    -----
    UserWarning
        Before anything is computed, if a record refuses a value of the grid: its points are marked
        as failed, the others stand. After Ctrl-C without a folder: points that are not done are
        marked as failed, with the error "interrupted".

    Examples
    --------
    The variance along x1 grows with the learning rate:

    >>> well = ls.potentials.double_well(dim=2, barrier=0.25, coupling=0.8)
    >>> noise = ls.noise.gaussian([[10.0, 0.0], [0.0, 3.3]])
    >>> plan = {"grid": {"learning_rate": [0.01, 0.02, 0.04]}, "particles": 500, "steps": 200}
    >>> runs = ls.sweep(well, ls.dynamics.sgd, noise, **plan, seed=1)
    >>> variance = runs.x.sel(component="x1").isel(step=-1).var("particle")
    >>> print(*variance.round(2).values)
    0.1 0.39 0.58
    """
    records = {"model": model, "dynamics": dynamics, "noise": noise}
    makers = {**records, "particles": particles, "steps": steps, **decided(options)}
    axes = axes_of(grid, makers)
    _check_names(axes, options, () if measure else TAKEN)
    if directory is None and (shard is not None or cluster is not None):
        raise ValueError(
            "directory must be given with shard or cluster: that is where the results go."
        )
    if directory is not None and seed is None:
        seed = _recorded_seed(directory, shard)
    threads = threads or (1 if cluster else None)
    task = _Task(axes, makers, measure, checked_seed(seed), random_numbers, threads)
    judged = _judged(axes, makers)
    named = [(axis.name, axis.values) for axis in axes]
    mine = sweep_folder.share(shard, count(axes))
    if directory is None:
        results = _in_memory(task, named, progress)
        about = global_attributes("", COMMAND)
        whole_sweep = gathered(named, results.__getitem__, count(axes), about)
        interrupted = str(results[-1]["error"].values) == INTERRUPTED
        return whole_sweep.assign_attrs(interrupted=1) if interrupted else whole_sweep
    header = sweep_folder.settle(directory, "sweep", _description(task, judged), COMMAND)
    missing = sweep_folder.missing(directory, mine)
    work = functools.partial(_to_file, task, directory, missing[:1])
    if cluster is not None:
        for future in counted(_on_cluster(cluster, work, missing), len(missing), progress):
            future.result()
    else:
        try:
            with _quiet():
                for k in counted(missing, len(missing), progress):
                    work(k)
        except KeyboardInterrupt:
            left = len(sweep_folder.missing(directory, mine))
            raise KeyboardInterrupt(
                f"{len(mine) - left} of {len(mine)} points are finished and kept in "
                f"{str(directory)!r}; the same call goes on"
            ) from None
    if shard is not None:
        return None
    read = functools.partial(sweep_folder.read_point, directory)
    return gathered(named, read, count(axes), header.attributes)


def _judged(axes, makers):
    """Role -> record at points that hold every value once; where a record refuses its value, what
    it said.
    """
    found, refused = [], []
    for k in sides(axes):
        try:
            found.append(made(axes, makers, k))
        except (TypeError, ValueError) as error:
            found.append({"refused": str(error)})
            refused.append(error)
    if len(refused) == len(found):
        raise refused[0]
    if refused:
        warnings.warn(
            f"{len(refused)} values of the grid are refused, and their points marked as failed: "
            f"{refused[0]}",
            stacklevel=4,
        )
    return found


def _check_names(axes, options, of_runs):
    check_axes([axis.name for axis in axes], (*OF_SWEEP, *RECORDS_OF_RUN, *of_runs))
    known = inspect.signature(simulate).parameters
    for name in options:
        if name not in known:
            raise TypeError(
                f"{name!r} is no option of simulate; there are {', '.join(known)}."
                f"{nearest(name, list(known))}"
            )
    if isinstance(options.get("checkpoint"), (str, Path)):
        raise ValueError(
            "checkpoint must be a function of grid names, a folder for each point, got "
            f"{options['checkpoint']!r}. Or give directory=, which keeps finished points."
        )


def _recorded_seed(directory, shard):
    try:
        seed = sweep_folder.header_of(directory, ["sweep"]).description.get("seed")
    except FileNotFoundError:
        if shard is None:
            return None
        raise ValueError("seed must be given with shard: all shards need the same.") from None
    return int(seed) if isinstance(seed, str) and seed.isdecimal() else seed


def _description(task, judged):
    """Everything that decides the numbers, for the manifest."""
    judged = [{role: value for role, value in each.items() if role not in HOW} for each in judged]
    records = json.dumps([data_of(each) for each in judged])
    return {
        "grid": {axis.name: axis.values for axis in task.axes},
        "given_to": {axis.name: list(axis.owners) for axis in task.axes},
        "seed": str(task.seed),
        "random_numbers": task.random_numbers,
        "at_first_point": data_of(judged[0]),
        "records_sha256": sha256(records.encode()).hexdigest(),
        "measure": data_of(task.measure),
        "generator": provenance()["generator"],
        "source": source_hashes("kernels", "models", "theory", "engine", "analysis"),
    }


def _seed_of(task, k):
    if task.random_numbers == "common":
        return task.seed
    return int(np.random.SeedSequence(task.seed, spawn_key=(k,)).generate_state(1, np.uint64)[0])


@contextmanager
def _quiet():
    """Points are computed, and a run that Ctrl-C stops says nothing: the sweep says what is kept.
    Once for all points, for each time Python forgets which warnings it has shown already."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "interrupted: ")
        yield


def _computed(task, k, first):
    """The result of point `k`: of `measure` or `simulate`, or the message of what failed. If it is
    the `first` one of a call, an error of the user's `measure` is raised, and an axis that is
    called like something in the result."""
    measuring, error = False, ""
    try:
        options = made(task.axes, task.makers, k)
        records = [options.pop(role) for role in RECORDS]
        result = simulate(*records, **options, seed=_seed_of(task, k), threads=task.threads)
        # simulate answers Ctrl-C with what it has, which is no result here.
        if result.attrs.get("interrupted"):
            raise KeyboardInterrupt
        if task.measure is not None:
            measuring = True
            result = _checked_result(task.measure(result, records[0]))
    except (MemoryError, OSError):
        raise  # the fault of this machine, not of the point
    # Whatever a user's function may raise: one bad point must not end a sweep of days.
    except Exception as reason:
        result, error = xr.Dataset(), _in_words(reason)
        if first and measuring and not _is_a_verdict(reason):
            raise RuntimeError(f"measure failed at the first point: {error}") from reason
    if first:
        check_axes([axis.name for axis in task.axes], all_names(result))
    return _marked(task, k, result, error)


def _checked_result(result):
    if not isinstance(result, xr.Dataset):
        raise TypeError(f"measure must return an xarray.Dataset, got {type(result).__name__}.")
    for name in set(OF_SWEEP) & set(result.variables):
        raise TypeError(
            f"{name!r} is a name that a sweep gives; call the variable of measure otherwise."
        )
    return result


def _in_words(reason):
    """An error with the last line of the user's own code that led to it."""
    words = f"{type(reason).__name__}: {reason}"
    lines = [frame for frame in traceback.extract_tb(reason.__traceback__) if _is_own(frame)]
    for frame in lines[-1:]:
        words += f" ({Path(frame.filename).name}, line {frame.lineno}: {frame.line})"
    return words


def _is_own(frame):
    return not frame.filename.startswith((str(OWN_CODE), *LIBRARIES_AT))


def _is_a_verdict(reason):
    """Whether a function of this package refused a run: that says something about the point."""
    last = traceback.extract_tb(reason.__traceback__)[-1]
    return isinstance(reason, ValueError) and last.filename.startswith(str(OWN_CODE))


def _marked(task, k, result, error=""):
    """What is kept of point `k`: the result, or what failed."""
    seed = np.uint64(_seed_of(task, k))
    return result.assign(failed=np.int8(bool(error)), error=np.str_(error), seed=seed)


def _to_file(task, directory, first, k):
    """Compute point `k` unless its file is there; a scheduler may ask twice."""
    if not sweep_folder.missing(directory, [k]):
        return
    result = _computed(task, k, k in first)
    try:
        sweep_folder.keep_point(result, directory, k)
    except (TypeError, ValueError) as reason:  # a file cannot hold it
        if k in first:
            raise
        failed = _marked(task, k, xr.Dataset(), _in_words(reason))
        sweep_folder.keep_point(failed, directory, k)


def _in_memory(task, named, progress):
    """The results of all points; after Ctrl-C the rest are marked as failed."""
    results, alike = [], None
    total = count(task.axes)
    try:
        with _quiet():
            for k in counted(range(total), total, progress):
                results.append(_computed(task, k, k == 0))
                if not int(results[-1]["failed"]):
                    alike = layout(results[-1]) if alike is None else alike
                    check_alike(alike, layout(results[-1]), point_in_words(named, k))
    except KeyboardInterrupt:
        if all(int(result["failed"]) for result in results):
            raise
        done = len(results)
        warnings.warn(f"interrupted: {done} of {total} points are done, and kept.", stacklevel=4)
        results += [_marked(task, k, xr.Dataset(), INTERRUPTED) for k in range(done, total)]
    return results


def _on_cluster(client, work, missing):
    """The futures of all missing points as they end. Where a worker dies, the scheduler has its
    points computed again.
    """
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise ImportError(
            f"cluster needs dask.distributed ({error}); pip install 'langevin_sgd[cluster]'"
        ) from error
    if not isinstance(client, Client):
        raise TypeError(f"cluster must be a distributed.Client, got {client!r}.")
    return as_completed(client.map(work, missing, pure=False))
