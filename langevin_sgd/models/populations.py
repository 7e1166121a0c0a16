"""Regressions on a population: fresh examples from a law, not a table, so that the noise never runs
out.

Use `noise.minibatch(sampling="population")`. The `data` of these losses is a sample of the
population, drawn at construction, for what needs a table: the loss that a run records, and
`evaluate`, whose error falls as 1/sqrt(examples)."""

import math

import numpy as np

from ..kernels.elementary import fma, sigmoid, where
from .arrays import real_array, shown
from .gradient_noise import covariance_factor
from .linear_predictor import loss_of_predictor
from .loss_record import fresh_rows
from .parameters import EXAMPLES_LIMIT, integer, number, parameters, symmetric_matrix
from .records import recorded
from .regressions import LINEAR, LOGISTIC


def _draw_inputs(p, z, row, normals):
    """Inputs N(0, factor factor') into row; returns inputs . true_parameters."""
    predictor = 0.0
    for k in range(len(row) - 1):
        s = 0.0
        for j in range(normals):
            s = fma(p.factor[k, j], z[j], s)
        row[k] = s
        predictor = fma(p.true_parameters[k], s, predictor)
    return predictor


def _linear_draw(p, z, row):
    normals = len(z) - 1
    row[len(row) - 1] = fma(p.label_scale, z[normals], _draw_inputs(p, z, row, normals))


def _logistic_draw(p, z, row):
    normals = len(z) - 1
    row[len(row) - 1] = where(z[normals] < sigmoid(_draw_inputs(p, z, row, normals)), 1.0, 0.0)


def _population(input_covariance, true_parameters):
    """Parameters that a draw of inputs needs."""
    covariance = symmetric_matrix(input_covariance, "input_covariance")
    covariance = np.diag(covariance) if covariance.ndim == 1 else covariance
    factor, size = covariance_factor(covariance, "input_covariance"), len(covariance)
    if not factor.size:
        raise ValueError(f"input_covariance must not be zero, got {shown(input_covariance)}.")
    true = real_array(
        np.zeros(size) if true_parameters is None else true_parameters, "true_parameters"
    )
    if true.shape != (size,):
        raise ValueError(
            f"true_parameters must have the shape ({size},) to fit input_covariance, got "
            f"{true.shape}."
        )
    return {"factor": factor, "true_parameters": true}


def _with_sample(name, texts, params, l2, draw, counts, examples, seed):
    l2 = number(l2, "l2", at_least=0)  # before the sample, which takes its time
    shape = (
        integer(examples, "examples", 1, limit=EXAMPLES_LIMIT),
        len(params["true_parameters"]) + 1,
    )
    table = fresh_rows(
        draw, parameters(params, repr(name)), *counts, shape, integer(seed, "seed", 0, limit=2**64)
    )
    return loss_of_predictor(
        name, texts, table, params, l2, draw=draw, draw_normals=counts[0], draw_uniforms=counts[1]
    )


@recorded
def linear_regression_population(
    input_covariance, label_noise, true_parameters=None, *, examples=1000, seed=0
):
    """Least squares on fresh examples: loss (z - target)^2 / 2, z = inputs . x, inputs ~ N(0, A),
    target ~ N(inputs . w, s2).

    Over the population, with delta = x - w: loss (delta' A delta + s2)/2, gradient A delta, Hessian
    and Fisher matrix A, and covariance of one example's gradient A delta delta' A + (delta' A delta
    + s2) A, exactly (Isserlis; Ziyin, Liu, Mori and Ueda 2022, arXiv:2102.05375, abstract read
    only; `theory.regression_statistics`).

    Parameters
    ----------
    input_covariance : array_like, shape (d, d) or (d,)
        A, or its diagonal; positive semidefinite, not zero.
    label_noise : float, >= 0
        s2, the variance of the noise on the targets, targets squared.
    true_parameters : array_like, shape (d,), optional
        w; default: zero.
    examples, seed : int
        The table is this many rows, drawn with numpy's generator from this seed.

    Returns
    -------
    Loss
        With a generator, for `noise.minibatch(sampling="population")`.

    Raises
    ------
    TypeError, ValueError
        If input_covariance is zero or not positive semidefinite, true_parameters do not fit it, or
        a number is out of range.
    """
    params = _population(input_covariance, true_parameters)
    params["label_scale"] = math.sqrt(number(label_noise, "label_noise", at_least=0))
    counts = params["factor"].shape[1] + 1, 0
    return _with_sample(
        "linear_regression_population", LINEAR, params, 0.0, _linear_draw, counts, examples, seed
    )


@recorded
def logistic_regression_population(
    input_covariance, true_parameters=None, l2=0.0, *, examples=1000, seed=0
):
    """Logistic regression on fresh examples: inputs ~ N(0, A), label 1 with probability
    sigmoid(inputs . w), loss as in `logistic_regression`.

    Over the population, with the mean over the standard normal z, q = sqrt(x' A x), s = sigmoid and
    its derivatives s', s''': gradient E[s'(q z)] A x - E[s'(q_w z)] A w + l2 x and Hessian E[s'(q
    z)] A + E[s'''(q z)] A x x' A + l2 (Stein's lemma; derived). Without l2 a minimum is x = w
    exactly, and there the covariance of one example's gradient is the Hessian.

    Parameters
    ----------
    input_covariance : array_like, shape (d, d) or (d,)
        A, or its diagonal; positive semidefinite, not zero.
    true_parameters : array_like, shape (d,), optional
        w; default: zero, where labels are coin tosses.
    l2 : float, >= 0
        Ridge.
    examples, seed : int
        The table is this many rows, drawn with numpy's generator from this seed.

    Returns
    -------
    Loss
        With a generator, for `noise.minibatch(sampling="population")`.

    Raises
    ------
    TypeError, ValueError
        If input_covariance is zero or not positive semidefinite, true_parameters do not fit it, or
        a number is out of range.
    """
    params = _population(input_covariance, true_parameters)
    counts = params["factor"].shape[1], 1
    return _with_sample(
        "logistic_regression_population",
        LOGISTIC,
        params,
        l2,
        _logistic_draw,
        counts,
        examples,
        seed,
    )
