"""The linear equation with which SciML's kernels for GPUs are timed: dx = 1.5 x dt + 0.01 x dW for
three components, 256 steps of Euler's method from t = 0 to 1, in single precision.

Source: GPU_ODE_Julia/sde_examples/bench_gpu.jl and
paper_artifacts/data/Julia/SDE/Julia_times_unadaptive.txt of utkarsh530/GPUODEBenchmarks on GitHub;
the file does not say on which device."""

import langevin_sgd as ls

DIM, STEPS, START = 3, 256, 0.1
DRIFT, AMPLITUDE = 1.5, 0.01
PUBLISHED = 8_388_608 * STEPS / 0.715859498  # particle-steps/s, of arrays on the device already


def unstable_energy(p, x):
    total = 0.0
    for k in range(len(x)):
        total -= 0.5 * p.drift * x[k] * x[k]
    return total


def unstable_gradient(p, x, out):
    for k in range(len(x)):
        out[k] = -p.drift * x[k]


def proportional(p, x, z, out):
    for k in range(len(x)):
        out[k] = p.amplitude * x[k] * z[k]


def linear_sde():
    """(potential, dynamics, noise): with the time step as learning rate, the noise of a step is
    0.01 x z sqrt(dt)."""
    step = 1.0 / STEPS
    amplitude = {"amplitude": AMPLITUDE / step**0.5}
    return (
        ls.Potential("unstable", unstable_energy, unstable_gradient, {"drift": DRIFT}, DIM),
        ls.dynamics.sgd(step),
        ls.GradientNoise("proportional", proportional, amplitude, normals=DIM, gaussian=True),
    )
