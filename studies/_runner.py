"""What every study shares: its arguments, its parts and shards, saving, the table of claims, the
exit code.

A study writes OUT/NAME.nc and OUT/NAME.png, where OUT is the folder out/ of the checkout, which git
ignores, or what --out says. Results of --quick and --plant are written only if --out is given. With
--update-data the committed files in data/ are renewed instead: only by full results whose claims
all hold, and only if their content is another one."""

import argparse
import functools
import inspect
import multiprocessing
import os
import sys
import threading
import time
import warnings
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

import langevin_sgd as ls
from langevin_sgd.arguments import integer, optional, whole, with_coordinates
from langevin_sgd.command_line.words import Parser, print_table, refilled, whole_number
from langevin_sgd.engine.chunks import latest
from langevin_sgd.engine.terminal import end_line, in_words, is_terminal, write_line
from langevin_sgd.storage import sealed, source_hashes, sweep_folder
from langevin_sgd.storage.content import SEAL
from langevin_sgd.storage.provenance import global_attributes

STUDIES = Path(__file__).resolve().parent
DATA = STUDIES.parent / "data"
OUT = STUDIES.parent / "out"
LARGEST_Z = 4.0  # standard errors
TICK_SECONDS = 0.5
DERIVED = {  # names that are made of another one, and their words
    "{}": "{}",
    "{}_standard_error": "standard error: {}",
    "exact_{}": "exact value: {}",
    "{}_exact": "exact value: {}",
}


class Claim(NamedTuple):
    """A sentence that the study's own numbers must bear out."""

    text: str
    holds: bool
    number: str  # the measured number with its error, beside what it is held against
    # Low and high: the measured number with 4 standard errors to either side.
    interval: tuple | None = None
    # Distance from what it is held against, in standard errors; of several, the largest.
    z: float | None = None
    # Of a claim that measured numbers are exact ones: all distances, with their signs.
    scores: np.ndarray | None = None


def agreement(text, measured, exact, error):
    """The claim that measured numbers lie within LARGEST_Z standard errors of exact ones."""
    scores = np.ravel((np.asarray(measured) - exact) / error)
    z = np.abs(scores).max()
    return Claim(
        text,
        bool(z < LARGEST_Z),
        f"largest |z| {z:.1f} of {np.size(measured)}, allowed {LARGEST_Z:g}",
        z=float(z),
        scores=scores,
    )


def agrees(dataset, name, text):
    """The claim that a variable of a dataset is its exact value, `exact_NAME`."""
    given = (dataset[key].values for key in (name, f"exact_{name}", f"{name}_standard_error"))
    return agreement(text, *given)


def exactly(dataset, name):
    """Measured, exact (`NAME_exact`), standard error: what `agreement` takes."""
    return [dataset[f"{name}{end}"].values for end in ("", "_exact", "_standard_error")]


def mean_and_error(values):
    """Mean over the first axis, of independent particles or draws, and its standard error."""
    return np.mean(values, axis=0), np.std(values, axis=0, ddof=1) / np.sqrt(len(values))


def with_error(name, dims, pair, units, text):
    """A measured quantity and its standard error, as entries of the dataset."""
    value, error = pair
    return {
        name: (dims, value, units, text),
        f"{name}_standard_error": (dims, error, units, f"standard error: {text}"),
    }


def described(values):
    """A dataset of entries as `with_error` has them: name -> (dims, value, units, text)."""
    return xr.Dataset(
        {
            name: (dims, value, {"units": units, "long_name": text})
            for name, (dims, value, units, text) in values.items()
        }
    )


def in_full(dataset, words):
    """The dataset with a coordinate along each dimension, and with `words`, name -> long name, on
    its variables and on what is named after them."""
    dataset = with_coordinates(dataset)
    for name, text in words.items():
        for form, sentence in DERIVED.items():
            if form.format(name) in dataset.variables:
                dataset[form.format(name)].attrs["long_name"] = sentence.format(text)
    return dataset


def report(claims):
    """Print the claims, each with its verdict and its number; True if all hold."""
    rows = []
    for claim in claims:
        number = [claim.number]
        if claim.z is not None and "z" not in claim.number:
            number.append(f"z = {claim.z:+.1f}")
        if claim.interval is not None:
            number.append(f"interval [{claim.interval[0]:.4g}, {claim.interval[1]:.4g}]")
        verdict = "pass" if claim.holds else "FAIL"
        rows.append((verdict, f"{claim.text}:\n{', '.join(number)}"))
    if rows:
        print("\nclaims")
        print_table(rows)
    return all(claim.holds for claim in claims)


@contextmanager
def ticking(line, wanted=True):
    """While the body runs, keep `line(seconds that it has taken)` on the terminal, if stderr is
    one."""
    stop, begun = threading.Event(), time.perf_counter()

    def tick():
        while not stop.wait(TICK_SECONDS):
            write_line(0, 1, line(time.perf_counter() - begun))

    thread = threading.Thread(target=tick, daemon=True)
    if wanted and is_terminal():
        thread.start()
    try:
        yield
    finally:
        stop.set()
        if thread.is_alive():
            thread.join()
        end_line()


def _progress_line(place, before, done, total, here):
    """`place`, its seconds, how far the latest run is, and what is left if the parts to come take
    as long as those that are done, `before`."""
    share = f", run at {latest[0] / latest[1]:.0%}" if 0 < latest[0] < latest[1] else ""
    rest = before / done * (total - done) - here if done else 0
    left = f", about {in_words(max(rest, 0))} left" if done else ""
    return f"{place}: {in_words(here)}{share}{left}"


def in_memory(parts, progress=None):
    """Compute the parts of a study: a dict of names and functions without arguments that return
    datasets, to name -> dataset.

    On a terminal a line says which part is computed, and how long the rest may take, unless
    `progress` is False; if it is True, stderr gets a line a part, whatever it is.
    """
    done, begun, total = {}, time.perf_counter(), len(parts)
    for number, (name, compute) in enumerate(parts.items(), 1):
        place, before = f"part {number} of {total}, {name}", time.perf_counter() - begun
        line = functools.partial(_progress_line, place, before, number - 1, total)
        with ticking(line, progress is not False):
            done[name] = compute()
        if progress:
            after = in_words(time.perf_counter() - begun)
            write_line(1, 1, f"{place}: done after {after}")
    return done


def can_fork():
    """Whether a second process pays, and is safe: it has no thread but the one that forked."""
    several = hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) > 1
    return sys.platform == "linux" and several and threading.active_count() == 1


def in_two_processes(parts, progress=None):
    """Like `in_memory`, for quick runs: most of them is compiling, which takes one processor. The
    other process begins with the last part, so that neighbours, which mostly share their kernels,
    stay together."""
    fork, names = multiprocessing.get_context("fork"), list(parts)
    begun, (ours, theirs) = fork.Array("b", len(names)), fork.Pipe(duplex=False)
    ended, first = fork.Value("i", 0), os.getpid()

    def first_to_begin(k):
        with begun.get_lock():
            begun[k] += 1
            return begun[k] == 1

    def compute(k):
        dataset = parts[names[k]]()
        with ended.get_lock():
            ended.value += 1
        return dataset

    def work(places, alone=lambda: False):
        return {names[k]: compute(k) for k in places if not alone() and first_to_begin(k)}

    def work_of_the_other():
        ours.close()  # else it would wait for itself to read
        try:
            theirs.send(work(reversed(range(len(names))), lambda: os.getppid() != first))
        except KeyboardInterrupt:  # the first process answers it
            theirs.send(None)
        except BrokenPipeError:  # that one was killed
            return

    def line(here):
        place = f"{ended.value} of {len(names)} parts done, two at a time"
        left = here / max(ended.value, 1) * (len(names) - ended.value)
        return f"{place}: {in_words(here)}" + (f", about {in_words(left)} left" * (ended.value > 0))

    process = fork.Process(target=work_of_the_other, daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 counts BLAS's threads
        process.start()
    theirs.close()
    with ticking(line, progress is not False):
        done = work(range(len(names)))
        try:
            theirs_done = ours.recv()
        except EOFError:
            sys.exit("a part failed in the second process, as said above")
    process.join()
    if theirs_done is None:
        raise KeyboardInterrupt
    done |= theirs_done
    return {name: done[name] for name in names}


def _as_files(study, arguments, parts):
    """Like `in_memory`, from files in OUT/NAME.points. A shard computes those that are its own and
    missing, and ends here.
    """
    folder = arguments.out / f"{study}.points"
    source = {
        file.name: sha256(file.read_bytes()).hexdigest() for file in sorted(STUDIES.glob("*.py"))
    }
    description = {
        "study": study,
        "quick": arguments.quick,
        "seed": arguments.seed,
        "plant": arguments.plant,
        "parts": list(parts),
        "source": source | source_hashes("kernels", "models", "theory", "engine", "analysis"),
    }
    names = list(parts)
    try:
        sweep_folder.settle(folder, "study", description, f"studies/{study}.py")
        missing = sweep_folder.missing(folder, sweep_folder.share(arguments.shard, len(names)))
        if arguments.shard is None and not missing:
            return {name: sweep_folder.read_point(folder, k) for k, name in enumerate(names)}
    except (ValueError, OSError) as error:  # of the folder: no part has run
        sys.exit(f"{study}: {error}")
    if arguments.shard is None:
        sys.exit(
            f"{study}: missing in {folder}: {', '.join(names[k] for k in missing)}. "
            "Run their shards."
        )

    def kept(k):
        return lambda: sweep_folder.keep_point(parts[names[k]](), folder, k)

    in_memory({names[k]: kept(k) for k in missing}, arguments.progress)
    mine = [names[k] for k in sweep_folder.share(arguments.shard, len(names))]
    print(f"shard {arguments.shard} of {study}: {', '.join(mine) or 'nothing to do'}; in {folder}")
    sys.exit(0)


def _parsed(name, shardable):
    study = sys.modules["__main__"]
    program = getattr(study, "PROGRAM", f"python {os.path.relpath(sys.argv[0])}")
    parser = Parser(prog=program, description=refilled(study.__doc__ or name))
    parser.add_argument("--quick", action="store_true", help="small sizes, for a first look")
    parser.add_argument("--seed", type=whole_number, default=1, help="of the random numbers")
    parser.add_argument("--threads", type=whole_number, help="default: all processors")
    parser.add_argument(
        "--out",
        type=Path,
        help="folder for the dataset and the figure (default: out, with --quick nowhere)",
    )
    parser.add_argument(
        "--update-data",
        action="store_true",
        help="renew the committed files in data/, if the claims hold and the content has changed",
    )
    parser.add_argument(
        "--plant", action="store_true", help="put the noise off by sqrt(2): the claims must fail"
    )
    parser.add_argument(
        "--progress",
        action=argparse.BooleanOptionalAction,
        help="say on stderr what is done (default: on a terminal)",
    )
    parser.add_argument(
        "--shard",
        metavar="i/n",
        help="compute the i-th of n shares of the parts into OUT, 1 <= i <= n, and stop",
    )
    parser.add_argument(
        "--merge",
        action="store_true",
        help="finish the study from the parts that all shards left in OUT",
    )
    arguments = parser.parse_args()
    if arguments.shard or arguments.merge:
        if not shardable:
            parser.error(f"{name} is one piece: it has no shards")
        if arguments.out is None or (arguments.shard and arguments.merge):
            parser.error(
                "--shard and --merge, one at a time, need --out FOLDER, the same for all shards"
            )
    try:  # before anything is computed
        sweep_folder.share(arguments.shard, 1)
        integer(arguments.seed, "--seed", 0, 2**64)
        optional(whole(1))(arguments.threads, "--threads")
        if arguments.out:
            arguments.out.mkdir(parents=True, exist_ok=True)
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        sys.exit(f"{program}: --out: {error}")
    partial = arguments.quick or arguments.plant or arguments.shard
    if arguments.update_data and (partial or arguments.out):
        parser.error("--update-data goes with full results only: without --quick --plant --out")
    return arguments


def main(name, run, plot, words=None):
    """Command line of a study.

    `run(quick, seed, threads, plant)` returns (dataset, claims); `plot(dataset)` a matplotlib
    figure; `words` are long names, as `in_full` takes them. Exits with 1 if a claim fails. A study
    can be sharded if `run` takes a fifth argument `each` and calls it once, for all its costly
    parts: see `in_memory`."""
    takes = inspect.signature(run).parameters
    arguments = _parsed(name, "each" in takes)
    begun = time.perf_counter()
    each = functools.partial(in_memory, progress=arguments.progress)
    if arguments.quick and not arguments.progress and arguments.threads != 1 and can_fork():
        each = functools.partial(in_two_processes, progress=arguments.progress)
    if arguments.shard or arguments.merge:
        each = functools.partial(_as_files, name, arguments)
    more = {"each": each, "progress": arguments.progress}
    more = {key: value for key, value in more.items() if key in takes}
    in_one_piece = "each" not in takes and arguments.progress is not False
    line = functools.partial(_progress_line, f"{name}, in one piece", 0, 0, 1)
    with ticking(line, in_one_piece):
        dataset, claims = run(
            arguments.quick, arguments.seed, arguments.threads, arguments.plant, **more
        )
    command = " ".join(["python", f"studies/{name}.py", *sys.argv[1:]])
    title = (sys.modules["__main__"].__doc__ or name).splitlines()[0]
    verdicts = [f"{'pass' if c.holds else 'FAIL'}: {c.text}: {c.number}" for c in claims]
    attributes = global_attributes(title, command) | {
        "study": name,
        "seed": str(arguments.seed),
        "quick": int(arguments.quick),
        "planted": int(arguments.plant),
        "claims": "\n".join(verdicts),
    }
    dataset = sealed(in_full(dataset.assign_attrs(attributes), words or {}))
    passed = all(claim.holds for claim in claims)
    out = arguments.out or (None if arguments.quick or arguments.plant else OUT)
    if arguments.update_data:
        out = DATA if passed and not _is_there(DATA / f"{name}.nc", dataset) else None
    if out is not None:  # before anything is printed, which may find nobody who reads it
        out.mkdir(exist_ok=True)
        ls.save(dataset, out / f"{name}.nc")
    report(claims)
    print(f"\ncontent {dataset.attrs[SEAL]}")
    if arguments.update_data:
        print(f"data/ is {'renewed' if out else 'left as it is'}")
    if out is not None:
        plot(dataset).savefig(out / f"{name}.png", dpi=150)
        print(f"wrote {out / name}.nc and .png")
    print(f"{time.perf_counter() - begun:.1f} s")
    sys.exit(0 if passed else 1)


def _is_there(path, dataset):
    """Whether a file has the content of a dataset already."""
    return path.is_file() and ls.load(path).attrs.get(SEAL) == dataset.attrs[SEAL]
