"""Bounded noise in a double well, in escape.py: how far it reaches, and how often it escapes."""

import numpy as np
from _escape_runs import passages
from _runner import described, with_error
from scipy.sparse import coo_array

import langevin_sgd as ls

SIZES, RATE, CAUGHT = np.array([0.3, 0.34, 0.38, 0.42, 0.45, 0.5, 0.6, 0.8]), 0.5, 0.38
STEEPEST = 2 / 3**1.5  # of U' of (x^2 - 1)^2/4, at x = 3^(-1/2)
SMALL, SLOPE_SIZE = (0.2, 0.1), 0.5  # rates for the exponent, and the size of the noise there


def push(x, rate, force):
    return x - rate * (x * (x * x - 1) - force)


def reach(size, rate, points=2_001):
    """The largest place that two-point noise reaches from -1 (inf: beyond the top): hulls of
    images, to their limit."""
    low = high = -1.0
    for _ in range(100_000):
        x, old = np.linspace(low, high, points), (low, high)
        low, high = min(low, push(x, rate, -size).min()), max(high, push(x, rate, size).max())
        if high >= 0:
            return np.inf
        if max(old[0] - low, high - old[1]) < 1e-14:
            break
    return high


def largest_safe_rate(size):
    """The rate up to which noise of a size cannot leave the well, from hulls: (low, high)."""
    low, high = 0.1, 2.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if reach(size, middle) < 0 else (low, middle)
    return low, high


def leaving_probability(size, rate, points=10_001):
    """Of two-point noise, per step from the quasi-stationary law of x < 0: images of the nodes of
    a grid are shared between neighbours, as in `theory.discrete_noise_law`."""
    x = np.linspace(-2.0, 0.0, points)
    rows, columns, shares = [], [], []
    for force in (-size, size):
        place = (push(x, rate, force) - x[0]) / (x[1] - x[0])
        stays = np.flatnonzero((place < points - 1) & (place > 0))
        node = np.floor(place[stays]).astype(int)
        for to, share in ((node, 1 - place[stays] + node), (node + 1, place[stays] - node)):
            rows, columns, shares = [*rows, to], [*columns, stays], [*shares, share / 2]
    entries = np.concatenate(shares), (np.concatenate(rows), np.concatenate(columns))
    chain = coo_array(entries, shape=(points, points)).tocsr()
    leaves, mass = 1 - chain.sum(axis=0), np.exp(-100 * (x + 1) ** 2)
    for _ in range(round(40 / rate) + 200):
        mass = chain @ (mass / mass.sum())
    return float(leaves @ mass / mass.sum())


def bounded(settings):
    """Rates of escape over the top, of two-point noise and of Gaussian noise of its variance; the
    edge; and the exponent at small rates."""
    well, rows = ls.potentials.double_well(), []
    edge = largest_safe_rate(CAUGHT)
    cases = [(s, RATE) for s in SIZES] + [(CAUGHT, 0.95 * edge[0]), (CAUGHT, 1.1 * edge[1])]
    for k, (size, rate) in enumerate(cases):
        noise = ls.noise.two_point(size * np.sqrt(settings.heat))
        count, plan = 4_000 if settings.quick else 40_000, {"steps": 2_020, "above": 0.0}
        run = passages(settings, well, rate, noise, [-1.0], count, 160 + k, **plan)
        seen = ls.analysis.escape_rate(run, after=20)
        pair = float(seen.escape_rate), float(seen.escape_rate_standard_error)
        rows.append([*pair, *seen.escape_rate_interval.values, float(seen.arrivals)])
    rows, count = np.array(rows), len(SIZES)
    inside = {"inside": [(-np.inf, 0.0)]}
    laws = [ls.theory.quasi_stationary_law(well, [[s * s]], RATE, **inside) for s in SIZES]
    exact = [leaving_probability(s, RATE) if s > STEEPEST else 0.0 for s in SIZES]
    text = "rate of escape of two-point noise"
    values = with_error("bounded", "noise_size", rows[:count, :2].T, "1/steps", text)
    values["bounded_interval"] = (
        ("noise_size", "bound"),
        rows[:count, 2:4],
        "1/steps",
        f"95 %: {text}",
    )
    values["bounded_exact"] = "noise_size", exact, "1/steps", f"exact {text}"
    gaussian = [float(law.exit_probability) for law in laws]
    values["gaussian_exact"] = (
        "noise_size",
        gaussian,
        "1/steps",
        "exact rate of escape, Gaussian noise",
    )
    values["reach"] = (
        "noise_size",
        [reach(s, RATE) for s in SIZES],
        "1",
        "largest place reached from -1",
    )
    values["safe_rate"] = "bound", list(edge), "1", f"rate up to which noise of size {CAUGHT} stays"
    at_edge = ("side", "bound"), rows[count:, 2:4]
    values["edge_interval"] = *at_edge, "1/steps", "95 % interval of rates at 0.95 and 1.1 of it"
    rare = [leaving_probability(SLOPE_SIZE, rate) / rate for rate in SMALL]
    slope = np.subtract(*np.log(rare)) / np.subtract(*(1 / np.array(SMALL)))
    values["exponent"] = (), -slope, "1", "fall of log rate with the inverse learning rate"
    pair = {"noise_values": [SLOPE_SIZE, -SLOPE_SIZE]}
    exponent = ls.theory.quasi_potential(well, -1.0, 0.0, **pair)
    values["exponent_exact"] = (), exponent, "1", "quasi-potential of two-point noise"
    values["exponent_gaussian"] = (), 0.5 / SLOPE_SIZE**2, "1", "of Gaussian noise of its variance"
    return described(values).assign_coords(noise_size=SIZES, side=["below", "above"])
