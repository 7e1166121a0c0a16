"""The exact stationary law of heavy-ball SGD at a finite learning rate in one dimension, from its
two-step transfer operator.
"""

import numpy as np

from ..models.evaluate import evaluate
from . import inputs
from .grids import bounding_box, with_errors
from .nystrom import LARGEST_MATRIX, REACH, SCALARS, gaussian, leading, stationary_numbers

COARSE, FINE = 0.7, 0.55  # grid spacings in units of the step noise
LEVEL = 45.0
LARGEST_LEAK = 1e-9
TABLE = SCALARS | {
    "velocity_second_moment": ((), "second moment of the velocity, E[v^2]", "length^2"),
    "velocity_fourth_moment": ((), "fourth moment of the velocity, E[v^4]", "length^4"),
    "position_velocity": ((), "E[x v]", "length^2"),
}


def transfer_operator_heavy_ball(
    potential, noise_covariance, learning_rate, batch_size=1, momentum=0.9
):
    """Stationary law of v' = mu v + eta (U'(x) + xi), x' = x - v' in d = 1, with Gaussian xi of
    variance Sigma/B.

    The pair (x_t, x_{t-1}) is a Markov chain, because v_t = x_{t-1} - x_t: x_{t+1} = x_t + mu (x_t
    - x_{t-1}) - eta U'(x_t) + noise. Its density on the tensor grid of the pair is the leading
    eigenvector of a sparse matrix.

    Parameters
    ----------
    potential : Potential
        Smooth energy with d = 1, in units of energy.
    noise_covariance : float
        Sigma > 0, variance of the gradient of ONE example, in (energy/length)^2.
    learning_rate, batch_size, momentum : float
        eta in length^2/energy (inside the velocity), B >= 1, 0 <= mu < 1.

    Returns
    -------
    xarray.Dataset
        ``density`` (axis_0 = x_t, axis_1 = x_{t-1}), ``weight``, and, each with ``NAME_error`` (the
        difference of two grids): ``mean_position``, ``second_moment``, ``fourth_moment``,
        ``mean_energy``, ``mean_gradient``, ``virial``, ``gradient_second_moment``,
        ``velocity_second_moment``, ``velocity_fourth_moment``, ``position_velocity``, ``survival``,
        ``relaxation_eigenvalue``.

    Raises
    ------
    ValueError
        If d is not 1, the noise is not positive, the chain is transient, or the grid would be too
        large.

    Notes
    -----
    Exact identities that the result obeys: (1+mu) E[v^2] = 2 eta E[x U'], E[x v] = -E[v^2]/2.
    Source: derived above."""
    rate, batch, mu = (
        float(value) for value in inputs.update_numbers(learning_rate, batch_size, momentum)
    )
    if potential.dim != 1 or potential.drift is not None:
        raise ValueError(
            "potential must have dim 1 and no drift for the heavy-ball operator, got dim "
            f"{potential.dim}"
        )
    sigma2 = float(inputs.positive_matrix("noise_covariance", noise_covariance, 1)[0, 0])
    temperature = rate * sigma2 / (2 * batch * (1 - mu))
    sd = rate * np.sqrt(sigma2 / batch)
    (low, high), *_ = bounding_box(
        lambda x: evaluate(potential, x, "energy") / temperature, 1, LEVEL, repr(potential.name)
    )
    for _ in range(5):
        coarse, fine = (
            _law(potential, rate, mu, sd, (low - pad, high + pad), ratio)
            for ratio, pad in ((COARSE, 0), (FINE, sd))
        )
        if fine["survival"] > 1 - LARGEST_LEAK:
            break
        low, high = low - 0.1 * (high - low), high + 0.1 * (high - low)
    else:
        raise ValueError(
            f"the heavy ball on {potential.name!r} at learning_rate {rate:g}, momentum {mu:g} is "
            "transient: it leaves with "
            f"probability {1 - fine['survival']:.3g} per step. Lower the learning_rate or the "
            "noise."
        )
    fields = {
        "density": (fine["density"], (), "density of (x_t, x_{t-1})", "length^-2"),
        "weight": (fine["weight"], (), "quadrature weight of the node", "length^2"),
    }
    law = with_errors(
        fine["axes"],
        fields,
        *({name: grid[name] for name in TABLE} for grid in (fine, coarse)),
        TABLE,
    )
    return law.assign_attrs(model=potential.name, learning_rate=rate, batch_size=batch, momentum=mu)


def _law(potential, rate, mu, sd, box, ratio):
    """Moments of the stationary pair on one grid."""
    from scipy.sparse import csc_matrix

    points = int(np.ceil((box[1] - box[0]) / (ratio * sd))) + 1
    reach = int(np.ceil(REACH / ratio)) + 1
    if points**2 * (2 * reach + 1) > LARGEST_MATRIX:
        raise ValueError(
            f"the heavy-ball operator needs {points}^2 nodes: the step noise is too small; use a "
            "larger learning_rate"
        )
    axis = np.linspace(*box, points)
    spacing = axis[1] - axis[0]
    gradient = evaluate(potential, axis[:, None], "gradient")[:, 0]
    now, before = np.divmod(np.arange(points**2), points)
    image = axis[now] + mu * (axis[now] - axis[before]) - rate * gradient[now]
    index = np.rint(np.clip((image - axis[0]) / spacing, -1e6, 1e6)).astype(np.int64)[
        :, None
    ] + np.arange(-reach, reach + 1)
    kernel = np.where(
        (index >= 0) & (index < points),
        gaussian(axis[0] + index * spacing - image[:, None], sd) * spacing,
        0.0,
    )
    rows = np.clip(index, 0, points - 1) * points + now[:, None]
    starts = np.arange(points**2 + 1) * rows.shape[1]
    pair = leading(csc_matrix((kernel.ravel(), rows.ravel(), starts), shape=(points**2, points**2)))
    joint = pair.probability.reshape(points, points)
    velocity = axis[None, :] - axis[:, None]
    numbers = stationary_numbers(
        joint.sum(axis=1), axis, gradient, evaluate(potential, axis[:, None], "energy")
    )
    return numbers | {
        "velocity_second_moment": (joint * velocity**2).sum(),
        "velocity_fourth_moment": (joint * velocity**4).sum(),
        "position_velocity": (joint * velocity * axis[:, None]).sum(),
        "survival": pair.survival,
        "relaxation_eigenvalue": pair.relaxation,
        "axes": [axis, axis],
        "density": joint / spacing**2,
        "weight": np.full((points, points), spacing**2),
    }
