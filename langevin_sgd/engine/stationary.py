"""run_until_stationary(): a run that is doubled until its ensemble no longer changes, by a rule
with a stated error.
"""

import warnings
from typing import NamedTuple

import numpy as np

from ..arguments import checked, integer, optional, whole, within
from ..models.evaluate import evaluate
from .continuing import check_continuing
from .problem import check_records, checked_seed, timetable
from .reducers.of_run import checked_reducers, listed
from .reducers.readings import labelled
from .simulate import simulate

MOST_GROUPS = 16
FAILING = 0.05  # how often a stationary run may fail a check with the particles that are advised


def _observables(value, name):
    """A check: a dict of functions; empty for None."""
    if value is not None and not (
        isinstance(value, dict) and all(callable(function) for function in value.values())
    ):
        raise TypeError(
            f"{name} must be None or a dict of functions of x (particles, d), got {value!r}."
        )
    return value or {}


@checked(
    particles=optional(whole(2)),
    max_steps=whole(2),
    tolerance=within(above=0, below=1),
    observables=_observables,
)
def run_until_stationary(
    model,
    dynamics,
    noise=None,
    *,
    particles=None,
    max_steps,
    tolerance=0.05,
    first_check=100,
    x0=None,
    seed=None,
    observables=None,
    **options,
):
    """Run until the law of the ensemble no longer changes.

    Means and variances stay the same while the number of steps doubles.

    After n = first_check, 2 first_check, ... steps the ensemble is compared with that after 2n
    steps, particle by particle, and groups of particles that started in different places with all
    of them. The rule: for every observable

    |difference| + 2 standard errors <= tolerance * (standard deviation for a mean, variance for a
    variance).

    Parameters
    ----------
    model, dynamics, noise
        As in `simulate`. Constant parameters; no hidden memory and no shared batches.
    particles : int, optional
        Default: as many rows as `x0` has, or what lets a stationary Gaussian law pass a check 19
        times of 20, 4 ((2 + z)/tolerance)^2 with z = 1.96 in one dimension, 2.8 in ten: 25,100 and
        37,000 at 0.05. See Notes; G groups of starts need (G - 1)/2 times as many from G = 4 on.
    max_steps : int
        Where it gives up; `steps` of the dataset never go beyond.
    tolerance : float, in (0, 1)
        Of the rule, in units of the stationary spread.
    first_check : int
        Steps before the first comparison, which is with twice as many. Not far below the relaxation
        time, see Notes.
    x0 : array_like, shape (d,) or (particles, d), optional
        Starts as in `simulate`. Up to 16 different rows make as many groups; more are halved along
        each component. Starts wider than the stationary law, one in each well, are the only
        protection against metastable states.
    seed : int, optional
        As in `simulate`.
    observables : dict, optional
        name -> function from x (particles, d) to (particles,), whose means are watched beside those
        of the default: mean and variance of each component, mean energy.
    **options
        Further arguments of `simulate`, such as v0, reducers, loss or escape_radius. A stretch in
        which a reducer reads nothing is not the last one.

    Returns
    -------
    xarray.Dataset
        That of the last stretch, steps n to 2n (reducers read this half only), with ``difference``
        and ``group_difference`` (check, observable), the largest one over the groups and nan
        without, each with its ``_standard_error``, and ``allowed`` (check, observable), tolerance
        times the spread; `check` = steps done. The attribute ``stationary`` is 1 if the rule held
        at the end, else 0, and ``stationary_tolerance`` says with which tolerance.

    Raises
    ------
    TypeError, ValueError
        For bad input, and for what cannot be continued or has no stationary state.

    Warns
    -----
    UserWarning
        If the rule did not hold up to max_steps, if particles left, or after Ctrl-C.

    Notes
    -----
    Particles: after 2n steps of a stationary run the variance of a Gaussian has changed by 0 with
    the standard error 2 V/sqrt(N), so the rule holds if |z| <= tolerance sqrt(N)/2 - 2, never below
    N = 16/tolerance^2 and with the probability 1 - p for d components from 4 ((2 +
    z_p)/tolerance)^2 on, z_p the quantile 1 - p/(2 d) of the normal law. Means, with sqrt(2/N)
    standard deviations, need half of it; kurtosis k multiplies it by (k - 1)/2. The warning tells
    what the errors that were found ask for.

    Let a mean relax as m + a q^(t/n), q = exp(-n/tau). The difference of n and 2n is D = a q (1 -
    q), what remains after 2n is a q^2 = D q/(1 - q): no more than D if q <= 1/2, that is n >= 0.7
    tau, and then within the tolerance with 97.7 % confidence for each observable. A slower mode
    shows D = a n/tau only: the difference alone is blind to tau > n a/(tolerance * spread). Two
    things open its eyes. (1) From a single start the variance of a linear mode is V (1 - Q^(t/n)),
    Q = q^2, and differs by the part Q/(1 + Q) of what it is after 2n: whatever n, the rule holds
    only if Q <= tolerance/(1 - tolerance), which leaves a bias of the variance of at most about
    tolerance^2, and of the mean of D q/(1 - q) <= 0.3 D at 0.05. (2) Groups from different starts
    differ by a q^2 itself, however slow the mode is.

    Not seen: wells that nobody leaves and in which nobody starts, or the same share of each group;
    a mode that none of the observables follows; tails beyond the variance. Then `stationary` means
    so within what the particles have reached. The rule is looked at several times, which makes it a
    little easier to pass than 97.7 % says. Derived here; the comparison of starts is in the spirit
    of Gelman and Rubin 1992.

    Examples
    --------
    >>> well = ls.potentials.double_well(dim=2, barrier=0.25, coupling=0.8)
    >>> noise = ls.noise.gaussian([[10.0, 0.0], [0.0, 3.3]])
    >>> rule = {"tolerance": 0.1, "max_steps": 4000, "seed": 1}
    >>> run = ls.run_until_stationary(well, ls.dynamics.sgd(0.02), noise, **rule)
    >>> run.attrs["stationary"], run.attrs["steps"], run.check.values.tolist()
    (1, 800, [200, 400, 800])
    """
    done = integer(first_check, "first_check", 1)
    if 2 * done > max_steps:
        raise ValueError(
            f"max_steps must be at least 2 first_check = {2 * done}, got {max_steps}: the first "
            "comparison is of the steps first_check and 2 first_check."
        )
    reducers, observables = listed(options.pop("reducers", ())), observables or {}
    _check_can_settle(model, dynamics, noise, reducers, options, max_steps)
    seed = checked_seed(seed)
    if particles is None:
        particles = len(x0) if np.ndim(x0) == 2 else advised_particles(model.dim, tolerance)
    given = {"particles": particles, "seed": seed} | options
    run = simulate(model, dynamics, noise, steps=done, x0=x0, **given)
    groups, checks, stationary = _groups(run.x.values[0]), {}, False
    given.pop("v0", None)
    while not (stationary or run.status.any() or run.attrs["interrupted"] or 2 * done > max_steps):
        start = run.x.values[-1]
        if "v" in run:
            given["v0"] = run.v.values[-1]
        reading = [r for r in reducers if r.readings_until(2 * done) > r.readings_until(done)]
        given |= {"x0": start, "first_step": done, "reducers": reading}
        run = simulate(model, dynamics, noise, steps=done, **given)
        done *= 2
        if not run.status.any() and not run.attrs["interrupted"]:
            tables = [_table(model, observables, x) for x in (start, run.x.values[-1])]
            checks[done] = _compare(*tables, model.dim, groups, tolerance)
            stationary = _holds(checks[done]) and len(reading) == len(reducers)
    if not stationary and not run.attrs["interrupted"]:
        left = int((run.status > 0).sum())
        why = f"{left} particles left" if left else f"the rule did not hold up to step {done}"
        needed = max(
            (_needed(found, model.dim, len(groups)) for found in checks.values()), default=0
        )
        factor = needed if needed > 1 and not left else 0
        few = f" (its errors alone ask for {round(factor * particles)} particles)" * bool(factor)
        warnings.warn(
            f"not stationary: {why}{few}; see difference, group_difference and allowed.",
            stacklevel=3,
        )
    variables = _comparison_variables(checks, _names(model, observables))
    return run.assign(variables).assign_attrs(
        stationary=int(stationary), stationary_tolerance=tolerance
    )


def _critical_value(dim, groups):
    """Half width, in standard errors, of intervals that hold all variances with 1 - FAILING."""
    from scipy.special import ndtri

    return -ndtri(FAILING / (2 * dim * (1 + groups)))


def advised_particles(dim, tolerance):
    """Particles with which a stationary Gaussian run passes a check of `run_until_stationary` 19
    times of 20; derived there."""
    return int(np.ceil(4 * ((2 + _critical_value(dim, 0)) / tolerance) ** 2))


def _check_can_settle(model, dynamics, noise, reducers, options, max_steps):
    """Refuse what cannot be continued, has no stationary state, or breaks the standard errors."""
    check_records(model, dynamics, noise)
    for name in ("steps", "first_step"):
        if name in options:
            raise TypeError(
                f"{name} must not be given: run_until_stationary chooses it, up to max_steps."
            )
    if options.get("checkpoint") is not None:
        raise ValueError(
            "checkpoint must be None: run_until_stationary makes several runs. Give it to "
            "simulate, for the last one."
        )
    for name in dynamics.schedules():
        raise ValueError(f"{name} must be constant: under a schedule there is no stationary state.")
    check_continuing(dynamics, noise, timetable(dynamics, 1).template, model.dim)
    if not getattr(noise, "independent", True):
        raise ValueError(
            "noise must be drawn for each particle apart, got shared=True: the rule needs "
            "independent particles."
        )
    checked_reducers(reducers, model, dynamics, noise, 0, max_steps)
    if any(reducer.ends_particles for reducer in reducers):
        raise ValueError(
            "reducers must not hold a first passage: its particles end where they arrive."
        )


def _names(model, observables):
    components = [f"{what} of x{k}" for what in ("mean", "variance") for k in range(model.dim)]
    return [*components, "mean energy", *(f"mean of {name}" for name in observables)]


def _table(model, observables, x):
    """(particles, observables): numbers whose means are compared. A variance is the mean of squares
    about the mean.
    """
    columns = [x, (x - x.mean(axis=0)) ** 2, evaluate(model, x, "energy")]
    for name, function in observables.items():
        columns.append(np.asarray(function(x), dtype=np.float64))
        if columns[-1].shape != (len(x),):
            raise ValueError(
                f"observables: {name!r} must return the shape ({len(x)},), got {columns[-1].shape}."
            )
    return np.column_stack(columns)


def _groups(x):
    """Masks (groups, particles) of those that started together; none for a single start."""
    starts, group = np.unique(x, axis=0, return_inverse=True)
    if len(starts) <= MOST_GROUPS:
        return [group.ravel() == k for k in range(len(starts))] if len(starts) > 1 else []
    upper = (x >= np.median(x, axis=0)).T
    return [half for side in upper for half in (~side, side) if half.any() and not half.all()]


class _Comparison(NamedTuple):
    """What the rule compares, for each observable."""

    difference: np.ndarray
    difference_standard_error: np.ndarray
    group_difference: np.ndarray
    group_difference_standard_error: np.ndarray
    allowed: np.ndarray


def _compare(before, after, d, groups, tolerance):
    """The `_Comparison` of two tables; the columns d to 2d hold the squares about the mean."""
    n, moved, spread = len(after), after - before, after.std(axis=0, ddof=1)
    scale = np.concatenate([spread[:d], after[:, d : 2 * d].mean(axis=0), spread[2 * d :]])
    apart, error = np.full_like(scale, np.nan), np.full_like(scale, np.nan)
    for group in groups:
        distance = after[group].mean(axis=0) - after.mean(axis=0)
        deviation = spread * np.sqrt(1 / group.sum() - 1 / n)
        farther = ~(np.abs(distance) + 2 * deviation <= np.abs(apart) + 2 * error)
        apart, error = np.where(farther, distance, apart), np.where(farther, deviation, error)
    moved_error = moved.std(axis=0, ddof=1) / np.sqrt(n)
    return _Comparison(moved.mean(axis=0), moved_error, apart, error, tolerance * scale)


def _holds(found):
    """The rule of `run_until_stationary`."""
    change = np.abs(found.difference) + 2 * found.difference_standard_error
    apart = np.abs(found.group_difference) + 2 * found.group_difference_standard_error
    between = np.isnan(apart) | (apart <= found.allowed)
    return bool(np.all((change <= found.allowed) & between))


def _needed(found, dim, groups):
    """How many times as many particles would pass, if nothing but the errors were in the way."""
    errors = [found.difference_standard_error, found.group_difference_standard_error]
    largest = np.nanmax(np.array(errors) / found.allowed)
    return ((2 + _critical_value(dim, groups)) * largest) ** 2


COMPARED = {
    "difference": "change of the ensemble mean in the last stretch",
    "group_difference": "farthest mean of those that started together, from the mean of all",
    "allowed": "tolerance times the spread",
}


def _comparison_variables(checks, names):
    """The comparisons, a dict steps done -> `_Comparison`, as variables (check, observable)."""
    steps = np.array(list(checks), np.int64)
    variables = {
        "check": labelled("check", steps, "steps done"),
        "observable": labelled("observable", names, "what was compared"),
    }
    for name in _Comparison._fields:
        of = name.removesuffix("_standard_error")
        label = COMPARED[of] if of == name else f"standard error of the {COMPARED[of]}"
        values = [getattr(found, name) for found in checks.values()]
        table = np.reshape(np.array(values), (len(checks), len(names)))
        variables[name] = labelled(("check", "observable"), table, label, "of the observable")
    return variables
