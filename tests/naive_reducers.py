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
    v, rows = run.v.values if "v" in run else np.zeros_like(x), []
    for k in range(1, len(steps)):
        if steps[k] > start and (steps[k] - start) % every == 0:
            for i in range(x.shape[1]):
                if stopped[i] < 0 or steps[k] < stopped[i]:
                    rows.append((i, x[k - 1, i], v[k - 1, i], x[k, i], v[k, i], steps[k]))
    names = "particle", "before", "speed", "x", "v", "step"
    return {name: np.array(values) for name, *values in zip(names, *rows, strict=True)}


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
    lower, bins = np.array(lower), np.array(bins)
    cells = np.floor((places - lower) * (bins / np.subtract(upper, lower))).astype(int)
    return np.clip(cells, -1, bins)


def currents(rows, lower, upper, bins, period=None):
    """(axes, *bins): the sum of displacements in each bin of the middle, per reading and volume of
    a bin.
    """
    axes = len(bins)
    here, there = rows["before"][:, :axes], rows["x"][:, :axes]
    moved, total = there - here, np.zeros((axes, *bins))
    if period:
        moved = moved - period * np.round(moved / period)
    middle = here + moved / 2
    if period:
        middle = lower + (middle - lower) % period
    for cell, step in zip(cell_numbers(middle, lower, upper, bins), moved, strict=True):
        if np.all((cell >= 0) & (cell < bins)):
            total[(slice(None), *cell)] += step
    return total / len(moved) / np.prod(np.subtract(upper, lower) / bins)


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
    xi, kept = np.zeros_like(g) if noise is None else noise, 1 - momentum

    def product(a, b):
        matrix = a.T @ b / len(a)
        return (matrix + matrix.T) / 2

    remembered = momentum * product(v, xi) + learning_rate * product(g, xi)
    terms = {
        "_step": learning_rate / (2 * kept) * product(g, g),
        "_noise": learning_rate / (2 * kept) * product(xi, xi),
        "_inertia": momentum / kept * product(v, g),
        "_memory": remembered / kept - product(x, xi),
    }
    return terms | {"": product(x, g), "_residual": product(x, g) - sum(terms.values())}


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
    left = [{name: value[group != k] for name, value in rows.items()} for k in np.unique(group)]
    without, n = np.array([estimate(rest) for rest in left]), len(left)
    return np.sqrt((n - 1) / n * np.sum((without - without.mean(axis=0)) ** 2, axis=0))


def rotation(rows, decay, center, covariance):
    """(d, d): the mean of exp(-decay m' C^-1 m / 2) (m dx' - dx m') over the steps."""
    moved, d = rows["x"] - rows["before"][:, : rows["x"].shape[1]], rows["x"].shape[1]
    middle, total = rows["x"] - moved / 2 - center, np.zeros((d, d))
    for m, dx in zip(middle, moved, strict=True):
        weight = np.exp(-decay * m @ np.linalg.inv(covariance) @ m / 2)
        total += weight * (np.outer(m, dx) - np.outer(dx, m))
    return total / len(moved)
