"""The command line: python -m langevin_sgd list | run STUDY | resume FOLDER | merge FOLDER | info
FILE | bench merge.

The exit code is 0; 1 if a file or folder is missing or damaged, or a claim of a study fails; 2 for
a command that cannot be understood. Nothing that a folder names is imported or run: a study is
named by the user."""

import argparse
import inspect
import math
import os
import runpy
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import numpy as np
import xarray as xr

import langevin_sgd as ls

from .arguments import instance, integer, nearest
from .engine.sweep import axes_in
from .storage import content_hash, is_whole, sealed, sweep_folder
from .storage.manifest import NAME as MANIFEST
from .storage.manifest import read_manifest

CATALOGUE = {
    "potentials": ls.potentials,
    "losses": ls.losses,
    "noise": ls.noise,
    "dynamics": ls.dynamics,
    "schedules": ls.schedules,
}
STUDIES = Path(__file__).resolve().parents[1] / "studies"
SOURCE_TREE = "Studies come with the source tree, not with the wheel: run this in a checkout."


def entries(module):
    """The functions of a module of models that make a record: name -> function."""
    names = getattr(module, "__all__", None) or [
        name for name in vars(module) if not name.startswith("_")
    ]
    functions = {name: getattr(module, name) for name in names}
    return {
        name: function
        for name, function in sorted(functions.items())
        if inspect.isfunction(function)
        and function.__module__.startswith("langevin_sgd.models")
        and hasattr(function, "__wrapped__")  # by `recorded`
    }


def summary(function):
    """The text of a docstring before its parameters: what it is, and its formula."""
    return (
        inspect.cleandoc(function.__doc__)
        .split("\nParameters\n")[0]
        .split("\nReturns\n")[0]
        .split("\nNotes\n")[0]
        .strip()
    )


def list_models(out, wanted):
    """Write the potentials, losses, noises, dynamics and schedules that are wanted to `out`, with
    arguments and formula."""
    for title, module in CATALOGUE.items():
        found = {name: each for name, each in entries(module).items() if name in wanted}
        if found:
            print(f"ls.{title}\n", file=out)
        for name, function in found.items():
            print(textwrap.indent(f"{name}{inspect.signature(function)}", "  "), file=out)
            print(textwrap.indent(summary(function), "      ") + "\n", file=out)


def find_study(name):
    """The file of a study: one of this package's own by its name, any other by its path."""
    is_path = name.endswith(".py") or Path(name).name != name
    file = Path(name) if is_path else STUDIES / f"{name}.py"
    is_ours = not is_path and name.startswith("_")  # what the studies share is no study
    return file if os.path.isfile(file) and not is_ours else None


def list_studies(out):
    """Write every study of this package, with its question."""
    files = sorted(STUDIES.glob("[!_]*.py"))
    for file in files:
        compiled = compile(file.read_text(encoding="utf-8"), file, "exec")
        print(f"{file.stem:24s}  {(compiled.co_consts[0] or '').splitlines()[0]}", file=out)
    if not files:
        print(f"no studies: {SOURCE_TREE} Looked in {STUDIES}.", file=out)


def run_study(name, arguments):
    """Do exactly what `python studies/NAME.py ARGUMENTS` does; returns its exit code."""
    file = find_study(name)
    if file is None:
        own = [study.stem for study in STUDIES.glob("[!_]*.py")]
        print(
            f"there is no study {name!r} in {STUDIES}.{nearest(name, own)} {SOURCE_TREE} A study "
            "of your own is named by its path: studies/mine.py.",
            file=sys.stderr,
        )
        return 2
    before = sys.argv, sys.path
    sys.argv, sys.path = [str(file), *arguments], [str(file.resolve().parent), *sys.path]
    try:
        runpy.run_path(str(file), run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.argv, sys.path = before
    return 0


def merge(folder, study):
    """Put together what shards left in a folder: a sweep, or the study, named by the user, whose
    OUT it was. Returns the exit code."""
    if study is not None:
        parts = folder / f"{Path(study).stem}.points"
        begun = sweep_folder.header_of(parts, ["study"]).description
        seed = integer(begun.get("seed"), "seed", 0)
        flags = [f"--{flag}" for flag in ("quick", "plant") if begun.get(flag)]
        return run_study(study, ["--merge", "--out", str(folder), "--seed", str(seed), *flags])
    parts = sorted(path.stem for path in folder.glob("*.points"))
    if parts:
        raise ValueError(
            f"{str(folder)!r} holds parts of {', '.join(parts)}. Name the study to be run for "
            f"them: python -m langevin_sgd merge {folder} STUDY"
        )
    dataset = ls.merge(folder)
    ls.save(sealed(dataset), folder / "merged.nc")
    print(f"wrote {folder / 'merged.nc'}, content {content_hash(dataset)}")
    return 0


def info(path, out):
    """Write what a result is: a file, the folder of a run, or a folder of points."""
    if path.is_dir() and read_manifest(path).header.kind != "run":
        _info_of_points(path, out)
        return
    dataset = ls.load(path, recover=path.is_file())
    state = is_whole(dataset)
    if state is False:
        raise ValueError(f"{path} is damaged: its content is not the one that it states.")
    if path.is_dir():  # to take the hash is to compare each segment with its own
        whole = f"{dataset.attrs['steps_done']} steps, whole, content {content_hash(dataset)}"
    else:
        whole = "content whole, as stated" if state else "states no hash of its content"
        whole = f"{path.stat().st_size / 1e6:.2f} MB, {whole}"
    print(f"{path}: {whole}", file=out)
    for name, variable in dataset.variables.items():
        size = ", ".join(f"{dim} {length}" for dim, length in variable.sizes.items())
        label = f"{variable.attrs.get('long_name', '')} [{variable.attrs.get('units', '?')}]"
        print(f"  {name:32s} ({size}) {variable.dtype}  {label}", file=out)
    for name, value in dataset.attrs.items():
        print(textwrap.indent(f"{name}: {value}", "  "), file=out)


def _info_of_points(path, out):
    header = sweep_folder.header_of(path)
    if header.kind == "sweep":
        axes = axes_in(header)
        total = math.prod(len(values) for _, values in axes)
    else:
        parts = instance(header.description.get("parts"), "parts", list, "a list")
        axes = [("parts", parts)]
        total = len(parts)
    missing = sweep_folder.missing(path, sweep_folder.share(None, total))
    print(f"{total - len(missing)} of {total} points are finished", file=out)
    for name, values in [*axes, ("seed", header.description.get("seed"))]:
        print(f"  {name:24s} {values}", file=out)


def bench_merge(count, out):
    """Measure what `count` points cost: files of a run's estimates (four numbers each) written,
    manifest, merge, merged file.
    """
    with tempfile.TemporaryDirectory() as folder:
        side = max(1, round(count**0.5))
        axes = {
            "learning_rate": np.linspace(0.01, 0.1, side).tolist(),
            "temperature": np.linspace(0.1, 1.0, side).tolist(),
        }
        sweep_folder.settle(folder, "sweep", {"grid": axes, "seed": "1"}, "bench")
        estimate = {
            "temperature_found": ("component", np.ones(2)),
            "standard_error": ("component", np.ones(2)),
        }
        state = {"failed": np.int8(0), "error": np.str_(""), "seed": np.uint64(1)}
        begun = time.perf_counter()
        for k in range(side * side):
            sweep_folder.keep_point(xr.Dataset(estimate | state), folder, k)
        written = time.perf_counter()
        ls.save(ls.merge(folder), Path(folder) / "merged.nc")
        merged = time.perf_counter()
        sizes = [
            (Path(folder) / name).stat().st_size / 1e3
            for name in (sweep_folder.path_of("", 0), MANIFEST, "merged.nc")
        ]
        print(
            f"{side * side} points: written in {written - begun:.1f} s, merged in "
            f"{merged - written:.1f} s",
            file=out,
        )
        print(
            f"a point {sizes[0]:.1f} kB, manifest {sizes[1]:.1f} kB, merged file {sizes[2]:.1f} kB",
            file=out,
        )


def _number(words):
    """A whole number of the command line, from 1 to what a sweep may hold."""
    try:
        return integer(int(words), "the number", 1, 1 + sweep_folder.MOST_POINTS)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m langevin_sgd", description="Where SGD stops being Langevin dynamics."
    )
    parser.add_argument("--version", action="version", version=ls.__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="print what there is")
    listing.add_argument(
        "what", nargs="?", help="models, studies or the name of a model; default: all of them"
    )
    run = commands.add_parser(
        "run", help="run a study; the same as python studies/STUDY.py ARGUMENTS"
    )
    run.add_argument("study", help="its name (see list studies), or the path of your own")
    run.add_argument(
        "arguments",
        nargs=argparse.REMAINDER,
        help="of the study: --quick --seed --out --update-data --shard i/n --help ...",
    )
    merging = commands.add_parser("merge", help="put together what shards left in a folder")
    merging.add_argument(
        "folder", type=Path, help="directory= of a sweep, or --out of the shards of a study"
    )
    merging.add_argument("study", nargs="?", help="whose shards they are: it is run for the parts")
    going_on = commands.add_parser("resume", help="go on with a run that was given checkpoint=")
    going_on.add_argument("directory", type=Path)
    going_on.add_argument("--threads", type=_number, help="default: all processors")
    telling = commands.add_parser("info", help="print what a result is")
    telling.add_argument("file", type=Path, help="a dataset, or a folder of points")
    bench = commands.add_parser("bench", help="measure")
    bench.add_argument("what", choices=["merge"])
    bench.add_argument(
        "--points", type=_number, default=10_000, help="about how many points (default 10000)"
    )
    return parser


def main(arguments=None):
    """Run the command line; returns the exit code."""
    given = _parser().parse_args(arguments)
    try:
        return _done(given)
    except BrokenPipeError:  # whoever reads has seen enough: nothing more is to be written
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (TypeError, ValueError, OSError, RuntimeError) as error:
        if given.command == "run":  # the study's own
            raise
        print(error, file=sys.stderr)
        return 1


def _done(given):
    if given.command == "run":
        return run_study(given.study, given.arguments)
    if given.command == "merge":
        return merge(given.folder, given.study)
    if given.command == "list":
        return list_all(given.what, sys.stdout)
    if given.command == "resume":
        run = ls.resume(given.directory, threads=given.threads, progress=True)
        print(f"{run.attrs['steps']} steps are done, interrupted: {run.attrs['interrupted']}")
    if given.command == "info":
        info(given.file, sys.stdout)
    if given.command == "bench":
        bench_merge(given.points, sys.stdout)
    return 0


def list_all(what, out):
    """Write models, studies, both for None, or the one model that is named; the exit code."""
    known = {name for module in CATALOGUE.values() for name in entries(module)}
    if what not in ("models", "studies", None, *known):
        words = sorted({"models", "studies", *known})
        print(f"there is no model {what!r} to list.{nearest(what, words)}", file=sys.stderr)
        return 2
    if what != "studies":
        list_models(out, known if what in ("models", None) else {what})
    if what in ("studies", None):
        list_studies(out)
    print(end="", flush=True, file=out)  # which may be closed, and then is None
    return 0


if __name__ == "__main__":
    sys.exit(main())
