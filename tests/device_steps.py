"""Steps of one particle in one thread, from the records that the engine takes: gradient, noise,
update and reducer in one kernel.

Every random number is drawn at the address that it has on the CPU, so that a step must give the
bits of `simulate`."""

import numpy as np
from device_kernels import (
    BATCH,
    NOISE_NORMAL,
    NOISE_UNIFORM,
    PERMUTATION,
    ZERO,
    fill_normals,
    fill_uniforms,
)
from numba import cuda, float64

from langevin_sgd.kernels.bits import kernel, sqrt
from langevin_sgd.kernels.compiling import compiled
from langevin_sgd.kernels.permutation import permutation_at
from langevin_sgd.kernels.rng import Stream, integer_at, uniform, words_at
from langevin_sgd.models.noise import TableGaussian

THERMAL, TABLE = np.uint64(Stream.THERMAL), np.uint64(Stream.TABLE)
ROW_NORMAL, ROW_UNIFORM = np.uint64(Stream.ROW_NORMAL), np.uint64(Stream.ROW_UNIFORM)


# ---- gradient and noise of a step ----------------------------------------------------------------


def potential_force(model, noise):
    """g = gradient - drift; xi = the mean of `batch` draws, or of Gaussian noise one draw /
    sqrt(batch).
    """
    gradient, drift, has_drift = (
        compiled(model.gradient),
        compiled(model.drift or model.gradient),
        model.drift is not None,
    )
    sample, gaussian, normals, uniforms = (
        compiled(noise.sample),
        noise.gaussian,
        noise.normals,
        noise.uniforms,
    )
    dim, size, numbers = model.dim, model.dim + model.scratch, noise.normals + noise.uniforms
    room = dim * (1 + noise.scratch_per_component)

    @kernel
    def force(p, q, table, x, g, xi, address, batch):
        gradient(p, x, g)
        if has_drift:
            push = cuda.local.array(size, float64)
            drift(p, x, push)
            for k in range(dim):
                g[k] -= push[k]
        z, one = cuda.local.array(numbers, float64), cuda.local.array(room, float64)
        for k in range(dim):
            xi[k] = 0.0
        for number in range(1 if gaussian else batch):
            fill_normals(z, 0, normals, address, NOISE_NORMAL, number)
            fill_uniforms(z, normals, uniforms, address, NOISE_UNIFORM, number)
            sample(q, x, z, one)
            for k in range(dim):
                xi[k] += one[k]
        factor = 1.0 / sqrt(np.float64(batch)) if gaussian else 1.0 / batch
        for k in range(dim):
            xi[k] *= factor

    return force


def row_kernel(noise):
    """The number of the example that a particle takes as number `number` of its batch."""
    sampling, weighted = noise.sampling, "alias" in noise.params._fields
    new_order = {"reshuffle": 1, "single_shuffle": 2}.get(sampling, 0)

    @kernel
    def given(q, address, examples, batch, number):
        return np.int64(q.batches[np.int64(address[1]), number])

    @kernel
    def drawn(q, address, examples, batch, number):
        seed, step, particle = address
        return np.int64(integer_at(seed, step, particle, BATCH, np.uint64(number), examples))

    @kernel
    def drawn_by_weight(q, address, examples, batch, number):
        seed, step, particle = address
        row = drawn(q, address, examples, batch, number)
        a, b, _, _ = words_at(seed, step, particle, ROW_UNIFORM, np.uint64(number), ZERO)
        return row if uniform(a, b) < q.keep[row] else np.int64(q.alias[row])

    @kernel
    def permuted(q, address, examples, batch, number):
        seed, step, particle = address
        epoch, position = step, np.uint64(number)
        if new_order > 0:
            steps_of_epoch = examples // np.uint64(batch)
            epoch = step // steps_of_epoch if new_order == 1 else ZERO
            position = (step % steps_of_epoch) * np.uint64(batch) + np.uint64(number)
        return np.int64(permutation_at(seed, epoch, particle, PERMUTATION, position, examples))

    modes = {"given": given, "with_replacement": drawn_by_weight if weighted else drawn}
    return (modes | {"svag": drawn}).get(sampling, permuted)


def batch_force(model, noise):
    """g = mean gradient of the particle's batch."""
    example, row_of, weighted, shared = (
        compiled(model.example_gradient),
        row_kernel(noise),
        "alias" in noise.params._fields,
        noise.shared,
    )
    dim, size = model.dim, model.dim + model.scratch
    amplified = noise.sampling == "svag"

    @kernel
    def force(p, q, table, x, g, xi, address, batch):
        one = cuda.local.array(size, float64)
        who = address[0], address[1], ZERO if shared else address[2]
        for k in range(dim):
            g[k], xi[k] = 0.0, 0.0
        for number in range(batch):
            row = row_of(q, who, np.uint64(table.shape[0]), batch, number)
            example(p, x, table[row], one)
            for k in range(dim):
                if weighted:
                    one[k] *= q.weight[row]
                if amplified:
                    half = 1.0 if 2 * number < batch else -1.0
                    one[k] *= 1.0 + half * sqrt(2.0 * q.amplification - 1.0)
                g[k] += one[k]
        for k in range(dim):
            g[k] *= 1.0 / batch

    return force


def population_force(model, noise):
    """g = mean gradient of `batch` fresh rows."""
    example, draw, normals, uniforms = (
        compiled(model.example_gradient),
        compiled(model.draw),
        model.draw_normals,
        model.draw_uniforms,
    )
    dim, size, columns, numbers = (
        model.dim,
        model.dim + model.scratch,
        model.data.shape[1],
        normals + uniforms,
    )

    @kernel
    def force(p, q, table, x, g, xi, address, batch):
        one, row, z = (
            cuda.local.array(size, float64),
            cuda.local.array(columns, float64),
            cuda.local.array(numbers, float64),
        )
        for k in range(dim):
            g[k], xi[k] = 0.0, 0.0
        for number in range(batch):
            fill_normals(z, 0, normals, address, ROW_NORMAL, number)
            fill_uniforms(z, normals, uniforms, address, ROW_UNIFORM, number)
            draw(p, z, row)
            example(p, x, row, one)
            for k in range(dim):
                g[k] += one[k]
        for k in range(dim):
            g[k] *= 1.0 / batch

    return force


def table_gaussian_force(model):
    """g = mean gradient over the table, xi = sum_i (z_i - mean z) g_i / sqrt(N batch)."""
    example, dim, size = compiled(model.example_gradient), model.dim, model.dim + model.scratch

    @kernel
    def force(p, q, table, x, g, xi, address, batch):
        one, z = cuda.local.array(size, float64), cuda.local.array(2, float64)
        examples, total = table.shape[0], 0.0
        for k in range(dim):
            g[k], xi[k] = 0.0, 0.0
        for i in range(examples):
            if i % 2 == 0:
                fill_normals(z, 0, 2, address, TABLE, i // 2)
            example(p, x, table[i], one)
            for k in range(dim):
                g[k] += one[k]
                xi[k] += z[i % 2] * one[k]
            total = total + z[i % 2]
        mean, factor = (
            total * (1.0 / examples),
            1.0 / sqrt(np.float64(examples) * np.float64(batch)),
        )
        for k in range(dim):
            xi[k] = (xi[k] - mean * g[k]) * factor
            g[k] *= 1.0 / examples

    return force


# ---- a whole step --------------------------------------------------------------------------------


def force_of(model, noise):
    """The force that the engine would choose."""
    if isinstance(noise, TableGaussian):
        return table_gaussian_force(model)
    if not hasattr(noise, "sampling"):
        return potential_force(model, noise)
    return (
        population_force(model, noise)
        if noise.sampling == "population"
        else batch_force(model, noise)
    )


def step_kernel(model, dynamics, noise):
    """run(p, q, d, table, x, v, g, numbers): all updates of all particles; numbers = (seed,
    updates, batch).
    """
    force, update, advance = (
        force_of(model, noise),
        compiled(dynamics.update),
        compiled(dynamics.advance or dynamics.update),
    )
    dim, size, thermal, has_advance = (
        model.dim,
        model.dim + model.scratch,
        dynamics.normals * model.dim,
        dynamics.advance is not None,
    )
    state, normals = dynamics.state_size * dim if dynamics.memory else 0, max(1, thermal)
    memory = max(1, state)

    def run(p, q, d, table, x, v, g, numbers):
        i = cuda.grid(1)
        if i < x.shape[0]:
            here, velocity, slope = (
                cuda.local.array(dim, float64),
                cuda.local.array(memory, float64),
                cuda.local.array(size, float64),
            )
            noise, z = cuda.local.array(dim, float64), cuda.local.array(normals, float64)
            for k in range(dim):
                here[k], slope[k] = x[i, k], g[i, k]
            for k in range(state):
                velocity[k] = v[i, k]
            for step in range(np.int64(numbers[1])):
                address = numbers[0], np.uint64(step), np.uint64(i)
                if thermal:
                    fill_normals(z, 0, thermal, address, THERMAL, 0)
                if has_advance:
                    advance(d, here, velocity, slope, z)
                force(p, q, table, here, slope, noise, address, np.int64(numbers[2]))
                update(d, here, velocity, slope, noise, z)
            for k in range(dim):
                x[i, k], g[i, k] = here[k], slope[k]
            for k in range(state):
                v[i, k] = velocity[k]

    return run


def observed_kernel(model, dynamics, noise, observe, size):
    """run(p, q, d, r, x, v, acc, numbers): like `step_kernel`, without thermal noise; a reducer
    reads after each step.
    """
    force, update, text = (
        potential_force(model, noise),
        compiled(dynamics.update),
        compiled(observe),
    )
    takes_noise = observe.__code__.co_argcount == 8
    dim, room, state = model.dim, model.dim + model.scratch, dynamics.state_size * model.dim
    before_and_v = dim + state

    def run(p, q, d, r, x, v, acc, numbers):
        i = cuda.grid(1)
        if i < x.shape[0]:
            here, velocity, g = (
                cuda.local.array(dim, float64),
                cuda.local.array(state, float64),
                cuda.local.array(room, float64),
            )
            xi, sums = cuda.local.array(dim, float64), cuda.local.array(size, float64)
            before = cuda.local.array(before_and_v, float64)
            for k in range(dim):
                here[k] = x[i, k]
            for k in range(state):
                velocity[k] = v[i, k]
            for k in range(size):
                sums[k] = 0.0
            for step in range(np.int64(numbers[1])):
                for k in range(dim):
                    before[k] = here[k]
                for k in range(state):
                    before[dim + k] = velocity[k]
                force(
                    p,
                    q,
                    x,
                    here,
                    g,
                    xi,
                    (numbers[0], np.uint64(step), np.uint64(i)),
                    np.int64(numbers[2]),
                )
                update(d, here, velocity, g, xi, xi)
                if takes_noise:
                    text(r, sums, step + 1, before, here, velocity, g, xi)
                else:
                    text(r, sums, step + 1, before, here, velocity, g)
            for k in range(size):
                acc[i, k] = sums[k]

    return run
