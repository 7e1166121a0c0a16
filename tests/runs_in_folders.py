"""A small run, alone or in a folder, and processes that die."""

import langevin_sgd as ls

WELL = ls.potentials.double_well(dim=2, stiffness=4.0)
NOISE = ls.noise.gaussian([[1.0, 0.2], [0.2, 0.25]])


class Crash(Exception):
    """A process that dies, as far as its folder can tell."""


def crash_at(step):
    def progress(done, steps, seconds):
        if done >= step:
            raise Crash

    return progress


def readers():
    return [ls.reducers.histogram(-2, 2, 8), ls.reducers.autocovariance(range(0, 9, 2), every=2)]


# One kernel for most.
SIMPLE = {"particles": 24, "steps": 60, "seed": 5, "x0": [0.5, 0.1], "every": 7}
SIMPLE |= {"reducers": readers()}


def alone(rate=0.05, **options):
    return ls.simulate(WELL, ls.dynamics.sgd(rate), NOISE, **SIMPLE | options)


def in_folder(folder, rate=0.05, **options):
    return alone(rate, checkpoint=folder, **options)
