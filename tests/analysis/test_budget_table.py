"""The temperature budget closes for every model x dynamics x sampling of a covering table, in the
kernel (`reducers.virial`) and from what is stored (`temperature_budget`).
"""

from functools import cache
from itertools import product

import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd.analysis import departure, temperature_budget
from langevin_sgd.kernels.elementary import sqrt

RANDOM = np.random.default_rng(8)
INPUTS, TARGETS = RANDOM.normal(size=(12, 2)), RANDOM.normal(size=12)
PARTICLES, STEPS, BATCH = 1500, 260, 3


def louder_outside(p, x, out):
    """Gaussian noise whose size depends on x, and is another one along each component."""
    out[0] = p.scale * sqrt(1.0 + x[0] * x[0])
    out[1] = 0.0
    out[2] = 0.3 * p.scale * x[1]
    out[3] = 0.5 * p.scale


POTENTIALS = {
    "quadratic": ls.potentials.quadratic([[1.0, 0.3], [0.3, 0.5]]),
    "double well": ls.potentials.double_well(dim=2, barrier=0.25, coupling=0.8),
}
NOISES = {
    "gaussian": ls.noise.gaussian([[2.0, 0.4], [0.4, 0.5]]),
    "state dependent": ls.noise.gaussian_field(louder_outside, {"scale": 0.8}, 2, dim=2),
    "two points": ls.noise.two_point([1.0, 0.5]),
    "Student": ls.noise.student_t(9.0, [1.0, 0.5]),
}
LOSSES = {
    "centers": ls.losses.quadratic_centers([1.0, 0.5], INPUTS),
    "linear": ls.losses.linear_regression(INPUTS, TARGETS),
    "logistic": ls.losses.logistic_regression(INPUTS, 1.0 * (TARGETS > 0), l2=0.3),
}
SAMPLINGS = {
    "with replacement": ls.noise.minibatch(),
    "without replacement": ls.noise.minibatch("without_replacement"),
    "weights": ls.noise.minibatch(weights=np.linspace(0.5, 2.0, 12)),
    "reshuffled": ls.noise.minibatch("reshuffle"),
    "single-shuffled": ls.noise.minibatch("single_shuffle"),
    "Gaussian twin": ls.noise.table_gaussian(),
}
ALL_NOISES = NOISES | SAMPLINGS
DYNAMICS = {
    "plain": {"learning_rate": 0.2},
    "momentum": {"learning_rate": 0.1, "momentum": 0.6},
    "torch": {"learning_rate": 0.1, "momentum": 0.5, "nesterov": "torch"},
    "lookahead": {"learning_rate": 0.1, "momentum": 0.5, "nesterov": "lookahead"},
    "decay": {"learning_rate": 0.1, "momentum": 0.4, "weight_decay": 0.2},
}


def rows():
    """Every noise with every dynamics, every model with both; two rows in the default suite."""
    for models, noises in ((POTENTIALS, NOISES), (LOSSES, SAMPLINGS)):
        names = list(models)
        for (i, noise), (j, dynamics) in product(enumerate(noises), enumerate(DYNAMICS)):
            yield names[(i + j) % len(names)], noise, dynamics


FAST = [("double well", "state dependent", "torch"), ("linear", "without replacement", "lookahead")]
ROWS = [
    pytest.param(*row, id=" ".join(row), marks=() if row in FAST else pytest.mark.slow)
    for row in rows()
]


@cache
def last_epoch(model, noise, dynamics):
    """A run whose last four steps, an epoch, are stored one by one; and its reducer."""
    model = (POTENTIALS | LOSSES)[model]
    records = model, ls.dynamics.sgd(batch_size=BATCH, **DYNAMICS[dynamics]), ALL_NOISES[noise]
    reads = ls.reducers.virial(start=STEPS - 60)
    options = {"particles": PARTICLES, "seed": 3}
    run = ls.simulate(*records, steps=STEPS, reducers=reads, **options)
    return run, ls.simulate(*records, steps=4, every=1, x0=run, **options)


def test_two_rows_are_in_the_default_suite():
    assert set(FAST) < set(rows()) and len(ROWS) == 50


@pytest.mark.parametrize(("model", "noise", "dynamics"), ROWS)
def test_the_budget_closes(model, noise, dynamics):
    """Within 5 standard errors, or the rounding of an orbit without noise. The twin: with twice the
    learning rate it does not, unless the pushes are read off the path."""
    run, more = last_epoch(model, noise, dynamics)
    upper, residual = np.triu_indices(2), run.virial_residual.values
    size = np.abs(run.virial_noise.values).max()
    error = run.virial_residual_standard_error.values
    assert np.all(np.abs(residual) < 5 * error + 1e-7 * size)
    in_epochs = noise in ("reshuffled", "single-shuffled")
    assert in_epochs == (run.virial_memory[0, 0] < -0.2 * run.virial_noise[0, 0])
    landscape, given = (POTENTIALS | LOSSES)[model], {"noise": ALL_NOISES[noise]}
    budget = temperature_budget(more, landscape, **given)
    assert np.abs(budget.z.values[upper]).max() < 5 and budget.p_value > 1e-6
    parts = departure(more, landscape, **given)
    assert np.abs(parts.z).max() < 5
    assert np.trace(parts.measured) == pytest.approx(np.trace(budget.virial))
    both = run.virial_standard_error**2 + budget.virial_standard_error**2
    assert np.all(np.abs(run.virial - budget.virial) < 5 * np.sqrt(both))
    wrong = DYNAMICS[dynamics] | {"learning_rate": 2 * DYNAMICS[dynamics]["learning_rate"]}
    given["dynamics"] = ls.dynamics.sgd(batch_size=BATCH, **wrong)
    assert in_epochs or temperature_budget(more, landscape, **given).p_value < 1e-6
