"""Gradients of a real table, frozen at one theta, that the engine's own batches add up: part of
gradient_noise.py."""

import numpy as np
from _runner import described, with_error
from _scalar_tables import diabetes

import langevin_sgd as ls

SAMPLINGS = ("with_replacement", "without_replacement", "reshuffle", "single_shuffle")
BATCHES = (1, 2, 4, 8, 17, 34, 68, 136, 221, 442)
STEPS = {2: 17 * np.array([1, 4, 7, 10, 13, 19, 26, 45]), 34: [1, 4, 7, 10, 13, 19, 26, 45]}
STEPS[221] = [1, 2, 3, 4, 5, 6, 7, 8]
RATES, TIME = 2.0 ** -np.arange(7), 8  # of the displacement
SAMPLES = (10, 20, 40, 80, 160, 320)  # examples that |G_T|^2 is estimated from


def _sum(p, x, row):
    total = 0.0
    for k in range(len(x)):
        total = total + x[k] * row[k]
    return total


def _row(p, x, row, out):
    for k in range(len(x)):
        out[k] = row[k]


def frozen(gradients):
    """A loss whose gradients are these, wherever x is: its SGD adds up what was drawn."""
    return ls.Loss("frozen", _sum, _row, None, gradients, gradients.shape[1])


def square_of_sums(gradients, sampling, batch, steps, start=0, rate=1.0, **options):
    """Mean square of the sum of so many batch gradients, times rate^2, and its error."""
    moved, noise = ls.reducers.displacement(steps, start), ls.noise.minibatch(sampling)
    options["steps"], options["reducers"] = int(start + max(steps)), moved
    run = ls.simulate(frozen(gradients), ls.dynamics.sgd(rate, batch), noise, **options)
    name = "displacement_mean_square_total"
    return run[name].values, run[f"{name}_standard_error"].values


def exact_square(sampling, batch, number, start, examples):
    """The same over tr Sigma, derived: sums over all examples are fixed, so that weights c_i of a
    random order spread N/(N - 1) (sum c_i^2 - (sum c_i)^2/N)."""
    if sampling == "with_replacement":
        return number / batch
    length = 1 if sampling == "without_replacement" else examples // batch
    steps = np.arange(start, start + number)
    seen = np.zeros((steps[-1] // length + 1, length))
    np.add.at(seen, (steps // length, steps % length), 1.0 / batch)
    if sampling == "single_shuffle":
        seen = seen.sum(axis=0, keepdims=True)
    squares = batch * (seen**2).sum(axis=1) - (batch * seen.sum(axis=1)) ** 2 / examples
    return examples / (examples - 1) * squares.sum()


def measured(name, dims, values, units, text):
    """Entries of a dataset from measured, standard error and exact; in "tr Sigma", pure numbers."""
    value, error, exact = values
    over, units = (", over tr Sigma", "1") if units == "tr Sigma" else ("", units)
    found = with_error(name, dims, (value, error), units, f"{text}{over}")
    return found | {f"{name}_exact": (dims, exact, units, f"exact: {text}{over}")}


def noise_of(table, plant):
    """G(x) - G_T of the examples at theta = 0, and tr Sigma; planted, sqrt(2) of the noise."""
    gradients = ls.example_gradients(table.loss(), 0 * table.minimum)
    noise = gradients - gradients.mean(axis=0)
    return noise * np.sqrt(1 + plant), noise.var(axis=0).sum()


def batches(sampling, plant, options):
    """Error of the mean of one batch, and of the mean of many gradients from the start of an epoch
    and from half-way."""
    (noise, trace), rows, costs = noise_of(diabetes(), plant), [], []
    examples, first = len(noise), list(range(1, 9))
    for batch in BATCHES:
        found = square_of_sums(noise, sampling, batch, first, **options)
        exact = exact_square(sampling, batch, 1, 0, examples)
        rows.append([*(each[0] / trace for each in found), exact])
    for batch, steps in STEPS.items():
        for start in (0, examples // batch // 2):
            found = square_of_sums(noise, sampling, batch, steps, start, **options)
            exact = [exact_square(sampling, batch, n, start, examples) for n in steps]
            costs.append(np.array([*(each / trace for each in found), exact]) / np.square(steps))
    costs = np.moveaxis(np.reshape(costs, (len(STEPS), 2, 3, -1)), 2, 0)
    dims, text = ("cost_batch", "start", "number"), "mean-square error of the mean gradient"
    found = measured("one_batch", "batch", np.transpose(rows), "tr Sigma", "tr Cov, one batch")
    found |= measured("cost", dims, costs, "tr Sigma", text)
    evaluated = [batch * np.array(steps) for batch, steps in STEPS.items()]
    found["evaluated"] = ("cost_batch", "number"), evaluated, "1", "gradients evaluated"
    return described(found)


def learning_rates(plant, options):
    """Displacement of frozen gradients after one step and per time, batches of 34."""
    (noise, trace), rows = noise_of(diabetes(), plant), []
    for rate in RATES:
        steps = [*range(1, 8), round(TIME / rate)]
        square, error = square_of_sums(
            noise, "with_replacement", 34, steps, rate=float(rate), **options
        )
        scale = trace * np.array([rate**2, 1.0, TIME])  # Var G is what a step moves, over rate^2
        rows.append([square[[0, 0, -1]] / scale, error[[0, 0, -1]] / scale])
        rows[-1].append(np.array([1.0, rate**2, rate]) / 34)
    text = "variance of the batch gradient, of one step, of the displacement per time"
    values = np.moveaxis(rows, 1, 0)
    return described(measured("moved", ("rate", "moment"), values, "tr Sigma", text))


def squared_norms(plant, seed, options):
    """|G_T|^2 from n examples where it is tr Sigma/100: |mean|^2, and less its bias."""
    table, random, rows = diabetes(), np.random.default_rng(seed), []
    push = np.sqrt(np.trace(table.sigma) / 400) * np.ones(4)  # |push|^2 is tr Sigma/100
    gradients = ls.example_gradients(
        table.loss(), table.minimum + np.linalg.solve(table.hessian, push)
    )
    trace, square = gradients.var(axis=0).sum(), push @ push
    noisy = push + (gradients - push) * np.sqrt(1 + plant)
    for n in SAMPLES:
        found = square_of_sums(noisy, "with_replacement", n, list(range(1, 9)), **options)
        draws = noisy[random.integers(len(noisy), size=(options["particles"], n))]
        mean, sigma = ls.theory.gradient_moments(draws)
        free = (mean**2).sum(axis=1) - np.trace(sigma, axis1=1, axis2=2) / (n - 1)
        error = free.std() / np.sqrt(len(free))
        pairs = [found[0][0], free.mean()], [found[1][0], error]
        rows.append([*pairs, [square + trace / n, square]])
    text = "|mean of n gradients|^2, and freed of its bias tr Sigma/n"
    values = np.moveaxis(rows, 1, 0)
    return described(measured("square", ("sample", "estimator"), values, "1", text))
