"""One kernel of every kind, for every entry of the catalogue, with arguments and with what the
CPU's path makes of them.

The simulator runs these cases in interpreted Python, the PTX tests compile them: both take the
texts from the same records."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import device_kernels as device
import device_steps
import numpy as np
from engine import test_covering as catalogue

import langevin_sgd as ls
from langevin_sgd.engine import reducers
from langevin_sgd.kernels import permutation, rng
from langevin_sgd.kernels.rng import Address, Places

PARTICLES, SEED = 3, 2**63 + 5
STEPS, BATCH, START = catalogue.STEPS, catalogue.BATCH, catalogue.START
EXTRA = {
    "energy": "example_loss",
    "gradient": "example_gradient",
    "hessian": "example_hessian",
    "fisher": "example_fisher",
}


class Case(NamedTuple):
    """A kernel, its arguments, which of them it changes, and `expected()`: what the CPU's path
    writes there.
    """

    name: str
    kernel: Callable
    arguments: tuple
    changed: tuple
    expected: Callable


# ---- models at a point ---------------------------------------------------------------------------


def _at_points(name, model, quantity):
    x, p = START[:PARTICLES, : model.dim].copy(), model.params
    size = {"energy": 1, "hessian": model.dim**2, "fisher": model.dim**2}.get(quantity, model.dim)
    arguments, room = (p, x, np.zeros((PARTICLES, size))), size + model.scratch
    if isinstance(model, ls.Loss):
        text = getattr(model, EXTRA[quantity])
        kernel = (
            device.mean_number_kernel(text)
            if quantity == "energy"
            else device.mean_vector_kernel(text, room)
        )
        arguments = p, x, model.data, arguments[-1]
    else:
        text = getattr(model, quantity)
        kernel = (
            device.number_kernel(text) if quantity == "energy" else device.vector_kernel(text, room)
        )

    def expected():
        return [ls.evaluate(model, x, quantity).reshape(PARTICLES, size)]

    return Case(f"{quantity} of {name}", kernel, arguments, (len(arguments) - 1,), expected)


@cache
def model_cases():
    """Energy, gradient, Hessian, drift and Fisher matrix of all models that have them."""
    cases = []
    for name, model in catalogue.models().items():
        fields = (
            EXTRA
            if isinstance(model, ls.Loss)
            else {quantity: quantity for quantity in ("energy", "gradient", "hessian", "drift")}
        )
        cases += [
            _at_points(name, model, quantity)
            for quantity, field in fields.items()
            if getattr(model, field) is not None
        ]
    return cases


# ---- steps ---------------------------------------------------------------------------------------


def _steps(name, model, dynamics, noise):
    x, zero = (
        START[:PARTICLES, : model.dim].copy(),
        np.zeros((PARTICLES, model.dim + model.scratch)),
    )
    v = np.zeros((PARTICLES, max(1, dynamics.state_size * model.dim if dynamics.memory else 0)))
    batch = int(getattr(dynamics.params, "batch_size", 1))
    if dynamics.advance is not None:  # it finds the gradient at the start
        zero[:, : model.dim] = ls.evaluate(model, x, "gradient")
    table = model.data if isinstance(model, ls.Loss) else np.zeros((1, 1))
    numbers = np.uint64(SEED), np.uint64(STEPS * dynamics.substeps), np.uint64(batch)
    arguments = model.params, noise.params, dynamics.params, table, x, v, zero, numbers

    def expected():
        run = ls.simulate(
            model,
            dynamics,
            noise,
            particles=PARTICLES,
            steps=STEPS,
            x0=x.copy(),
            seed=SEED,
            threads=1,
        )
        assert not np.any(run.status), "a particle left: the device's kernel does not freeze it"
        return [run.x.values[-1]] + ([run.v.values[-1]] if "v" in run else [])

    return Case(name, device_steps.step_kernel(model, dynamics, noise), arguments, (4, 5), expected)


@cache
def step_cases():
    """Every model under SGD, every noise and sampling mode, every dynamics with its variants."""
    models, gaussian, sgd = catalogue.models(), ls.noise.gaussian, ls.dynamics.sgd(0.05, BATCH)
    well, population = models["double_well"], models["linear_regression_population"]
    cases = []
    for name, model in models.items():
        noise = ls.noise.minibatch() if isinstance(model, ls.Loss) else gaussian([0.5] * model.dim)
        cases.append(
            _steps(f"step in {name}", model, ls.dynamics.sgd(catalogue.RATE, BATCH), noise)
        )
    for name, noise in catalogue.noises(2).items():
        cases.append(
            _steps(
                f"step with {name}",
                well if isinstance(noise, ls.GradientNoise) else population,
                sgd,
                noise,
            )
        )
    for name, variants in catalogue.dynamics().items():
        cases += [
            _steps(f"step of {name} {k}", well, variant, gaussian([1.0, 0.25]))
            for k, variant in enumerate(variants)
        ]
    return cases


# ---- random numbers ------------------------------------------------------------------------------


def _on_the_cpu(fill, count, stream, dtype, *more):
    """What the engine's `fill` writes for all particles, interpreted."""
    rows = np.zeros(PARTICLES * (count + 3), dtype)
    address = Address._make(np.uint64(number) for number in (SEED, STEPS, 0, stream, 0))
    fill(rows, Places(0, count + 3, count, PARTICLES), address, *more)
    return rows.reshape(PARTICLES, -1)[:, :count]


@cache
def random_cases():
    """Words, uniforms, normals, integers and permutations, small and large, at addresses."""
    count, many = 5, np.uint64(3 * 2**29)  # a quarter of the words is rejected
    numbers = np.uint64(SEED), np.uint64(STEPS), np.uint64(0)
    streams = (
        rng.Stream.NOISE_NORMAL,
        rng.Stream.NOISE_UNIFORM,
        rng.Stream.BATCH,
        rng.Stream.PERMUTATION,
    )
    of = {
        "normals": lambda: _on_the_cpu(rng.fill_normals, count, streams[0], float),
        "uniforms": lambda: _on_the_cpu(rng.fill_uniforms, count, streams[1], float),
        "integers": lambda: _on_the_cpu(rng.fill_integers, count, streams[2], np.int64, many),
        "short permutation": lambda: _on_the_cpu(
            permutation.fill_permutation, count, streams[3], np.int64, np.uint64(11)
        ),
        "permutation": lambda: _on_the_cpu(
            permutation.fill_permutation, count, streams[3], np.int64, np.uint64(1000)
        ),
    }
    limits = {"integers": many, "short permutation": np.uint64(11), "permutation": np.uint64(1000)}
    kernels = {
        "normals": device.normals_kernel,
        "uniforms": device.uniforms_kernel,
        "integers": device.integers_kernel,
    }
    return [
        Case(
            name,
            kernels.get(name, device.permutation_kernel),
            (*numbers[:2], limits.get(name, np.uint64(0)), np.zeros((PARTICLES, count))),
            (3,),
            lambda cpu=cpu: [cpu().astype(float)],
        )
        for name, cpu in of.items()
    ]


# ---- reducers ------------------------------------------------------------------------------------


def observe_energy(p, acc, step, before, x, v, g):
    """A user's reducer: work done in a step, and the kinetic energy weighted by time."""
    for k in range(len(x)):
        acc[0] += g[k] * (x[k] - before[k])
        acc[1] += step * v[k] * v[k] * p.half


def _observed(reducer, loss=None):
    """A reducer over a run on the double well; completed for batches of a loss, if one is given."""
    model, dynamics, noise = (
        catalogue.models()["double_well"],
        ls.dynamics.sgd(0.05, BATCH, 0.9),
        ls.noise.gaussian([1.0, 0.25]),
    )
    if reducer.complete:
        of = (model, dynamics, noise) if loss is None else (loss, dynamics, ls.noise.minibatch())
        reducer = reducer.complete(reducer._with(last=STEPS), *of)
    x, acc = START[:PARTICLES, :2].copy(), np.zeros((PARTICLES, reducer.size))
    numbers = np.uint64(SEED), np.uint64(STEPS), np.uint64(BATCH)
    arguments = (
        model.params,
        noise.params,
        dynamics.params,
        reducer.params,
        x,
        np.zeros((PARTICLES, 2)),
        acc,
        numbers,
    )

    def accumulators(reducer, readings):
        return {
            "acc": (
                ("particle", "entry"),
                readings.acc,
                {"long_name": "accumulators", "units": "1"},
            )
        }

    def expected():
        raw = reducer._with(finish=accumulators, complete=None)
        run = ls.simulate(
            model,
            dynamics,
            noise,
            particles=PARTICLES,
            steps=STEPS,
            x0=x,
            seed=SEED,
            threads=1,
            reducers=(raw,),
        )
        return [run.acc.values]

    kernel = device_steps.observed_kernel(model, dynamics, noise, reducer.observe, reducer.size)
    return Case(f"observe of {reducer.name}", kernel, arguments, (6,), expected)


@cache
def reducer_cases():
    """A user's reducer and those of the package."""
    user = reducers.Reducer("energies", observe_energy, {"half": 0.5}, 2)
    plane = reducers.histogram(-2.0, 2.0, 8, (0, 1), name="plane")
    named = [
        reducers.moments(),
        reducers.histogram(-2.0, 2.0, 8),
        plane,
        reducers.currents(-2.0, 2.0, 8),
    ]
    named += [reducers.autocovariance([0, 2]), reducers.virial(), reducers.gradient_noise()]
    named += [reducers.energy(0.0, 2.0, 8)]
    centres = ls.losses.quadratic_centers([1.0, 2.0], START[:5, :2])
    of_table = _observed(
        reducers.gradient_noise(every=1, name="gradient_noise_of_a_table"), centres
    )
    return [_observed(reducer) for reducer in (user, *named)] + [of_table]
