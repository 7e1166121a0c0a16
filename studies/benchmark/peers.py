"""What one would use instead, on the double well of throughput.py: each library in several
variants, none of which freezes.

A variant is `build(particles, steps)`, which returns a call that moves the ensemble from the
origin. A step is x' = x - RATE (grad U(x) + AMPLITUDE z); to a solver of stochastic differential
equations it is Euler-Maruyama with the time step RATE and the noise amplitude AMPLITUDE sqrt(RATE).
"""

import importlib.util
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numba
import numpy as np

from benchmark.clock import in_threads

RATE, AMPLITUDE = 0.05, 0.4
GENERATORS = ("threefry2x32", "rbg", "unsafe_rbg")  # of JAX
NO_DRIFT = (
    "2.6.0 has processes with fixed formulas, none a double well; its custom ones take jumps, not "
    "a drift"
)


class Peer(NamedTuple):
    """A program to compare with."""

    variants: dict  # name -> build(particles, steps)
    steps: int  # enough for a tenth of a second or more


def numpy_loop(bits):
    """NumPy, vectorised over particles, in place."""

    def share(particles, steps, seed):
        random, x = np.random.Generator(bits(seed)), np.zeros((2, particles))
        z = np.empty_like(x)
        for _ in range(steps):
            random.standard_normal(out=z)
            x[0] -= RATE * (x[0] * (x[0] * x[0] - 1.0) + AMPLITUDE * z[0])
            x[1] -= RATE * (x[1] + AMPLITUDE * z[1])

    return share


@numba.njit(nogil=True)
def numba_particles(particles, steps, seed):
    np.random.seed(seed)
    x = np.zeros((particles, 2))
    for i in range(particles):
        for _ in range(steps):
            x[i, 0] -= RATE * (x[i, 0] ** 3 - x[i, 0] + AMPLITUDE * np.random.normal())
            x[i, 1] -= RATE * (x[i, 1] + AMPLITUDE * np.random.normal())
    return x


@numba.njit(nogil=True)
def _numba_generator(particles, steps, random):
    x = np.zeros((particles, 2))
    for i in range(particles):
        for _ in range(steps):
            x[i, 0] -= RATE * (x[i, 0] ** 3 - x[i, 0] + AMPLITUDE * random.standard_normal())
            x[i, 1] -= RATE * (x[i, 1] + AMPLITUDE * random.standard_normal())
    return x


def numba_generator(particles, steps, seed):
    return _numba_generator(particles, steps, np.random.default_rng(seed))


@numba.njit(nogil=True)
def numba_steps(particles, steps, seed):
    np.random.seed(seed)
    x = np.zeros((2, particles))
    for _ in range(steps):
        for i in range(particles):
            x[0, i] -= RATE * (x[0, i] * (x[0, i] * x[0, i] - 1.0) + AMPLITUDE * np.random.normal())
            x[1, i] -= RATE * (x[1, i] + AMPLITUDE * np.random.normal())
    return x


@numba.njit(nogil=True)
def _numba_arrays(particles, steps, random):
    x = np.zeros((2, particles))
    for _ in range(steps):
        z = random.standard_normal((2, particles))
        for i in range(particles):
            x[0, i] -= RATE * (x[0, i] * (x[0, i] * x[0, i] - 1.0) + AMPLITUDE * z[0, i])
            x[1, i] -= RATE * (x[1, i] + AMPLITUDE * z[1, i])
    return x


def numba_arrays(particles, steps, seed):
    return _numba_arrays(particles, steps, np.random.default_rng(seed))


def jax_scan(generator, dtype, threads=1):
    """JAX: a jitted scan over steps, the whole ensemble in each; or one such call a thread."""
    import jax

    jax.config.update("jax_enable_x64", True)

    def build(particles, steps):
        @jax.jit
        def run(keys):
            def step(x, key):
                z = jax.random.normal(key, x.shape, dtype)
                g = jax.numpy.stack([x[0] * (x[0] * x[0] - 1.0), x[1]])
                return x - RATE * (g + AMPLITUDE * z), None

            return jax.lax.scan(step, jax.numpy.zeros((2, particles // threads), dtype), keys)[0]

        every = [
            jax.random.split(jax.random.key(seed, impl=generator), steps) for seed in range(threads)
        ]

        def call():
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(lambda keys: run(keys).block_until_ready(), every))

        return call if threads > 1 else lambda: run(every[0]).block_until_ready()

    return build


def diffrax_euler(generator, per_particle):
    """diffrax: its fastest Brownian path, on the whole ensemble as one state, or one solve per
    particle under vmap.
    """
    import diffrax
    import jax
    import lineax

    jax.config.update("jax_enable_x64", True)

    def drift(t, x, args):
        return -jax.numpy.stack([x[0] * (x[0] * x[0] - 1.0), x[1]])

    def solve(key, x, end):
        path = diffrax.UnsafeBrownianPath(jax.ShapeDtypeStruct(x.shape, x.dtype), key)
        amplitude = lineax.DiagonalLinearOperator(jax.numpy.full(x.shape, AMPLITUDE * RATE**0.5))
        terms = diffrax.MultiTerm(
            diffrax.ODETerm(drift), diffrax.ControlTerm(lambda t, x, args: amplitude, path)
        )
        options = {
            "saveat": diffrax.SaveAt(t1=True),
            "adjoint": diffrax.ForwardMode(),
            "max_steps": None,
        }
        return diffrax.diffeqsolve(terms, diffrax.Euler(), 0.0, end, RATE, x, **options).ys[0]

    def build(particles, steps):
        key, end = jax.random.key(1, impl=generator), steps * RATE
        if per_particle:
            keys, start = jax.random.split(key, particles), jax.numpy.zeros(2)
            run = jax.jit(lambda: jax.vmap(lambda one: solve(one, start, end))(keys))
        else:
            run = jax.jit(lambda: solve(key, jax.numpy.zeros((2, particles)), end))
        return lambda: run().block_until_ready()

    return build


def torch_loop(threads):
    """PyTorch: tensor operations in place."""
    import torch

    def build(particles, steps):
        def call():
            torch.set_num_threads(threads)
            x, z = (
                torch.zeros((2, particles), dtype=torch.float64),
                torch.empty((2, particles), dtype=torch.float64),
            )
            for _ in range(steps):
                z.normal_()
                g = torch.stack([x[0] * (x[0] * x[0] - 1.0), x[1]])
                x.sub_(g.add_(z, alpha=AMPLITUDE), alpha=RATE)

        return call

    return build


def torch_columns(threads):
    """PyTorch: the two coordinates as tensors of their own, nothing allocated in a step."""
    import torch

    def build(particles, steps):
        def call():
            torch.set_num_threads(threads)
            x, y, z, g = (torch.zeros(particles, dtype=torch.float64) for _ in range(4))
            for _ in range(steps):
                torch.mul(x, x, out=g).sub_(1.0).mul_(x).add_(z.normal_(), alpha=AMPLITUDE)
                x.sub_(g, alpha=RATE)
                y.mul_(1.0 - RATE).sub_(z.normal_(), alpha=RATE * AMPLITUDE)

        return call

    return build


def torchsde_euler(brownian, threads):
    """torchsde: `sdeint` by Euler's method; `brownian(torchsde, start, end)` makes its Brownian
    motion.
    """
    import torch
    import torchsde

    class Well:
        noise_type, sde_type = "diagonal", "ito"

        def f(self, t, x):
            return -torch.stack([x[:, 0] * (x[:, 0] * x[:, 0] - 1.0), x[:, 1]], 1)

        def g(self, t, x):
            return torch.full_like(x, AMPLITUDE * RATE**0.5)

    def build(particles, steps):
        start, times = (
            torch.zeros((particles, 2), dtype=torch.float64),
            torch.tensor([0.0, steps * RATE], dtype=torch.float64),
        )

        def call():
            torch.set_num_threads(threads)
            with torch.no_grad():
                motion = brownian(torchsde, start, (steps + 1) * RATE)
                torchsde.sdeint(Well(), start, times, bm=motion, method="euler", dt=RATE)

        return call

    return build


def interval(**options):
    """Builder of a BrownianInterval, torchsde's default; `BrownianPath` of torchsde 0.2.6 stops
    moving after time 1.
    """

    def brownian(torchsde, start, end):
        return torchsde.BrownianInterval(0.0, end, tuple(start.shape), start.dtype, **options)

    return brownian


BROWNIAN = {
    "BrownianInterval": interval(),
    "BrownianInterval, dt": interval(dt=RATE),
    "BrownianInterval, small cache": interval(cache_size=8),
}


def compiled_here(threads):
    """Name -> Peer, of what needs nothing but this package's own requirements.

    "By hand": a generator and a share of the particles for each thread, which is not what is
    commonly written."""
    bits = {
        bits.__name__: numpy_loop(bits)
        for bits in (np.random.PCG64, np.random.SFC64, np.random.PCG64DXSM)
    }
    common = {
        "normal()": (numba_particles, threads),
        "normal(), step by step": (numba_steps, threads),
    }
    common["Generator, 1 thread"] = numba_generator, 1
    by_hand = {"Generator": numba_generator, "Generator, step by step": numba_arrays}
    return {
        "NumPy": Peer({name: in_threads(share, 1) for name, share in bits.items()}, 400),
        "NumPy, threads by hand": Peer(
            {name: in_threads(share, threads) for name, share in bits.items()}, 400
        ),
        "naive Numba": Peer({name: in_threads(*pair) for name, pair in common.items()}, 200),
        "Numba, threads by hand": Peer(
            {name: in_threads(share, threads) for name, share in by_hand.items()}, 200
        ),
    }


def installed(threads):
    """(name -> Peer, name -> why it has no number), of the libraries in the extra `bench`."""
    builders = {
        "JAX": (("jax",), lambda: Peer(_jax_variants(np.float64, threads), 200)),
        "JAX, float32": (("jax",), lambda: Peer(_jax_variants(np.float32, threads), 200)),
        "diffrax": (
            ("jax", "diffrax"),
            lambda: Peer(
                {
                    "one state, threefry2x32": diffrax_euler("threefry2x32", False),
                    "one state, rbg": diffrax_euler("rbg", False),
                    "vmap, threefry2x32": diffrax_euler("threefry2x32", True),
                },
                100,
            ),
        ),
        "PyTorch": (
            ("torch",),
            lambda: Peer(
                {
                    "stacked": torch_loop(threads),
                    "in place": torch_columns(threads),
                    "in place, 1 thread": torch_columns(1),
                },
                200,
            ),
        ),
        "torchsde": (
            ("torch", "torchsde"),
            lambda: Peer(
                {name: torchsde_euler(brownian, threads) for name, brownian in BROWNIAN.items()}, 40
            ),
        ),
    }
    found, missing = {}, {"stochastic-rs": NO_DRIFT}
    for name, (libraries, build) in builders.items():
        absent = [library for library in libraries if importlib.util.find_spec(library) is None]
        if absent:
            missing[name] = f"not installed: {', '.join(absent)}"
        else:
            found[name] = build()
    return found, missing


def _jax_variants(dtype, threads):
    variants = {name: jax_scan(name, dtype) for name in GENERATORS}
    return variants | {
        f"{name}, one call a thread": jax_scan(name, dtype, threads) for name in GENERATORS[:2]
    }
