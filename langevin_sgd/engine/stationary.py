"""run_until_stationary(): a run that is doubled until its ensemble no longer changes, by a rule
with a stated error.
"""

import warnings

import numpy as np

from ..models.evaluate import evaluate
from ..models.parameters import Schedule, integer, number
from .problem import check_continuing, check_records, checked_seed
from .reducers.of_run import checked_reducers, listed
from .simulate import simulate
from .timetable import timetable

MOST_GROUPS = 16


def run_until_stationary(
    model,
    dynamics,
    noise=None,
    *,
    particles,
    max_steps,
    tolerance=0.05,
    first_check=100,
    x0=None,
    seed=None,
    observables=None,
    **options,
):
    """Run until means and variances of the ensemble stay the same while the number of steps
    doubles.

    After n = first_check, 2 first_check, ... steps the ensemble is compared with that after 2n
    steps, particle by particle, and groups of particles that started in different places with all
    of them. The rule: for every observable

    |difference| + 2 standard errors <= tolerance * (standard deviation for a mean, variance for a
    variance).

    Parameters
    ----------
    model, dynamics, noise
        As in `simulate`. Constant parameters; no hidden memory and no shared batches.
    particles : int
        At least 16/tolerance^2 (6400 for 0.05) are needed for the variance of a Gaussian to pass,
        and about four times as many to pass at the first occasion; with G groups of starts the
        means need 16 (G - 1)/tolerance^2.
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
        at the end, else 0.

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
    of Gelman and Rubin 1992."""
    seed, particles, max_steps = (
        checked_seed(seed),
        integer(particles, "particles", 2),
        integer(max_steps, "max_steps", 2),
    )
    number(tolerance, "tolerance", above=0, below=1)
    done = integer(first_check, "first_check", 1, max_steps // 2 + 1)
    reducers = _check(model, dynamics, noise, observables, options, max_steps)
    run = simulate(
        model, dynamics, noise, particles=particles, steps=done, x0=x0, seed=seed, **options
    )
    groups, checks, verdict = _groups(run.x.values[0]), [], False
    options.pop("v0", None)
    while (
        not verdict
        and not run.status.any()
        and not run.attrs["interrupted"]
        and 2 * done <= max_steps
    ):
        at, velocity = run.x.values[-1], {"v0": run.v.values[-1]} if "v" in run else {}
        reading = [
            reducer
            for reducer in reducers
            if reducer.readings_until(2 * done) > reducer.readings_until(done)
        ]
        continued = {"x0": at, "first_step": done, "seed": seed, "reducers": reading, **velocity}
        run = simulate(
            model, dynamics, noise, particles=particles, steps=done, **continued, **options
        )
        done *= 2
        if not run.status.any() and not run.attrs["interrupted"]:
            checks.append(
                (done, _compare(model, observables, (at, run.x.values[-1]), groups, tolerance))
            )
            verdict = _holds(*checks[-1][1].values()) and len(reading) == len(reducers)
    if not verdict and not run.attrs["interrupted"]:
        why = (
            f"{int((run.status > 0).sum())} particles left"
            if run.status.any()
            else f"the rule did not hold up to step {done}"
        )
        warnings.warn(
            f"not stationary: {why}; see difference, group_difference and allowed.", stacklevel=2
        )
    return run.assign(_variables(checks, _names(model, observables))).assign_attrs(
        stationary=int(verdict)
    )


def _check(model, dynamics, noise, observables, options, max_steps):
    """Refuse what cannot be continued, has no stationary state, or breaks the standard errors;
    takes the reducers out.
    """
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
    scheduled = [
        name for name, value in dynamics.params._asdict().items() if isinstance(value, Schedule)
    ]
    if scheduled:
        raise ValueError(
            f"{scheduled[0]} must be constant: under a schedule there is no stationary state."
        )
    check_continuing(dynamics, noise, timetable(dynamics, 1).template, model.dim)
    if not getattr(noise, "independent", True):
        raise ValueError(
            "noise must be drawn for each particle apart, got shared=True: the rule needs "
            "independent particles."
        )
    reducers = listed(options.pop("reducers", ()))
    checked_reducers(reducers, model, dynamics, noise, 0, max_steps)
    if any(reducer.ends_particles for reducer in reducers):
        raise ValueError(
            "reducers must not hold a first passage: its particles end where they arrive."
        )
    if observables is not None and not (
        isinstance(observables, dict) and all(callable(f) for f in observables.values())
    ):
        raise TypeError(
            "observables must be None or a dict of functions of x (particles, d), got "
            f"{observables!r}."
        )
    return reducers


def _names(model, observables):
    components = [f"{what} of x{k}" for what in ("mean", "variance") for k in range(model.dim)]
    return [*components, "mean energy", *(f"mean of {name}" for name in observables or ())]


def _table(model, observables, x):
    """(particles, observables): numbers whose means are compared. A variance is the mean of squares
    about the mean.
    """
    others = [
        np.asarray(function(x), dtype=np.float64) for function in (observables or {}).values()
    ]
    for name, values in zip(observables or (), others, strict=True):
        if values.shape != (len(x),):
            raise ValueError(
                f"observables: {name!r} must return the shape ({len(x)},), got {values.shape}."
            )
    return np.column_stack([x, (x - x.mean(axis=0)) ** 2, evaluate(model, x, "energy"), *others])


def _groups(x):
    """Masks (groups, particles) of those that started together; none for a single start."""
    starts, group = np.unique(x, axis=0, return_inverse=True)
    if len(starts) <= MOST_GROUPS:
        return [group.ravel() == k for k in range(len(starts))] if len(starts) > 1 else []
    middle = np.median(x, axis=0)
    halves = [
        side for k in range(x.shape[1]) for side in (x[:, k] < middle[k], x[:, k] >= middle[k])
    ]
    return [half for half in halves if half.any() and not half.all()]


def _compare(model, observables, places, groups, tolerance):
    """What the rule compares, for each observable: differences, their standard errors, and what is
    allowed.
    """
    before, after = (_table(model, observables, x) for x in places)
    n, d = len(after), model.dim
    moved, spread = after - before, after.std(axis=0, ddof=1)
    scale = np.concatenate([spread[:d], after[:, d : 2 * d].mean(axis=0), spread[2 * d :]])
    found = {
        "difference": moved.mean(axis=0),
        "difference_standard_error": moved.std(axis=0, ddof=1) / np.sqrt(n),
    }
    apart, error = np.full_like(scale, np.nan), np.full_like(scale, np.nan)
    for group in groups:
        distance = after[group].mean(axis=0) - after.mean(axis=0)
        size = group.sum()
        deviation = spread * np.sqrt(1 / size - 1 / n)
        farther = ~(np.abs(distance) + 2 * deviation <= np.abs(apart) + 2 * error)
        apart, error = np.where(farther, distance, apart), np.where(farther, deviation, error)
    return found | {
        "group_difference": apart,
        "group_difference_standard_error": error,
        "allowed": tolerance * scale,
    }


def _holds(difference, error, apart, apart_error, allowed):
    between = np.isnan(apart) | (np.abs(apart) + 2 * apart_error <= allowed)
    return bool(np.all((np.abs(difference) + 2 * error <= allowed) & between))


LABELS = {
    "difference": "change of the ensemble mean in the last stretch",
    "group_difference": "farthest mean of those that started together, from the mean of all",
    "allowed": "tolerance times the spread",
}


def _variables(checks, names):
    """The comparisons as variables (check, observable)."""
    variables = {
        "check": (
            "check",
            np.array([done for done, _ in checks], np.int64),
            {"long_name": "steps done", "units": "1"},
        ),
        "observable": ("observable", names, {"long_name": "what was compared", "units": "1"}),
    }
    for name, label in LABELS.items():
        for key, text in (
            (name, label),
            (f"{name}_standard_error", f"standard error of the {label}"),
        ):
            if key != "allowed_standard_error":
                values = np.array([found[key] for _, found in checks]).reshape(
                    len(checks), len(names)
                )
                variables[key] = (
                    ("check", "observable"),
                    values,
                    {"long_name": text, "units": "of the observable"},
                )
    return variables
