"""The command line: python -m langevin_sgd list | run STUDY | resume FOLDER | merge FOLDER | info
FILE | bench merge.
"""

import argparse
import inspect
import runpy
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import numpy as np
import xarray as xr

import langevin_sgd as ls

from .storage import points

CATALOGUE = {
    "potentials": ls.potentials,
    "losses": ls.losses,
    "noise": ls.noise,
    "dynamics": ls.dynamics,
    "schedules": ls.schedules,
}


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
        and "Returns" in (function.__doc__ or "")
    }


def summary(function):
    """The text of a docstring before its parameters: what it is, and its formula."""
    return (
        inspect.cleandoc(function.__doc__)
        .split("\nParameters\n")[0]
        .split("\nReturns\n")[0]
        .strip()
    )


def list_models(out):
    """Write every potential, loss, noise, dynamics and schedule with its arguments and its formula
    to `out`.
    """
    for title, module in CATALOGUE.items():
        print(f"ls.{title}\n", file=out)
        for name, function in entries(module).items():
            print(textwrap.indent(f"{name}{inspect.signature(function)}", "  "), file=out)
            print(textwrap.indent(summary(function), "      ") + "\n", file=out)


def study_folders():
    """Where studies are looked for: ./studies, then the source tree of this package. A wheel brings
    none along.
    """
    return [Path("studies"), Path(__file__).resolve().parents[1] / "studies"]


def find_study(name):
    """The file of a study, given by its name or as a path ending in .py; None if there is none."""
    places = (
        [Path(name)]
        if name.endswith(".py")
        else [folder / f"{name}.py" for folder in study_folders()]
    )
    return next((place for place in places if place.is_file()), None)


def list_studies(out):
    """Write every study that can be found, with its question."""
    files = {
        file.stem: file for folder in reversed(study_folders()) for file in folder.glob("[!_]*.py")
    }
    for name, file in sorted(files.items()):
        compiled = compile(file.read_text(encoding="utf-8"), file, "exec")
        print(f"{name:24s}  {(compiled.co_consts[0] or '').splitlines()[0]}", file=out)
    if not files:
        print(
            "no studies: they come with the source tree, not with the wheel. Looked in "
            f"{_looked_in()}",
            file=out,
        )


def _looked_in():
    return " and ".join(map(str, study_folders()))


def run_study(name, arguments):
    """Do exactly what `python studies/NAME.py ARGUMENTS` does; returns its exit code."""
    file = find_study(name)
    if file is None:
        print(
            f"there is no study {name!r} in {_looked_in()}. Studies come with the source tree, "
            "not with the wheel: run this in a "
            "checkout, or give the path of a file.",
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


def merge(folder):
    """Put together what shards left in a folder: a sweep, or the studies whose OUT it was. Returns
    the exit code.
    """
    if (folder / points.MANIFEST).is_file():
        dataset = ls.merge(folder)
        ls.save(dataset, folder / "merged.nc")
        print(f"wrote {folder / 'merged.nc'}, content {points.content(dataset)}")
        return 0
    code, manifests = 0, sorted(folder.glob(f"*.points/{points.MANIFEST}"))
    if not manifests:
        print(f"{folder} holds neither a sweep nor the parts of a study", file=sys.stderr)
        return 2
    for manifest in manifests:
        plan = points.read_manifest(manifest.parent)["plan"]
        flags = [f"--{flag}" for flag in ("quick", "plant") if plan[flag]]
        code = max(
            code,
            run_study(
                plan["study"],
                ["--merge", "--out", str(folder), "--seed", str(plan["seed"]), *flags],
            ),
        )
    return code


def info(path, out):
    """Write what a result file, or a folder of points, is."""
    if (path / points.MANIFEST).is_file():
        plan = points.read_manifest(path)["plan"]
        total = (
            int(np.prod([len(values) for values in plan["grid"].values()]))
            if "grid" in plan
            else len(plan["parts"])
        )
        print(f"{len(points.finished(path, total))} of {total} points are finished", file=out)
        described = plan.get("grid", {"parts": plan.get("parts")}) | {"seed": plan["seed"]}
        for name, values in described.items():
            print(f"  {name:24s} {values}", file=out)
        return
    dataset = ls.load(path)
    stated = dataset.attrs.get("content_sha256")
    state = (
        "not stated"
        if stated is None
        else "as stated"
        if stated == points.content(dataset)
        else "NOT AS STATED: damaged"
    )
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, content {state}", file=out)
    for name, variable in dataset.variables.items():
        size = ", ".join(f"{dim} {length}" for dim, length in variable.sizes.items())
        label = f"{variable.attrs.get('long_name', '')} [{variable.attrs.get('units', '?')}]"
        print(f"  {name:32s} ({size}) {variable.dtype}  {label}", file=out)
    for name, value in dataset.attrs.items():
        print(textwrap.indent(f"{name}: {value}", "  "), file=out)


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
        points.settle(folder, {"grid": axes, "seed": "1"}, "bench")
        estimate = {
            "temperature_found": ("component", np.ones(2)),
            "standard_error": ("component", np.ones(2)),
        }
        state = {"failed": np.int8(0), "error": np.str_(""), "seed": np.uint64(1)}
        begun = time.perf_counter()
        for k in range(side * side):
            points.keep(xr.Dataset(estimate | state), folder, k)
        written = time.perf_counter()
        ls.save(ls.merge(folder), Path(folder) / "merged.nc")
        merged = time.perf_counter()
        sizes = [
            (Path(folder) / name).stat().st_size / 1e3
            for name in (points.path_of("", 0), points.MANIFEST, "merged.nc")
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


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m langevin_sgd", description="Where SGD stops being Langevin dynamics."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="print what there is")
    listing.add_argument("what", nargs="?", choices=["models", "studies"], help="default: both")
    run = commands.add_parser(
        "run", help="run a study; the same as python studies/STUDY.py ARGUMENTS"
    )
    run.add_argument("study", help="its name (see list studies), or the path of its file")
    run.add_argument(
        "arguments",
        nargs=argparse.REMAINDER,
        help="of the study: --quick --seed --out --shard i/n --help ...",
    )
    merging = commands.add_parser("merge", help="put together what shards left in a folder")
    merging.add_argument(
        "folder", type=Path, help="directory= of a sweep, or --out of the shards of a study"
    )
    going_on = commands.add_parser("resume", help="go on with a run that was given checkpoint=")
    going_on.add_argument("directory", type=Path)
    going_on.add_argument("--threads", type=int, help="default: all processors")
    telling = commands.add_parser("info", help="print what a result is")
    telling.add_argument("file", type=Path, help="a dataset, or a folder of points")
    bench = commands.add_parser("bench", help="measure")
    bench.add_argument("what", choices=["merge"])
    bench.add_argument(
        "--points", type=int, default=10_000, help="about how many points (default 10000)"
    )
    return parser


def main(arguments=None):
    """Run the command line; returns the exit code."""
    given = _parser().parse_args(arguments)
    if given.command == "run":
        return run_study(given.study, given.arguments)
    try:
        if given.command == "merge":
            return merge(given.folder)
        if given.command == "resume":
            run = ls.resume(given.directory, threads=given.threads, progress=True)
            print(f"{run.attrs['steps']} steps are done, interrupted: {run.attrs['interrupted']}")
        if given.command == "info":
            info(given.file, sys.stdout)
    except (ValueError, OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    if given.command == "list":
        for what, write in (("models", list_models), ("studies", list_studies)):
            if given.what in (what, None):
                write(sys.stdout)
    if given.command == "bench":
        bench_merge(given.points, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
