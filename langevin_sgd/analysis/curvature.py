"""Hessian, Gauss-Newton and Fisher matrices of a `Loss` beside the covariance of its gradients."""

from functools import partial
from typing import NamedTuple

import numpy as np
import xarray as xr

from ..arguments import check_count, checked, finite_array, optional, shown, whole
from ..engine.reducers.readings import MATRIX, REPLICATES, labelled, with_error
from ..kernels.functions import is_ours
from ..models.example_gradients import KEPT, LOSS, example_gradients, gradients_of

PAIR, EIGENVALUES = ("matrix", "matrix_j"), ("matrix", "mode")
SMALLEST = 1e-10  # of the largest: an eigenvalue below it counts as zero
MATRIX_UNITS = "(energy / length)^2, of the Hessian energy / length^2"
VARIABLES = {  # name -> (dims, long name, units)
    "value": (("matrix", *MATRIX), "matrix", MATRIX_UNITS),
    "eigenvalues": (EIGENVALUES, "eigenvalues, largest first", MATRIX_UNITS),
    "trace": ("matrix", "trace", MATRIX_UNITS),
    "log_determinant": ("matrix", "logarithm of the determinant", "1"),
    "distance": (PAIR, "distance in the Frobenius norm, over the norm of matrix_j", "1"),
    "alignment": (PAIR, "alignment tr(A B) / (|A| |B|)", "1"),
    "angles": ((*PAIR, "direction"), "principal angles of the leading subspaces", "radian"),
    "overlap": (PAIR, "overlap of the leading subspaces, mean squared cosine", "1"),
    "noise": ("mode", "variance of the gradient along Hessian eigenvectors", "(energy / length)^2"),
    "gamma": ((), "exponent of the variance against the curvature of directions", "1"),
    "trace_hessian_noise": ((), "tr(H Sigma)", "energy^3 / length^4"),
    "trace_inverse_hessian_noise": ((), "tr(H^-1 Sigma)", "energy"),
    "gradient": ("component", "gradient G of the mean loss", "energy / length"),
    "squared_gradient": ((), "|G|^2", "(energy / length)^2"),
    "gradient_curvature": ((), "G' H G", "energy^3 / length^4"),
}


class Groups(NamedTuple):
    """Means over random groups of examples, so that the table can be drawn again."""

    mean: np.ndarray  # (d,) gradient of the whole table
    sizes: np.ndarray  # (groups,)
    gradients: np.ndarray  # (groups, d), less the mean gradient
    squares: np.ndarray  # (groups, d, d), mean of c c' with the gradients c, less the mean gradient
    curvatures: np.ndarray  # (groups, 1 or 2, d, d), Hessian and, where there is one, Fisher matrix


@checked(
    loss=LOSS,
    x=finite_array,
    leading=optional(whole(1)),
    resamples=whole(2, 10**6),
    seed=whole(0, 2**64),
)
def curvature(loss, x, *, leading=None, resamples=200, seed=0):
    """The matrices of a loss that theories take for one another, and how far apart they are.

    Parameters
    ----------
    loss : Loss
        With an `example_hessian`.
    x : (d,) array
        Parameters, in units of length.
    leading : int, optional
        Dimensions of the leading subspaces that are compared; default: half of d, at most five.
    resamples, seed : int
        Of the bootstrap; a resample costs an eigendecomposition of each matrix.

    Returns
    -------
    xarray.Dataset
        Everything with its ``_standard_error``. Along ``matrix``: "hessian" H of the mean loss;
        "gauss_newton", H without the second derivatives of the prediction (and without ridge);
        "fisher" F, the mean of g g' over labels drawn from the model itself at x (least squares:
        of variance 1); "empirical_fisher" (1/N) sum g g' over those of the table;
        "noise_covariance" Sigma = (1/N) sum (g - G)(g - G)'. Of each ``value``, ``eigenvalues``
        (mode), ``trace``, ``log_determinant`` (nan unless positive definite). Of pairs
        ``distance``, ``|A - B|/|B|``, ``alignment``, ``tr(A B)/(|A| |B|)``, principal ``angles`` of
        the subspaces of the largest eigenvalues and their ``overlap``, the mean squared cosine (of
        random ones leading/d). ``noise`` (mode) = v' Sigma v for the eigenvectors v of H and
        ``gamma``, the slope of its logarithm against that of the curvature, over modes where both
        are positive (nan if they have one curvature). ``trace_hessian_noise``,
        ``trace_inverse_hessian_noise`` (nan unless H > 0), ``gradient`` G, ``squared_gradient``
        ``|G|^2``, ``gradient_curvature`` G'HG. A loss without a law of its labels has no "fisher";
        the attribute ``left_out`` says why.

    Raises
    ------
    TypeError, ValueError
        If `loss` is no Loss, has no Hessian or more than 883 dimensions (of 64 examples or more), x
        or leading do not fit, or numbers overflow at x.

    Notes
    -----
    For N examples drawn from a law, errors are those of its matrices at x: bootstrap over 64 random
    groups of examples (over examples, if there are no more), Efron 1979. A distance of matrices
    that are equal in the law is > 0 in a table, of order 1/sqrt(N), which is no part of the error:
    compare it with that of labels drawn from the model. H and F equal Sigma in units only if the
    loss is a log-likelihood: a loss times c has c H but c^2 Sigma. The Gauss-Newton matrix is the
    Fisher matrix where the law of the labels is exponential with the prediction for its natural
    parameter (Martens 2020, arXiv:1412.1193, section 9.2), so in all of `losses` but
    `huber_regression`; of a user's loss the prediction is not known, and it is left out.

    Examples
    --------
    Two examples with the gradients (1, 0) and (0, 4): all traces can be done by hand.

    >>> loss = ls.losses.linear_regression([[1.0, 0.0], [0.0, 2.0]], [0.0, 0.0])
    >>> trace = ls.analysis.curvature(loss, [1.0, 1.0]).trace
    >>> for name in ("hessian", "fisher", "empirical_fisher", "noise_covariance"):
    ...     print(f"{name} {trace.sel(matrix=name):.2f}")
    hessian 2.50
    fisher 2.50
    empirical_fisher 8.50
    noise_covariance 4.25
    """
    if x.shape != (loss.dim,):
        raise ValueError(f"x must be one point of shape ({loss.dim},), got {x.shape}.")
    leading = min(5, max(1, loss.dim // 2)) if leading is None else leading
    if leading > loss.dim:
        raise ValueError(f"leading must be <= {loss.dim} for {loss.name!r}, got {leading}.")
    check_count(2 * min(len(loss.data), REPLICATES) * loss.dim**2, "loss")
    names, left_out = _known_matrices(loss)
    random = np.random.default_rng(seed)
    with np.errstate(over="ignore", invalid="ignore"):
        groups = _group_means(loss, x, random)
        if not all(np.all(np.isfinite(part)) for part in groups):
            raise ValueError(
                f"x must be where the matrices of {loss.name!r} are finite, got {shown(x)}."
            )
        compared = partial(_compared, names, leading, groups)
        found = compared(groups.sizes)
        errors = _bootstrap(compared, found, groups.sizes, resamples, random)
    variables = {}
    for name, (dims, text, units) in VARIABLES.items():
        variables |= with_error(name, dims, (found[name], errors[name]), text, units)
    coords = {key: labelled(key, list(names), "matrix of the loss") for key in PAIR}
    about = {"loss": loss.name, "examples": len(loss.data), "leading": leading}
    return xr.Dataset(variables, coords, about | {"left_out": left_out})


def _known_matrices(loss):
    """Names of the matrices that a loss has, and the reason why others are left out."""
    names, reason = ["hessian", "gauss_newton", "fisher"], ""
    if loss.example_hessian is None:
        raise ValueError(f"loss must have a Hessian, give {loss.name!r} one as example_hessian=.")
    if loss.example_fisher is None:
        names.remove("fisher")
        names.remove("gauss_newton")
        reason = f"fisher, gauss_newton: {loss.name!r} has no example_fisher, no law of its labels"
    elif loss.name == "huber_regression" or not is_ours(loss.example_fisher):
        names.remove("gauss_newton")
        reason = f"gauss_newton: {loss.name!r} is not known to be exponential in its prediction"
    return [*names, "empirical_fisher", "noise_covariance"], reason


def _group_means(loss, x, random):
    """The means over up to `REPLICATES` groups."""
    gradients, examples = example_gradients(loss, x), len(loss.data)
    mean = gradients.mean(axis=0)
    centred = gradients - mean
    kinds = ["hessian"] if loss.example_fisher is None else ["hessian", "fisher"]
    each = [gradients_of(loss, kind) for kind in kinds]
    groups = np.array_split(random.permutation(examples), min(examples, REPLICATES))
    means = np.array([centred[rows].mean(axis=0) for rows in groups])
    squares = np.array([centred[rows].T @ centred[rows] / len(rows) for rows in groups])
    curvatures = np.array([[_mean_matrix(one, x, rows) for one in each] for rows in groups])
    return Groups(mean, np.array([len(rows) for rows in groups]), means, squares, curvatures)


def _mean_matrix(of, x, rows):
    """The mean over rows of the matrices (1, n, d d) that `of(points, rows)` gives."""
    blocks = np.array_split(rows, 1 + len(rows) * len(x) ** 2 // KEPT)
    total = sum(of(x[None], block).sum(axis=(0, 1)) for block in blocks)
    return total.reshape(len(x), len(x)) / len(rows)


def _bootstrap(compared, found, sizes, resamples, random):
    """Standard errors of what `compared(weights)` finds: its spread over tables of redrawn groups
    of these sizes."""
    if len(sizes) < 2:
        return {name: np.full_like(value, np.nan) for name, value in found.items()}
    total, squares = dict.fromkeys(found, 0.0), dict.fromkeys(found, 0.0)
    for _ in range(resamples):
        counts = random.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)))
        for name, value in compared(counts * sizes).items():
            off = value - found[name]
            total[name], squares[name] = total[name] + off, squares[name] + off**2
    left = {name: squares[name] - total[name] ** 2 / resamples for name in found}
    return {name: np.sqrt(np.maximum(left[name], 0.0) / (resamples - 1)) for name in found}


def _compared(names, leading, groups, weights):
    """All numbers of the dataset, from the means over groups that count `weights`."""
    share = weights / weights.sum()
    shift = share @ groups.gradients
    noise = np.tensordot(share, groups.squares, 1) - np.outer(shift, shift)
    gradient, curvatures = groups.mean + shift, np.tensordot(share, groups.curvatures, 1)
    of = {"hessian": curvatures[0], "gauss_newton": curvatures[-1], "fisher": curvatures[-1]}
    of |= {"empirical_fisher": noise + np.outer(gradient, gradient), "noise_covariance": noise}
    stack, hessian = np.array([of[name] for name in names]), of["hessian"]
    values, vectors = np.linalg.eigh(stack)
    values, vectors = values[:, ::-1], vectors[:, :, ::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = _of_pairs(stack, vectors[:, :, :leading])
        is_positive = values[:, -1] > SMALLEST * values[:, 0]
        found["log_determinant"] = np.where(is_positive, np.log(values).sum(axis=1), np.nan)
        found |= _of_directions(values[0], vectors[0], noise, is_positive[0])
    found |= {"value": stack, "eigenvalues": values, "trace": values.sum(axis=1)}
    found |= {"gradient": gradient, "squared_gradient": gradient @ gradient}
    found["trace_hessian_noise"] = np.sum(hessian * noise)
    return found | {"gradient_curvature": gradient @ hessian @ gradient}


def _of_pairs(stack, vectors):
    """Distances, alignments and leading subspaces of each two matrices."""
    norm = np.linalg.norm(stack, axis=(1, 2))
    norm = np.where(norm > 0, norm, np.nan)
    apart = np.linalg.norm(stack[:, None] - stack, axis=(2, 3))
    within = np.swapaxes(vectors, -1, -2)[:, None] @ vectors
    beside = vectors - vectors[:, None] @ within
    cosines = np.linalg.svd(within, compute_uv=False)
    sines = np.linalg.svd(beside, compute_uv=False)[..., ::-1]
    return {
        "distance": apart / norm,
        "alignment": np.tensordot(stack, stack, ((1, 2), (1, 2))) / np.outer(norm, norm),
        "angles": np.arctan2(sines, cosines),
        "overlap": np.mean(cosines**2, axis=-1),
    }


def _of_directions(curvatures, vectors, noise, is_positive):
    """The noise along the eigenvectors of the Hessian, its exponent, and tr(H^-1 Sigma)."""
    along = np.einsum("im,ij,jm->m", vectors, noise, vectors)
    used = (curvatures > SMALLEST * curvatures[0]) & (along > SMALLEST * along.max())
    x, y = np.log(curvatures[used]), np.log(along[used])
    spread = x - x.sum() / max(len(x), 1)
    inverse = np.sum(along / curvatures) if is_positive else np.nan
    apart = np.abs(spread).max(initial=0.0) > SMALLEST  # else all are one, but for rounding
    gamma = spread @ y / (spread @ spread if apart else np.nan)
    return {"noise": along, "gamma": gamma, "trace_inverse_hessian_noise": inverse}
