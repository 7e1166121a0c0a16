"""How fast do particles move, against what one would use instead?

One problem, one run: SGD with Gaussian noise on a two-dimensional double well, float64, freezing included. Each peer runs at the
best of its variants; JAX and PyTorch take part where they are installed (pip install -e ".[bench]").
Run:  python studies/throughput.py [--quick]        (writes data/throughput.nc and .png)
"""

import importlib.util
import time
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import xarray as xr
from _runner import Claim, main

import langevin_sgd as ls
from langevin_sgd.engine.ensemble import available_threads
from langevin_sgd.storage.provenance import provenance

RATE, AMPLITUDE = 0.05, 0.4
SAMPLINGS, BATCHES = ("with_replacement", "without_replacement", "reshuffle"), (4, 16)
BY_HAND = "NumPy, threads by hand"  # one generator and one share of the particles a thread: not what is commonly written


def timed(calls, particle_steps, repeats):
    """Best rate of each call in several rounds, particle-steps per second; the first round compiles and does not count."""
    rates = np.zeros((repeats + 1, len(calls)))
    for rate in rates:
        for k, call in enumerate(calls):
            begun = time.perf_counter()
            call()
            rate[k] = particle_steps / (time.perf_counter() - begun)
    return rates[1:].max(axis=0)


def ours(particles, steps, threads):
    well, noise = ls.potentials.double_well(2), ls.noise.gaussian([AMPLITUDE**2] * 2)
    return lambda: ls.simulate(well, ls.dynamics.sgd(RATE), noise, particles=particles, steps=steps, seed=1, threads=threads)


def numpy_loop(bits, threads):
    """NumPy, vectorised over particles; one generator and one share of the particles a thread."""

    def share(particles, steps, seed):
        random, x = np.random.Generator(bits(seed)), np.zeros((2, particles))
        z = np.empty_like(x)
        for _ in range(steps):
            random.standard_normal(out=z)
            x[0] -= RATE * (x[0] * (x[0] * x[0] - 1.0) + AMPLITUDE * z[0])
            x[1] -= RATE * (x[1] + AMPLITUDE * z[1])

    return in_threads(share, threads)


@numba.njit(nogil=True)
def naive_share(particles, steps, seed):
    np.random.seed(seed)
    x = np.zeros((particles, 2))
    for i in range(particles):
        for _ in range(steps):
            x[i, 0] -= RATE * (x[i, 0] ** 3 - x[i, 0] + AMPLITUDE * np.random.normal())
            x[i, 1] -= RATE * (x[i, 1] + AMPLITUDE * np.random.normal())
    return x


def in_threads(share, threads):
    def build(particles, steps):
        def call():
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(lambda seed: share(particles // threads, steps, seed), range(threads)))

        return call

    return build


def jax_scan(generator):
    """JAX: a jitted scan over steps, the whole ensemble in each."""
    import jax

    jax.config.update("jax_enable_x64", True)

    def build(particles, steps):
        @jax.jit
        def run(keys):
            def step(x, key):
                z = jax.random.normal(key, (2, particles))
                g = jax.numpy.stack([x[0] * (x[0] * x[0] - 1.0), x[1]])
                return x - RATE * (g + AMPLITUDE * z), None

            return jax.lax.scan(step, jax.numpy.zeros((2, particles)), keys)[0]

        keys = jax.random.split(jax.random.key(1, impl=generator), steps)
        return lambda: run(keys).block_until_ready()

    return build


def torch_loop(threads):
    """PyTorch: tensor operations in place."""
    import torch

    torch.set_num_threads(threads)

    def build(particles, steps):
        def call():
            x, z = torch.zeros((2, particles), dtype=torch.float64), torch.empty((2, particles), dtype=torch.float64)
            for _ in range(steps):
                z.normal_()
                g = torch.stack([x[0] * (x[0] * x[0] - 1.0), x[1]])
                x.sub_(g.add_(z, alpha=AMPLITUDE), alpha=RATE)

        return call

    return build


def peers(threads):
    """Name -> builders of its variants."""
    generators = np.random.PCG64, np.random.SFC64, np.random.PCG64DXSM
    found = {"NumPy": [numpy_loop(bits, 1) for bits in generators], "naive Numba": [in_threads(naive_share, threads)]}
    if threads > 1:
        found[BY_HAND] = [numpy_loop(bits, threads) for bits in generators]
    if importlib.util.find_spec("jax"):
        found["JAX"] = [jax_scan(name) for name in ("threefry2x32", "rbg", "unsafe_rbg")]
    if importlib.util.find_spec("torch"):
        found["PyTorch"] = [torch_loop(threads), torch_loop(1)]
    return found


def sampling_times(threads, repeats):
    """ns per example gradient of minibatch linear regression (4096 examples, d = 2), modes by batch sizes."""
    random = np.random.default_rng(0)
    loss = ls.losses.linear_regression(random.normal(size=(4096, 2)), random.normal(size=4096))
    particles, steps = 16_384, 400

    def call(sampling, batch):
        noise = ls.noise.minibatch(sampling)
        return lambda: ls.simulate(
            loss, ls.dynamics.sgd(0.05, batch), noise, particles=particles, steps=steps, seed=1, threads=threads
        )

    rates = [timed([call(sampling, batch) for sampling in SAMPLINGS], particles * steps * batch, repeats) for batch in BATCHES]
    return 1e9 / np.array(rates).T


def run(quick, seed, threads, plant):
    threads = threads or available_threads()
    particles, repeats = 16_384, 2 if quick else 5
    steps, peer_steps = (2000, 50) if quick else (16_000, 400)
    both = timed([ours(particles, steps, threads), ours(particles, steps, 1)], particles * steps, repeats)
    rates = dict(zip(("langevin_sgd", "langevin_sgd, 1 thread"), both, strict=True))
    for name, builders in peers(threads).items():
        sizes = (8192, particles) if not quick else (particles,)
        rates[name] = max(timed([build(n, peer_steps)], n * peer_steps, repeats)[0] for build in builders for n in sizes)
    fastest = max(rate for name, rate in rates.items() if "langevin_sgd" not in name and name != BY_HAND)
    ratio, scaling = rates["langevin_sgd"] / fastest, rates["langevin_sgd"] / rates["langevin_sgd, 1 thread"]
    print(f"{'program':24s} {'M particle-steps/s':>20s} {'ns per particle-step':>22s} {'langevin_sgd is':>16s}")
    for name, rate in rates.items():
        print(f"{name:24s} {rate / 1e6:20.1f} {1e9 / rate:22.2f} {rates['langevin_sgd'] / rate:15.1f}x")
    labels = {"long_name": "particle-steps per second", "units": "1 / s"}
    dataset = xr.Dataset(
        {"rate": ("program", list(rates.values()), labels)}, {"program": list(rates)}, {"threads": threads, **provenance()}
    )
    claims = [Claim("at least 6 times the fastest peer (threads by hand apart)", ratio >= 6, f"{ratio:.1f}x")]
    if threads == 2:
        claims.append(Claim("2 threads are at least 1.85 times 1", scaling >= 1.85, f"{scaling:.2f}x"))
    if quick:  # a quick run on a busy machine says nothing about speed: no claims, and no more kernels to compile
        return dataset, []
    times = sampling_times(threads, repeats)
    print(
        f"\n{'minibatches of linear regression':34s} {'ns per example gradient':>24s}, batch size {BATCHES[0]} and {BATCHES[1]}"
    )
    for name, row in zip(SAMPLINGS, times, strict=True):
        print(f"{name:34s} {row[0]:16.2f} {row[1]:7.2f}")
    label = {"long_name": "time per example gradient", "units": "ns"}
    dataset["sampling_time"] = (("sampling", "batch_size"), times, label)
    slower = (times[2] / times[0]).max()
    claims.append(
        Claim("reshuffled epochs take at most 3 times as long as drawing with replacement", slower <= 3, f"{slower:.2f}x")
    )
    return dataset.assign_coords(sampling=list(SAMPLINGS), batch_size=list(BATCHES)), claims


def plot(dataset):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3), layout="constrained")
    axes, rates = figure.add_subplot(), dataset.rate[::-1]
    bars = axes.barh(
        rates.program, rates / 1e6, color=["#0072B2" if "langevin" in str(p) else "#999999" for p in rates.program.values]
    )
    axes.bar_label(bars, fmt="%.0f", padding=3)
    axes.set(xlabel="million particle-steps per second", title=f"SGD on a 2-D double well, float64, {dataset.threads} threads")
    axes.margins(x=0.12)
    return figure


if __name__ == "__main__":
    main("throughput", run, plot)
