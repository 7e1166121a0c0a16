"""info: what a result is, in words: a file, the folder of a run, or a folder of points."""

import json
import math
from pathlib import Path

import numpy as np

import langevin_sgd as ls

from ..arguments import instance
from ..models.parameters import NO_PARAMETER
from .words import add_command, existing, print_table, printable, refilled

SHORT = 60  # characters of a hash, a list or an attribute in a table
MADE_BY = ("langevin_sgd_version", "git_commit", "git_dirty", "created")
SAID = {"model", "dynamics", "noise", "records", "title", "source", "study", "seed", "quick"}
SAID |= {"planted", "claims", "particles", "steps", "precision", "target", "interrupted", *MADE_BY}
SAID |= {"content_sha256", "finished", "steps_done", "history", "references", "Conventions"}
LIBRARIES_TOLD = ("numba", "llvmlite", "numpy", "xarray", "python")
SAID |= {f"{library}_version" for library in LIBRARIES_TOLD}
ERROR = "_standard_error"


def add_info(commands):
    """The command and its arguments."""
    examples = [
        ("info out/escape.nc", "what was computed, by what, whether it is whole; variables"),
        ("info run_folder", "how far a run with checkpoint= is"),
        ("info sweep_folder", "which points of a sweep are finished"),
        ("info out/escape.nc --all", "with every attribute in full"),
    ]
    summary = "say what a result is, and whether it is whole"
    parser = add_command(commands, "info", summary, examples, _info)
    parser.add_argument("path", type=Path, metavar="FILE|FOLDER")
    parser.add_argument("--all", action="store_true", help="every attribute, in full")


def _info(given):
    from ..storage.manifest import read_manifest

    path = existing(given.path)
    refuse_a_folder_of_results(path)
    if path.is_dir() and read_manifest(path).header.kind != "run":
        _info_of_points(path)
        return 0
    dataset = whole_dataset(path)
    print(refilled(f"{path}: {printable(dataset.attrs.get('title', 'a dataset'))}"))
    print_table([*_rows_of_place(path, dataset), *_rows_of_content(dataset)])
    print("\nVariables")
    print_table(
        (_name_and_dims(name, variable), _label(variable, f"{name}{ERROR}" in dataset))
        for name, variable in dataset.variables.items()
        if not (name.endswith(ERROR) and name.removesuffix(ERROR) in dataset)
    )
    attributes = dataset.attrs if given.all else _short_attributes(dataset.attrs)
    if attributes:
        print("\nAttributes")
        print_table(attributes.items())
    return 0


def refuse_a_folder_of_results(path):
    """A FileNotFoundError for a folder that is no result but holds some: which ones."""
    from ..storage.manifest import NAME, NAME_OF_SWEEPS_1

    if not path.is_dir() or any((path / name).exists() for name in (NAME, NAME_OF_SWEEPS_1)):
        return
    inside = sorted(each.name for each in path.iterdir() if each.suffix in (".nc", ".points"))
    inside += sorted(each.parent.name for each in path.glob(f"*/{NAME}"))
    if inside:
        names = _shortened(", ".join(dict.fromkeys(inside)))
        raise FileNotFoundError(f"{path} is no result: there is no manifest. It holds {names}")


def whole_dataset(path):
    """The dataset of a file or of a run's folder; a ValueError if it is damaged."""
    from ..storage import is_whole

    dataset = ls.load(existing(path), recover=path.is_file())
    if is_whole(dataset) is False:
        raise ValueError(f"{path} is damaged: its content is not the one that it states.")
    return dataset


def _rows_of_place(path, dataset):
    from ..storage import begun, content_hash, is_whole

    if path.is_file():
        yield "size", f"{path.stat().st_size / 1e6:.2f} MB"
        state = is_whole(dataset)
        yield "content", "whole, as stated" if state else "states no hash of its content"
        return
    arguments = begun(path).description["arguments"]
    last = arguments["first_step"] + arguments["steps"]
    done = dataset.attrs["steps_done"]
    if dataset.attrs["finished"]:
        yield "progress", f"finished: {done:,} steps"
    else:
        yield "progress", f"{done:,} of {last:,} steps; go on with: langevin-sgd resume {path}"
    yield "content", f"whole, {content_hash(dataset)}"  # each segment is compared with its own


def _rows_of_content(dataset):
    """What a run or a study is, as far as its attributes say."""
    attributes = dataset.attrs
    for role in ("model", "dynamics", "noise"):
        if role in attributes:
            yield role, _record_in_words(attributes[role])
    if "particles" in attributes:
        yield "particles", f"{_with_thousands(attributes['particles'])}{_fates(dataset)}"
    if "steps" in attributes and "steps_done" not in attributes:
        stopped = ", interrupted" if attributes.get("interrupted") else ""
        yield "steps", f"{_with_thousands(attributes['steps'])}{stopped}"
    if "study" in attributes:
        sizes = ", quick" if attributes.get("quick") else ""
        planted = ", noise put off on purpose" if attributes.get("planted") else ""
        yield "study", f"{attributes['study']}{sizes}{planted}"
    if attributes.get("claims"):
        claims = str(attributes["claims"]).splitlines()
        failed = [claim for claim in claims if not claim.startswith("pass: ")]
        yield "claims", "\n".join([f"{len(claims) - len(failed)} of {len(claims)} hold", *failed])
    settings = [f"seed {attributes['seed']}"] if "seed" in attributes else []
    settings += [f"{key} {attributes[key]}" for key in ("precision", "target") if key in attributes]
    if settings:
        yield "made with", ", ".join(settings)
    if "langevin_sgd_version" in attributes:
        changed = " with changes" if str(attributes.get("git_dirty")) == "1" else ""
        commit = f", commit {str(attributes.get('git_commit'))[:12]}{changed}"
        when = attributes.get("created", "at a time not told")
        yield "made by", f"langevin_sgd {attributes['langevin_sgd_version']}{commit}, {when}"
    if "history" in attributes:
        yield "command", str(attributes["history"]).rpartition(": ")[2]
    versions = [(name, attributes.get(f"{name}_version")) for name in LIBRARIES_TOLD]
    libraries = [f"{name} {version}" for name, version in versions if version]
    if libraries:
        yield "with", ", ".join(libraries)


def _with_thousands(number):
    """A number with its thousands, where a file holds one."""
    return f"{number:,}" if isinstance(number, (int, np.integer)) else _shortened(number)


def _fates(dataset):
    """How many particles stopped, where the dataset says so."""
    if "status" not in dataset:
        return ""
    stopped = int(np.count_nonzero(dataset["status"].values))
    return f", {stopped:,} of them stopped before the end" if stopped else ", all of them moving"


def _record_in_words(text):
    """A record as an attribute tells it, {"name": ..., "params": {...}}, as a call."""
    try:
        record = json.loads(text)
        parameters = (record.get("params") or {}).items()
        told = (each for each in parameters if each[0] != NO_PARAMETER)
        words = ", ".join(f"{name}={_shortened(value)}" for name, value in told)
        return f"{record['name']}({words})"
    except (ValueError, TypeError, LookupError, AttributeError):  # anybody may write a file
        return _shortened(text)


def _shortened(value, most=SHORT):
    text = " ".join(str(value).split())
    return text if len(text) <= most else f"{text[:most]} ..."


def _short_attributes(attributes):
    left = {name: value for name, value in attributes.items() if name not in SAID}
    return {name: _shortened(value, 3 * SHORT) for name, value in left.items()}


def _name_and_dims(name, variable):
    return f"{name} ({', '.join(f'{dim} {size}' for dim, size in variable.sizes.items())})"


def _label(variable, has_error):
    units = variable.attrs.get("units", "units not told")
    error = ", with its standard error" if has_error else ""
    return f"{variable.attrs.get('long_name', '')} [{units}]{error}".strip()


def _info_of_points(path):
    from ..engine.gather import axes_in
    from ..storage import sweep_folder

    header = sweep_folder.header_of(path)
    if header.kind == "sweep":
        axes = axes_in(header)
        total = math.prod(len(values) for _, values in axes)
    else:
        parts = instance(header.description.get("parts"), "parts", list, "a list")
        axes, total = [("parts", parts)], len(parts)
    missing = sweep_folder.missing(path, sweep_folder.share(None, total))
    finished = f"{total - len(missing)} of {total} points are finished"
    print(refilled(f"{path}: a {header.kind}, {finished}"))
    rows = [*axes, ("seed", header.description.get("seed"))]
    rows += [("missing", ", ".join(map(str, missing)))] if missing else []
    print_table((name, _shortened(value)) for name, value in rows)
