"""What the parts of escape.py share: how it is run, its coordinates, noise, first passages,
and a kind of claim."""

from typing import NamedTuple

import numpy as np
from _runner import Claim

import langevin_sgd as ls
from langevin_sgd import elementary

COORDINATES = {
    **{"noise": "noise", "law": "published law", "barrier": "barrier", "heat": "temperature"},
    **{"learning_rate": "learning rate", "fine_rate": "learning rate", "curvature": "curvature"},
    **{"setting": "rate and variance", "exact_setting": "rate and variance", "start": "start"},
    **{"angle": "degrees from the stiff direction, -1 for round noise", "side": "side of the edge"},
    **{"noise_size": "size of two-point noise", "time": "time over the slowest relaxation"},
}


class Settings(NamedTuple):
    """How a study is run."""

    quick: bool
    seed: int
    threads: int | None
    plant: bool

    @property
    def heat(self):
        """The factor of the noise covariance: the planted error."""
        return 2.0 if self.plant else 1.0


def passages(settings, model, rate, noise, x0, particles, seed, steps=10**8, **where):
    """A run that ends each particle where it arrives."""
    return ls.simulate(
        model,
        ls.dynamics.sgd(rate),
        noise,
        particles=particles,
        steps=steps,
        x0=x0,
        seed=settings.seed + seed,
        threads=settings.threads,
        reducers=ls.reducers.first_passage(**where),
    )


def mean_steps(model, spread, rate, target):
    """Exact mean number of steps from -1 to a target, noise of variance 2 D(x)/rate."""
    inside = [(-np.inf, target)]
    found = ls.theory.mean_first_passage_steps(
        model, lambda x: 2 * spread(x) / rate, rate, start=[-1.0], inside=inside
    )
    return float(found.mean_steps[0])


def _factor(p, x, out):
    """Variance power (1 + bend (x^2 - 1)/2 + climb (x^2 - 1)^2), the last one up to twice the
    barrier only: beyond the other minimum it does not matter."""
    y = x[0] * x[0] - 1.0
    grown = 1.0 + 0.5 * p.bend * y + p.climb * elementary.minimum(y * y, 2.0)
    out[0] = elementary.sqrt(p.power * grown)


def kicks(power, bend=0.0, climb=0.0):
    """Gaussian noise in one dimension, of one kernel whatever its variance."""
    return ls.noise.gaussian_field(_factor, {"power": power, "bend": bend, "climb": climb}, 1)


def apart(text, upper, lower):
    """The claim that one rate is above another: the intervals (low, high) of 95 % do not meet."""
    number = f"[{upper[0]:.3g}, {upper[1]:.3g}] over [{lower[0]:.3g}, {lower[1]:.3g}]"
    return Claim(text, bool(upper[0] > lower[1]), number)
