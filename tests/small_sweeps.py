"""A small sweep over a double well, and the single runs that it is made of."""

import xarray as xr

import langevin_sgd as ls

GRID = {"learning_rate": [0.05, 0.1, 0.2], "barrier": [0.25, 0.5]}
SMALL = {"particles": 16, "steps": 8, "seed": 1}
NOISE = ls.noise.gaussian([0.1])


def swept(
    model=ls.potentials.double_well, dynamics=ls.dynamics.sgd, noise=NOISE, grid=GRID, **options
):
    return ls.sweep(model, dynamics, noise, grid=grid, **(SMALL | options))


def single(learning_rate, barrier=0.25, seed=1, **options):
    well = ls.potentials.double_well(barrier=barrier)
    return ls.simulate(
        well, ls.dynamics.sgd(learning_rate), NOISE, **(SMALL | {"seed": seed} | options)
    )


def spread(run, model):
    return xr.Dataset({"spread": run.x.isel(step=-1).std()})


def potential_of_ones_own(stiffness=1.0, constant=0):
    """The constant is part of the compiled code: a new one makes a potential that was never
    compiled before.
    """

    def energy(p, x):
        return p.stiffness * x[0] * x[0] / 2 + 0.0 * constant

    def gradient(p, x, out):
        out[0] = p.stiffness * x[0] + 0.0 * constant

    return ls.Potential(
        "own", energy, gradient, {"stiffness": stiffness, "unused": 2.0, "table": [1.0, 2.0]}, dim=1
    )
