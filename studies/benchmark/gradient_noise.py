"""What `reducers.gradient_noise` adds to a run on a table, read as seldom as it reads by default.

Run:  python studies/benchmark/gradient_noise.py        (one thread; a minute)
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import langevin_sgd as ls
from benchmark.clock import best_seconds

# examples, components, batch size, particles, steps
CASES = (512, 2, 4, 512, 30_000), (512, 8, 16, 256, 8_000), (569, 31, 32, 64, 24_000)
CASES += ((1000, 64, 32, 16, 40_000),)


def runs(examples, components, batch, particles, steps):
    """A run without and with the reducer, of linear regression with and without its Hessian."""
    random, calls = np.random.default_rng(1), {}
    inputs = random.normal(size=(examples, components))
    loss = ls.losses.linear_regression(inputs, inputs.sum(axis=1) + random.normal(size=examples))
    moves, options = ls.dynamics.sgd(0.01, batch), {"seed": 1, "threads": 1}
    options |= {"particles": particles, "steps": steps}
    observed = {"without": (loss, ()), "with": (loss, ls.reducers.gradient_noise())}
    observed["no Hessian"] = loss._replace(example_hessian=None), ls.reducers.gradient_noise()
    for name, (model, reducers) in observed.items():

        def call(model=model, reducers=reducers):
            ls.simulate(model, moves, ls.noise.minibatch(), reducers=reducers, **options)

        calls[name] = call
    return calls


if __name__ == "__main__":
    print("examples  d  batch size  seconds of the run  with it, times  without Hessians, times")
    for case in CASES:
        best = best_seconds(runs(*case), 3)
        times = [best[name] / best["without"] for name in ("with", "no Hessian")]
        row = f"{case[0]:8d} {case[1]:2d} {case[2]:11d} {best['without']:19.2f}"
        print(f"{row} {times[0]:15.2f} {times[1]:24.2f}", flush=True)
