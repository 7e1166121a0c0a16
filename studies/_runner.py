"""What every study shares: its arguments, its parts and shards, saving, the table of claims, the
exit code.
"""

import argparse
import functools
import inspect
import sys
import time
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import numpy as np

import langevin_sgd as ls
from langevin_sgd.storage import points, source_hashes
from langevin_sgd.storage.schema import global_attributes

STUDIES = Path(__file__).resolve().parent
DATA = STUDIES.parent / "data"
LARGEST_Z = 4.0  # standard errors


class Claim(NamedTuple):
    """A sentence that the study's own numbers must bear out."""

    text: str
    holds: bool
    number: str  # the measured number with its error, beside what it is held against
    interval: tuple | None = (
        None  # low, high: the measured number with 4 standard errors to either side
    )
    z: float | None = (
        None  # distance from what it is held against, in standard errors; of several, the largest
    )


def agreement(text, measured, exact, error):
    """The claim that measured numbers lie within LARGEST_Z standard errors of exact ones."""
    z = np.abs((np.asarray(measured) - exact) / error).max()
    return Claim(
        text,
        bool(z < LARGEST_Z),
        f"largest |z| {z:.1f} of {np.size(measured)}, allowed {LARGEST_Z:g}",
        z=float(z),
    )


def with_error(name, dims, pair, units, text):
    """A measured quantity and its standard error, as entries of the dataset."""
    value, error = pair
    return {
        name: (dims, value, units, text),
        f"{name}_standard_error": (dims, error, units, f"standard error: {text}"),
    }


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
    plan = {
        "study": study,
        "quick": arguments.quick,
        "seed": arguments.seed,
        "plant": arguments.plant,
        "parts": list(parts),
    }
    source = {
        file.name: sha256(file.read_bytes()).hexdigest() for file in sorted(STUDIES.glob("*.py"))
    }
    source |= source_hashes("kernels", "models", "theory", "engine", "analysis")
    points.settle(folder, plan | {"source": source}, study)
    missing, names = set(range(len(parts))) - points.finished(folder, len(parts)), list(parts)
    if arguments.shard is None:
        if missing:
            sys.exit(
                f"{study}: missing in {folder}: {', '.join(names[k] for k in sorted(missing))}. "
                "Run their shards."
            )
        return {name: points.read(folder, k) for k, name in enumerate(names)}
    mine = points.share(arguments.shard, len(parts))
    for k in missing.intersection(mine):
        in_memory(
            {names[k]: lambda k=k: points.keep(parts[names[k]](), folder, k)}, arguments.progress
        )
    print(
        f"shard {arguments.shard} of {study}: "
        f"{', '.join(names[k] for k in mine) or 'nothing to do'}; in {folder}"
    )
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
        help="folder for the dataset and the figure (default: data, with --quick nowhere)",
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
        try:
            points.share(arguments.shard, 1)
        except ValueError as error:
            parser.error(str(error))
    return arguments


def main(name, run, plot):
    """Command line of a study.

    `run(quick, seed, threads, plant)` returns (dataset, claims); `plot(dataset)` a matplotlib
    figure. Writes OUT/NAME.nc and OUT/NAME.png and exits with 1 if a claim fails. `--quick` writes
    nothing unless OUT is given: data/ holds full results only. A study can be sharded if `run`
    takes a fifth argument `each` and calls it once, for all its costly parts: see `in_memory`."""
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
    dataset.attrs |= {
        "study": name,
        "seed": str(arguments.seed),
        "quick": int(arguments.quick),
        "planted": int(arguments.plant),
    }
    dataset.attrs["claims"] = "\n".join(
        f"{'pass' if c.holds else 'FAIL'}: {c.text}: {c.number}" for c in claims
    )
    command = " ".join(["python", f"studies/{name}.py", *sys.argv[1:]])
    title = (sys.modules["__main__"].__doc__ or name).splitlines()[0]
    dataset.attrs |= global_attributes(title, command) | {"content_sha256": points.content(dataset)}
    print(f"\ncontent {dataset.attrs['content_sha256']}")
    out = arguments.out or (None if arguments.quick or arguments.plant else DATA)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        ls.save(dataset, out / f"{name}.nc")
        plot(dataset).savefig(out / f"{name}.png", dpi=150)
        print(f"wrote {out / name}.nc and .png")
    print(f"{time.perf_counter() - begun:.1f} s")
    sys.exit(0 if passed else 1)
