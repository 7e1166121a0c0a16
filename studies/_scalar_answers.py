"""What which_scalar.py measures of a table near its minimum, each beside its exact value."""

from typing import NamedTuple

import numpy as np
from _runner import described, with_error
from _scalar_tables import second_moments, sgd_with_sum, table_named, time_average

import langevin_sgd as ls

RATE, BATCH = 0.05, 4
RATES = (RATE, 2 * RATE)  # of the time average
DOUBLINGS, AVERAGED = 11, (64, 256, 1024, 4096)  # 2^11 steps: ten relaxation times and more
QUESTIONS = {  # what is measured -> what it says of Sigma
    "B E|g - G|^2": "tr Sigma: error of a batch gradient g",
    "2 d B T/rate": "tr Sigma: temperature T = 2 (E L - L_min)/d",
    "2 B rise/rate^2": "tr(H Sigma): rise of the loss in the first step",
    "2 n B excess": "tr(H^-1 Sigma): loss of the mean of n positions",
    "n B error^2": "tr(H^-1 Sigma H^-1): its distance from the minimum",
    "B variance": "lambda_max: variance of g along the widest direction",
    "B det^(1/d)": "det(Sigma)^(1/d), from log det: volume that g fills",
}


class Settings(NamedTuple):
    """Particles, `many` where they do one step and `few` in long runs, and how they run."""

    many: int
    few: int
    seed: int
    threads: int | None
    plant: bool

    def run(self, table, x0, steps, particles, *, rate=RATE, batch=BATCH, noise=None, **more):
        """SGD with minibatches on a table (planted: with twice as large ones)."""
        moves = sgd_with_sum(rate, batch * (2 if self.plant else 1))
        more |= {"particles": particles, "steps": steps, "x0": x0, "threads": self.threads}
        seed = self.seed + batch
        return ls.simulate(table.loss(), moves, noise or ls.noise.minibatch(), seed=seed, **more)


def mean_with_error(values, factor=1.0):
    """Mean over the particles and its standard error, times a factor."""
    return factor * values.mean(axis=0), factor * values.std(axis=0, ddof=1) / np.sqrt(len(values))


def batch_gradients(table, settings, x0, batch=1, noise=None):
    """Gradients of minibatches at x0, from one step of SGD each."""
    run = settings.run(table, x0, 1, settings.many, batch=batch, noise=noise)
    return (x0 - run.x.values[-1]) / RATE


def volume_with_error(g):
    """det^(1/d) of the covariance of gradients."""
    covariance, d = g.T @ g / len(g), g.shape[1]
    volume = np.exp(np.linalg.slogdet(covariance)[1] / d)
    share = (np.linalg.solve(covariance, g.T) * g.T).sum(axis=0)  # d log det, particle by particle
    return volume, share.std(ddof=1) * volume / d / np.sqrt(len(g))


def rises(table, settings):
    """Loss above the minimum after 2^k steps from there, (k, 2): measured and its error; exact."""
    x, done, found = table.minimum, 0, []
    for steps in 2 ** np.arange(DOUBLINGS + 1):
        x = settings.run(table, x, steps - done, settings.few, first_step=done).x.values[-1]
        found.append(mean_with_error(table.rise(x - table.minimum)))
        done = steps
    seconds = second_moments(table, RATE, BATCH, done)[2 ** np.arange(DOUBLINGS + 1)]
    return np.array(found), np.trace(table.hessian @ seconds, axis1=1, axis2=2) / 2


def averages(table, rate, x, settings):
    """Of the mean of n positions after stationary x: 2 n B times its loss above the minimum and
    n B times its squared distance from it, (n, 2, 2): measured and its error; exact (n, 2)."""
    start = 2**DOUBLINGS
    more = {"rate": rate, "first_step": start, "every": AVERAGED[0]}
    run = settings.run(table, x, AVERAGED[-1], settings.few, **more)
    second, found, exact = second_moments(table, rate, BATCH, start)[-1], [], []
    for n in AVERAGED:
        away = run.v.sel(step=start + n).values / n - table.minimum
        each = 2 * table.rise(away), (away**2).sum(axis=1)
        found.append([mean_with_error(values, n * BATCH) for values in each])
        spread = n * BATCH * time_average(table, rate, BATCH, second, n)
        exact.append([np.trace(table.hessian @ spread), np.trace(spread)])
    return np.array(found), np.array(exact)


def scalars(table):
    """Of Sigma at the minimum, in the order of QUESTIONS."""
    sigma, inverse = table.sigma, np.linalg.inv(table.hessian)
    products = sigma, sigma, table.hessian @ sigma, inverse @ sigma, inverse @ sigma @ inverse
    values = np.linalg.eigvalsh(sigma)
    return np.array([*map(np.trace, products), values[-1], np.exp(np.log(values).mean())])


def answers(name, settings):
    """The questions of one table; its loss along a run; means of many positions."""
    table = table_named(name)
    g, scalar = batch_gradients(table, settings, table.minimum), scalars(table)
    rise, exact_rise = rises(table, settings)
    means, heats, exact_heats = [], [], []
    for rate in RATES:
        start = table.minimum, 2**DOUBLINGS, settings.few
        x, scale = settings.run(table, *start, rate=rate).x.values[-1], 4 * BATCH / rate
        heats.append(mean_with_error(table.rise(x - table.minimum), scale))
        second = second_moments(table, rate, BATCH, start[1])[-1]
        exact_heats.append(scale * np.trace(table.hessian @ second) / 2)
        means.append(averages(table, rate, x, settings))
    mean, exact_mean = (np.array(each) for each in zip(*means, strict=True))
    along = g @ np.linalg.eigh(table.sigma)[1][:, -1]
    first = mean_with_error((g**2).sum(axis=1)), heats[0], 2 * BATCH / RATE**2 * rise[0]
    shape = mean_with_error(along**2), volume_with_error(g)
    found = np.array([*first, *mean[0, -1], *shape]).T
    exact = [scalar[0], exact_heats[0], scalar[2], *exact_mean[0, -1], *scalar[5:]]
    asked, many, text = ("question",), ("rate", "averaged"), "loss above the minimum, from there on"
    units = "that of the scalar"
    values = with_error("answer", asked, found, units, "measured answer")
    heat = "2 d B T/rate, where T = 2 (E L - L_min)/d"
    values |= with_error("heat", ("rate",), np.transpose(heats), "(energy / length)^2", heat)
    values |= with_error("rise", ("doubling",), rise.T, "energy", text)
    about = "2 n B times the loss above the minimum of the mean of n positions"
    values |= with_error("average", many, np.moveaxis(mean[:, :, 0], -1, 0), "energy", about)
    values |= {
        "answer_exact": (asked, exact, units, "exact answer"),
        "scalar": (asked, scalar, units, "scalar of Sigma at the minimum"),
        "heat_exact": (("rate",), exact_heats, "(energy / length)^2", f"exact {heat}"),
        "rise_exact": (("doubling",), exact_rise, "energy", f"exact {text}"),
        "average_exact": (many, exact_mean[:, :, 0], "energy", f"exact {about}"),
    }
    return described(values)
