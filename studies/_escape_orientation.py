"""Escape from the sharp one of the two bowls of Zhu et al., in escape.py: directed and round noise.

Along an eigen-direction of curvature h, noise of variance v a step spreads to v/(2 eta h - (eta
h)^2), so that to climb dU has the exponent (2 eta dU/v) (1 - eta h/2): of equal trace and small
steps every direction has the temperature v/(2 eta), round noise half of it. The stiff direction of
the authors' program has eta h = 1, which halves its exponent, of round noise too."""

from typing import NamedTuple

import numpy as np
from _escape_runs import passages
from _runner import described, with_error

import langevin_sgd as ls
from langevin_sgd import elementary


class Setting(NamedTuple):
    """Rate and total variance of a step, particles, those of --quick, and the directions."""

    rate: float
    variance: float
    particles: int
    few: int
    angles: tuple
    turned: bool = False  # the flat bowl beyond the soft side


ROUND = -1.0  # instead of an angle
ANGLES = tuple(np.arange(0.0, 91.0, 15.0))  # from the stiff direction
SETTINGS = {  # the authors' program; a tenth of the rate at the same temperature; half of it
    "published": Setting(0.005, 0.01, 20_000, 1_000, ANGLES),
    "small steps": Setting(0.0005, 0.001, 5_000, 2_000, ANGLES),
    "colder": Setting(0.005, 0.005, 150_000, 5_000, (0.0, 45.0)),
    "turned": Setting(0.005, 0.01, 10_000, 0, ANGLES, True),
    "turned, small steps": Setting(0.0005, 0.001, 2_000, 0, ANGLES, True),
}
APART, AWAY = 2 * np.sqrt(2), -1.5 * np.sqrt(2)  # along the line; there both components are -1/2


def in_the_flat_bowl(p, x):
    return (x[0] < -0.5) & (x[1] < -0.5)


def in_the_turned_bowl(p, x):
    return (x[0] < -0.5) & (x[1] > 2.5)


def _turned_parts(p, x):
    """Along the stiff and the soft direction, the two energies."""
    stiff, soft = x[0] + x[1] - 2.0, x[0] - x[1]
    a, b = x[0] + 1.0, x[1] - 3.0
    return stiff, soft, 0.5 * (p.stiff * stiff * stiff + p.soft * soft * soft), a * a + b * b


def _turned_energy(p, x):
    _, _, sharp, flat = _turned_parts(p, x)
    return elementary.minimum(sharp, flat)


def _turned_gradient(p, x, out):
    stiff, soft, sharp, flat = _turned_parts(p, x)
    out[0] = elementary.where(sharp < flat, p.stiff * stiff + p.soft * soft, 2.0 * (x[0] + 1.0))
    out[1] = elementary.where(sharp < flat, p.stiff * stiff - p.soft * soft, 2.0 * (x[1] - 3.0))


def turned_bowls():
    """As `potentials.zhu_bowls`, with the flat minimum at (-1, 3), as far, beyond the soft side."""
    params = {"soft": 10.0, "stiff": 100.0}
    return ls.potentials.Potential("turned_bowls", _turned_energy, _turned_gradient, params, 2)


def covariance(angle, variance):
    """Of one step, all of it along a direction, or round."""
    if angle == ROUND:
        return variance / 2 * np.eye(2)
    way = np.radians(45 + angle) + np.array([0, -np.pi / 2])  # from the axis of x_0
    return variance * np.outer(np.cos(way), np.cos(way))


def along_the_line(rate, variance, count=80):
    """Exact probability per step to leave, of noise along the line through both minima, on which it
    stays: leading eigenvalue, Gauss-Legendre nodes between the creases."""
    x, weight = np.polynomial.legendre.leggauss(count)
    edges = np.array([AWAY, -APART / 11, APART / 9, 2.0])
    half, middle = np.diff(edges)[:, None] / 2, (edges[1:] + edges[:-1])[:, None] / 2
    nodes, weights = (half * x + middle).ravel(), (half * weight).ravel()
    sharp = 100 * nodes**2 < (nodes + APART) ** 2
    image = nodes - rate * np.where(sharp, 200 * nodes, 2 * (nodes + APART))
    kernel = np.exp(-((nodes[:, None] - image) ** 2) / (2 * variance))
    kernel *= weights[:, None] / np.sqrt(2 * np.pi * variance)
    mass = weights * np.exp(-50 * nodes**2)
    for _ in range(3000):
        mass = kernel @ mass
        stayed, mass = mass.sum(), mass / mass.sum()
    return 1 - stayed


def rate_of_escape(settings, setting, angle, seed):
    """Measured rate, its error, and the ends of its interval, per step of the published rate."""
    slower = SETTINGS["published"].rate / setting.rate
    bowls, reached = ls.potentials.zhu_bowls(), in_the_flat_bowl
    if setting.turned:
        bowls, reached = turned_bowls(), in_the_turned_bowl
    noise = covariance(angle, setting.variance * settings.heat) / setting.rate**2
    noise, plan = ls.noise.gaussian(noise), {"steps": round(2_500 * slower), "reached": reached}
    count = setting.few if settings.quick else setting.particles
    run = passages(settings, bowls, setting.rate, noise, [1.0, 1.0], count, seed, **plan)
    seen = ls.analysis.escape_rate(run, after=round(500 * slower))
    pair = float(seen.escape_rate), float(seen.escape_rate_standard_error)
    return slower * np.array([*pair, *seen.escape_rate_interval.values])


def orientation(settings):
    """Rates of escape from the sharp bowl of all settings and directions, with exact intervals."""
    over, angles = ("setting", "angle"), (*ANGLES, ROUND)
    wanted = (0.0, 45.0, 90.0, ROUND) if settings.quick else angles
    found = np.full((len(SETTINGS), len(angles), 4), np.nan)
    for s, setting in enumerate(SETTINGS.values()):
        for k, angle in enumerate(angles):
            if settings.quick and not setting.few:
                continue
            if angle in wanted and angle in (*setting.angles, ROUND):
                found[s, k] = rate_of_escape(settings, setting, angle, 100 + 10 * s + k)
    text = "rate of escape from the sharp bowl, per 0.005 of time"
    pair = np.moveaxis(found[..., :2], -1, 0)
    values = with_error("directed", over, pair, "1", text)
    values["directed_interval"] = (*over, "bound"), found[..., 2:], "1", f"95 % interval: {text}"
    exact = [
        along_the_line(SETTINGS[name].rate, SETTINGS[name].variance)
        for name in ("published", "colder")
    ]
    values["stiff_exact"] = "exact_setting", exact, "1", f"exact {text}, along the stiff direction"
    found = described(values).assign_coords(setting=list(SETTINGS), angle=list(angles))
    return found.assign_coords(exact_setting=["published", "colder"])
