"""Part (g) of throughput.py: what it costs to take statistics every tenth step."""

import numpy as np
import xarray as xr

import langevin_sgd as ls
from benchmark.clock import best_seconds

EVERY, LIMITED = 10, ("moments", "1-D histogram", "2-D histogram")
REDUCERS = {
    "none": (),
    "moments": ls.reducers.moments(every=EVERY),
    "1-D histogram": ls.reducers.histogram(-2, 2, 100, every=EVERY),
    "2-D histogram": ls.reducers.histogram(-2, 2, 100, (0, 1), every=EVERY),
    "currents": ls.reducers.currents(-2, 2, 20, every=EVERY),
    "autocovariance": ls.reducers.autocovariance([0, EVERY, 10 * EVERY], every=EVERY),
    "virial": ls.reducers.virial(every=EVERY),
}


def reducer_times(moving, records, particles, steps, rounds):
    """A dataset with the ns per particle-step of a run with each reducer, on one thread; printed,
    too.
    """
    calls = {
        name: moving(records, particles, steps, threads=1, reducers=reducers)
        for name, reducers in REDUCERS.items()
    }
    best = best_seconds(calls, rounds)
    times = np.array([1e9 * best[name] / (particles * steps) for name in REDUCERS])
    print(f"\n{'reducer, every 10 steps':26s} {'ns per particle-step':>21s}")
    for name, ns in zip(REDUCERS, times, strict=True):
        print(f"{name:26s} {ns:21.2f}  {ns / times[0] - 1:+.1%}")
    labels = {
        "long_name": "time per particle-step, reading every 10 steps, 1 thread",
        "units": "ns",
    }
    return xr.Dataset({"reducer_time": ("reducer", times, labels)}, {"reducer": list(REDUCERS)})
