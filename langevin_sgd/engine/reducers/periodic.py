"""Periodic components: their lengths, and what to take off for the shorter way round."""

import numpy as np

ROUND = 6755399441055744.0  # 1.5 * 2^52: adding and taking it away rounds to a whole number


def periods(domain, components):
    """What `whole_periods` finds in `p`: for each component the period, one over it, and the
    middle; zeros where it is not periodic, as everywhere without a domain.
    """
    found = {name: np.zeros(len(components)) for name in ("period", "per_period", "middle")}
    for k, component in enumerate(components):
        wall = domain[component] if domain else None
        if wall is not None and wall[0] == "periodic":
            _, low, high = wall
            found["period"][k] = high - low
            found["per_period"][k] = 1.0 / (high - low)
            found["middle"][k] = 0.5 * (low + high)
    return found


def whole_periods(p, k, length):
    """The whole periods along component k that are nearest to a length."""
    return p.period[k] * ((length * p.per_period[k] + ROUND) - ROUND)
