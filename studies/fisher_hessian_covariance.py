"""What has the gradient's covariance to do with the Fisher matrix and the Hessian?

The seed leaves both sections blank: "### Relation to the FIM ??" and "### Relation to the Hessian
??". The answer, in units in which the loss is a log-likelihood (a loss times c has c H but c^2
Sigma, so that no equation without units holds): Sigma + G G' is the empirical Fisher matrix by
definition; the Fisher matrix F, over labels of the model itself, is the Gauss-Newton matrix and for
linear predictors the Hessian H, whatever the labels; Sigma = F only where the model is true and
the gradient G vanishes. Least squares with residual variance s^2: Sigma = s^2 F. Each equality is
measured, with the rate at which a table of N examples reaches it, and where it fails: labels of
another law, a point that is no minimum, a fit that interpolates. Whether a real table shows the
difference is judged by its twins, with labels drawn from the model that was fitted to it.

"2 L H + G G'" is the covariance Sigma(x) of one example's gradient, at every x, for least squares
with the loss (a.x - y)^2/2, L its mean over the population, on centred normal inputs a, if the
noise of y is independent of a, whatever its law: E[r^2 a a'] = E[r^2] E[a a'] + 2 E[r a] E[r a']
(Isserlis, r = a.x - y). With a mean m of the inputs 2 (E r)^2 m m' goes off; independent inputs of
another law add kappa_4 diag(delta_i^2), with delta = x - truth: nothing at the minimum.

Run:  python studies/fisher_hessian_covariance.py [--quick]
(writes out/fisher_hessian_covariance.nc and .png; --update-data renews data/)
"""

from functools import partial

import xarray as xr
from _curvature_figure import plot
from _curvature_parts import (
    KINDS,
    REAL,
    SCORES,
    TRUTH,
    failures,
    inputs_of,
    interpolation,
    rate,
    real,
)
from _curvature_tables import DIGITS, FOURTH_CUMULANT, z_beside_twins
from _runner import LARGEST_Z, Claim, agreement, in_memory, main

from langevin_sgd.storage.provenance import provenance


def claims_of(dataset):
    claims = []
    for kind in ("least squares", "logistic"):
        of = dataset.sel(kind=kind)
        value, error = float(of.exponent), float(of.exponent_standard_error)
        text = f"{kind}, true model: distance of Sigma to s^2 F ~ N^p, p = {value:.3f}({error:.3f})"
        claims.append(agreement(f"{text}, expected -1/2", value, -0.5, error))
    of = dataset.sel(kind="least squares").isel(examples=slice(-2, None))
    scale = 2 * (len(TRUTH) + 2) / of.examples.values
    text = "least squares: mean squared distance is 2 (d + 2)/N"
    claims.append(agreement(text, of.squared / scale, 1.0, of.squared_standard_error / scale))
    of = dataset.sel(kind="uneven").isel(examples=-1)
    text = "uneven noise: Sigma keeps 2 s^2 e e' more than s^2 F, however large N"
    claims.append(agreement(text, of.along, 1.0, of.along_standard_error))
    claims += [claim_of_table(dataset.sel(table=name)) for name in dataset.table.values]
    for law, cumulant in FOURTH_CUMULANT.items():
        of = dataset.sel(law=law).isel(distance=slice(1, None))
        text = f"{law} inputs: Sigma - 2 L H - G G' = {cumulant} diag(delta^2)"
        claims.append(agreement(text, of.cumulant, cumulant, of.cumulant_standard_error))
    of = dataset.sel(law="normal").isel(distance=slice(1, None))
    text = "normal inputs: G G' in Sigma has the coefficient 1"
    claims.append(agreement(text, of.outer, 1.0, of.outer_standard_error))
    return claims + claims_of_limits(dataset)


def claim_of_table(of):
    """Whether Sigma is farther from F than with labels drawn from the model."""
    numbers, name = [], of.table.item()
    for score in SCORES:
        each, z = of.sel(score=score), z_beside_twins(of, score)
        own = f"{float(each.measured):.3f}({float(each.measured_standard_error):.3f})"
        numbers.append(f"{score} {own}, twins {float(each.twin):.3f}, z {z:+.1f}")
    far, number = z_beside_twins(of, "distance"), "; ".join(numbers)
    if name == "digits":
        return Claim(f"{name}: Sigma is farther from F than in twins", far > LARGEST_Z, number)
    text = f"{name}: Sigma is not farther from F than in twins by {LARGEST_Z:g} s.d."
    return Claim(text, far < LARGEST_Z, number)


def claims_of_limits(dataset):
    """Of the fit that interpolates, and of cases in which matrices are equal exactly."""
    last = dataset.isel(ridge=-1).path.sel(path_score=["distance", "alignment"])
    separable, overlapping = (last.sel(digits=kind).values for kind in DIGITS)
    number = f"distance {separable[0]:.4f}, alignment {separable[1]:.3f}"
    holds = bool(separable[0] > 0.99 and separable[1] > 0.9)
    claims = [Claim("separable digits: Sigma/F goes to 0, its shape stays", holds, number)]
    number = f"distance {overlapping[0]:.3f}, alignment {overlapping[1]:.3f}"
    claims.append(Claim("overlapping digits: it does not", bool(overlapping[0] < 0.6), number))
    largest = float(dataset.apart[[0, 2, 3], 0].max())
    text = "linear predictors: H is Gauss-Newton's, whatever labels and point"
    claims.append(Claim(text, largest < 1e-12, f"largest distance {largest:.1e}"))
    apart = dataset.apart.sel(case="interpolates").values
    holds = bool(apart[0] < 1e-12 and abs(apart[1:] - 1).max() < 1e-12)
    number = f"|H - GN|/|GN| {apart[0]:.1e}, |Sigma - F|/|F| {apart[1]:.3f}"
    return [*claims, Claim("interpolating network: H is Gauss-Newton's, Sigma 0", holds, number)]


def run(quick, seed, threads, plant, each=in_memory):
    sizes = [512, 2048] if quick else [1024, 2048, 4096, 8192, 16_384]
    names, many, large = (REAL[1:2], 16, 4000) if quick else (REAL, 48, 20_000)
    of_axes = {
        "kind": (KINDS, lambda kind: rate(kind, sizes, many, seed, plant)),
        "table": (names, lambda name: real(name, many, seed)),
        "law": (FOURTH_CUMULANT, lambda law: inputs_of(law, large, 16, seed)),
        "digits": (DIGITS, interpolation),
    }
    parts = {"failures": partial(failures, large, seed)}
    for axis, (values, part) in of_axes.items():
        parts |= {f"{axis} {value}": partial(part, value) for value in values}
    parts, whole = each(parts), []
    for axis, (values, _) in of_axes.items():
        rows = xr.concat([parts[f"{axis} {value}"] for value in values], axis, join="outer")
        whole.append(rows.assign_coords({axis: list(values)}))
    dataset = xr.merge([*whole, parts["failures"]])
    for name in dataset.coords:
        dataset[name].attrs = {"long_name": name.replace("_", " "), "units": "1"}
    return dataset.assign_attrs(provenance()), claims_of(dataset)


WORDS = {  # what is in the file, in words
    "examples": "number N of examples of a drawn table",
    "kind": "kind of the true model",
    "score": "measure of likeness of two matrices",
    "mode": "eigenvector of the Hessian, from 0",
    "table": "real table",
    "drawn": "number of the twin with drawn labels, from 0",
    "distance": "distance from the minimum",
    "law": "law of the inputs",
    "ridge": "size of the ridge",
    "path_score": "measure of likeness along the ridge",
    "digits": "pair of digits",
    "case": "model and place",
    "pair": "pair of matrices",
}


if __name__ == "__main__":
    main("fisher_hessian_covariance", run, plot, WORDS)
