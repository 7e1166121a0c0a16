"""The time of `analysis.gradient_covariance` against NumPy's for the same, and its low-rank route.

Exits with 1 where a limit is not kept.
Run:  python studies/benchmark/gradient_covariance.py        (half a minute; needs scikit-learn)
"""

import resource
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import langevin_sgd as ls
from benchmark.clock import best_seconds

DIGITS, TABLE = "digits, multinomial, d = 576, gradients too", "table, N = 1e5, d = 64"
LIMITS, ROUNDS = {DIGITS: 2.0, TABLE: 1.3}, 7  # times NumPy
SECONDS, GIGABYTES = 10, 2  # of N = 1e3, d = 1e4


def by_numpy(gradients):
    """Mean, covariance and spectrum as one would write them."""
    mean = gradients.mean(axis=0)
    away = gradients - mean
    return mean, np.linalg.eigh(away.T @ away / len(away))


def softmax_gradients(loss, x):
    """Of each example, by NumPy."""
    inputs, labels = loss.data[:, :-1], loss.data[:, -1:]
    scores = inputs @ x.reshape(-1, inputs.shape[1]).T
    scores = np.column_stack([np.zeros(len(scores)), scores])
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    errors = weights / weights.sum(axis=1, keepdims=True) - (labels == np.arange(scores.shape[1]))
    each = errors[:, 1:, None] * inputs[:, None, :]
    return each.reshape(len(inputs), -1) + loss.params.l2 * x


def calls():
    """(name, program) -> function without arguments."""
    from sklearn.datasets import load_digits

    random, (pixels, labels) = np.random.default_rng(0), load_digits(return_X_y=True)
    loss = ls.losses.multinomial_regression(pixels / 16, labels, l2=0.01)
    x, table = random.normal(size=loss.dim), random.normal(size=(100_000, 64))
    np.testing.assert_allclose(
        ls.example_gradients(loss, x), softmax_gradients(loss, x), atol=1e-13
    )
    return {
        (DIGITS, "ours"): lambda: ls.analysis.gradient_covariance(loss, x),
        (DIGITS, "NumPy"): lambda: by_numpy(softmax_gradients(loss, x)),
        (TABLE, "ours"): lambda: ls.analysis.gradient_covariance(table),
        (TABLE, "NumPy"): lambda: by_numpy(table),
    }


def low_rank():
    """Of N = 1e3 gradients with d = 1e4: seconds by the clock, those of the processor, and the peak
    of this process's memory in GB."""
    table = np.random.default_rng(0).normal(size=(1000, 10_000))
    begun = time.perf_counter(), time.process_time()
    ls.analysis.gradient_covariance(table)
    seconds = time.perf_counter() - begun[0], time.process_time() - begun[1]
    return *seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9  # on Linux


if __name__ == "__main__":
    clock, processor, memory = low_rank()  # first: the peak is that of the whole process so far
    kept = min(clock, processor) < SECONDS and memory < GIGABYTES  # others may use the machine too
    print(f"table, N = 1e3, d = 1e4: {clock:.1f} s ({processor:.1f} s of the processor)", end=", ")
    print(f"at most {memory:.2f} GB in the whole process")
    best = best_seconds(calls(), ROUNDS)
    for name, limit in LIMITS.items():
        ours, numpy = best[name, "ours"], best[name, "NumPy"]
        print(
            f"{name}: {ours:.3f} s, NumPy {numpy:.3f} s, {ours / numpy:.2f} times (limit {limit})"
        )
        kept &= ours < limit * numpy
    sys.exit(not kept)
