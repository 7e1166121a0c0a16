"""Where a rule departs by 5 %, from measured points: the ends of an interval of 4 standard
errors, for the studies of rules. Beyond the points it ends where they do."""

import numpy as np

LIMIT = 0.05  # departures below it "hold"


def of_factor(a, factor, error):
    """Of a factor 1/(1 - c a) measured at a, c from weighted least squares: where it is 1.05."""
    weight = (a * factor**2 / error) ** 2
    slope = ((1 - 1 / factor) / a * weight).sum() / weight.sum()
    edge, wide = LIMIT / (1 + LIMIT), 4 / np.sqrt(weight.sum())
    return edge / (slope + wide), edge / max(slope - wide, 1e-12)


def of_curve(a, departure, error):
    """Of a departure measured at a, by interpolation in log a: where it first is 0.05."""
    edges = (np.asarray(departure + side * error) for side in (4, -4))
    return tuple(np.exp([_first(np.log(a), edge) for edge in edges]))


def _first(place, edge):
    """Where a broken line, which may fall again, first reaches LIMIT."""
    above = np.flatnonzero(edge > LIMIT)
    k = above[0] if len(above) else len(edge) - 1
    near = slice(max(0, k - 1), k + 1)
    return np.interp(LIMIT, edge[near], place[near])
