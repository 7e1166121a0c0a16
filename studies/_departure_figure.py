"""The figure of boltzmann_departure.py: is SGD's stationary law Boltzmann's?"""

import numpy as np
from _panels import BLUE, GREY, ORANGE


def plot(dataset):
    """Four panels: the two laws of the double well with Boltzmann's contours, their temperatures,
    and those of real data.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 8), layout="constrained")
    (left, right), (wells, data) = figure.subplots(2, 2)
    for axes, name in ((left, "anisotropic"), (right, "isotropic")):
        image = _law(axes, dataset.sel(noise=name))
    left.legend(
        loc="lower right", fontsize=8, title="contours at 0.02, 0.08, 0.16", title_fontsize=8
    )
    figure.colorbar(image, ax=[left, right], label="density of SGD (1 / length²)")
    _well_temperatures(wells, dataset)
    _data_temperatures(data, dataset)
    return figure


def _law(axes, law):
    area = float(law.x0[1] - law.x0[0]) * float(law.x1[1] - law.x1[0])
    levels = [0.02, 0.08, 0.16]
    image = axes.pcolormesh(
        law.x0, law.x1, law.probability.T / area, cmap="Blues", vmin=0, vmax=0.42
    )
    boltzmann = law.boltzmann_probability.T / area
    axes.contour(
        law.x0,
        law.x1,
        law.exact_probability.T / area,
        levels=levels,
        colors="black",
        linewidths=1.1,
    )
    axes.contour(
        law.x0, law.x1, boltzmann, levels=levels, colors=ORANGE, linewidths=1.4, linestyles="--"
    )
    axes.plot([], [], color="black", label="exact law of SGD")
    axes.plot([], [], color=ORANGE, linestyle="--", label="Boltzmann at the best-fit temperature")
    kl, error, exact = (float(law[k]) for k in ("kl", "kl_standard_error", "kl_exact_on_bins"))
    bins, whole = " × ".join(map(str, law.probability.shape)), float(law.kl_exact)
    said = f"KL = {kl:.4f} ± {error:.4f} nat on {bins} bins"
    said += f"\n(exact {exact:.4f} on them, {whole:.4f} in the continuum)"
    axes.set(
        title=f"double well, {law.noise.item()} noise\n{said}",
        xlabel="$x_0$ (length)",
        ylabel="$x_1$ (length)",
    )
    return image


def _well_temperatures(axes, dataset):
    for k, (name, colour) in enumerate((("anisotropic", BLUE), ("isotropic", GREY))):
        law, places = dataset.sel(noise=name), np.arange(2) + 0.16 * (k - 0.5)
        axes.errorbar(
            places,
            law.temperature,
            4 * law.temperature_standard_error,
            fmt="o",
            color=colour,
            capsize=4,
            label=f"SGD, {name} noise, ± 4 s.e.",
        )
        axes.scatter(places, law.exact_temperature, marker="_", s=500, color=colour)
    axes.scatter([], [], marker="_", s=200, color="black", label="exact laws")
    axes.set(
        title="double well: one temperature per direction",
        xticks=[0, 1],
        xticklabels=["along $x_0$", "along $x_1$"],
    )
    axes.set(
        ylabel="temperature $\\langle x_i\\,\\partial_i U\\rangle$ (energy)",
        ylim=(0, None),
        xlim=(-0.5, 1.5),
    )
    axes.legend(fontsize=8)


def _data_temperatures(axes, dataset):
    modes = np.arange(dataset.sizes["mode"])
    heat, error = dataset.data_temperature, 4 * dataset.data_temperature_standard_error
    axes.errorbar(
        modes, heat * 1e3, error * 1e3, fmt="o", color=BLUE, capsize=4, label="SGD, ± 4 s.e."
    )
    axes.scatter(
        modes,
        dataset.data_predicted_temperature * 1e3,
        marker="_",
        s=300,
        color=ORANGE,
        label="Lyapunov, noise $C$ of the minimum",
    )
    axes.scatter(
        modes,
        dataset.data_mean_noise_temperature * 1e3,
        marker="_",
        s=300,
        color="black",
        label="Lyapunov, mean noise E[$C$] of the law",
    )
    axes.axhline(
        float(dataset.single_temperature) * 1e3,
        color=GREY,
        linestyle="--",
        label="Boltzmann: one temperature for all",
    )
    names = [f"{float(h):.3f}" for h in dataset.curvature]
    axes.set(title="breast-cancer data: logistic regression", xticks=modes, xticklabels=names)
    axes.set(
        xlabel="Hessian eigen-direction, by curvature (energy / length²)",
        ylabel="temperature (10⁻³ energy)",
        ylim=(0, None),
    )
    axes.legend(fontsize=8, loc="lower right")
