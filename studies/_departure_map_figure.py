"""The figure of departure_map.py."""

from _departure_map_runs import BESIDE, HELD, WELL_ANISOTROPY, T
from _departure_map_systems import CAUSES

import langevin_sgd as ls
from langevin_sgd.plots.style import points_with_errors

COLOUR = {"anisotropy": ls.plots.COLOURS["data"], "state_dependence": ls.plots.COLOURS["other"]}
COLOUR |= {"finite_rate": ls.plots.COLOURS["theory"]}
LEVELS, NONE = [0.003, 0.01, 0.03, 0.1, 0.3, 1.0], "#dddddd"
AXIS = "learning rate / batch size (length²/energy)"


def plot(dataset):
    """Four maps of the largest cause with lines of equal KL, and what each cause adds."""
    import matplotlib.pyplot as plt

    with ls.plots.style():
        figure, axes = plt.subplots(2, 3, figsize=(12.5, 7.2), layout="constrained")
        panels = [(0.0, 1), (45.0, 1), (90.0, 1), (45.0, 16)]
        for ax, (angle, batch) in zip(axes.flat, panels, strict=False):
            _map(ax, dataset.sel(map_angle=angle, batch_size=batch))
            ax.set_title(f"bowl, B = {batch}, Σ at {angle:g}° to the stiff direction")
        axes[0, 0].set_ylabel("anisotropy of Σ")
        axes[1, 0].set_ylabel("anisotropy of Σ")
        patches = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in COLOUR.values()]
        patches.append(plt.Rectangle((0, 0), 1, 1, color=NONE))
        names = [*CAUSES.values(), "SGD has no stationary variance"]
        title = (
            f"maps: the largest cause, KL in nat, at anisotropy {HELD} the border of two causes "
        )
        title += "(triangles); beside: exact lines, simulated ± 4 s.e."
        options = {"loc": "outside lower center", "ncols": 4, "title": title}
        figure.legend(patches, names, **options)
        _along(axes[1, 1], dataset)
        _well(axes[1, 2], dataset)
    return figure


def _map(ax, part):
    from matplotlib.colors import ListedColormap

    colours = ListedColormap([NONE, *COLOUR.values()])
    x, y = part.scale.values, part.map_anisotropy.values
    look = {"cmap": colours, "vmin": -1.5, "vmax": 2.5, "alpha": 0.55, "shading": "nearest"}
    ax.pcolormesh(x, y, part.cause.values.T, **look)
    lines = ax.contour(x, y, part.kl.values.T, LEVELS, colors="black", linewidths=0.9)
    ax.set(xscale="log", xlabel=AXIS, xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    ax.clabel(lines, fontsize=8)  # as far apart as they are on the scale that is set
    ax.plot(part.border, HELD, "k^", markersize=6)
    about = {"xytext": (5, 5), "textcoords": "offset points"}
    ax.annotate(f"{float(part.border):.3g}", (float(part.border), HELD), **about)


def _along(ax, dataset):
    """At one anisotropy and angle: exact lines, simulated points."""
    exact, two = dataset.held.sel(map_angle=45.0), [scale for scale, *_ in BESIDE[1]]
    chains = dataset.sel(chain_symptom="kl", check=dataset.check.isin(two))
    for k, (cause, colour) in enumerate(COLOUR.items()):
        ax.plot(dataset.held_scale, exact.isel(of_cause=k), color=colour)
        row = chains.sel(chain_rung=cause)
        pair = row.chain_contribution, 4 * row.chain_contribution_standard_error
        points_with_errors(ax, row.check, *pair, color=colour, markersize=4)
    ax.axhline(0, color=ls.plots.COLOURS["guide"], linewidth=0.8)
    ax.set(xscale="log", xlabel=AXIS, ylabel="added to KL (nat)")
    ax.set(xlim=(0.004, 0.3), ylim=(-0.01, 0.12))
    ax.set_title(f"bowl, B = 1, anisotropy {HELD} at 45°")


def _well(ax, dataset):
    """The double well: what is added to the mean energy, in units of T."""
    energy = dataset.sel(well_symptom="energy")
    first = energy.sel(well_rung="anisotropy")
    before = first.well_value - first.well_contribution  # Boltzmann's, exact
    for cause in energy.well_rung.values:
        row = energy.sel(well_rung=cause)
        pair = row.well_contribution / T, 4 * row.well_contribution_standard_error / T
        points_with_errors(ax, row.well_rate, *pair, color=COLOUR[cause])
        exact = row.well_exact_energy - before
        ax.plot(row.well_rate, exact / T, color=COLOUR[cause])
        before = row.well_exact_energy
    ax.axhline(0, color=ls.plots.COLOURS["guide"], linewidth=0.8)
    ax.set(xlabel="learning rate (length²/energy)", ylabel="added to the mean energy / T")
    ax.set_title(f"double well, T = {T}, anisotropy {WELL_ANISOTROPY} at 45°")
