"""The parts of fisher_hessian_covariance.py: what each measures, as a dataset."""

import numpy as np
import xarray as xr
from _curvature_tables import (
    FOURTH_CUMULANT,
    drawn_table,
    minimum,
    network_table,
    real_table,
    regression_on,
    two_digits,
)
from _runner import mean_and_error

import langevin_sgd as ls

TRUTH, DEVIATION = np.array([1.0, -0.5, 0.5, 0.75]), 0.5
AWAY = np.array([0.6, 0.0, -0.64, 0.48])  # of length 1
KINDS, REAL = ("least squares", "logistic", "uneven"), ("diabetes", "breast cancer", "digits")
LENGTHS, RIDGES = np.array([0.0, 0.5, 1.0, 2.0, 4.0]), 10.0 ** -np.arange(1, 8)
CASES = "true model;ridge 0.5;uneven noise;off minimum;network, truth;network, off;interpolates"
CASES = CASES.split(";")
PAIRS = ("hessian", "gauss_newton"), ("noise_covariance", "fisher"), ("empirical_fisher", "fisher")
SCORES = "distance", "alignment", "overlap", "gamma"


def dataset_of(coords, **variables):
    """A dataset from name=(dims, (value, standard error), text, units)."""
    found = xr.Dataset(coords=coords)
    for name, (dims, (value, error), text, units) in variables.items():
        found[name] = dims, value, {"long_name": text, "units": units}
        about = {"long_name": f"standard error: {text}", "units": units}
        found[f"{name}_standard_error"] = dims, error, about
    return found


def rate(kind, sizes, replicates, seed, plant):
    """Distance of Sigma from s^2 F at the minimum of drawn tables, against their length N."""
    law, squared = "uneven" if plant else kind, 1.0 if kind == "logistic" else DEVIATION**2
    random, apart, along = np.random.default_rng([seed, KINDS.index(kind)]), [], []
    for _ in range(replicates):
        for size in sizes:
            loss = drawn_table(law, size, random, TRUTH, DEVIATION).loss()
            x = minimum(loss)
            fisher = squared * ls.evaluate(loss, x, "fisher")
            off = ls.analysis.covariance_at(loss, x) - fisher
            apart.append(np.linalg.norm(off) / np.linalg.norm(fisher))
            along.append(off[0, 0] / (2 * DEVIATION**2))
    apart, along = np.reshape([apart, along], (2, replicates, len(sizes)))
    slopes = np.polyfit(np.log(sizes), np.log(apart).T, 1)[0]
    return dataset_of(
        {"examples": list(sizes)},
        squared=("examples", mean_and_error(apart**2), "squared distance of Sigma to s^2 F", "1"),
        along=("examples", mean_and_error(along), "excess along the first input", "1"),
        exponent=((), mean_and_error(slopes), "exponent of the distance in N", "1"),
    )


def scores_of(loss, x, resamples):
    """Of Sigma beside F: values, standard errors, and curvature and noise along the modes of H."""
    found = ls.analysis.curvature(loss, x, resamples=resamples)
    pair = found.sel(matrix="noise_covariance", matrix_j="fisher")
    score = [[float(pair[name + end]) for name in SCORES] for end in ("", "_standard_error")]
    return *score, (found.eigenvalues.sel(matrix="hessian").values, found.noise.values)


def real(name, twins, seed):
    """A table at its minimum, and its twins at theirs."""
    table, random = real_table(name), np.random.default_rng([seed, 10 + REAL.index(name)])
    x = minimum(table.loss())
    value, error, modes = scores_of(table.loss(), x, 200)
    losses = [table.twin(random, x).loss() for _ in range(twins)]
    of_twins = [scores_of(loss, minimum(loss, x), 2)[0] for loss in losses]
    found = dataset_of(
        {"score": list(SCORES), "mode": np.arange(len(x))},
        measured=("score", (value, error), "Sigma beside F, real labels", "1"),
        twin=("score", mean_and_error(of_twins), "Sigma beside F, mean over twins", "1"),
    )
    for key, numbers in zip(("curvature", "noise"), modes, strict=True):
        about = {"long_name": f"{key} along an eigenvector of the Hessian", "units": "nat"}
        found[key] = "mode", numbers, about
    about = {"long_name": "Sigma beside F, labels of the model", "units": "1"}
    return found.assign(of_twins=(("drawn", "score"), of_twins, about))


def inputs_of(law, size, replicates, seed):
    """What is left of Sigma without 2 L H + G G', at distances from the minimum."""
    random, rows = np.random.default_rng([seed, 20 + list(FOURTH_CUMULANT).index(law)]), []
    x, patterns = TRUTH + LENGTHS[:, None] * AWAY, [np.diag((t * AWAY) ** 2) for t in LENGTHS]
    for _ in range(replicates):
        loss = regression_on(law, size, random, TRUTH, 1.0)
        sigmas, g = ls.analysis.covariance_at(loss, x), ls.example_gradients(loss, x).mean(axis=1)
        energies, h = (ls.evaluate(loss, x, q) for q in ("energy", "hessian"))
        outers = g[:, :, None] * g[:, None]
        offs = sigmas - 2 * energies[:, None, None] * h - outers
        for sigma, pattern, outer, off in zip(sigmas, patterns, outers, offs, strict=True):
            one = np.sum(off * pattern) / max(np.sum(pattern**2), 1e-300)
            size_of_off = np.linalg.norm(off) / np.linalg.norm(sigma)
            rows.append([size_of_off, one, 1 + np.sum(off * outer) / np.sum(outer**2)])
    left, cumulant, square = np.moveaxis(np.reshape(rows, (replicates, len(LENGTHS), 3)), -1, 0)
    return dataset_of(
        {"distance": LENGTHS},
        left=("distance", mean_and_error(left), "|Sigma - 2 L H - G G'| / |Sigma|", "1"),
        cumulant=("distance", mean_and_error(cumulant), "fourth cumulant seen in Sigma", "1"),
        outer=("distance", mean_and_error(square), "coefficient of G G'", "1"),
    )


def interpolation(kind):
    """Two digits along a falling ridge: distance and alignment of Sigma and F."""
    table, x, rows = two_digits(kind), None, []
    for ridge in RIDGES:
        loss = table.loss(l2=ridge)
        x = minimum(loss, x)
        value, error, _ = scores_of(loss, x, 100)
        rows.append([value[:2], error[:2], [ls.evaluate(table.loss(), x, "energy")] * 2])
    value, error, energy = np.moveaxis(np.array(rows), 1, 0)
    about = {"long_name": "mean loss without the ridge", "units": "nat"}
    return dataset_of(
        {"ridge": RIDGES, "path_score": list(SCORES[:2])},
        path=(("ridge", "path_score"), (value, error), "Sigma beside F", "1"),
    ).assign(energy=("ridge", energy[:, 0], about))


def failures(size, seed):
    """Distances of three pairs of matrices, case by case; residual variance 1."""
    random = np.random.default_rng([seed, 30])
    true = drawn_table("least squares", size, random, TRUTH, 1.0)
    other = drawn_table("uneven", size, random, TRUTH, 1.0).loss()
    noisy, exact = (network_table(size, random, TRUTH, s) for s in (1.0, 0.0))
    ridge = true.loss(l2=0.5)
    at = [(true.loss(), TRUTH), (ridge, minimum(ridge)), (other, minimum(other))]
    at += [(true.loss(), TRUTH + AWAY), (noisy, TRUTH), (noisy, TRUTH + AWAY), (exact, TRUTH)]
    values, errors = [], []
    for loss, x in at:
        found = ls.analysis.curvature(loss, x, resamples=100)
        each = [found.sel(matrix=a, matrix_j=b) for a, b in PAIRS]
        values.append([float(pair.distance) for pair in each])
        errors.append([float(pair.distance_standard_error) for pair in each])
    pair = [f"{a} from {b}" for a, b in PAIRS]
    apart = (("case", "pair"), (values, errors), "relative distance of two matrices", "1")
    return dataset_of({"case": CASES, "pair": pair}, apart=apart)
