"""run: a study does exactly what its script does. Where studies are, and what they ask."""

import argparse
import ast
import os
import runpy
import sys
import traceback
from pathlib import Path

from ..arguments import nearest
from .words import NotUnderstood, add_command

STUDIES = Path(__file__).resolve().parents[2] / "studies"
SOURCE_TREE = "Studies come with the source tree, not with the wheel: run this in a checkout."


def add_run(commands):
    """The command and its arguments."""
    examples = [
        ("run boltzmann_departure --quick", "small sizes, for a first look; writes nothing"),
        ("run boltzmann_departure", "in full; writes out/boltzmann_departure.nc and .png"),
        ("run escape --shard 1/4 --out folder", "the first of four shares; then: merge"),
        ("run studies/mine.py --quick", "a study of your own"),
        ("run escape --help", "the options of a study"),
    ]
    summary = "run a study, as python studies/STUDY.py OPTIONS does"
    parser = add_command(
        *(commands, "run", summary, examples), lambda given: run_study(given.study, given.options)
    )
    parser.add_argument("study", help="its name (see list), or the path of your own")
    options = parser.add_argument(
        "options", nargs=argparse.REMAINDER, help="of the study, after its name: --quick --out ..."
    )
    options.required = False


def own_studies():
    """The names of this package's studies, in order."""
    return [file.stem for file in sorted(STUDIES.glob("[!_]*.py"))]


def text_of_study(name):
    """What a study of this package says of itself; the first line is its question."""
    source = (STUDIES / f"{name}.py").read_text(encoding="utf-8")
    text = ast.get_docstring(ast.parse(source)) or name
    question, _, rest = text.partition("\n")
    return "\n".join([" ".join(question.split()), rest])


def study_file(name):
    """The file of a study: one of this package's own by its name, any other by its path; an error
    that says the way out where there is none."""
    if name in own_studies():
        return STUDIES / f"{name}.py"
    if name.endswith(".py") or Path(name).name != name:
        if os.path.isfile(name):
            return Path(name)
        stem = Path(name).stem
        by_name = f" This package's own: langevin-sgd run {stem}" if stem in own_studies() else ""
        raise FileNotFoundError(f"there is no file {name!r}.{by_name}")
    way_out = "" if own_studies() else f" {SOURCE_TREE}"
    raise NotUnderstood(
        f"there is no study {name!r}.{nearest(name, own_studies())}{way_out} langevin-sgd list "
        "prints them; one of your own is named by its path: studies/mine.py."
    )


def run_study(name, options):
    """Do exactly what `python studies/NAME.py OPTIONS` does; returns its exit code."""
    file = study_file(name)
    before = sys.argv, sys.path
    sys.argv, sys.path = [str(file), *options], [str(file.resolve().parent), *sys.path]
    try:
        begun_as = {"PROGRAM": f"langevin-sgd run {name}"}  # what its messages call it
        runpy.run_path(str(file), begun_as, run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BrokenPipeError:
        raise
    except Exception:  # of the study's own code: whoever wrote it wants to know where
        traceback.print_exc()
        return 1
    finally:
        sys.argv, sys.path = before
    return 0
