"""Rotations weighted by the distance from a centre: do particles go round?"""

import numpy as np

from ...arguments import checked, finite_array, numbers, optional, positive_matrix
from ...kernels.elementary import exp
from ...models.records import recorded
from .periodic import periods
from .readings import Estimate, labelled, variables_of
from .record import Reducer


def default_decays(dim):
    """Those of the weights 1, exp(-|y|^2/d) and exp(-2 |y|^2/d)."""
    return np.array([0.0, 2.0, 4.0]) / dim


def decays_of_weights(value, name):
    """A check: one or more numbers >= 0, as an array (k,)."""
    values = np.ravel(numbers(value, name, at_least=0))
    if not values.size:
        raise ValueError(f"{name} must have at least one entry, got none.")
    return values


def _observe_rotation(p, acc, step, before, x, v, g):
    d, row = len(x), 0
    distance = 0.0 * x[0]
    for k in range(d):
        y = 0.0 * x[0]
        for j in range(d):
            y += p.whitening[k * d + j] * (0.5 * (before[j] + x[j]) - p.center[j])
        distance += y * y
    for n in range(len(p.decays)):
        weight = exp(-0.5 * p.decays[n] * distance)
        for j in range(d):
            for k in range(j):
                here, there = 0.5 * (before[j] + x[j]), 0.5 * (before[k] + x[k])
                turned = (here - p.center[j]) * (x[k] - before[k])
                turned -= (there - p.center[k]) * (x[j] - before[j])
                acc[row] += weight * turned
                row += 1


@recorded
@checked(
    decays=optional(decays_of_weights), center=finite_array, covariance=optional(positive_matrix)
)
def rotation(decays=None, center=0.0, covariance=None, every=1, start=0, name="rotation"):
    """Weighted rotations per step: which way round, and how fast, particles go.

    E[w (m_i dx_j - m_j dx_i)], the weight w and m = x - center.

    Odd under time reversal: in detailed balance they vanish for every weight, at any step length.
    Densities, of one time or of two, do not see them, and the plain area (half of that of w = 1)
    does not see currents that turn one way inside and the other way outside.

    Parameters
    ----------
    decays : (k,) array >= 0, optional
        Weights w = exp(-decay m' C^-1 m / 2), m = (x + x')/2 - center the middle of a step; default
        0, 2/d, 4/d.
    center, covariance : float or (d,) array; (d, d) array or (d,) variances, optional
        Of the law, roughly; C is the identity by default. In units of length and length^2.
    every, start, name
        As in `moments`.

    Returns
    -------
    Reducer
        Adds ``rotation`` (rotation_decay, component, component_j), antisymmetric, in length^2 per
        step, with its ``_standard_error``.

    Raises
    ------
    ValueError
        In a run on a periodic domain, where no centre is.

    Notes
    -----
    For a diffusion: dt int w (m_i J_j - m_j J_i) + O(dt^2) with J its current; no grid. Exact for
    linear processes: `theory.weighted_rotation`. Under a dynamics with substeps it is that of the
    last update. `analysis.rotation_rate` takes it from two stored steps.

    Examples
    --------
    Every tenth step from 1000 on, so that 2000 steps are read 100 times:

    >>> turning = ls.reducers.rotation(decays=[0.0, 2.0], every=10, start=1000)
    >>> int(turning.readings_until(2000))
    100
    """
    center = np.ravel(center)

    def complete(reducer, model, dynamics, noise):
        d = model.dim
        if np.any(periods(model.domain, range(d))["period"]):
            raise ValueError(f"{name!r} needs a domain that is not periodic.")
        if center.size not in (1, d) or (covariance is not None and len(covariance) != d):
            raise ValueError(f"center and covariance of {name!r} must have {d} components.")
        spread = np.eye(d) if covariance is None else covariance
        found = {
            "decays": default_decays(d) if decays is None else decays,
            "center": np.broadcast_to(center, d).copy(),
            "whitening": np.linalg.inv(np.linalg.cholesky(spread)).ravel(),
        }
        return reducer.fitted(found, len(found["decays"]) * d * (d - 1) // 2)

    return Reducer(
        name, _observe_rotation, None, 1, every, start, finish=_finish_rotation, complete=complete
    )


def _finish_rotation(reducer, readings):
    decays, d = reducer.params.decays, len(reducer.params.center)
    rows, columns = np.tril_indices(d, -1)

    def matrices(means):
        found = np.zeros((*means.shape[:-1], len(decays), d, d))
        found[..., rows, columns] = means.reshape(*means.shape[:-1], len(decays), -1)
        return found - found.swapaxes(-1, -2)

    dims = f"{reducer.name}_decay", "component", "component_j"
    estimate = Estimate("", dims, "weighted rotation", "length^2/step", matrices)
    text = "decay of the weight exp(-decay rho^2/2)"
    return variables_of(reducer.name, [estimate], readings) | {
        dims[0]: labelled(dims[0], decays, text)
    }
