"""Stochastic gradient descent and its relatives, composed from few functions.

Letters as in `dynamics_record`. A step is composed of

push   g + xi, clipped where that is asked for, and weight decay
kick   inner push, of which the velocity becomes v' = mu v + kick
way    v' (heavy ball), kick + mu v' (Nesterov's in PyTorch) or kick alone (after a look ahead):
       x' = x - outer way, where inner or outer is the learning rate"""

from functools import cache

from ..arguments import one_of
from ..kernels.elementary import fma, sqrt, where
from .dynamics_record import Dynamics, dynamics_maker


@cache
def _without_velocity(decays):
    """x' = x - eta push, without a velocity."""

    def update(p, x, v, g, xi, z):
        for k in range(len(x)):
            push = g[k] + xi[k]
            if decays:
                push = fma(p.weight_decay, x[k], push)
            x[k] = fma(-p.learning_rate, push, x[k])

    return update


@cache
def _with_velocity(rate="inside", form="along", decays=True, clips=False):
    """`rate`: the learning rate stands inside v, outside, or v is an average; `form`: the way."""
    outside, averages = rate == "outside", rate == "average"
    torch, alone = form == "torch", form == "alone"

    def update(p, x, v, g, xi, z):
        inner, outer = p.learning_rate, 1.0
        if outside:
            inner, outer = 1.0, p.learning_rate
        if averages:
            inner, outer = 1.0 - p.momentum, p.learning_rate / (1.0 - p.momentum)
        if clips:
            factor = _shortening(p, g, xi)
        for k in range(len(x)):
            push = g[k] + xi[k]
            if clips:
                push = factor * push
            if decays:
                push = fma(p.weight_decay, x[k], push)
            kick = inner * push
            v[k] = p.momentum * v[k] + kick
            way = v[k]
            if torch:
                way = kick + p.momentum * v[k]
            if alone:
                way = kick
            x[k] = x[k] - outer * way

    return update


def _shortening(p, g, xi):
    """What brings g + xi to the norm `max_norm` where it is longer."""
    square = 0.0
    for k in range(len(g)):
        square = fma(g[k] + xi[k], g[k] + xi[k], square)
    norm = sqrt(square)
    return where(norm > p.max_norm, p.max_norm / norm, 1.0)


@cache
def _look_ahead(outside):
    """To x - mu v, where Nesterov's gradient is evaluated."""

    def advance(p, x, v, g, z):
        share = p.momentum
        if outside:
            share = p.learning_rate * p.momentum
        for k in range(len(x)):
            x[k] = x[k] - share * v[k]

    return advance


# nesterov -> (name, form)
_FORMS = {
    None: ("sgd_momentum", "along"),
    "torch": ("sgd_torch_nesterov", "torch"),
    "lookahead": ("sgd_lookahead_nesterov", "alone"),
}


@dynamics_maker(nesterov=one_of(*_FORMS), rate_inside=one_of(True, False))
def sgd(
    learning_rate, batch_size=1, momentum=0.0, nesterov=None, weight_decay=0.0, rate_inside=True
):
    """Stochastic gradient descent, plain, with heavy-ball momentum or Nesterov's.

    Heavy ball is v' = mu v + eta g, x' = x - v'.

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
        x.x.
    rate_inside : bool
        True: eta stands inside v, and a schedule does not rescale the velocity already gathered.
        False: PyTorch's convention b' = mu b + g, x' = x - eta b', where it does. Under a constant
        rate v = eta b and the positions are the same.

    Returns
    -------
    Dynamics
        Its v is a velocity, the displacement of a step with the opposite sign; b, in units of the
        gradient, is not stored.

    Examples
    --------
    One step by hand with the gradient 2 and the noise 0.5, from x = 1, v = 0.2: v' = 0.1 + 0.1 *
    2.5.

    >>> dynamics = ls.dynamics.sgd(0.1, momentum=0.5)
    >>> x, v = np.array([1.0]), np.array([0.2])
    >>> dynamics.update(dynamics.params, x, v, [2.0], [0.5], None)
    >>> print(dynamics, v.round(4), x.round(4))
    sgd(learning_rate=0.1, momentum=0.5) [0.35] [0.65]
    """
    params = {"learning_rate": learning_rate, "batch_size": batch_size}
    params |= {"momentum": momentum, "weight_decay": weight_decay}
    if nesterov is None and momentum == 0.0:  # no velocity to store
        return Dynamics("sgd", _without_velocity(bool(weight_decay)), params)
    name, form = _FORMS[nesterov]
    return Dynamics(
        name if rate_inside else f"{name}_rate_outside",
        _with_velocity("inside" if rate_inside else "outside", form),
        params,
        _look_ahead(not rate_inside) if nesterov == "lookahead" else None,
        memory="velocity" if rate_inside else "hidden",
        vectors=1,
    )


@dynamics_maker
def sgd_running_average(learning_rate, batch_size=1, momentum=0.9):
    """Momentum as a running average of the gradient, the same positions as heavy ball.

    a' = (1 - 1/N) a + g/N, x' = x - N eta a' with N = 1/(1 - mu).

    Parameters
    ----------
    learning_rate, batch_size : as in `sgd`, of the heavy ball that this is
    momentum : float in [0, 1), or Schedule
        mu; N = 1/(1 - mu) steps is the memory of the average.

    Returns
    -------
    Dynamics

    Notes
    -----
    The average a, in units of the gradient, is not stored. Started at a = 0 and v = 0, v = N eta a
    for ever: by induction N eta a' = mu N eta a + eta g = v'. So the positions are those of `sgd`
    with the same momentum (of `rate_inside=False` under a schedule of the learning rate). There is
    no bias correction.

    Examples
    --------
    Two steps with the gradients 2 and 1: x = 1 - 0.2 - (0.1 + 0.1).

    >>> for make in (ls.dynamics.sgd, ls.dynamics.sgd_running_average):
    ...     dynamics, x, v = make(0.1, momentum=0.5), np.array([1.0]), np.zeros(1)
    ...     for gradient in (2.0, 1.0):
    ...         dynamics.update(dynamics.params, x, v, [gradient], [0.0], None)
    ...     print(dynamics.name, x.round(4))
    sgd_momentum [0.6]
    sgd_running_average [0.6]
    """
    params = {"learning_rate": learning_rate, "batch_size": batch_size, "momentum": momentum}
    update = _with_velocity("average", decays=False)
    return Dynamics("sgd_running_average", update, params, memory="hidden", vectors=1)


@dynamics_maker
def clipped_sgd(learning_rate, batch_size=1, max_norm=1.0, momentum=0.0, weight_decay=0.0):
    """Heavy-ball SGD whose gradient is shortened to a norm where it is longer.

    Its direction stays.

    Parameters
    ----------
    learning_rate, batch_size : as in `sgd`
        The noise variance before clipping is Sigma / B.
    max_norm : float > 0, or Schedule
        Longest gradient of a batch, noise included, in energy per length.
    momentum : as in `sgd`
    weight_decay : float >= 0, or Schedule
        lambda: lambda x is added after the clipping, as PyTorch does.

    Returns
    -------
    Dynamics

    Notes
    -----
    ``g' = g min(1, max_norm/|g|)`` (Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063, algorithm
    1). In a stationary state it is the clipped gradient that averages to zero, not the gradient.

    Examples
    --------
    The gradient (3, 4) of norm 5 becomes (0.6, 0.8):

    >>> dynamics = ls.dynamics.clipped_sgd(0.1, max_norm=1.0)
    >>> x, v = np.array([1.0, 1.0]), np.zeros(2)
    >>> dynamics.update(dynamics.params, x, v, [3.0, 4.0], [0.0, 0.0], None)
    >>> print(x.round(4))
    [0.94 0.92]
    """
    params = {"learning_rate": learning_rate, "batch_size": batch_size}
    params |= {"momentum": momentum, "weight_decay": weight_decay, "max_norm": max_norm}
    return Dynamics("clipped_sgd", _with_velocity(clips=True), params, memory="velocity")
