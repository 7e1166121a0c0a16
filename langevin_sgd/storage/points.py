"""A folder that many processes fill with results: one file a point, and a manifest that fixes what
the points are.

FOLDER/manifest.json        the plan, made once by whoever comes first; whoever comes later must have the same plan
FOLDER/point_000012.nc      the result of point 12, written whole or not at all, with the SHA-256 of its content

Nothing is locked. Two processes that compute the same point write the same values, and the later
file replaces the earlier one."""

import json
import os
import secrets
from pathlib import Path

from . import content_hash, load, save
from .schema import global_attributes

MANIFEST = "manifest.json"
ABOUT = (
    "content_sha256",
    "source",
    "history",
)  # attributes that tell of a dataset: its hash, and in words what made it and when


def settle(folder, plan, caller):
    """Make a folder for the points of `plan`, or check that it is one already.

    Parameters
    ----------
    folder : str or path-like
    plan : dict
        JSON-ready: everything that decides what the points are.
    caller : str
        How messages call the caller.

    Returns
    -------
    dict
        The manifest: ``plan``, and ``begun``, the provenance of the process that made the folder.

    Raises
    ------
    ValueError
        If the folder was made for another plan; the message shows the difference.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {
        "plan": json.loads(json.dumps(plan)),
        "begun": global_attributes("", "langevin_sgd.sweep(...)"),
    }
    temporary = folder / f".{MANIFEST}.{secrets.token_hex(4)}.tmp"
    try:
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(manifest, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.link(
            temporary, folder / MANIFEST
        )  # unlike a rename, it fails if another process was first
    except FileExistsError:
        there = read_manifest(folder)
        different = _differences(there["plan"], manifest["plan"])
        if different:
            raise ValueError(
                f"{caller}: {str(folder)!r} was begun with another plan: {'; '.join(different)}. "
                "Go back to that, or take "
                "another folder."
            ) from None
        manifest = there
    finally:
        temporary.unlink(missing_ok=True)
    return manifest


def read_manifest(folder):
    """The manifest of a folder of points.

    Raises
    ------
    FileNotFoundError
        If the folder has none.
    ValueError
        If it cannot be read.
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise FileNotFoundError(
            f"there is no {str(path)!r}: {str(folder)!r} is not a folder of points."
        )
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        return {"plan": dict(manifest["plan"]), "begun": dict(manifest["begun"])}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{str(path)!r} is damaged ({error}); restore it from a copy: the points are not lost."
        ) from error


def _differences(there, here, name=""):
    """What differs between two plans, as lines 'name: this there, that here'."""
    if isinstance(there, dict) and isinstance(here, dict):
        names = [*there, *(key for key in here if key not in there)]
        lines = [
            _differences(there.get(key), here.get(key), f"{name}.{key}".lstrip("."))
            for key in names
        ]
        return [line for found in lines for line in found]
    return [] if there == here else [f"{name}: {_short(there)} there, {_short(here)} here"]


def _short(value):
    text = json.dumps(value)
    return text if len(text) <= 100 else f"{text[:60]} ... {text[-30:]}"


def path_of(folder, k):
    """The file of point `k`."""
    return Path(folder) / f"point_{k:06d}.nc"


def finished(folder, count):
    """Which of the points 0 ... count - 1 have a result, as a set."""
    there = {entry.name for entry in os.scandir(folder)}
    return {k for k in range(count) if path_of(folder, k).name in there}


def content(dataset):
    """The `content_hash` of a dataset, which may state it already in the attribute
    ``content_sha256``.
    """
    copy = dataset.copy()
    copy.attrs.pop("content_sha256", None)
    return content_hash(copy)


def keep(dataset, folder, k):
    """Write the result of point `k`."""
    save(dataset.assign_attrs(content_sha256=content(dataset)), path_of(folder, k))


def read(folder, k):
    """The result of point `k`.

    Raises
    ------
    ValueError
        If the file is damaged: its content does not have the SHA-256 that is written in it.
    """
    path = path_of(folder, k)
    try:
        dataset = load(path)
    except (
        ValueError,
        KeyError,
        TypeError,
        RuntimeError,
    ) as error:  # h5py raises all of these where metadata is damaged
        raise ValueError(
            f"{str(path)!r} is damaged ({error}). Delete the file and compute point {k} again."
        ) from error
    if dataset.attrs.pop("content_sha256", None) != content(dataset):
        raise ValueError(
            f"{str(path)!r} is damaged: its content has changed. Delete the file and compute "
            f"point {k} again."
        )
    return dataset


def share(shard, count):
    """The points of 0 ... count - 1 that belong to a shard: every n-th from i on.

    Parameters
    ----------
    shard : None, str or (int, int)
        "i/n" or (i, n) with 1 <= i <= n: the i-th of n. None for all points.

    Raises
    ------
    ValueError
        For anything else.
    """
    if shard is None:
        return list(range(count))
    words = (
        shard.split("/")
        if isinstance(shard, str)
        else [str(word) for word in shard]
        if isinstance(shard, tuple)
        else []
    )
    if (
        len(words) != 2
        or not all(word.isdecimal() for word in words)
        or not 1 <= int(words[0]) <= int(words[1])
    ):
        raise ValueError(
            "shard must be 'i/n' or (i, n) with 1 <= i <= n, for the i-th of n shards; got "
            f"{shard!r}."
        )
    return list(range(int(words[0]) - 1, count, int(words[1])))
