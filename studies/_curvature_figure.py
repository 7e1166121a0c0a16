"""The figure of fisher_hessian_covariance.py: where Sigma, F and H are one, and where not."""

import numpy as np
from _curvature_parts import AWAY, CASES, TRUTH
from _curvature_tables import FOURTH_CUMULANT, z_beside_twins
from _panels import BLUE, GREEN, GREY, ORANGE, six

LOOK = {"fmt": "o", "markersize": 4, "capsize": 2, "linestyle": "none"}
SIGMA_OFF_F = "$|\\Sigma - s^2F|\\,/\\,|s^2F|$"


def plot(dataset):
    """Six panels."""
    return six((_rate, _twins, _directions, _cumulants, _interpolation, _cases), dataset, 14)


def _rate(ax, dataset):
    for kind, colour in (("least squares", BLUE), ("logistic", GREEN), ("uneven", ORANGE)):
        of = dataset.sel(kind=kind)
        value = np.sqrt(of.squared)
        slope, error = float(of.exponent), float(of.exponent_standard_error)
        name = "least squares, uneven noise" if kind == "uneven" else f"{kind}, true model"
        label = f"{name}: $N^{{{slope:.3f}}}$ (± {error:.3f})"
        spread = 4 * of.squared_standard_error / (2 * value)
        ax.errorbar(of.examples, value, spread, color=colour, label=label, **LOOK)
    n, d = dataset.examples.values, len(TRUTH)
    ax.plot(n, np.sqrt(2 * (d + 2) / n), color=BLUE, label="exact: $\\sqrt{2(d+2)/N}$")
    ax.plot(n, np.full(len(n), 2 / np.sqrt(d)), color=ORANGE, label="exact: $2/\\sqrt{d}$")
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="examples $N$ of a table",
        ylabel=SIGMA_OFF_F,
        ylim=(0.01, 12),
    )
    ax.set_xticks(n, n)
    ax.minorticks_off()
    ax.set_title("At the minimum: $\\Sigma = s^2F$ at the rate $N^{-1/2}$\nif the model is true")
    ax.legend(fontsize=8, loc="upper right")


def _twins(ax, dataset):
    names = dataset.table.values
    for place, name in enumerate(names):
        of = dataset.sel(table=name).sel(score="distance")
        twins = of.of_twins.values[np.isfinite(of.of_twins.values)]
        x = place - 0.15 + 0.12 * np.linspace(-1, 1, len(twins))
        label = "labels drawn from the fitted model" if place == 0 else None
        ax.plot(x, twins, ".", color=GREY, markersize=4, label=label)
        label = "real labels ± s.e. (bootstrap)" if place == 0 else None
        look = LOOK | {"markersize": 7, "color": ORANGE, "label": label}
        ax.errorbar(place + 0.15, of.measured, of.measured_standard_error, **look)
    far = [z_beside_twins(dataset.sel(table=name), "distance") for name in names]
    labels = [f"{name}\nz = {z:+.1f}" for name, z in zip(names, far, strict=True)]
    ax.set_xticks(range(len(names)), labels)
    top = 1.3 * float(dataset.of_twins.sel(score="distance").max())
    ax.set(ylim=(0, top), xlim=(-0.5, len(names) - 0.5), ylabel=SIGMA_OFF_F)
    ax.set_title(
        "Real tables at the minimum, beside twins\n"
        "(z: standard deviations of the twins, logarithms)"
    )
    ax.legend(fontsize=8, loc="upper left")


def _directions(ax, dataset):
    looks = zip(dataset.table.values, (BLUE, ORANGE, GREEN), "osD", strict=False)
    for name, colour, marker in looks:
        of, score = dataset.sel(table=name), dataset.sel(table=name, score="gamma")
        value, error = float(score.measured), float(score.measured_standard_error)
        label = f"{name}: $\\gamma$ = {value:.2f} ± {error:.2f}"
        ax.plot(of.curvature, of.noise, marker, color=colour, label=label, markersize=4)
    ends = np.array([float(dataset.curvature.min()), float(dataset.curvature.max())])
    ax.plot(ends, ends, color=GREY, linewidth=1, label="$\\Sigma = H$")
    ax.set(xscale="log", yscale="log", xlabel="curvature $H_{ii}$ of a direction (nat)")
    ax.set_ylabel("variance $\\Sigma_{ii}$ of the gradient (nat²)")
    ax.set_title(
        "Along the eigenvectors of $H$, at the minimum:\n$\\Sigma_{ii} \\sim H_{ii}^{\\,\\gamma}$"
    )
    ax.legend(fontsize=8)


def _cumulants(ax, dataset):
    colours = dict(zip(FOURTH_CUMULANT, (ORANGE, "#E69F00", BLUE, GREEN), strict=True))
    t = np.linspace(0, 4, 100)
    for law, cumulant in FOURTH_CUMULANT.items():
        of, colour = dataset.sel(law=law), colours[law]
        norms = []
        for length in t:
            delta = length * AWAY
            left = cumulant * np.diag(delta**2)
            sigma = (1 + delta @ delta) * np.eye(len(delta)) + np.outer(delta, delta) + left
            norms.append(np.linalg.norm(left) / np.linalg.norm(sigma))
        label = f"{law} inputs, $\\kappa_4$ = {cumulant:g}"
        ax.plot(t, norms, color=colour)
        ax.errorbar(
            of.distance, of.left, 4 * of.left_standard_error, color=colour, label=label, **LOOK
        )
    ax.set(
        xlabel="distance $|\\delta|$ from the minimum (at 0: the floor of a finite table)",
        ylim=(0, None),
    )
    ax.set_ylabel("$|\\Sigma - 2LH - GG^T|\\,/\\,|\\Sigma|$")
    ax.set_title(
        "Least squares: $\\Sigma = 2LH + GG^T$ everywhere for normal\n"
        "inputs, at the minimum for others (exact: lines)"
    )
    ax.legend(fontsize=8)


def _interpolation(ax, dataset):
    names = {"separable": ("0 and 3, separable", BLUE), "overlapping": ("3 and 8, not", ORANGE)}
    for kind, (name, colour) in names.items():
        for score, line in (("distance", "-o"), ("alignment", "--s")):
            of = dataset.sel(digits=kind, path_score=score)
            label = f"{score}, {name}"
            ax.plot(of.energy, of.path, line, color=colour, label=label, markersize=4)
    ax.set(xscale="log", xlabel="mean loss along a falling ridge (nat)", ylim=(0, 1.05))
    ax.invert_xaxis()
    ax.set_ylabel("distance, alignment of $\\Sigma$ and $F$")
    ax.set_title(
        "Towards interpolation, two digits:\n$\\Sigma$ vanishes beside $F$, in the same shape"
    )
    ax.legend(fontsize=8, loc="lower right")


def _cases(ax, dataset):
    apart = dataset.apart.values
    ax.imshow(np.minimum(apart, 1.5), aspect="auto", vmin=0, vmax=1.5)
    for (row, column), value in np.ndenumerate(apart):
        colour = "white" if value > 0.9 else "black"
        text = "0" if value < 1e-10 else f"{value:.2f}"
        ax.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
    ax.set_xticks(
        range(3), ["$H$ from\nGauss-Newton", "$\\Sigma$ from $F$", "empirical $F$\nfrom $F$"]
    )
    ax.set_yticks(range(len(CASES)), CASES)
    ax.set_title("Relative distances, case by case\n($s = 1$; 0 is exact, others in one table)")
