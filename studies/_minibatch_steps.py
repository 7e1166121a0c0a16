"""A few steps under the rule of minibatches, for minibatch_rule.py: the second-order term of B
single steps, and what averaging over B does to one step. A logistic regression on two clouds."""

import numpy as np
from _runner import described, mean_and_error, with_error

import langevin_sgd as ls

BASE_RATE, EXAMPLES, BATCHES = 0.02, 64, (1, 2, 4, 8, 16, 32, 64)
FEW, TINY = 16, 1e-5  # examples and rate of the second-order term
SECOND = "second-order term of B steps over eta0^2 B(B-1)/2, along H g (start), trace (minimum)"


def table(examples):
    """A logistic regression on two clouds, and its minimum."""
    random = np.random.default_rng(5)
    labels = np.arange(examples) % 2
    inputs = random.normal(size=(examples, 3)) * [2.0, 1.0, 0.5] + labels[:, None]
    loss, x = ls.losses.logistic_regression(inputs, labels, l2=0.05), np.zeros(3)
    for _ in range(30):  # Newton
        x = x - np.linalg.solve(ls.evaluate(loss, x, "hessian"), ls.evaluate(loss, x, "gradient"))
    return loss, x


def second_order(sampling, n, options):
    """The second-order term from runs at two tiny rates with the same examples, particle by
    particle: (x(2 rate) - 2 x(rate) + x0)/(2 rate^2)."""
    loss, minimum = table(FEW)
    found, steps = np.empty((3, 2, FEW - 1)), np.arange(2, FEW + 1)
    for k, x0 in enumerate((0 * minimum, minimum)):
        given = {"particles": n, "steps": FEW, "every": 1, "x0": x0, **options}
        noise, rates = ls.noise.minibatch(sampling), (TINY, 2 * TINY)
        runs = [ls.simulate(loss, ls.dynamics.sgd(rate), noise, **given) for rate in rates]
        once, twice = (each.x.values[2:] for each in runs)
        push = ls.evaluate(loss, x0, "hessian") @ ls.evaluate(loss, x0, "gradient")
        nearby = x0 + 1e-4 * np.concatenate([np.eye(3), -np.eye(3)])
        traces = np.trace(ls.analysis.covariance_at(loss, nearby), axis1=1, axis2=2)
        pull = (traces[:3] - traces[3:]) / 2e-4 / (2 * (FEW - 1))
        along = pull if k else push
        along, pairs = along / np.linalg.norm(along), (steps * (steps - 1) / 2)[:, None]
        term = (twice - 2 * once + x0) @ along / (2 * TINY**2) / pairs
        exact = push if sampling == "with_replacement" else push - pull
        found[:, k] = *mean_and_error(term.T), np.full(FEW - 1, exact @ along)
    dims, units = ("place", "length"), "energy^2 / length^3"
    values = {"exact_second": (dims, found[2], units, f"exact {SECOND}")}
    return described(values | with_error("second", dims, tuple(found[:2]), units, SECOND))


def one_step(n, plant, options):
    """Mean and variance, along the gradient, of one step from the start, over the rate."""
    loss, _ = table(EXAMPLES)
    gradient, rows = ls.evaluate(loss, np.zeros(3), "gradient"), []
    along = gradient / np.linalg.norm(gradient)
    sigma = along @ ls.analysis.covariance_at(loss, np.zeros(3)) @ along
    for batch in BATCHES:
        moves = ls.dynamics.sgd(BASE_RATE, max(1, batch // 2) if plant else batch)
        run = ls.simulate(loss, moves, ls.noise.minibatch(), particles=n, steps=1, **options)
        push = -run.x.values[-1] @ along / BASE_RATE
        spread = mean_and_error((push - push.mean()) ** 2)
        rows.append([*mean_and_error(push), gradient @ along, *spread, sigma / batch])
    rows, values = np.transpose(rows), {}
    for name, three, power in (("push", rows[:3], 1), ("spread", rows[3:], 2)):
        text = f"{'mean' if power == 1 else 'variance'} of one step along g over the rate"
        units = "energy / length" if power == 1 else "energy^2 / length^2"
        values |= with_error(name, "batch", tuple(three[:2]), units, text)
        values[f"exact_{name}"] = "batch", three[2], units, f"exact {text}"
    return described(values)
