"""SGD that reports the mean of its iterates."""

from ..kernels.elementary import fma
from .dynamics_record import Dynamics, dynamics_maker


def _to_iterate(p, x, v, g, z):
    for k in range(len(x)):
        x[k] = x[k] + v[k]


def _averaged(p, x, v, g, xi, z):
    dim = len(x)
    for k in range(dim):
        count = v[dim + k] + 1.0
        # the new iterate less the old mean
        ahead = fma(-p.learning_rate, fma(p.weight_decay, x[k], g[k] + xi[k]), v[k])
        x[k] = x[k] - v[k] + ahead / count
        v[k] = ahead - ahead / count
        v[dim + k] = count


@dynamics_maker
def averaged_sgd(learning_rate, batch_size=1, weight_decay=0.0):
    """SGD that reports the mean of its iterates.

    The x of the dataset is (y_1 + ... + y_n)/n with y' = y - eta g(y).

    Parameters
    ----------
    learning_rate, batch_size, weight_decay : as in `sgd`, for the iterates y

    Returns
    -------
    Dynamics

    Notes
    -----
    The iterates y are those of `sgd` with the same seed, up to rounding. What is hidden is y - x
    and n. Polyak and Juditsky (1992); Ruppert (1988). On a quadratic n Var(x) -> H^-1 (Sigma/B)
    H^-1, whatever eta. An `escape_radius` judges the mean, not the iterate. A domain with walls is
    refused: walls fold the iterate, and a mean on a circle means nothing; take the mean over the
    steps of a run of `sgd` there.

    Examples
    --------
    Gradients 2 and 1 from y = 1: the iterates are 0.8 and 0.7, their mean 0.75.

    >>> dynamics, x, memory = ls.dynamics.averaged_sgd(0.1), np.array([1.0]), np.zeros(2)
    >>> for gradient in (2.0, 1.0):
    ...     dynamics.advance(dynamics.params, x, memory, None, None)
    ...     dynamics.update(dynamics.params, x, memory, [gradient], [0.0], None)
    >>> print(x.round(4))
    [0.75]
    """
    params = {"learning_rate": learning_rate, "batch_size": batch_size}
    params |= {"weight_decay": weight_decay}
    return Dynamics(
        "averaged_sgd", _averaged, params, _to_iterate, memory="hidden", state_size=2, walls=False
    )
