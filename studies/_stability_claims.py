"""What stability_atlas.py claims of its numbers."""

import numpy as np
from _breakdown import of_curve
from _runner import Claim, agreement
from _stability_exact import forgotten_after
from _stability_runs import BETWEEN, SHARPENING_RATE

PUBLISHED = [[0.667, 1.0, 1.333, 1.6, 1.778], [1.052, 1.443, 1.745, 1.915, 1.982]]
PUBLISHED += [[2.421, 2.685, 2.663, 2.493, 2.299]]
WHAT = "second moment", "first moment", "almost every particle"


def listed(values, form=".3g"):
    return ", ".join(f"{value:{form}}" for value in np.ravel(values))


def agrees(dataset, name, text):
    """The claim that a variable is its exact value, `..._exact_NAME`, where that is known."""
    start, _, end = name.rpartition("_")
    exact, value = dataset[f"{start}_exact_{end}"].values, dataset[name].values
    known, error = np.isfinite(exact), dataset[f"{name}_standard_error"].values
    return agreement(text, value[known], exact[known], error[known])


def claims_of_edges(dataset):
    exact = dataset.edges.values
    off = np.abs(exact - PUBLISHED).max()
    claims = [Claim("1-D: the published edges", off < 6e-4, f"largest difference {off:.1g}")]
    value, error = dataset.edge_grown.values, dataset.edge_grown_standard_error.values
    claims.append(agrees(dataset, "edge_grown", "1-D: moments at 0.95 and 1.05 of edges are exact"))
    for k, what in enumerate(WHAT):
        z = (value[:, k] - (k < 2)) / error[:, k]
        holds = bool((z[:, 0] < -4).all() and (z[:, 1] > 4).all())
        text = f"1-D: {what}: falls at 0.95, grows at 1.05 of {listed(exact[k])}"
        claims.append(Claim(text, holds, f"smallest |z| {np.abs(z).min():.1f}"))
    time, seen = dataset.time.values, dataset.second_seen.values
    short, median = seen[-1] / dataset.second.values[-1], float(dataset["median"][-1])
    number = f"{short:.1g} of 2^{time[-1]}; the median square is {median:.1g}"
    text = f"between the edges (B = 1, eta = {BETWEEN:g}) a sample sees next to nothing of 2^t"
    claims.append(Claim(text, short < 1e-3 and median < 1e-6, number))
    quartiles = dataset.forgotten.values
    expected = [forgotten_after(n, BETWEEN, 1) for n in dataset["sample"].values]
    holds = bool(np.all(np.abs(quartiles[:, 1] - expected) < 1.5))
    words = [
        f"{m:g} [{a:g}, {b:g}] ({e:.1f})" for (a, m, b), e in zip(quartiles, expected, strict=True)
    ]
    text = f"{listed(dataset['sample'].values, 'd')} particles lose it at (log P / entropy)"
    return [*claims, Claim(text, holds, ", ".join(words))]


def claims_of_directions(dataset):
    claims, sizes = [], dataset["size"].values
    share = dataset.share.values
    holds = bool(np.abs(share - sizes / (65 + sizes)).max() < 1e-12)
    text = f"64-D: threshold over gradient descent's is B/(d + 1 + B), B = {listed(sizes, 'd')}"
    claims.append(Claim(text, holds, listed(share)))
    ratio = dataset.ratio.isel(several=0).values
    text = f"the edges part in few dimensions, d = {listed(dataset.dim.values, 'd')}"
    claims.append(
        Claim(text, bool((np.diff(ratio) < 0).all()), f"{listed(ratio, '.4g')} apart (B = 1)")
    )
    bounds = dataset.bounds.values
    over = bounds[:, 1:] / bounds[:, :1]
    number = f"Frobenius {listed(over[:, 0])}, trace {listed(over[:, 1])} times the threshold"
    text = "64-D: Wu's bounds hold: B = 1, 4, 64, and curvatures 1/k"
    claims.append(Claim(text, bool((over > 1).all()), number))
    off = np.abs(dataset.radius.values - 1).max()
    text = "momentum: second moments neither grow nor fall at 2B(1-mu)/(d+1+B(1-mu)/(1+mu))"
    claims.append(
        Claim(text, off < 1e-9, f"radius 1 to {off:.1g} in {dataset.radius.size} systems")
    )
    plateau = dataset.plateau.values
    small, large = 64 * plateau[0] / 0.2, plateau[2] / 3.8
    number = f"{small:.3f} of 2 (1 - mu)/tr H, {large:.5f} of 2 (1 + mu)/lambda; {listed(plateau)}"
    holds = abs(small - 1) < 0.03 and abs(large - 1) < 1e-4
    claims.append(Claim("momentum 0.9, 64-D: the threshold has both plateaus", holds, number))
    if "of_64_square" in dataset:
        claims.append(agrees(dataset, "of_64_square", "64-D: |w - w*|^2 after 100 steps is exact"))
        claims.append(agrees(dataset, "of_64_typical", "64-D: typical growth is exact"))
    return claims


def claims_of_the_gap(dataset):
    names = {"square": "E x^2 = 2 alpha", "balance": "E (2 d + eta d^2) x^2 = -eta sigma^2"}
    names |= {"gap": "E d has its three terms"}
    claims = [agrees(dataset, f"edge_of_stability_{k}", f"growing: {t}") for k, t in names.items()]
    alpha, sigma = dataset.setting_sharpening.values, dataset.setting_sigma.values
    published = -SHARPENING_RATE * sigma**2 / (4 * alpha)
    ends = "", "_standard_error"
    off, error = (dataset[f"edge_of_stability_off{end}"].values / published for end in ends)
    unit = sigma == 1
    low, high = of_curve(alpha[unit], off[unit] - 1, np.abs(error[unit]))
    lost = int(dataset.edge_of_stability_lost.sum())
    words = [f"{o:.3g}" for o in off]
    number = (
        f"{', '.join(words)} times, sigma/alpha = {listed(sigma / alpha)}; {lost} particles left"
    )
    short = bool((off > 1 - 4 * np.abs(error)).all() and off.max() > 3)
    claims.append(
        Claim("growing: the gap exceeds the published one, most at small noise", short, number)
    )
    text = "growing: the published gap is 5 % short at alpha/sigma (sigma = 1)"
    claims.append(Claim(text, low > 0.02 and high < 0.4, "interval", (low, high)))
    return claims


def claims_of(dataset):
    pieces = claims_of_edges, claims_of_directions, claims_of_the_gap
    return [claim for piece in pieces for claim in piece(dataset)]
