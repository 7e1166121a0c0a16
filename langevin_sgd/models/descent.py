"""Stochastic gradient descent and its relatives. What they do with a gradient is linear, but for
clipping.

Throughout, g is the gradient, xi the gradient noise (already divided by sqrt(batch_size), or
averaged over the batch)."""

from ..kernels.elementary import fma, sqrt, where
from .dynamics_record import Dynamics
from .parameters import (
    COUNT_LIMIT,
    choice,
    integer,
    integer_or_schedule,
    number,
    number_or_schedule,
)
from .records import recorded


def _sgd(p, x, v, g, xi, z):
    for k in range(len(x)):
        x[k] = fma(-p.learning_rate, g[k] + xi[k], x[k])


def _sgd_with_decay(p, x, v, g, xi, z):
    for k in range(len(x)):
        x[k] = fma(-p.learning_rate, fma(p.weight_decay, x[k], g[k] + xi[k]), x[k])


def _heavy_ball(p, x, v, g, xi, z):
    for k in range(len(x)):
        v[k] = p.momentum * v[k] + p.learning_rate * fma(p.weight_decay, x[k], g[k] + xi[k])
        x[k] = x[k] - v[k]


def _torch_nesterov(p, x, v, g, xi, z):
    for k in range(len(x)):
        move = p.learning_rate * fma(p.weight_decay, x[k], g[k] + xi[k])
        v[k] = p.momentum * v[k] + move
        x[k] = x[k] - (move + p.momentum * v[k])


def _look_ahead(p, x, v, g, z):
    for k in range(len(x)):
        x[k] = x[k] - p.momentum * v[k]


def _after_look_ahead(p, x, v, g, xi, z):
    for k in range(len(x)):
        move = p.learning_rate * fma(p.weight_decay, x[k], g[k] + xi[k])
        v[k] = p.momentum * v[k] + move
        x[k] = x[k] - move


def _heavy_ball_rate_outside(p, x, v, g, xi, z):
    for k in range(len(x)):
        v[k] = p.momentum * v[k] + fma(p.weight_decay, x[k], g[k] + xi[k])
        x[k] = x[k] - p.learning_rate * v[k]


def _torch_nesterov_rate_outside(p, x, v, g, xi, z):
    for k in range(len(x)):
        force = fma(p.weight_decay, x[k], g[k] + xi[k])
        v[k] = p.momentum * v[k] + force
        x[k] = x[k] - p.learning_rate * (force + p.momentum * v[k])


def _look_ahead_rate_outside(p, x, v, g, z):
    for k in range(len(x)):
        x[k] = x[k] - p.learning_rate * p.momentum * v[k]


def _after_look_ahead_rate_outside(p, x, v, g, xi, z):
    for k in range(len(x)):
        force = fma(p.weight_decay, x[k], g[k] + xi[k])
        v[k] = p.momentum * v[k] + force
        x[k] = x[k] - p.learning_rate * force


@recorded
def sgd(
    learning_rate, batch_size=1, momentum=0.0, nesterov=None, weight_decay=0.0, rate_inside=True
):
    """Stochastic gradient descent, with heavy-ball momentum v' = mu v + eta g, x' = x - v', or
    Nesterov's.

    Parameters
    ----------
    learning_rate : float > 0, or Schedule
        eta, length squared per energy.
    batch_size : int >= 1, or Schedule
        Examples B per step; the noise variance is Sigma / B.
    momentum : float in [0, 1), or Schedule
        mu, the part of v that is kept; friction is proportional to 1 - mu.
    nesterov : None, "torch" or "lookahead"
        "lookahead": gradient at x - mu v (Nesterov 1983). "torch": PyTorch's and Keras's form,
        which stores the look-ahead point: v' = mu v + eta g(x), x' = x - (eta g + mu v'). The same
        thresholds, different stationary laws.
    weight_decay : float >= 0, or Schedule
        lambda: lambda x is added to the gradient, so that Boltzmann's reference is U + (lambda/2)
        |x|^2.
    rate_inside : bool
        True: eta stands inside v, and a schedule does not rescale the velocity already gathered.
        False: PyTorch's convention b' = mu b + g, x' = x - eta b', where it does. Under a constant
        rate v = eta b and the positions are the same.

    Returns
    -------
    Dynamics
        Its v is a velocity, the displacement of a step with the opposite sign; b, in units of the
        gradient, is not stored.

    Raises
    ------
    TypeError, ValueError
        For a parameter outside its range.
    """
    choice(nesterov, "nesterov", (None, "torch", "lookahead"))
    choice(rate_inside, "rate_inside", (True, False))
    params = _sgd_parameters(learning_rate, batch_size, momentum, weight_decay)
    if nesterov is None and momentum == 0.0:  # no velocity to store
        return Dynamics("sgd", _sgd_with_decay if weight_decay else _sgd, params)
    name = {
        "torch": "sgd_torch_nesterov",
        "lookahead": "sgd_lookahead_nesterov",
        None: "sgd_momentum",
    }[nesterov]
    inside = {
        "torch": (_torch_nesterov,),
        "lookahead": (_after_look_ahead, _look_ahead),
        None: (_heavy_ball,),
    }
    outside = {
        "torch": (_torch_nesterov_rate_outside,),
        "lookahead": (_after_look_ahead_rate_outside, _look_ahead_rate_outside),
        None: (_heavy_ball_rate_outside,),
    }
    if rate_inside:
        update, *advance = inside[nesterov]
        return Dynamics(name, update, params, *advance, memory="velocity")
    update, *advance = outside[nesterov]
    return Dynamics(f"{name}_rate_outside", update, params, *advance, memory="hidden")


def _sgd_parameters(learning_rate, batch_size, momentum, weight_decay):
    return {
        "learning_rate": number_or_schedule(learning_rate, "learning_rate", above=0),
        "batch_size": integer_or_schedule(batch_size, "batch_size", at_least=1),
        "momentum": number_or_schedule(momentum, "momentum", at_least=0, below=1),
        "weight_decay": number_or_schedule(weight_decay, "weight_decay", at_least=0),
    }


def _running_average(p, x, v, g, xi, z):
    keep = p.momentum
    for k in range(len(x)):
        v[k] = keep * v[k] + (1.0 - keep) * (g[k] + xi[k])
        x[k] = x[k] - p.learning_rate / (1.0 - keep) * v[k]


@recorded
def sgd_running_average(learning_rate, batch_size=1, momentum=0.9):
    """Momentum as a running average of the gradient: a' = (1 - 1/N) a + g/N, x' = x - N eta a' with
    N = 1/(1 - mu).

    Parameters
    ----------
    learning_rate : float > 0, or Schedule
        eta, length squared per energy, of the heavy ball that this is.
    batch_size : int >= 1, or Schedule
        Examples B per step; the noise variance is Sigma / B.
    momentum : float in [0, 1), or Schedule
        mu; N = 1/(1 - mu) steps is the memory of the average.

    Returns
    -------
    Dynamics
        The average a, in units of the gradient, is not stored.

    Notes
    -----
    Started at a = 0 and v = 0, v = N eta a for ever: by induction N eta a' = mu N eta a + eta g =
    v'. So the positions are those of `sgd` with the same momentum (of `rate_inside=False` under a
    schedule of the learning rate). There is no bias correction."""
    params = _sgd_parameters(learning_rate, batch_size, momentum, 0.0)
    del params["weight_decay"]
    return Dynamics("sgd_running_average", _running_average, params, memory="hidden")


def _clipped(p, x, v, g, xi, z):
    square = 0.0
    for k in range(len(x)):
        square = fma(g[k] + xi[k], g[k] + xi[k], square)
    norm = sqrt(square)
    scale = where(norm > p.max_norm, p.max_norm / norm, 1.0)
    for k in range(len(x)):
        v[k] = p.momentum * v[k] + p.learning_rate * fma(
            p.weight_decay, x[k], scale * (g[k] + xi[k])
        )
        x[k] = x[k] - v[k]


@recorded
def clipped_sgd(learning_rate, batch_size=1, max_norm=1.0, momentum=0.0, weight_decay=0.0):
    """Heavy-ball SGD whose gradient is shortened to the norm `max_norm` where it is longer; its
    direction stays.

    Parameters
    ----------
    learning_rate : float > 0, or Schedule
        eta, length squared per energy.
    batch_size : int >= 1, or Schedule
        Examples B per step; the noise variance before clipping is Sigma / B.
    max_norm : float > 0, or Schedule
        Longest gradient of a batch, noise included, in energy per length.
    momentum : float in [0, 1), or Schedule
        mu of v' = mu v + eta g, x' = x - v'.
    weight_decay : float >= 0, or Schedule
        lambda: lambda x is added after the clipping, as PyTorch does.

    Returns
    -------
    Dynamics

    Notes
    -----
    g' = g min(1, max_norm/|g|) (Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063, algorithm 1). In
    a stationary state it is the clipped gradient that averages to zero, not the gradient."""
    params = _sgd_parameters(learning_rate, batch_size, momentum, weight_decay)
    params["max_norm"] = number_or_schedule(max_norm, "max_norm", above=0)
    return Dynamics("clipped_sgd", _clipped, params, memory="velocity")


def _to_iterate(p, x, v, g, z):
    for k in range(len(x)):
        x[k] = x[k] + v[k]


def _averaged(p, x, v, g, xi, z):
    dim = len(x)
    for k in range(dim):
        count = v[dim + k] + 1.0
        ahead = fma(
            -p.learning_rate, fma(p.weight_decay, x[k], g[k] + xi[k]), v[k]
        )  # new iterate - old mean
        x[k] = x[k] - v[k] + ahead / count
        v[k] = ahead - ahead / count
        v[dim + k] = count


@recorded
def averaged_sgd(learning_rate, batch_size=1, weight_decay=0.0):
    """SGD that reports the mean of its iterates: the x of the dataset is (y_1 + ... + y_n)/n with
    y' = y - eta g(y).

    Parameters
    ----------
    learning_rate : float > 0, or Schedule
        eta, length squared per energy.
    batch_size : int >= 1, or Schedule
        Examples B per step; the noise variance is Sigma / B.
    weight_decay : float >= 0, or Schedule
        lambda: lambda y is added to the gradient.

    Returns
    -------
    Dynamics
        The iterates y are those of `sgd` with the same seed, up to rounding. What is hidden is y -
        x and n.

    Notes
    -----
    Polyak and Juditsky (1992); Ruppert (1988). On a quadratic n Var(x) -> H^-1 (Sigma/B) H^-1,
    whatever eta. An `escape_radius` judges the mean, not the iterate."""
    params = _sgd_parameters(learning_rate, batch_size, 0.0, weight_decay)
    del params["momentum"]
    return Dynamics("averaged_sgd", _averaged, params, _to_iterate, memory="hidden", state_size=2)


def _diffusion(p, x, v, g, xi, z):
    step, louder = p.learning_rate / p.substeps, sqrt(p.substeps)
    for k in range(len(x)):
        x[k] = fma(-step, fma(louder, xi[k], g[k]), x[k])


@recorded
def sgd_diffusion(learning_rate, batch_size=1, substeps=10):
    """The diffusion that SGD is compared with, dX = -grad U dt + sqrt(eta Sigma/B) dW, by Euler and
    Maruyama (Ito).

    Parameters
    ----------
    learning_rate : float > 0, or Schedule
        eta, length squared per energy: the time of one step, and part of the noise.
    batch_size : int >= 1, or Schedule
        Examples B; the gradient noise xi of a step has the covariance Sigma/B.
    substeps : int >= 1
        m updates of length h = eta/m make up one step; 1 is SGD itself.

    Returns
    -------
    Dynamics
        It rescales the noise: minibatches are refused, use `noise.table_gaussian()`.

    Notes
    -----
    X' = X - h g - sqrt(eta h) xi = X - h (g + sqrt(m) xi), xi drawn anew in each substep: m of them
    add up to the variance of one step of SGD, eta^2 Sigma/B. On a quadratic of curvature a the
    variance is T/(a (1 - eta a/(2m))) with T = eta Sigma/(2B), so the error against the diffusion
    is of order eta/m (derived). Li, Tai and E (2017, arXiv:1511.06251) for the limit."""
    substeps = integer(substeps, "substeps", 1, limit=COUNT_LIMIT)
    params = {
        "learning_rate": number_or_schedule(learning_rate, "learning_rate", above=0),
        "batch_size": integer_or_schedule(batch_size, "batch_size", at_least=1),
        "substeps": number(substeps, "substeps"),
    }
    return Dynamics("sgd_diffusion", _diffusion, params, substeps=substeps)
