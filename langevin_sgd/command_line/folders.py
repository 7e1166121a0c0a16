"""resume and merge: what runs, sweeps and shards left in folders goes on, or together."""

import argparse
from pathlib import Path

import langevin_sgd as ls

from ..arguments import integer
from .results import refuse_a_folder_of_results
from .studies import run_study, study_file
from .words import add_command, existing, whole_number


def add_resume(commands):
    """The command and its arguments."""
    examples = [
        ("resume folder", "go on with the run that simulate(checkpoint='folder') began"),
        ("resume folder --threads 4", "on so many processors; the bits are the same"),
        ("resume folder --devices 0,1", "a run that was begun on a GPU, on these two"),
    ]
    summary = "go on with a run that was given checkpoint="
    parser = add_command(commands, "resume", summary, examples, _resume)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=positive, help="default: all processors")
    parser.add_argument(
        "--devices", type=_whole_numbers, metavar="N,N", help="GPUs that share the particles"
    )
    parser.add_argument(
        "--target",
        choices=["cpu", "cuda"],
        help="refuse if the run was begun on another: a folder keeps its own",
    )
    parser.add_argument(
        "--progress",
        action=argparse.BooleanOptionalAction,
        help="default: only where stderr is a terminal",
    )


def _resume(given):
    from ..engine.terminal import is_terminal
    from ..storage import begun

    refuse_a_folder_of_results(existing(given.folder))
    target = begun(given.folder).description["arguments"].get("target", "cpu")
    if given.target not in (None, target):
        raise ValueError(
            f"--target must be {target!r}, on which {str(given.folder)!r} was begun, got "
            f"{given.target!r}: leave it out, or begin the run anew."
        )
    progress = is_terminal() if given.progress is None else given.progress
    run = ls.resume(given.folder, threads=given.threads, devices=given.devices, progress=progress)
    done, folder = f"{run.attrs['steps']:,} steps are done", given.folder
    if run.attrs["interrupted"]:
        print(f"{done}, interrupted. To go on:  langevin-sgd resume {folder}")
        return 130
    print(f"{done}, the run is finished. What it is:  langevin-sgd info {folder}")
    return 0


def positive(words):
    """A number of the command line, from 1 to the points that a sweep may hold."""
    from ..storage.sweep_folder import MOST_POINTS

    try:
        return integer(whole_number(words), "the number", 1, 1 + MOST_POINTS)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _whole_numbers(words):
    try:
        return [integer(whole_number(word), "a device", 0) for word in words.split(",")]
    except (ValueError, argparse.ArgumentTypeError) as error:
        raise argparse.ArgumentTypeError(f"{words!r} is no list of numbers like 0,1") from error


def add_merge(commands):
    """The command and its arguments."""
    examples = [
        ("merge folder", "the points of a sweep(directory='folder'), into folder/merged.nc"),
        ("merge out escape", "the shards of a study, run with --out out, into out/escape.nc"),
    ]
    summary = "put together what shards left in a folder"
    parser = add_command(commands, "merge", summary, examples, _merge)
    parser.add_argument(
        "folder", type=Path, help="directory= of a sweep, or --out of the shards of a study"
    )
    parser.add_argument("study", nargs="?", help="whose shards they are: it is run for the parts")


def _merge(given):
    from ..storage import content_hash, sealed

    folder = existing(given.folder)
    if not folder.is_dir():
        raise NotADirectoryError(f"{str(folder)!r} is a file, and there must be a folder.")
    if given.study is not None:
        return _merge_shards(folder, given.study)
    parts = sorted(path.stem for path in folder.glob("*.points"))
    if parts:
        raise ValueError(
            f"{str(folder)!r} holds parts of {', '.join(parts)}. Name the study to be run for "
            f"them: langevin-sgd merge {folder} STUDY"
        )
    refuse_a_folder_of_results(folder)
    dataset = ls.merge(folder)
    ls.save(sealed(dataset), folder / "merged.nc")
    print(f"wrote {folder / 'merged.nc'}\ncontent {content_hash(dataset)}")
    return 0


def _merge_shards(folder, study):
    """Run the study, named by the user, whose OUT the folder was, with the arguments of its
    shards."""
    from ..storage import sweep_folder

    parts = folder / f"{study_file(study).stem}.points"
    if not parts.is_dir():
        raise FileNotFoundError(
            f"there are no shards of {study!r} in {str(folder)!r}. Run them, the first of two by: "
            f"langevin-sgd run {study} --shard 1/2 --out {folder}"
        )
    begun = sweep_folder.header_of(parts, ["study"]).description
    seed = integer(begun.get("seed"), "seed", 0)
    flags = [f"--{flag}" for flag in ("quick", "plant") if begun.get(flag)]
    return run_study(study, ["--merge", "--out", str(folder), "--seed", str(seed), *flags])
