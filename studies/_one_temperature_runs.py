"""The runs of one_temperature.py, and what their temperatures are made of."""

import numpy as np
from _one_temperature_epochs import predicted

import langevin_sgd as ls

LAWS = {  # momentum, sampling
    "drawn": (0.0, "with_replacement"),
    "reshuffled": (0.0, "reshuffle"),
    "reshuffled, momentum": (0.9, "reshuffle"),
}
RELAXATIONS = 5  # of the flattest direction: what is left of a variance of the start is e^-10
HOT = 4.0  # a start so many times wider than the law of drawn batches


def budget_of(case, law, particles, seed, threads, plant, hot=False, times=1, loss=None):
    """`departure` of particles that start at the minimum, or hot, after some relaxation times."""
    momentum, sampling = LAWS[law]
    rate, size = case.learning_rate * (1 - momentum), case.batch_size
    loss, noise = loss or case.loss, ls.noise.minibatch(sampling)
    epochs = times * RELAXATIONS / (case.learning_rate * case.curvature[0] * case.epoch)
    start = case.minimum
    if hot:
        width = HOT * np.sqrt(predicted(case, momentum, False).full / case.curvature)
        random = np.random.default_rng(seed)
        start = start + random.normal(size=(particles, len(width))) * width @ case.basis.T
    run = ls.simulate(
        loss,
        ls.dynamics.sgd(rate, size // 2 if plant else size, momentum),
        noise,
        particles=particles,
        steps=int(np.ceil(epochs)) * case.epoch,
        x0=start,
        seed=seed,
        threads=threads,
    )
    moves = ls.dynamics.sgd(rate, size, momentum)
    point = {"reference_point": case.minimum}
    return ls.analysis.departure(run, loss, dynamics=moves, noise=noise, **point)
