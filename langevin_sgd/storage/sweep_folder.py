"""A folder that many processes fill with results: one file a point, and a manifest that fixes what
the points are.

    manifest.jsonl     its one line: what the points are, made once by whoever comes first
    point_000012.nc    the result of point 12, written whole or not at all, with its SHA-256
    lock               shared by all who write; whoever is alone clears away what the dead left

Two processes that compute the same point write the same values, and the later file replaces the
earlier one."""

import contextlib
import os
import re
from pathlib import Path

from ..arguments import integer
from ..arguments import path as checked_path
from .content import SEAL, is_whole, sealed
from .files import is_temporary, remove_temporaries, save
from .loading import load
from .lock import shared_lock, take_lock
from .manifest import Header, begin_manifest, read_manifest, refuse_another
from .provenance import global_attributes

GATHERED_KINDS = "sweep", "study"
MOST_POINTS = 10**7


def settle(directory, kind, description, caller):
    """Make a folder for the points of a sweep or study, or check that it is one already; the Header
    of its manifest, whose attributes are the provenance of the process that made the folder.

    `kind` is "sweep" or "study", `description` (JSON-ready) everything that decides what the points
    are, `caller` what makes them, for their history. A ValueError if the folder was made for
    something else: each difference is listed."""
    folder = checked_path(directory, "directory")
    folder.mkdir(parents=True, exist_ok=True)
    header = Header(kind, description, global_attributes("", caller))
    with contextlib.suppress(FileNotFoundError):
        return _the_same(folder, kind, description)
    with shared_lock(folder):
        try:
            return begin_manifest(folder, header, replace=False).header
        except FileExistsError:
            return _the_same(folder, kind, description)


def _the_same(folder, kind, description):
    header = read_manifest(folder, [kind]).header
    refuse_another(folder, header, description)
    if any(map(is_temporary, folder.iterdir())):
        # Others may be writing, or the drive has no locks: then it stays a little longer.
        with contextlib.suppress(RuntimeError, OSError), take_lock(folder):
            remove_temporaries(folder)
    return header


def header_of(directory, kinds=GATHERED_KINDS):
    """The Header of a folder of points. A FileNotFoundError or ValueError if it has no manifest, or
    a damaged one, or holds something else."""
    return read_manifest(checked_path(directory, "directory"), kinds).header


def path_of(folder, k):
    """The file of point `k`."""
    return Path(folder) / f"point_{k:06d}.nc"


def missing(folder, points):
    """Which of `points` have no result yet, as a list."""
    there = {entry.name for entry in os.scandir(folder)}
    return [k for k in points if path_of(folder, k).name not in there]


def keep_point(dataset, folder, k):
    """Write the result of point `k`."""
    with shared_lock(folder):
        save(sealed(dataset), path_of(folder, k))


def read_point(folder, k):
    """The result of point `k`. A ValueError if the file is damaged: its content does not have the
    SHA-256 that is written in it."""
    path = path_of(folder, k)
    again = f"Delete the file and compute point {k} again."
    try:
        dataset = load(path, recover=True)
    # h5py raises all of these where metadata is damaged.
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ValueError(f"{str(path)!r} is damaged ({error}). {again}") from error
    if not is_whole(dataset):
        raise ValueError(f"{str(path)!r} is damaged: its content has changed. {again}")
    dataset.attrs.pop(SEAL)
    return dataset


def share(shard, count):
    """The points of 0 ... count - 1 that belong to a shard, every n-th from i on: `shard` is "i/n"
    or (i, n) with 1 <= i <= n, or None for all points. A ValueError for anything else, or more
    points than can be kept."""
    integer(count, "number of points", 1, 1 + MOST_POINTS)
    if shard is None:
        return list(range(count))
    given = "/".join(map(str, shard)) if isinstance(shard, tuple) else shard
    found = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", given) if isinstance(given, str) else None
    number, shards = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= shards:
        raise ValueError(
            "shard must be 'i/n' or (i, n) with 1 <= i <= n, for the i-th of n shards; got "
            f"{shard!r}."
        )
    return list(range(number - 1, count, shards))
