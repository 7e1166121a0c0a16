"""The figure of three_tails.py: two tails with their theories, the exponents that a fit finds, and
tables."""

import numpy as np
from _panels import BLUE, GREEN, GREY, ORANGE, points

import langevin_sgd as ls

LINES = ("Kesten (exact)", BLUE, "-"), ("diffusion, true covariance", ORANGE, "--")
LINES += (("diffusion, 2 L H", GREEN, ":"),)


def plot(dataset):
    """Four panels; bars are 4 standard errors."""
    import matplotlib.pyplot as plt

    with ls.plots.style():
        figure, axes = plt.subplots(2, 2, figsize=(10, 7.6), layout="constrained")
        _tails(axes[0, 0], dataset)
        _exponents(axes[0, 1], dataset.sel(rate=0.1))
        _tables(axes[1, 0], dataset)
        _cuts(axes[1, 1], dataset)
    return figure


def _tails(ax, dataset):
    for rate, marker in ((0.1, "o"), (0.3, "s")):
        if rate not in dataset.rate:
            continue  # of a quick run
        law = dataset.sel(rate=rate)
        distance, slopes = law.edge.values, (2 * rate, rate)
        curves = [ls.theory.student_tail(distance, 1, s, rate / (2 * s)) for s in slopes]
        for (name, colour, line), curve in zip(LINES, [law.exact_curve, *curves], strict=True):
            ax.plot(distance, curve, line, color=colour, label=name if rate == 0.1 else None)
        points(ax, law, law.distance, "share", GREY, marker, linestyle="none", zorder=3)
        place = law.distance.values[-1], law.share.values[-1]
        offset = {"xytext": (8, 3), "textcoords": "offset points"}
        ax.annotate(f"$\\eta$ = {rate}", place, fontsize=9, **offset)
    ax.errorbar([], [], fmt="o", color=GREY, markersize=4, label="simulated, ± 4 s.e.")
    ax.set(xscale="log", yscale="log", xlim=(0.15, 40), ylim=(1e-8, 2))
    ax.set(xlabel="distance t from w* (length)", ylabel="P(|w − w*| > t)")
    ax.set_title("(a) the tail itself decides at once")
    ax.legend(fontsize=8, loc="upper right")


def _exponents(ax, law):
    ax.plot(law.exact_curve, law.local_exponent, color=GREY, label="exact local exponent")
    ax.plot(
        law.exact_share,
        law.exact_hill,
        "D",
        color=GREY,
        markersize=4,
        fillstyle="none",
        label="Hill, of an infinite sample",
    )
    points(
        ax,
        law,
        law.exact_share,
        "hill",
        "black",
        "o",
        linestyle="none",
        label=f"Hill, of {float(law.readings):.2g} readings, ± 4 s.e.",
    )
    for (name, colour, line), value in zip(LINES, law.exponent.values, strict=True):
        ax.axhline(value, color=colour, linestyle=line)
        wrong = name == LINES[1][0]  # where the curve leaves room below that line
        ax.text(
            0.29 if wrong else 0.02,
            value + (-0.8 if wrong else 0.25),
            f"{name}: {value:.3g}",
            color=colour,
            fontsize=7,
            transform=ax.get_yaxis_transform(),
        )
    ax.set(xscale="log", xlim=(0.2, 1.5e-9), ylim=(3, 23))
    ax.set(xlabel="tail probability P", ylabel="exponent of the tail")
    ax.set_title("(b) $\\eta$ = 0.1: fits crown the wrong theory")
    ax.legend(fontsize=8, loc="lower right")


def _tables(ax, dataset):
    edge = dataset.table_edge[::4]  # those of the tables
    ax.plot(
        dataset.table_edge, dataset.table_online, color="black", linewidth=2, label="online (exact)"
    )
    for rows, colour in zip((100, 1000, 10_000), (ORANGE, BLUE, GREEN), strict=True):
        if rows not in dataset.rows:
            continue
        for k, tail in enumerate(dataset.table_tail.sel(rows=rows).values):
            inside = tail > 0
            label = None if k else f"{rows} rows, six tables"
            ax.plot(edge[inside], tail[inside], color=colour, linewidth=0.8, label=label)
    ax.set(xscale="log", yscale="log", xlim=(0.3, 8), ylim=(1e-7, 1))
    ax.set_xticks([0.3, 0.5, 1, 2, 5], ["0.3", "0.5", "1", "2", "5"])
    ax.set_xticks([], minor=True)
    ax.set(xlabel="distance t from w* (length)", ylabel="P(|w − w*| > t)")
    ax.set_title("(c) $\\eta$ = 0.2: tables of N rows, drawn with replacement")
    ax.legend(fontsize=8, loc="lower left")


def _cuts(ax, dataset):
    rows = dataset.rows.values
    log, turn = np.log(dataset.table_online.values[::-1]), dataset.table_edge.values[::-1]
    for n, cut, bound in zip(rows, dataset.table_cut, dataset.table_reach, strict=True):
        jitter = n * np.geomspace(0.8, 1.25, len(cut))
        ax.plot(jitter, cut, "o", color=BLUE, markersize=3, label="cut" if n == rows[0] else None)
        ax.plot(
            jitter,
            bound,
            "^",
            color=ORANGE,
            markersize=3,
            fillstyle="none",
            label="end of the support" if n == rows[0] else None,
        )
    ax.plot(
        rows,
        np.median(dataset.table_cut, axis=1),
        "_",
        color="black",
        markersize=18,
        label="median cut",
    )
    line = np.geomspace(20, 15_000, 50)
    ax.plot(line, np.interp(-np.log(line), log, turn), "--", color=GREY, label="online P = 1/N")
    ax.set(xscale="log", yscale="log")
    ax.set(xlabel="rows N of the table", ylabel="distance from w* (length)")
    ax.set_title("(d) where a table has half the online tail, and where it ends")
    ax.legend(fontsize=8)
