"""bench: how fast particles move on this machine, and what the points of a sweep cost."""

import tempfile
import time
from pathlib import Path

import numpy as np

import langevin_sgd as ls

from .folders import positive
from .words import add_command, print_table

PARTICLES_OF_BENCH, LEAST_SECONDS = 100_000, 0.5


def add_bench(commands):
    """The command and its arguments."""
    examples = [
        ("bench", "particle-steps per second of three runs, some seconds in all"),
        ("bench merge --points 100", "what the files of a sweep of 100 points cost"),
        ("run throughput", "all of it, also against other programs"),
    ]
    parser = add_command(commands, "bench", "measure how fast this machine is", examples, _bench)
    parser.add_argument("what", nargs="?", choices=["run", "merge"], default="run")
    parser.add_argument("--threads", type=positive, help="of run; default: all processors")
    parser.add_argument(
        "--points", type=positive, default=10_000, help="of merge, about (default 10000)"
    )


def _bench(given):
    if given.what == "merge":
        _bench_merge(given.points)
    else:
        _bench_run(given.threads)
    return 0


def _bench_run(threads):
    from ..engine.chunks import available_threads

    well, sgd = ls.potentials.double_well(2), ls.dynamics.sgd(0.02)
    random = np.random.default_rng(1)
    table = random.normal(size=(1000, 4))
    loss = ls.losses.linear_regression(table, table.sum(axis=1) + random.normal(size=1000))
    systems = {
        "SGD, Gaussian noise, double well in 2-D": (well, sgd, ls.noise.gaussian([1.0, 1.0])),
        "Langevin dynamics, the same well": (well, ls.dynamics.langevin(0.02, 0.1), None),
        "SGD, minibatches of 8, regression in 4-D": (
            *(loss, ls.dynamics.sgd(0.02, batch_size=8)),
            ls.noise.minibatch(),
        ),
    }
    count = threads or available_threads()
    print(f"{PARTICLES_OF_BENCH:,} particles, {count} thread{'s' if count > 1 else ''}:")
    for title, records in systems.items():
        print_table(
            [(f"{_particle_steps_per_second(records, count) / 1e6:8.1f} M particle-steps/s", title)]
        )


def _particle_steps_per_second(records, threads):
    """Particle-steps per second of a run that takes some time, compiled before."""
    options = {"particles": PARTICLES_OF_BENCH, "seed": 1, "threads": threads, "every": None}
    steps, seconds = 5, 0.0
    while seconds < LEAST_SECONDS:
        steps *= 4
        ls.simulate(*records, steps=1, **options)
        begun = time.perf_counter()
        ls.simulate(*records, steps=steps, **options)
        seconds = time.perf_counter() - begun
    return PARTICLES_OF_BENCH * steps / seconds


def _bench_merge(count):
    """Measure what `count` points cost: files of a run's estimates (four numbers each) written,
    manifest, merge, merged file."""
    import xarray as xr

    from ..storage import sweep_folder
    from ..storage.manifest import NAME

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
        files = sweep_folder.path_of("", 0), NAME, "merged.nc"
        point, manifest, whole = ((Path(folder) / name).stat().st_size / 1e3 for name in files)
        took = f"written in {written - begun:.1f} s, merged in {merged - written:.1f} s"
        print(f"{side * side} points: {took}")
        print(f"a point {point:.1f} kB, manifest {manifest:.1f} kB, merged file {whole:.1f} kB")
