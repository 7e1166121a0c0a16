"""The mean squared displacement from the start."""

from functools import partial

import numpy as np

from ...arguments import checked, whole_numbers
from ...models.records import recorded
from .periodic import periods, whole_periods
from .readings import Estimate, add_up, labelled, variables_of
from .record import Reducer


def _observe_displacement(p, acc, step, before, x, v, g):
    d, number = len(x), step - int(p.start)
    for k in range(d):
        moved = x[k] - before[k]
        acc[k] += moved - whole_periods(p, k, moved)
    for j in range(len(p.steps)):
        if int(p.steps[j]) == number:
            for k in range(d):
                acc[(1 + j) * d + k] = acc[k] * acc[k]


@recorded
@checked(steps=partial(whole_numbers, at_least=1, below=10**8))
def displacement(steps, start=0, name="displacement"):
    """Mean squared displacement of the particles after chosen numbers of steps n.

    E[(x(start + n) - x(start))^2].

    Parameters
    ----------
    steps : sequence of int
        Numbers of steps n, different ones, from 1. It takes part in every step, so that in a
        periodic domain it is the way that was gone, as long as no step is longer than half a
        period.
    start : int
        Displacements are those from where the particles are after this step.
    name : str
        Prefix of its variables.

    Returns
    -------
    Reducer
        Adds ``displacement_mean_square`` (displacement_step, component) and
        ``displacement_mean_square_total`` (displacement_step), the sum over the components, in
        length^2, each with ``_standard_error``; nan for an n that the run never reached.

    Raises
    ------
    ValueError
        In a run whose dynamics makes several updates a step: a reducer sees the last one only.

    Notes
    -----
    A free Langevin particle has 2 T t along each component, and SGD in a flat landscape n
    learning_rate^2 Sigma/B. Particles that left count up to then. The errors take 64 groups of
    particles as independent.

    Examples
    --------
    It takes part in every step until the last of the numbers is reached:

    >>> ls.reducers.displacement([1, 10, 100], start=50).params.steps.tolist()
    [1.0, 10.0, 100.0]
    """
    if not steps or len(set(steps)) < len(steps):
        raise ValueError(f"steps must be different numbers, got {list(steps)}.")
    params = {"steps": np.array(steps, np.float64), "start": start}

    def complete(reducer, model, dynamics, noise):
        if dynamics.substeps > 1:
            raise ValueError(
                f"{name!r} needs one update a step, but {dynamics.name!r} makes "
                f"{dynamics.substeps}. Store x with every=."
            )
        d = model.dim
        fitting = params | {"start": reducer.start} | periods(model.domain, range(d))
        return reducer.fitted(fitting, d * (1 + len(steps)))

    return Reducer(
        name,
        _observe_displacement,
        params | periods(None, [0]),
        1 + len(steps),
        start=start,
        finish=_finish_displacement,
        complete=complete,
    )


def _finish_displacement(reducer, readings):
    """Each number of steps has its own number of particles that did them."""
    name, d = reducer.name, readings.records[0].dim
    steps = reducer.params.steps.astype(np.int64)
    reached = (readings.observations[:, None] >= steps).astype(np.float64)
    squares = readings.acc[:, d:] * np.repeat(reached, d, axis=1)
    sums = add_up(readings._replace(acc=np.column_stack([reached, squares])))

    def per_component(means):
        count = len(steps)
        squares = means[..., count:].reshape(*means.shape[:-1], count, d)
        return squares / means[..., :count, None]

    dims, text = (f"{name}_step", "component"), "mean squared displacement"
    estimates = [
        Estimate("mean_square", dims, text, "length^2", per_component),
        Estimate(
            "mean_square_total",
            f"{name}_step",
            f"{text}, all components",
            "length^2",
            lambda means: per_component(means).sum(axis=-1),
        ),
    ]
    coordinate = labelled(f"{name}_step", steps, "steps from the start", "steps")
    return variables_of(name, estimates, readings, sums) | {f"{name}_step": coordinate}
