"""sweep(): one simulation per point of a grid, to one dataset; in memory, as files, in shards, or
on a cluster.

A point is a pure function of the plan and its number k: the records made from the grid, `simulate`,
and perhaps `measure`. So it does not matter who computes it, how often, or in which order."""

import functools
import inspect
import json
import warnings
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from ..models.parameters import choice, integer
from ..storage import points, provenance, source_hashes
from ..storage.fingerprint import fingerprint
from ..storage.schema import global_attributes
from .checks import checked_seed
from .drive import counted
from .ensemble import simulate
from .gather import OWN, check_alike, gathered, layout, where
from .grid import RECORDS, axes_of, count, made, sides

HOW = (
    "block_size",
    "chunk_steps",
    "checkpoint",
    "checkpoint_every",
)  # options of simulate that do not show in its numbers


class _Task(NamedTuple):
    """Everything that a worker needs besides the number of a point."""

    axes: tuple
    makers: dict  # role -> record, function or option of simulate
    measure: Any
    seed: int
    random_numbers: str
    threads: int | None


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
        `langevin_sgd.analysis.equipartition`.
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
        is the variable ``step_of_point``. ``model``, ``dynamics`` and ``noise`` are variables where
        they differ. Diverged particles are no failure: see ``status``.

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
    """
    makers = {
        "model": model,
        "dynamics": dynamics,
        "noise": noise,
        "particles": particles,
        "steps": steps,
        **options,
    }
    _check_options(measure, options)
    axes = axes_of(grid, makers)
    choice(random_numbers, "random_numbers", ("common", "independent"))
    choice(progress, "progress", (None, False, True))
    threads = threads if threads is None else integer(threads, "threads", 1)
    if directory is None and (shard is not None or cluster is not None):
        raise ValueError(
            "directory must be given with shard or cluster: that is where the results go."
        )
    if directory is not None and seed is None:
        seed = _recorded_seed(directory, shard)
    task = _Task(
        axes,
        makers,
        measure,
        checked_seed(seed),
        random_numbers,
        threads or (1 if cluster else None),
    )
    judged = _judged(axes, makers)
    named = [(axis.name, axis.values) for axis in axes]
    if directory is None:
        return gathered(
            named,
            _in_memory(task, named, progress).__getitem__,
            count(axes),
            global_attributes("", "langevin_sgd.sweep(...)"),
        )
    manifest = points.settle(directory, _plan(task, judged), "sweep")
    missing = sorted(
        set(points.share(shard, count(axes))) - points.finished(directory, count(axes))
    )
    work = functools.partial(_to_file, task, Path(directory).absolute())
    if cluster is not None:
        for future in counted(_on_cluster(cluster, work, missing), len(missing), progress):
            future.result()
    else:
        for k in counted(missing, len(missing), progress):
            work(k)
    if shard is not None:
        return None
    return gathered(
        named, functools.partial(points.read, directory), count(axes), manifest["begun"]
    )


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
        message = f"{len(refused)} values of the grid are refused, and their points marked as failed: {refused[0]}"
        warnings.warn(message, stacklevel=3)
    return found


def _check_options(measure, options):
    if measure is not None and not callable(measure):
        raise TypeError(
            f"measure must be None or a function (run, model) -> dataset, got {measure!r}."
        )
    known = inspect.signature(simulate).parameters
    for name in options:
        if name not in known:
            raise TypeError(f"{name!r} is no option of simulate; there are {', '.join(known)}.")
    if isinstance(options.get("checkpoint"), (str, Path)):
        raise ValueError(
            "checkpoint must be a function of grid names, a folder for each point, got "
            f"{options['checkpoint']!r}. Or give "
            "directory=, which keeps finished points."
        )


def merge(directory):
    """Gather the points of a finished sweep from its folder alone: no function of it is needed.

    Parameters
    ----------
    directory : str or path-like
        The folder that was given to `sweep`.

    Returns
    -------
    xarray.Dataset
        As `sweep` returns it.

    Raises
    ------
    FileNotFoundError, ValueError
        If the folder holds no sweep, or points are missing or damaged.
    """
    manifest = points.read_manifest(directory)
    axes = list(manifest["plan"].get("grid", {}).items())
    if not axes:
        raise ValueError(f"{str(directory)!r} does not hold a sweep.")
    total = int(np.prod([len(values) for _, values in axes]))
    missing = sorted(set(range(total)) - points.finished(directory, total))
    if missing:
        raise ValueError(
            f"{len(missing)} of {total} points are missing in {str(directory)!r}, first "
            f"{missing[0]} "
            f"({where(axes, missing[0])}): run their shards."
        )
    return gathered(axes, functools.partial(points.read, directory), total, manifest["begun"])


def _recorded_seed(directory, shard):
    if (Path(directory) / points.MANIFEST).is_file():
        return int(points.read_manifest(directory)["plan"]["seed"])
    if shard is not None:
        raise ValueError("seed must be given with shard: all shards need the same.")
    return None


def _plan(task, judged):
    """Everything that decides the numbers, for the manifest."""
    judged = [{role: value for role, value in each.items() if role not in HOW} for each in judged]
    return {
        "grid": {axis.name: axis.values for axis in task.axes},
        "given_to": {axis.name: list(axis.owners) for axis in task.axes},
        "seed": str(task.seed),
        "random_numbers": task.random_numbers,
        "at_first_point": fingerprint(judged[0]),
        "records_sha256": sha256(
            json.dumps([fingerprint(each) for each in judged]).encode()
        ).hexdigest(),
        "measure": fingerprint(task.measure),
        "generator": provenance()["generator"],
        "source": source_hashes("kernels", "models", "theory", "engine", "analysis"),
    }


def _seed_of(task, k):
    if task.random_numbers == "common":
        return task.seed
    return int(np.random.SeedSequence(task.seed, spawn_key=(k,)).generate_state(1, np.uint64)[0])


def _computed(task, k):
    """The result of point `k`: of `measure` or `simulate`, or the message of what failed."""
    seed, error = _seed_of(task, k), ""
    try:
        options = made(task.axes, task.makers, k)
        records = [options.pop(role) for role in RECORDS]
        run = simulate(*records, **options, seed=seed, threads=task.threads)
        if run.attrs.get(
            "interrupted"
        ):  # simulate answers Ctrl-C with what it has, which is no result here
            raise KeyboardInterrupt
        result = run if task.measure is None else task.measure(run, records[0])
        if not isinstance(result, xr.Dataset):
            raise TypeError(f"measure must return an xarray.Dataset, got {type(result).__name__}.")
        for name in set(OWN) & set(result.variables):
            raise ValueError(
                f"{name!r} is a name that a sweep gives; call the variable of measure otherwise."
            )
    except (MemoryError, OSError):
        raise  # the fault of this machine, not of the point
    except (
        Exception
    ) as reason:  # whatever a user's function may raise: one bad point must not end a sweep of days
        result, error = xr.Dataset(), f"{type(reason).__name__}: {reason}"
    return _marked(result, error, seed)


def _marked(result, error, seed):
    return result.assign(failed=np.int8(bool(error)), error=np.str_(error), seed=np.uint64(seed))


def _to_file(task, directory, k):
    """Compute point `k` unless its file is there; a scheduler may ask twice."""
    if not points.path_of(directory, k).exists():
        points.keep(_computed(task, k), directory, k)


def _in_memory(task, named, progress):
    results, first, total = [], None, count(task.axes)
    try:
        for k in counted(range(total), total, progress):
            results.append(_computed(task, k))
            if not int(results[-1]["failed"]):
                first = layout(results[-1]) if first is None else first
                check_alike(first, layout(results[-1]), where(named, k))
    except KeyboardInterrupt:
        if all(int(result["failed"]) for result in results):
            raise
        warnings.warn(
            f"interrupted: {len(results)} of {total} points are done, and kept.", stacklevel=3
        )
        results += [
            _marked(xr.Dataset(), "interrupted", _seed_of(task, k))
            for k in range(len(results), total)
        ]
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
