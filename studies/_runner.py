"""What every study shares: its arguments, its parts and shards, saving, the table of claims, the
exit code.

A study writes OUT/NAME.nc and OUT/NAME.png, where OUT is the folder out/ of the checkout, which git
ignores, or what --out says. Results of --quick and --plant are written only if --out is given. With
--update-data the committed files in data/ are renewed instead: only by full results whose claims
all hold, and only if their content is another one."""

import argparse
import functools
import inspect
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr

import langevin_sgd as ls
from langevin_sgd.arguments import integer, optional, whole
from langevin_sgd.storage import sealed, source_hashes, sweep_folder
from langevin_sgd.storage.content import SEAL
from langevin_sgd.storage.schema import global_attributes

STUDIES = Path(__file__).resolve().parent
DATA = STUDIES.parent / "data"
OUT = STUDIES.parent / "out"
LARGEST_Z = 4.0  # standard errors


class Claim(NamedTuple):
    """A sentence that the study's own numbers must bear out."""

    text: str
    holds: bool
    number: str  # the measured number with its error, beside what it is held against
    # Low and high: the measured number with 4 standard errors to either side.
    interval: tuple | None = None
    # Distance from what it is held against, in standard errors; of several, the largest.
    z: float | None = None


def agreement(text, measured, exact, error):
    """The claim that measured numbers lie within LARGEST_Z standard errors of exact ones."""
    z = np.abs((np.asarray(measured) - exact) / error).max()
    return Claim(
        text,
        bool(z < LARGEST_Z),
        f"largest |z| {z:.1f} of {np.size(measured)}, allowed {LARGEST_Z:g}",
        z=float(z),
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


def report(claims):
    """Print the table of claims; True if all hold."""
    if not claims:
        return True
    rows = [("claim", "verdict", "z", "interval", "measured")]
    for claim in claims:
        interval = (
            "" if claim.interval is None else f"[{claim.interval[0]:.4g}, {claim.interval[1]:.4g}]"
        )
        z = "" if claim.z is None else f"{claim.z:+.1f}"
        rows.append((claim.text, "pass" if claim.holds else "FAIL", z, interval, claim.number))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print()
    for text, verdict, z, interval, number in rows:
        print(
            f"{text:{widths[0]}s}  {verdict:7s}  {z:>{widths[2]}s}  {interval:{widths[3]}s}  "
            f"{number}"
        )
    return all(claim.holds for claim in claims)


def in_memory(parts, progress=False):
    """Compute the parts of a study: a dict of names and functions without arguments that return
    datasets, to name -> dataset.
    """
    done, begun = {}, time.perf_counter()
    for name, compute in parts.items():
        done[name] = compute()
        if progress:
            seconds = time.perf_counter() - begun
            print(
                f"part {len(done)} of {len(parts)}, {name}: done after {seconds:.1f} s",
                file=sys.stderr,
                flush=True,
            )
    return done


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
    parser = argparse.ArgumentParser(
        description=sys.modules["__main__"].__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, for a first look or a test"
    )
    parser.add_argument("--seed", type=int, default=1, help="key of the random numbers")
    parser.add_argument("--threads", type=int, help="default: all processors")
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
    parser.add_argument("--progress", action="store_true", help="say on stderr what is done")
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
    except (ValueError, OSError) as error:
        parser.error(str(error))
    partial = arguments.quick or arguments.plant or arguments.shard
    if arguments.update_data and (partial or arguments.out):
        parser.error("--update-data goes with full results only: without --quick --plant --out")
    return arguments


def main(name, run, plot):
    """Command line of a study.

    `run(quick, seed, threads, plant)` returns (dataset, claims); `plot(dataset)` a matplotlib
    figure. Exits with 1 if a claim fails. A study can be sharded if `run` takes a fifth argument
    `each` and calls it once, for all its costly parts: see `in_memory`."""
    takes = inspect.signature(run).parameters
    arguments = _parsed(name, "each" in takes)
    begun = time.perf_counter()
    each = functools.partial(in_memory, progress=arguments.progress)
    if arguments.shard or arguments.merge:
        each = functools.partial(_as_files, name, arguments)
    more = {"each": each, "progress": arguments.progress}
    more = {key: value for key, value in more.items() if key in takes}
    dataset, claims = run(
        arguments.quick, arguments.seed, arguments.threads, arguments.plant, **more
    )
    passed = report(claims)
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
    dataset = sealed(dataset.assign_attrs(attributes))
    print(f"\ncontent {dataset.attrs[SEAL]}")
    out = arguments.out or (None if arguments.quick or arguments.plant else OUT)
    if arguments.update_data:
        out = DATA if passed and not _is_there(DATA / f"{name}.nc", dataset) else None
        print(f"data/ is {'renewed' if out else 'left as it is'}")
    if out is not None:
        out.mkdir(exist_ok=True)
        ls.save(dataset, out / f"{name}.nc")
        plot(dataset).savefig(out / f"{name}.png", dpi=150)
        print(f"wrote {out / name}.nc and .png")
    print(f"{time.perf_counter() - begun:.1f} s")
    sys.exit(0 if passed else 1)


def _is_there(path, dataset):
    """Whether a file has the content of a dataset already."""
    return path.is_file() and ls.load(path).attrs.get(SEAL) == dataset.attrs[SEAL]
