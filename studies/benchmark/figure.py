"""The figure of throughput.py: who is how fast, and where the time of a step goes."""

import numpy as np

BLUE, ORANGE, GREY, LIGHT = "#0072B2", "#D55E00", "#666666", "#BBBBBB"


def plot(dataset):
    """Five panels, (a) to (e); of a quick run, which measures no more, only (a)."""
    from matplotlib.figure import Figure

    if "part_time" not in dataset:
        figure = Figure(figsize=(8, 3.5), layout="constrained")
        _programs(figure.add_subplot(), dataset)
        return figure
    figure = Figure(figsize=(13, 8.5), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=(1.15, 1), hspace=0.04)
    left, right = upper.subplots(1, 2, width_ratios=(1.2, 1))
    _programs(left, dataset)
    _parts(right, dataset)
    dims, batches, functions = lower.subplots(1, 3, width_ratios=(1, 1.15, 1))
    _dimensions(dims, dataset)
    _minibatches(batches, dataset)
    _functions(functions, dataset)
    return figure


def _bars(axes, names, values, colours, form):
    bars = axes.barh(np.arange(len(names)), values, color=colours)
    axes.bar_label(bars, labels=[format(value, form) for value in values], padding=3, fontsize=9)
    axes.set_yticks(np.arange(len(names)), names)
    axes.invert_yaxis()
    axes.margins(x=0.14)


def _programs(axes, dataset):
    order = dataset.rate.dropna("program")
    order = order.sortby(-order)
    colours = [
        BLUE if "langevin" in name else LIGHT if "by hand" in name else GREY
        for name in order.program.values
    ]
    _bars(axes, order.program.values, order.values / 1e6, colours, ".0f")
    axes.set(xlabel="million particle-steps per second")
    axes.set_title(
        f"(a) SGD on a 2-D double well, float64 unless said, {dataset.threads} threads", fontsize=11
    )
    missing = dataset.program.values[np.isnan(dataset.rate.values)]
    if len(missing):
        axes.text(
            0.98,
            0.03,
            f"no number: {', '.join(missing)}",
            transform=axes.transAxes,
            ha="right",
            fontsize=9,
        )


def _parts(axes, dataset):
    names = [str(name) for name in dataset.part.values] + ["whole step"]
    values = np.append(dataset.part_time.values, float(dataset.step_time))
    _bars(axes, names, values, [GREY] * (len(names) - 1) + [BLUE], ".2f")
    for row, counts in enumerate(dataset.instructions.values):
        text = ", ".join(
            f"{count} {name}"
            for count, name in zip(counts, dataset.register.values, strict=True)
            if count
        )
        axes.text(
            0.98,
            row,
            text,
            transform=axes.get_yaxis_transform(),
            ha="right",
            va="center",
            fontsize=8,
            color=ORANGE,
        )
    axes.set_xlim(right=2.1 * values.max())
    axes.set(xlabel="ns per particle-step, 1 thread")
    axes.set_title(
        "(b) parts of that step, each in a loop of its own\n(at the right: instructions by "
        "register)",
        fontsize=11,
    )


def _dimensions(axes, dataset):
    axes.plot(dataset.dim, dataset.coordinate_rate / 1e6, "o-", color=BLUE)
    limit = 0.6 * float(dataset.coordinate_rate.max()) / 1e6
    axes.axhline(limit, color=ORANGE, linestyle="--", linewidth=1)
    axes.text(64, limit, "60 % of the best", color=ORANGE, fontsize=9, ha="right", va="bottom")
    axes.set(
        xscale="log",
        ylim=(0, None),
        xlabel="dimension",
        ylabel="million coordinate-steps per second",
    )
    axes.set_xticks(dataset.dim.values, [str(d) for d in dataset.dim.values])
    axes.set_xticks([], minor=True)
    axes.set_title("(c) quadratic, diagonal Sigma, 1 thread", fontsize=11)


def _minibatches(axes, dataset):
    rows, sizes = np.arange(dataset.sizes["method"]), dataset.batch_size.values
    for k, (size, shift) in enumerate(zip(sizes, (-0.2, 0.2), strict=True)):
        colours = [
            (BLUE if k else "#7FB8DA") if "langevin" in name else (GREY if k else LIGHT)
            for name in dataset.method.values
        ]
        bars = axes.barh(
            rows + shift, dataset.example_time.values[:, k], height=0.38, color=colours
        )
        labels = [f"{value:.2f}  (B = {size})" for value in dataset.example_time.values[:, k]]
        axes.bar_label(bars, labels=labels, padding=3, fontsize=8)
    axes.set_yticks(
        rows,
        [name.replace("langevin_sgd, ", "langevin_sgd,\n") for name in dataset.method.values],
        fontsize=9,
    )
    axes.invert_yaxis()
    axes.margins(x=0.4)
    axes.set(xlabel="ns per example gradient")
    axes.set_title("(d) minibatches of linear regression", fontsize=11)


def _functions(axes, dataset):
    lanes, scalar = dataset.function_time.values.T
    rows = np.arange(len(lanes))
    axes.barh(rows - 0.2, scalar, height=0.38, color=LIGHT, label="math, scalar loop")
    bars = axes.barh(rows + 0.2, lanes, height=0.38, color=BLUE, label="langevin_sgd, lanes")
    axes.bar_label(
        bars, labels=[f"{ratio:.1f}x faster" for ratio in scalar / lanes], padding=3, fontsize=8
    )
    axes.set_yticks(rows, dataset.function.values)
    axes.invert_yaxis()
    axes.legend(fontsize=8, loc="upper right")
    axes.set(xlabel="ns per value, 1 thread")
    axes.set_title("(e) elementary functions", fontsize=11)
