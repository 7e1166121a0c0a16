"""The exact stationary law of heavy-ball SGD in one dimension, from its two-step operator."""

import numpy as np

from ..models.evaluate import evaluate
from .confinement import energy_box, energy_of, one_law, variance
from .langevin_law import law_of_pair
from .one_step_matrix import (
    COARSE,
    FINE,
    LARGEST_LEAK,
    MOST_ENTRIES,
    REACH,
    leading,
    matrix_of_columns,
    transition_matrix,
)
from .sgd_step import CHAIN_DEPTH
from .two_grids import law_of_two


@one_law(potential=energy_of(1), noise_covariance=variance)
def transfer_operator_heavy_ball(
    potential, noise_covariance, learning_rate, batch_size=1, momentum=0.9
):
    """Exact stationary law of heavy-ball SGD in one dimension, with Gaussian noise.

    Parameters
    ----------
    potential : Potential
        A smooth energy with d = 1, without drift and walls.
    noise_covariance, learning_rate, batch_size, momentum : float
        Sigma in (energy/length)^2, eta in length^2/energy, B and mu.

    Returns
    -------
    xarray.Dataset
        ``density`` (axis_0 = x_t, axis_1 = x_{t-1}), ``weight``, and, each with its error:
        ``mean_position``, ``second_moment``, ``fourth_moment``, ``mean_energy``, ``mean_gradient``,
        ``virial``, ``gradient_second_moment``, ``velocity_second_moment``,
        ``velocity_fourth_moment``, ``position_velocity``, ``survival``, ``relaxation_eigenvalue``.

    Raises
    ------
    ValueError
        If d is not 1, the chain is transient, or the grid would be too large.

    Notes
    -----
    The process is v' = mu v + eta (U'(x) + xi), x' = x - v', with Gaussian xi of variance Sigma/B.
    The pair (x_t, x_{t-1}) is a Markov chain, because v_t = x_{t-1} - x_t:
    x_{t+1} = x_t + mu (x_t - x_{t-1}) - eta U'(x_t) + noise. Its density on the tensor grid of the
    pair is the leading eigenvector of a sparse matrix. Exact identities that the result obeys:
    (1+mu) E[v^2] = 2 eta E[x U'], E[x v] = -E[v^2]/2. Source: derived here.

    Examples
    --------
    On x^2/2 it must give the variance eta (1 + mu) Sigma / ((1 - mu)(2 (1 + mu) - eta)), here
    0.75/(0.5 * 2.5), with half of E[v^2] = 0.4 lost between x and v.

    >>> well = ls.potentials.quadratic([1.0])
    >>> law = ls.theory.transfer_operator_heavy_ball(well, 1.0, learning_rate=0.5, momentum=0.5)
    >>> round(law.second_moment.item(), 4), round(law.position_velocity.item(), 4)
    (0.6, -0.2)
    """
    temperature = learning_rate * noise_covariance / (2 * batch_size * (1 - momentum))
    sd = learning_rate * np.sqrt(noise_covariance / batch_size)
    name = f"potential {potential.name!r} at the temperature {temperature:g} of this step"
    low, high = energy_box(potential, temperature, CHAIN_DEPTH, name).ravel()
    for _ in range(5):
        coarse, fine = (
            _pair_on_grid(potential, learning_rate, momentum, sd, (low - pad, high + pad), ratio)
            for ratio, pad in ((COARSE, 0), (FINE, sd))
        )
        leak = 1 - fine.numbers["survival"]
        if leak < LARGEST_LEAK:
            break
        low, high = low - 0.1 * (high - low), high + 0.1 * (high - low)
    else:
        raise ValueError(
            f"the heavy ball on {potential.name!r} at learning_rate {learning_rate:g}, momentum "
            f"{momentum:g} is transient: it leaves with probability {leak:.3g} per step. Lower the "
            "learning_rate or the noise_covariance."
        )
    setting = {"model": potential.name, "learning_rate": learning_rate, "batch_size": batch_size}
    return law_of_two(fine, coarse, **setting, momentum=momentum)


def _pair_on_grid(potential, rate, mu, sd, box, ratio):
    """The stationary pair on one grid."""
    points = np.ceil(np.ptp(box) / (ratio * sd)) + 1
    if not points**2 * (2 * REACH / ratio + 3) <= MOST_ENTRIES:
        raise ValueError(
            f"the heavy-ball operator needs {points:g}^2 nodes: the step noise {sd:g} is too "
            "small; use a larger learning_rate or noise_covariance, or a smaller batch_size or "
            "momentum."
        )
    points = int(points)
    axis = np.linspace(*box, points)
    slope = evaluate(potential, axis[:, None], "gradient")[:, 0]
    now, before = np.divmod(np.arange(points**2), points)
    image = axis[now] + mu * (axis[now] - axis[before]) - rate * slope[now]
    flow = transition_matrix([axis], image[:, None], np.full((points**2, 1), sd))
    rows = flow.indices.reshape(points**2, -1) * points + now[:, None]
    pair = leading(matrix_of_columns(rows, flow.data.reshape(rows.shape)))
    joint = pair.probability.reshape(points, points)
    energy = evaluate(potential, axis[:, None], "energy")
    eigenvalues = {"survival": pair.survival, "relaxation_eigenvalue": pair.relaxation}
    return law_of_pair([axis, axis], joint, axis - axis[:, None], energy, slope, **eigenvalues)
