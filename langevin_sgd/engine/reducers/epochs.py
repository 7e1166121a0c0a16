"""Epochs of minibatches: where the law of the particles depends on the position in the epoch, a
reducer reads all positions equally often, or each apart.
"""

from math import gcd

import numpy as np

from ...kernels.functions import plain
from ...kernels.views import part
from ...models.schedule_record import Schedule
from .readings import labelled

SHARE = 4  # by default, readings may cost one in so many gradients of the run


def epoch_of(model, dynamics, noise):
    """Steps of an epoch; 1 if each step draws afresh."""
    batch = _constant_batch(dynamics)
    return 1 if noise is None or batch is None else noise.epoch(model, batch)


def _constant_batch(dynamics):
    """None under a schedule."""
    size = getattr(dynamics.params, "batch_size", 1)
    return None if isinstance(size, Schedule) else int(size)


def seldom(dynamics, epoch, examples, most):
    """The `every`, at most `most`, with which readings that cost `examples` gradients each add
    1/SHARE to the gradients of a run; it shares no factor with the steps of an epoch."""
    every = 1 if examples == 1 else SHARE * -(-examples // (_constant_batch(dynamics) or 1))
    every = max(1, min(every, most))
    while gcd(every, epoch) > 1:
        every -= 1
    return every


def in_whole_epochs(reducer, model, dynamics, noise, examples=1):
    """The reducer, made to read every position of an epoch equally often: `every` shares no factor
    with the steps of an epoch, and the number of readings is a multiple of them.

    A reading takes the gradients of `examples` examples. If every is None, readings then cost at
    most 1/SHARE of the gradients of the run, where it is long enough.
    """
    epoch, every = epoch_of(model, dynamics, noise), reducer.every
    steps = reducer.last - reducer.start
    if every is None:
        every = seldom(dynamics, epoch, examples, steps // epoch)
    elif gcd(every, epoch) > 1:
        near = [k for k in range(every + epoch, 0, -1) if gcd(k, epoch) == 1]
        near = sorted(near, key=lambda k: abs(k - every))[0]
        raise ValueError(
            f"every of {reducer.name!r} must share no factor with the {epoch} steps of an epoch, "
            f"of which it would read some positions only, got {every}. Take {near}."
        )
    cycles = steps // (every * epoch)
    if not cycles:
        raise ValueError(
            f"{reducer.name!r} must read each of the {epoch} positions of an epoch, which takes "
            f"{every * epoch} steps after start = {reducer.start} with every = {every}, but the "
            f"run ends after step {reducer.last}. Take more steps, or a smaller every or start."
        )
    return reducer._with(every=every, last=reducer.start + every * epoch * cycles)


def kept_apart(reducer, epoch):
    """A completed reducer that keeps the readings of each position in the epoch apart: its
    variables get the dimension ``epoch_position``, where x has done so many steps of the epoch.
    """
    size, observe_one = reducer.size, plain(reducer.observe)

    def observe(p, acc, step, before, x, v, g):
        observe_one(p, part(acc, (step % epoch) * size, size), step, before, x, v, g)

    def finish(_, readings):
        found = []
        for position in range(epoch):
            acc = readings.acc[:, position * size : (position + 1) * size]
            counts = _readings_at(reducer, epoch, position, readings.observations)
            found.append(reducer.variables(readings._replace(acc=acc, observations=counts)))
        variables = {
            "epoch_position": labelled("epoch_position", np.arange(epoch), POSITION, "steps")
        }
        for name, (dims, _, attributes) in found[0].items():
            values = np.stack([one[name][1] for one in found])
            names = (dims,) if isinstance(dims, str) else tuple(dims)
            variables[name] = ("epoch_position", *names), values, attributes
        return variables

    return reducer._with(observe=observe, size=size * epoch, finish=finish)


POSITION = "steps done of the epoch"


def _readings_at(reducer, epoch, position, observations):
    """How many of the first `observations` readings of each particle are at a position."""
    most = int(observations.max(initial=0))
    steps = reducer.start + reducer.every * np.arange(1, most + 1)
    counts = np.concatenate([[0], np.cumsum(steps % epoch == position)])
    return counts[observations]
