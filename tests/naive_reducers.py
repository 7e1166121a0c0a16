"""The slow obvious twins of the reducers: from the whole path of a run that stored every step,
reading by reading.

A reading is a particle after a step that is due, unless it has left by then. `read` lists them as
rows; all estimates are means over rows, and standard errors come from leaving out the rows of one
group of particles at a time."""

import numpy as np


def read(run, every=1, start=0):
    """Rows of readings: the particle, its x and v before and after the step, and the number of
    steps done.
    """
    steps, x, stopped = run.step.values, run.x.values, run.stopped_at_step.values
    v = run.v.values if "v" in run else np.zeros_like(x)
    rows = {name: [] for name in ("particle", "before", "speed", "x", "v", "step")}
    for k in range(1, len(steps)):
        if steps[k] > start and (steps[k] - start) % every == 0:
            for particle in range(x.shape[1]):
                if stopped[particle] < 0 or steps[k] < stopped[particle]:
                    values = (
                        particle,
                        x[k - 1, particle],
                        v[k - 1, particle],
                        x[k, particle],
                        v[k, particle],
                        steps[k],
                    )
                    for name, value in zip(rows, values, strict=True):
                        rows[name].append(value)
    return {name: np.array(values) for name, values in rows.items()}


def moments(rows):
    x = rows["x"]
    away = x - x.mean(axis=0)
    variance = np.mean(away**2, axis=0)
    return {
        "mean": x.mean(axis=0),
        "covariance": away.T @ away / len(x),
        "skewness": np.mean(away**3, axis=0) / variance**1.5,
        "excess_kurtosis": np.mean(away**4, axis=0) / variance**2 - 3,
    }


def cell_numbers(places, lower, upper, bins):
    """The bin of each row along each axis: -1 below the range, `bins` above it."""
    cells = np.floor((places - lower) * (bins / (np.subtract(upper, lower)))).astype(int)
    return np.clip(cells, -1, bins)


def currents(rows, lower, upper, bins, period=None):
    """(axes, *bins): the sum of displacements in each bin of the middle, per reading and volume of
    a bin.
    """
    axes = len(bins)
    here, there = rows["before"][:, :axes], rows["x"][:, :axes]
    moved = there - here
    if period:
        moved = moved - period * np.round(moved / period)
    middle = here + moved / 2
    if period:
        middle = lower + (middle - lower) % period
    total, cells = (
        np.zeros((axes, *bins)),
        cell_numbers(middle, np.array(lower), np.array(upper), np.array(bins)),
    )
    for cell, step in zip(cells, moved, strict=True):
        if np.all((cell >= 0) & (cell < bins)):
            total[(slice(None), *cell)] += step
    return total / len(moved) / np.prod((np.array(upper) - lower) / bins)


def autocovariance(run, lags, every=1, start=0):
    """(lags, d): over all pairs of readings of a particle that are a lag apart, each end with its
    own mean.
    """
    rows, found = read(run, every, start), []
    place = {(p, s): x for p, s, x in zip(rows["particle"], rows["step"], rows["x"], strict=True)}
    for lag in lags:
        pairs = [(x, place[p, s + lag]) for (p, s), x in place.items() if (p, s + lag) in place]
        then, now = (np.array(ends) for ends in zip(*pairs, strict=True))
        found.append(np.mean(then * now, axis=0) - then.mean(axis=0) * now.mean(axis=0))
    return np.array(found)


def budget(rows, gradient, learning_rate, momentum=0.0, noise=None):
    """Terms of the virial identity from x, v, g and xi before each step; symmetric parts of means
    of products.
    """
    x, v, g = rows["before"] - rows["before"].mean(axis=0), rows["speed"], gradient
    xi = np.zeros_like(g) if noise is None else noise
    rate = learning_rate / (2 * (1 - momentum))

    def product(a, b):
        matrix = a.T @ b / len(a)
        return (matrix + matrix.T) / 2

    terms = {
        "": product(x, g),
        "_step": rate * product(g, g),
        "_noise": rate * product(xi, xi),
        "_inertia": momentum / (1 - momentum) * product(v, g),
        "_memory": (momentum * product(v, xi) + learning_rate * product(g, xi)) / (1 - momentum)
        - product(x, xi),
    }
    return terms | {
        "_residual": terms[""]
        - terms["_step"]
        - terms["_noise"]
        - terms["_inertia"]
        - terms["_memory"]
    }


def pushes(rows, learning_rate, momentum):
    """Gradient and noise together, from what heavy ball did: v' = momentum v + learning_rate (g +
    xi).
    """
    return (rows["v"] - momentum * rows["speed"]) / learning_rate


def jackknife(estimate, rows, particles):
    """Standard error of `estimate(rows)` from 64 stretches of particles (below 1024 of them), each
    left out once.
    """
    group = rows["particle"] * min(particles, 64) // particles
    numbers = np.unique(group)
    without = np.array(
        [estimate({name: value[group != k] for name, value in rows.items()}) for k in numbers]
    )
    n = len(numbers)
    return np.sqrt((n - 1) / n * np.sum((without - without.mean(axis=0)) ** 2, axis=0))
