"""What every study shares: its arguments, saving, the table of claims, the exit code."""

import argparse
import sys
import time
from pathlib import Path
from typing import NamedTuple

import langevin_sgd as ls

DATA = Path(__file__).resolve().parents[1] / "data"


class Claim(NamedTuple):
    """A sentence that the study's own numbers must bear out."""

    text: str
    holds: bool
    number: str  # the measured number with its error, beside what it is held against


def report(claims):
    """Print the table of claims; True if all hold."""
    if not claims:
        return True
    width = max(len(claim.text) for claim in claims)
    print(f"\n{'claim':{width}s}  verdict  measured")
    for claim in claims:
        print(f"{claim.text:{width}s}  {'pass' if claim.holds else 'FAIL':7s}  {claim.number}")
    return all(claim.holds for claim in claims)


def main(name, run, plot):
    """Command line of a study.

    `run(quick, seed, threads, plant)` returns (dataset, claims); `plot(dataset)` a matplotlib figure. Writes OUT/NAME.nc and
    OUT/NAME.png and exits with 1 if a claim fails. `--quick` writes nothing unless OUT is given: data/ holds full results only.
    """
    parser = argparse.ArgumentParser(
        description=sys.modules["__main__"].__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, for a first look or a test")
    parser.add_argument("--seed", type=int, default=1, help="key of the random numbers")
    parser.add_argument("--threads", type=int, help="default: all processors")
    parser.add_argument("--out", type=Path, help="folder for the dataset and the figure (default: data, with --quick nowhere)")
    parser.add_argument("--plant", action="store_true", help="put the noise off by sqrt(2): the claims must fail")
    arguments = parser.parse_args()
    begun = time.perf_counter()
    dataset, claims = run(arguments.quick, arguments.seed, arguments.threads, arguments.plant)
    passed = report(claims)
    dataset.attrs |= {"study": name, "seed": str(arguments.seed), "quick": int(arguments.quick), "planted": int(arguments.plant)}
    dataset.attrs["claims"] = "\n".join(f"{'pass' if c.holds else 'FAIL'}: {c.text}: {c.number}" for c in claims)
    out = arguments.out or (None if arguments.quick or arguments.plant else DATA)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        ls.save(dataset, out / f"{name}.nc")
        plot(dataset).savefig(out / f"{name}.png", dpi=150)
        print(f"\nwrote {out / name}.nc and .png")
    print(f"{time.perf_counter() - begun:.1f} s")
    sys.exit(0 if passed else 1)
