"""Where is the edge of stability of SGD, and what does a finite run see there?

Online least squares, where every edge is exact. (a) In one dimension there are three: of the second
moment, 2B/(B + 2) of 1/curvature, of the first, and of almost every particle
(`theory.lyapunov_edge`): the last lies above gradient descent's 2 and is highest at B = 2. Mulayoff
and Michaeli (arXiv:2306.07850: smaller batches can only be less stable) and Chemnitz and Engel
(arXiv:2407.20209: the sign of a Lyapunov exponent decides) speak of different edges. (b) Between
them samples of any size lose sight of the variance within a few steps. (c) The edges part in few
dimensions only. (d) 64 directions against gradient descent and the bounds of Wu et al. (2022) and
Wu and Su (2023). (e) With momentum: both plateaus of Andreyev et al. (arXiv:2604.14108), without a
network. (f) A curvature that grows until SGD is unstable stays below 2/eta, by eta sigma^2/(4
alpha) according to Liao, Kolomvaki and Kyrillidis (arXiv:2604.21016); exactly, by two terms more,
which do not vanish with the noise. Of these papers the abstracts were read.

Run:  python studies/stability_atlas.py [--quick]
(writes out/stability_atlas.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _runner import described, in_memory, main
from _stability_claims import claims_of
from _stability_exact import isotropic_ratio
from _stability_figure import plot
from _stability_runs import SIDES, SPECTRA, between, directions, edges, sharpened

import langevin_sgd as ls
from langevin_sgd.storage.provenance import provenance

BATCHES, DIMENSIONS, SEVERAL = (1, 2, 4, 8, 16), (1, 2, 4, 8, 16, 64), (1, 4, 16)
SYSTEMS = [("isotropic", 1, 0.0), ("isotropic", 16, 0.0), ("1/k", 1, 0.0)]
SYSTEMS += [("isotropic", 1, 0.9), ("isotropic", 16, 0.9)]  # spectrum, batch size, momentum
SETTINGS = [(0.02, 1.0), (0.05, 1.0), (0.1, 1.0), (0.2, 1.0), (0.4, 1.0)]  # sharpening, sigma
SETTINGS += [(0.05, 0.5), (0.2, 2.0), (0.2, 0.3), (0.2, 0.1)]


def ratio(dim, batch):
    """Almost every particle's edge over that of the second moment, equal curvatures."""
    if dim > 1:
        return isotropic_ratio(dim, batch)
    return ls.theory.lyapunov_edge(1.0, batch) / ls.theory.lyapunov_edge(1.0, batch, 2)


def exact_answers(quick):
    """What needs no simulation: edges, ratios, bounds, thresholds with momentum."""
    dims, batches = (DIMENSIONS[:5:2], (1,)) if quick else (DIMENSIONS, SEVERAL)
    sizes, ones = np.array([1, 4, 16, 64, 256]), SPECTRA["isotropic"]
    bounded = [(ones, 1), (ones, 4), (ones, 64), (SPECTRA["1/k"], 1)]
    bounds = [
        [ls.theory.regression_threshold(a, b), *ls.theory.stability_bounds(a, b)]
        for a, b in bounded
    ]
    cases = np.array([(d, b, mu) for d in (1, 3, 64) for b in (1, 16, 300) for mu in (0, 0.5, 0.9)])
    d, b, mu = cases.T
    formula = 2 * b * (1 - mu) / (d + 1 + b * (1 - mu) / (1 + mu))
    radius = [
        ls.theory.regression_second_moment_radius(np.ones(int(case[0])), rate, *case[1:])
        for case, rate in zip(cases, formula, strict=True)
    ]
    plateaus = ls.theory.regression_threshold(ones, [1, 16, 1e9], 0.9)
    values = {
        "edges": (
            ("moment", "batch"),
            [ls.theory.lyapunov_edge(1.0, np.array(BATCHES), p) for p in (2, 1, 0)],
            "1",
            "learning rate times curvature at the edges",
        ),
        "ratio": (("dim", "several"), [[ratio(d, b) for b in batches] for d in dims], "1", "ratio"),
        "share": ("size", ls.theory.regression_threshold(ones, sizes) / 2, "1", "of 2/curvature"),
        "bounds": (("case", "bound"), bounds, "1", "threshold, Frobenius, trace"),
        "radius": ("system", radius, "1", "of the second-moment map at the formula's threshold"),
        "plateau": ("plateaus", plateaus, "1", "threshold, momentum 0.9, B = 1, 16, infinite"),
    }
    coords = {"batch": list(BATCHES), "dim": list(dims), "several": list(batches)}
    coords["system"] = [f"d = {d:g}, B = {b:g}, mu = {mu:g}" for d, b, mu in cases]
    return described(values).assign_coords(coords | {"size": sizes})


def run(quick, seed, threads, plant, each=in_memory):
    given = quick, seed, threads, plant
    batches, systems = ((1, 4), []) if quick else (BATCHES, SYSTEMS)
    settings = [SETTINGS[k] for k in (1, 3, 7)] if quick else SETTINGS
    parts = {f"edges {b}": partial(edges, b, *given) for b in batches}
    parts |= {"between": partial(between, *given)}
    parts |= {f"64 directions {case}": partial(directions, *case, *given) for case in systems}
    parts |= {f"sharpened {case}": partial(sharpened, *case, *given) for case in settings}
    found, names = each(parts), list(parts)

    def together(start, dim, prefix):
        several = [found[name] for name in names if name.startswith(start)]
        joined = xr.concat(several, dim) if several else xr.Dataset()
        return joined.rename({name: f"{prefix}{name}" for name in joined})

    pieces = [exact_answers(quick), found["between"].rename(lost="forgotten")]
    pieces += [together("edges", "tried", "edge_"), together("64", "system_of_64", "of_64_")]
    pieces += [together("sharpened", "setting", "edge_of_stability_")]
    tried = {"tried": list(batches), "side": SIDES}
    numbers = dict(zip(("sharpening", "sigma"), np.transpose(settings), strict=True))
    more = {f"setting_{name}": ("setting", value, "1", name) for name, value in numbers.items()}
    dataset = xr.merge([*pieces, described(more)]).assign_coords(tried)
    labels = {
        "moment": ["mean square", "mean", "mean log"],
        "case": ["64 equal, B = 1", "64 equal, B = 4", "64 equal, B = 64", "1/k, B = 1"],
        "bound": ["threshold", "Frobenius", "trace"],
        "plateaus": ["B = 1", "B = 16", "B infinite"],
        "quartile": ["lower", "median", "upper"],
        "setting": [f"sharpening {a:g}, sigma {b:g}" for a, b in settings],
    }
    if systems:
        labels["system_of_64"] = [f"{name}, B = {b}, mu = {mu:g}" for name, b, mu in systems]
    dataset = dataset.assign_coords(labels)
    for name in dataset.coords:
        dataset[name].attrs = {"long_name": WORDS[name], "units": "1"}
    return dataset.assign_attrs(provenance()), claims_of(dataset)


WORDS = {  # what is in the file, in words
    "ratio": "almost every particle's edge over that of the second moment",
    "moment": "moment of |w - w*| that grows beyond the edge",
    "batch": "examples B of a batch",
    "dim": "number of equal curvatures",
    "several": "examples B of a batch, of the ratio",
    "size": "examples B of a batch, of the share",
    "case": "curvatures and batch size of the bounds",
    "bound": "exact threshold, or which bound on it",
    "system": "number of equal curvatures, batch size, momentum",
    "plateaus": "batch size of the plateau",
    "time": "steps done",
    "sample": "particles of a sample",
    "quartile": "quartile over samples",
    "tried": "examples B of a batch, simulated",
    "side": "learning rate over that of the edge",
    "system_of_64": "spectrum of 64 curvatures, batch size, momentum",
    "setting": "landscape whose curvature grows",
    "edge_of_stability_square": "mean of x_0^2",
    "edge_of_stability_balance": "mean of (2 d + eta d^2) x_0^2, d = x_1 - 2/eta",
    "edge_of_stability_gap": "mean of x_1 - 2/eta, freed of what its own spread adds",
    "edge_of_stability_off": "mean of x_1 - 2/eta",
    "edge_of_stability_exact_square": "exact value of the same: 2 sharpening",
    "edge_of_stability_exact_balance": "exact value of the same: -eta sigma^2",
    "edge_of_stability_exact_gap": "exact value of the same: -eta sigma^2 / (4 sharpening)",
    "edge_of_stability_exact_off": "exact value of the same, which is not known",
    "setting_sharpening": "growth of the curvature per time",
    "setting_sigma": "standard deviation of the noise along x_0",
    "edge_exact_grown": "exact value: moment, or mean log",
    "of_64_exact_square": "exact value: mean of |w - w*|^2 / 64",
    "of_64_exact_typical": "exact value, where it is known: mean of log |w - w*|",
}


if __name__ == "__main__":
    main("stability_atlas", run, plot, WORDS)
