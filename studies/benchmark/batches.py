"""Minibatch linear regression for throughput.py: each particle draws its own batch from 4096
examples, with replacement.

The gradient of one example (a, t) at w is a (a . w - t), d = 2. A variant is `build(particles,
steps, batch)` of a call that runs SGD from the origin."""

import importlib.util
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

import langevin_sgd as ls

EXAMPLES, RATE = 4096, 0.05
_random = np.random.default_rng(0)
INPUTS, TARGETS = _random.normal(size=(EXAMPLES, 2)), _random.normal(size=EXAMPLES)
SAMPLINGS = ("with_replacement", "without_replacement", "reshuffle")


def ours(sampling, threads):
    """langevin_sgd with a mode of sampling."""
    loss, noise = ls.losses.linear_regression(INPUTS, TARGETS), ls.noise.minibatch(sampling)

    def build(particles, steps, batch):
        options = {"particles": particles, "steps": steps, "seed": 1, "threads": threads}
        return lambda: ls.simulate(loss, ls.dynamics.sgd(RATE, batch), noise, **options)

    return build


@numba.njit(nogil=True)
def numba_scalars(inputs, targets, particles, steps, batch, seed):
    np.random.seed(seed)
    w = np.zeros((particles, 2))
    for i in range(particles):
        for _ in range(steps):
            g0 = g1 = 0.0
            for _ in range(batch):
                row = np.random.randint(0, targets.size)
                residual = inputs[row, 0] * w[i, 0] + inputs[row, 1] * w[i, 1] - targets[row]
                g0 += inputs[row, 0] * residual
                g1 += inputs[row, 1] * residual
            w[i, 0] -= RATE * g0 / batch
            w[i, 1] -= RATE * g1 / batch
    return w


@numba.njit(nogil=True)
def numba_general(inputs, targets, particles, steps, batch, seed):
    """For any number of inputs: loops over components, as one would write it first."""
    np.random.seed(seed)
    w, g = np.zeros((particles, inputs.shape[1])), np.zeros(inputs.shape[1])
    for i in range(particles):
        for _ in range(steps):
            g[:] = 0.0
            for _ in range(batch):
                row = np.random.randint(0, targets.size)
                residual = -targets[row]
                for k in range(g.size):
                    residual += inputs[row, k] * w[i, k]
                for k in range(g.size):
                    g[k] += inputs[row, k] * residual
            for k in range(g.size):
                w[i, k] -= RATE * g[k] / batch
    return w


@numba.njit(nogil=True)
def numba_steps(inputs, targets, particles, steps, batch, seed):
    """Step by step, all rows of a step drawn at once."""
    np.random.seed(seed)
    w = np.zeros((particles, 2))
    for _ in range(steps):
        rows = np.random.randint(0, targets.size, (particles, batch))
        for i in range(particles):
            g0 = g1 = 0.0
            for b in range(batch):
                row = rows[i, b]
                residual = inputs[row, 0] * w[i, 0] + inputs[row, 1] * w[i, 1] - targets[row]
                g0 += inputs[row, 0] * residual
                g1 += inputs[row, 1] * residual
            w[i, 0] -= RATE * g0 / batch
            w[i, 1] -= RATE * g1 / batch
    return w


def numba_threads(share, threads):
    def build(particles, steps, batch):
        def call():
            with ThreadPoolExecutor(threads) as pool:
                run = [
                    pool.submit(share, INPUTS, TARGETS, particles // threads, steps, batch, k)
                    for k in range(threads)
                ]
                return [task.result() for task in run]

        return call

    return build


def jax_scan(generator, form):
    """JAX: a jitted scan; `form` is how the rows are fetched.

    "rows" gathers whole rows (batch, particles, 2), "columns" each column alone, "loop" goes
    through the batch one example at a time, so that no array is larger than the ensemble."""
    import jax

    jax.config.update("jax_enable_x64", True)
    inputs, targets = jax.numpy.asarray(INPUTS), jax.numpy.asarray(TARGETS)
    first, second = jax.numpy.asarray(INPUTS[:, 0].copy()), jax.numpy.asarray(INPUTS[:, 1].copy())

    def gradient(w, rows):
        if form == "rows":
            a = inputs[rows]
            return jax.numpy.einsum(
                "bnk,bn->kn", a, jax.numpy.einsum("bnk,kn->bn", a, w) - targets[rows]
            )
        a, b = first[rows], second[rows]
        residual = a * w[0] + b * w[1] - targets[rows]
        return jax.numpy.stack([a * residual, b * residual])

    def build(particles, steps, batch):
        @jax.jit
        def run(keys):
            def step(w, key):
                rows = jax.random.randint(key, (batch, particles), 0, EXAMPLES, np.int32)
                if form == "loop":
                    g = jax.lax.fori_loop(
                        0, batch, lambda b, g: g + gradient(w, rows[b]), jax.numpy.zeros_like(w)
                    )
                else:
                    g = gradient(w, rows)
                    g = g.sum(axis=1) if form == "columns" else g
                return w - RATE * g / batch, None

            return jax.lax.scan(step, jax.numpy.zeros((2, particles)), keys)[0]

        keys = jax.random.split(jax.random.key(1, impl=generator), steps)
        return lambda: run(keys).block_until_ready()

    return build


def methods(threads):
    """name -> (variants, steps): the programs and the modes of sampling that are compared."""
    shares = {
        "two scalars": numba_scalars,
        "loops over components": numba_general,
        "step by step": numba_steps,
    }
    found = {
        f"langevin_sgd, {sampling.replace('_', ' ')}": ({"": ours(sampling, threads)}, 2000)
        for sampling in SAMPLINGS
    }
    found["naive Numba"] = (
        {name: numba_threads(share, threads) for name, share in shares.items()},
        50,
    )
    if importlib.util.find_spec("jax"):
        forms = [
            ("rbg", "rows"),
            ("rbg", "columns"),
            ("rbg", "loop"),
            ("unsafe_rbg", "columns"),
            ("threefry2x32", "columns"),
        ]
        found["JAX"] = (
            {f"{form}, {generator}": jax_scan(generator, form) for generator, form in forms},
            20,
        )
    return found
