"""How noisy gradients are, in numbers, and the errors of these numbers for a sample of examples."""

from typing import NamedTuple

import numpy as np

from ..engine.reducers.readings import MATRIX, labelled, with_error

_SQUARE = "(energy / length)^2"
LABELS = {  # dimensions, long name, units
    "mean_gradient": (("component",), "gradient of the mean loss", "energy / length"),
    "covariance": (MATRIX, "covariance of one example's gradient", _SQUARE),
    "eigenvalues": (("mode",), "eigenvalues of the covariance", _SQUARE),
    "eigenvectors": (("component", "mode"), "eigenvectors of the covariance", "1"),
    "trace": ((), "trace of the covariance: mean square error of one gradient", _SQUARE),
    "squared_mean_gradient": ((), "squared length of the mean gradient", _SQUARE),
    "mean_squared_gradient": ((), "mean squared length of one example's gradient", _SQUARE),
    "noise_scale": ((), "trace of the covariance over squared mean gradient", "1"),
    "signal_to_noise": (("component",), "mean gradient over its standard deviation", "1"),
    "effective_rank": ((), "exponential of the entropy of the spectrum", "1"),
    "participation_ratio": ((), "squared trace over trace of the square", "1"),
}
BOUNDS = {"bound": labelled("bound", ["lower", "upper"], "end of an interval")}


class Bootstrap(NamedTuple):
    """How examples are drawn again, and how often an interval may miss."""

    resamples: int
    level: float
    seed: int


def statistics(mean, variances, values, examples=None):
    """All of LABELS but matrix and vectors, by name, from mean (..., d), variances (..., d) and
    eigenvalues (..., k) of a table; with the number of `examples`, corrected for a population."""
    from scipy.special import entr

    scale = 1.0 if examples is None else examples / (examples - 1)
    with np.errstate(all="ignore"):
        square = np.sum(mean * mean, axis=-1)
        found = {"mean_gradient": mean, "eigenvalues": scale * values}
        found["trace"] = trace = scale * np.sum(variances, axis=-1)
        found["squared_mean_gradient"] = square - (0.0 if examples is None else trace / examples)
        found["mean_squared_gradient"] = square + trace / scale
        ratio = trace / found["squared_mean_gradient"]
        found["noise_scale"] = np.where(found["squared_mean_gradient"] < 0, np.inf, ratio)
        found["signal_to_noise"] = mean / np.sqrt(scale * variances)
        share = values / np.sum(values, axis=-1, keepdims=True)
        found["effective_rank"] = np.exp(np.sum(entr(np.maximum(share, 0.0)), axis=-1))
        found["participation_ratio"] = 1.0 / np.sum(share * share, axis=-1)
    return found


def labelled_statistics(found, errors):
    """Variables of a dataset from arrays by name and, by name too, (standard error, interval
    (..., 2)); what has no error stands alone."""
    variables = {}
    for name, value in found.items():
        dims, text, units = LABELS[name]
        if name not in errors:
            variables[name] = labelled(dims, value, text, units)
            continue
        error, interval = errors[name]
        variables |= with_error(name, dims, (value, error), text, units)
        text = f"confidence interval of the {text}"
        variables[f"{name}_interval"] = labelled((*dims, "bound"), interval, text, units)
    return variables


def bootstrap(rows, values, plan):
    """(standard error, interval (..., 2)) of each of `statistics`, corrected, by resampling the
    gradients `rows` (N, d), whose eigenvalues are `values`."""
    examples, mean = len(rows), rows.mean(axis=0)
    away = rows - mean
    random = np.random.default_rng(plan.seed)
    counts = random.multinomial(examples, np.full(examples, 1 / examples), plan.resamples) * 1.0
    shift, squares = counts @ away / examples, away * away
    spectra = np.array([one[: len(values)] for one in _spectra(away, counts, shift)])
    drawn = statistics(mean + shift, counts @ squares / examples - shift**2, spectra, examples)
    setting = mean, squares.mean(axis=0), values
    table, estimate = statistics(*setting), statistics(*setting, examples)
    errors = {}
    with np.errstate(all="ignore"):  # inf - inf is nan: not to be told from such resamples
        for one in (table, estimate):
            one["noise_scale"] = one["squared_mean_gradient"] / one["trace"]  # its reciprocal
        ratio = table["noise_scale"]  # linear in what was drawn, regular at |G_T|^2 = 0
        off = drawn["squared_mean_gradient"] - ratio * drawn["trace"]
        drawn["noise_scale"] = ratio + off / table["trace"]
        for name, value in estimate.items():
            off = drawn[name] - table[name]
            ends = np.quantile(off, [1 - plan.level / 2, plan.level / 2], axis=0)
            errors[name] = off.std(axis=0, ddof=1), np.moveaxis(value - ends, 0, -1)
    errors["noise_scale"] = _of_reciprocal(estimate["noise_scale"], *errors["noise_scale"])
    return errors


def _spectra(away, counts, shift):
    """Eigenvalues, largest first, of the covariance of each resampled table."""
    examples, dim = away.shape
    gram = away @ away.T if examples <= dim else None
    for count, mean in zip(counts, shift, strict=True):
        if gram is None:
            matrix = (away.T * count) @ away / examples - np.outer(mean, mean)
        else:
            root, along = np.sqrt(count), away @ mean
            matrix = gram - along[:, None] - along + mean @ mean
            matrix = root[:, None] * matrix * root / examples
        yield np.linalg.eigvalsh(matrix)[::-1]


def _of_reciprocal(value, error, interval):
    """Error and interval of 1/value; inf beyond a value that is not positive, nan where it is."""
    with np.errstate(divide="ignore"):
        ends = np.where(interval <= 0, np.inf, 1 / interval)
        return np.where(value <= 0, np.inf, error / value**2), ends[..., ::-1]
