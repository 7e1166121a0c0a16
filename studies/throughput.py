"""How fast do particles move, against what else, and where does the time of a step go?

(a) SGD with Gaussian noise on a two-dimensional double well, freezing included: each program at
the best of its variants; what is not installed (pip install -e ".[bench]") or cannot express the
problem is listed as such.
(b) The parts of a step one by one, and the vector instructions that they compile to.
(c) Quadratics in 2 to 64 dimensions.
(d) Minibatches of linear regression.
(e) The elementary functions.
(f) Threads, import, and the example of the README in a fresh process, nothing kept from before.
(g) What reducers cost. All that is compared runs in turns, and the best of all rounds counts.

Run:  python studies/throughput.py [--quick]
(writes out/throughput.nc and .png; --update-data renews data/)
      python studies/throughput.py --target cuda        on a GPU: see benchmark/on_gpu.py
"""

import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import xarray as xr
from _runner import Claim, main
from benchmark import on_gpu
from benchmark.batches import methods
from benchmark.clock import best_seconds, side_by_side
from benchmark.figure import plot
from benchmark.parts import (
    BLOCK,
    block_calls,
    elementary_times,
    fill_call,
    vector_instructions,
)
from benchmark.peers import AMPLITUDE, RATE, compiled_here, installed
from benchmark.reducers import LIMITED, reducer_times
from benchmark.tables import (
    BATCHES,
    DIMS,
    OURS,
    by_batch,
    by_dimension,
    by_function,
    by_part,
    by_program,
)

import langevin_sgd as ls
from langevin_sgd.engine.chunks import available_threads
from langevin_sgd.storage.provenance import provenance

ROOT = Path(__file__).resolve().parents[1]
PARTICLES, STEPS, BATCH_PARTICLES = 16_384, 16_000, 16_384
SIZES = (8_192, 65_536)  # particles that each variant of a peer is tried with
COORDINATE_STEPS = 100_000_000  # of a run in part (c)
ROUNDS, REPEATS = 5, 5_000
ONE, SINGLE = "langevin_sgd, 1 thread", "langevin_sgd, float32"
APART = "langevin_sgd, a run in each thread"
COORDINATES = {
    "program": "program",
    "part": "part of a step",
    "register": "vector register of 512, 256 or 128 bits",
    "dim": "dimension",
    "method": "program, or mode of sampling",
    "batch_size": "examples per step",
    "function": "elementary function",
    "reducer": "statistic taken in the kernel",
    "form": "in lanes, or by Python's math in a scalar loop",
}


def well_records():
    """The double well, its noise and its dynamics."""
    return (
        ls.potentials.double_well(2),
        ls.noise.gaussian([AMPLITUDE**2] * 2),
        ls.dynamics.sgd(RATE),
    )


def moving(records, particles, steps, **options):
    model, noise, dynamics = records
    return lambda: ls.simulate(
        model, dynamics, noise, particles=particles, steps=steps, seed=1, **options
    )


def program_calls(quick, threads):
    """(name, variant, particles) -> (call, particle-steps that it makes), and name -> why there is
    no number.
    """
    found, missing = compiled_here(threads), {}
    if quick:
        found = {name: peer for name, peer in found.items() if "by hand" not in name}
    else:
        more, missing = installed(threads)
        found |= more
    steps, calls = 400 if quick else STEPS, {}
    options = {OURS: {"threads": threads}, ONE: {"threads": 1}}
    if not quick:
        options[SINGLE] = {"threads": threads, "precision": "float32"}
    for name, chosen in options.items():
        calls[name, "", PARTICLES] = (
            moving(well_records(), PARTICLES, steps, **chosen),
            PARTICLES * steps,
        )
    share = functools.partial(moving, well_records(), steps=steps, threads=1)
    calls[APART, "", PARTICLES] = (
        side_by_side(share(PARTICLES // threads), threads),
        PARTICLES // threads * threads * steps,
    )
    for name, peer in found.items():
        for variant, build in list(peer.variants.items())[: 1 if quick else None]:
            for particles in SIZES[: 1 if quick else None]:
                count = 50 if quick else max(1, peer.steps * SIZES[0] // particles)
                calls[name, variant, particles] = build(particles, count), particles * count
    return calls, missing


def programs(quick, threads):
    """(a) and (b): best rate and variant of each program, why others have none, ns and instructions
    of each part.
    """
    found, missing = program_calls(quick, threads)
    parts, loops = ({}, {}) if quick else block_calls(*well_records(), REPEATS)
    best = best_seconds(
        {key: call for key, (call, _) in found.items()} | parts, 1 if quick else ROUNDS
    )
    rates = {}
    for key, (_, work) in found.items():
        name, variant, particles = key
        if work / best[key] > rates.get(name, (0.0,))[0]:
            rates[name] = (
                work / best[key],
                f"{variant}{', ' if variant else ''}{particles} particles",
            )
    times = {name: 1e9 * best[name] / (REPEATS * BLOCK) for name in parts}
    return rates, missing, times, {name: vector_instructions(loop) for name, loop in loops.items()}


def dimensions():
    """(c) Seconds per step and particle on one thread: {(form, d)}, with diagonal and matrix H, and
    the fill for d = 8.
    """
    calls, work = {}, {}
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(8, 8)))[0]
    for d in DIMS:
        curvatures, particles = np.linspace(1.0, 2.0, d), max(2048, 32_768 // d)
        steps = COORDINATE_STEPS // (particles * d)
        hessians = {"diagonal": curvatures} | (
            {"matrix": turn @ np.diag(curvatures) @ turn.T} if d == 8 else {}
        )
        for form, hessian in hessians.items():
            records = (
                ls.potentials.quadratic(hessian),
                ls.noise.gaussian(np.linspace(0.5, 1.0, d)),
                ls.dynamics.sgd(RATE),
            )
            work[form, d] = particles * steps
            calls[form, d] = moving(records, particles, steps, threads=1)
    calls["fill", 8], work["fill", 8] = fill_call(8, REPEATS // 2), REPEATS // 2 * BLOCK
    return {key: seconds / work[key] for key, seconds in best_seconds(calls, ROUNDS).items()}


def minibatches(threads):
    """(d) {method: (ns per example gradient at each of BATCHES, best variants)}."""
    calls, work = {}, {}
    for name, (variants, steps) in methods(threads).items():
        for variant, build in variants.items():
            for batch in BATCHES:
                calls[name, variant, batch] = build(BATCH_PARTICLES, steps, batch)
                work[name, variant, batch] = BATCH_PARTICLES * steps * batch
    best, times = best_seconds(calls, ROUNDS), {}
    for name in dict.fromkeys(key[0] for key in calls):
        of = [
            min(
                (1e9 * s / work[k], k[1]) for k, s in best.items() if k[0] == name and k[2] == batch
            )
            for batch in BATCHES
        ]
        times[name] = [value for value, _ in of], [variant for _, variant in of]
    return times


def fresh(code):
    """Seconds that `code` needs in a fresh process, by its own clock: the start of the interpreter
    does not count.
    """
    begin, end = "import time\nbegun = time.perf_counter()", "time.perf_counter() - begun"
    timed = f"{begin}\n{code}\nprint('SECONDS', {end})"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "LANGEVIN_SGD_CACHE": "off"}
    done = subprocess.run(
        [sys.executable, "-c", timed], env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout.rsplit("SECONDS", 1)[1])


def cold_starts():
    """(f) Seconds to import the package (best of five), and for the first example of the README."""
    imports = min(fresh("import langevin_sgd") for _ in range(5))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    return imports, fresh(
        re.search(r"## A first look\n+```python\n(.*?)```", readme, re.DOTALL).group(1)
    )


def labelled(dataset, threads):
    """`dataset` with a long name and units for each coordinate, and what made it."""
    for name, text in COORDINATES.items():
        if name in dataset.coords:
            dataset[name].attrs.update(long_name=text, units="1")
    return dataset.assign_attrs(threads=threads, particles=PARTICLES, **provenance())


def at_least(text, number, limit):
    return Claim(f"{text} at least {limit:g}", bool(number >= limit), f"{number:.2f}")


def at_most(text, number, limit, unit=""):
    return Claim(f"{text} at most {limit:g}{unit}", bool(number <= limit), f"{number:.2f}{unit}")


def claims_of(dataset, threads):
    rate = dataset.rate.dropna("program").to_series()
    compiled = (
        "langevin_sgd",
        "Numba",
        "by hand",
        "float32",
    )  # not what a library does by itself in float64
    fastest = max(
        (name for name in rate.index if not any(word in name for word in compiled)), key=rate.get
    )
    part, example = dataset.part_time.to_series(), dataset.example_time.to_pandas()
    lanes, scalar = dataset.function_time.values.T
    slowest = dataset.coordinate_rate.min() / dataset.coordinate_rate.max()
    drawing = example.loc["langevin_sgd, with replacement"]
    claims = [
        at_least(f"(a) speed over the fastest library, {fastest}:", rate[OURS] / rate[fastest], 8),
        at_least("(a) speed over naive Numba, one thread:", rate[OURS] / rate["naive Numba"], 4),
        at_most("(b) whole step over its normals:", float(dataset.step_time) / part["fill"], 1.25),
        at_most("(b) normals over Philox alone:", part["fill"] / part["Philox"], 3.3),
        at_least("(c) slowest dimension over the fastest:", float(slowest), 0.6),
        at_most(
            "(c) step with an 8 x 8 hessian over its normals:",
            float(dataset.matrix_time / dataset.matrix_fill_time),
            1.5,
        ),
        at_least(
            "(d) minibatches of 4, over naive Numba:", (example.loc["naive Numba"] / drawing)[4], 5
        ),
        at_least(
            "(d) minibatches of 16, over naive Numba:",
            (example.loc["naive Numba"] / drawing)[16],
            5,
        ),
        at_most(
            "(d) reshuffled epochs over drawing:",
            (example.loc["langevin_sgd, reshuffle"] / drawing).max(),
            3,
        ),
        at_least("(e) elementary functions in lanes over math:", (scalar / lanes).min(), 4),
        at_most("(f) import:", float(dataset.import_time), 0.6, " s"),
        at_most("(f) example of the README, cold:", float(dataset.readme_time), 10, " s"),
    ]
    return sorted(claims + _claims_where_measured(dataset, threads, rate, example, drawing))


def _claims_where_measured(dataset, threads, rate, example, drawing):
    """The claims on what depends on the machine and on what is installed."""
    cost = dataset.reducer_time / dataset.reducer_time.sel(reducer="none") - 1
    claims = [
        at_most(
            "(g) moments and histograms every 10 steps cost, in %:",
            100 * float(cost.sel(reducer=list(LIMITED)).max()),
            15,
        )
    ]
    if threads == 2:
        claims.append(at_least("(f) 2 threads over 1:", rate[OURS] / rate[ONE], 1.9))
        claims.append(
            at_least(
                "(f) 2 threads over two runs of one thread side by side:",
                rate[OURS] / rate[APART],
                0.95,
            )
        )
    if "JAX" in example.index:
        claims.append(
            at_least("(d) minibatches, over JAX:", (example.loc["JAX"] / drawing).min(), 10)
        )
    if SINGLE in rate.index:
        claims.append(at_least("(a) float32 over float64:", rate[SINGLE] / rate[OURS], 1.6))
        if "JAX, float32" in rate.index:
            claims.append(
                at_least("(a) float32 over JAX, float32:", rate[SINGLE] / rate["JAX, float32"], 8)
            )
    return claims


def run(quick, seed, threads, plant):
    threads = threads or available_threads()
    rates, missing, times, counts = programs(quick, threads)
    dataset = by_program(rates, missing)
    # a quick run on a busy machine says nothing about speed: no claims, and no more kernels to
    # compile
    if quick:
        return labelled(dataset, threads), []
    pieces = [dataset, by_part(times, counts, 1e9 / rates[ONE][0]), by_dimension(dimensions())]
    pieces += [by_batch(minibatches(threads)), by_function(elementary_times(ROUNDS, REPEATS // 2))]
    pieces.append(reducer_times(moving, well_records(), PARTICLES, STEPS, ROUNDS))
    dataset = labelled(xr.merge(pieces), threads)
    imports, example = cold_starts()
    print(
        f"\nimport {imports:.2f} s, example of the README {example:.1f} s, both in a fresh process"
    )
    dataset["import_time"] = (
        (),
        imports,
        {"long_name": "import of the package in a fresh process", "units": "s"},
    )
    dataset["readme_time"] = (
        (),
        example,
        {"long_name": "first example of the README in a fresh process", "units": "s"},
    )
    return dataset, claims_of(dataset, threads)


if __name__ == "__main__":
    if any(word.startswith("--target") for word in sys.argv):
        sys.exit(on_gpu.main(sys.argv[1:]))
    main("throughput", run, plot)
