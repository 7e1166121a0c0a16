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


def first_above(x, values):
    """Where a broken line through points x, which may fall again, first exceeds LIMIT; nan if it
    never does."""
    above = np.flatnonzero(values > LIMIT)
    if not len(above):
        return np.nan
    k = above[0]
    if k == 0:
        return x[0]
    share = (LIMIT - values[k - 1]) / (values[k] - values[k - 1])
    return x[k - 1] + share * (x[k] - x[k - 1])


def of_curve(a, departure, error):
    """Of a departure measured at a, by interpolation in log a: where it first is 0.05."""
    log, departure, error = np.log(np.asarray(a)), np.asarray(departure), np.asarray(error)
    ends = [first_above(log, departure + side * error) for side in (4, -4)]
    return tuple(np.exp(np.nan_to_num(ends, nan=log[-1])))
