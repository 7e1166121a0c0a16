"""The figure of known_answers.py."""

import numpy as np
from scipy import stats

import langevin_sgd as ls

MARKER = {"oracle": "o", "study": "D", "generators": "s"}
LOOK = {"oracle": "data", "study": "theory", "generators": "other"}
NAMES = {"oracle": "oracle", "study": "studies", "generators": "(Threefry - Philox)/√2"}


def families(dataset):
    """{name: z (number, seed)}."""
    found = {name: dataset.z.values[dataset.family.values == name] for name in ("oracle", "study")}
    both = dataset.isel(number=dataset.family.values == "oracle", seed=slice(dataset.reruns))
    found["generators"] = (both.z_threefry - both.z).values / np.sqrt(2)
    return found


def plot(dataset):
    """All z-scores against N(0, 1), and mean and mean square of each number over its seeds."""
    import matplotlib.pyplot as plt

    with ls.plots.style():
        figure, axes = plt.subplots(1, 3, figsize=(12, 3.9), layout="constrained")
        for name, z in families(dataset).items():
            colour = ls.plots.COLOURS[LOOK[name]]
            _density(axes[0], z, colour, NAMES[name], MARKER[name])
            _moments(axes[1:], z, colour, MARKER[name])
        line, guide = np.linspace(-5, 5, 300), ls.plots.COLOURS["guide"]
        axes[0].plot(line, stats.norm.pdf(line), color=guide, linewidth=1, label="N(0, 1)")
        axes[0].set(yscale="log", ylim=(1e-5, 2), xlim=(-5, 5))
        axes[0].set(xlabel="z, distance from the exact value / standard error", ylabel="density")
        axes[0].legend(fontsize="small", loc="lower center")
        axes[0].set_title("All z-scores")
        _expected(axes[1:], guide)
    return figure


def _density(ax, z, colour, name, marker):
    """Counts in bins of width 0.25, with the errors of their square roots."""
    count, edges = np.histogram(z, np.linspace(-5.125, 5.125, 42))
    middle, scale = (edges[1:] + edges[:-1]) / 2, 1 / (z.size * np.diff(edges))
    seen = count > 0
    look = {"fmt": marker, "markersize": 4, "elinewidth": 1, "color": colour}
    errors = np.sqrt(count)[seen] * scale[seen]
    ax.errorbar(middle[seen], (count * scale)[seen], errors, label=f"{name}: {z.size} z", **look)


def _moments(axes, z, colour, marker):
    """Sorted over the numbers, against the quantiles of their laws."""
    seeds = z.shape[1]
    rank = (np.arange(len(z)) + 0.5) / len(z)
    mean, square = np.sort(z.mean(axis=1) * np.sqrt(seeds)), np.sort((z**2).sum(axis=1))
    look = {"color": colour, "marker": marker, "linestyle": "none", "markersize": 3}
    axes[0].plot(stats.norm.ppf(rank), mean, **look)
    axes[1].plot(stats.chi2(seeds).ppf(rank) / seeds, square / seeds, **look)


def _expected(axes, guide):
    titles = [f"{which} of each number over its seeds" for which in ("Mean", "Mean square")]
    words = "mean z times √seeds", "mean z²"
    for ax, title, word in zip(axes, titles, words, strict=True):
        ends = ax.get_xlim()
        ax.plot(ends, ends, color=guide, linewidth=1, zorder=0)
        ax.set(xlabel=f"{word}: expected quantile", ylabel=f"{word}: found, sorted")
        ax.set_title(title)
