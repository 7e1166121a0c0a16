"""Which picture fits which dataset."""

from functools import partial
from typing import Any

import xarray as xr

from ..analysis.density import density
from ..analysis.escape_rate import escape_rate
from ..analysis.survival_curve import survival_curve
from ..arguments import checked, choice, instance, optional, text
from ..engine.reducers.readings import MATRIX
from .current import current
from .densities import HISTOGRAM, density_1d, density_2d, density_with_marginals
from .first_arrivals import escape
from .relaxation import autocorrelation, relaxation
from .style import given_axes
from .tails import tails
from .temperatures import departures, temperature_budget, temperatures
from .waterfall import waterfall


def _a_dataset(value, name):
    """A check: a dataset."""
    return instance(value, name, xr.Dataset, "a dataset, as simulate() and analysis return it")


@checked(dataset=_a_dataset)
def pictures(dataset):
    """Which pictures fit a dataset: a dict of functions by name, the most telling one first.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of `simulate` (with its reducers) or of a function of `analysis`.

    Returns
    -------
    dict
        Name of a function of `plots` -> a function ``draw(ax=None)`` that draws this dataset by it
        and returns what it returns, Axes (of `density_with_marginals` a named tuple of three).
        Empty if no picture fits: a sweep, or what a study saved, which has a figure of its own.

    Notes
    -----
    Only a look at the variables: drawing may still be refused, with a reason.

    Examples
    --------
    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, particles=4000, steps=100, seed=1)
    >>> print(list(ls.plots.pictures(run)))
    ['density_with_marginals', 'relaxation', 'tails']
    >>> print(list(ls.plots.pictures(ls.analysis.density(run, components=0))))
    ['density_1d']
    """
    if "failed" in dataset and dataset["failed"].ndim:  # the points of a sweep
        return {}
    return _of_analysis(dataset) | _of_reducers(dataset) | _of_run(dataset)


@checked(dataset=_a_dataset, ax=given_axes, name=optional(text))
def picture(dataset, ax=None, *, name=None):
    """The picture that fits a dataset, drawn: the first of `pictures`, or the one that is named.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of `simulate` (with its reducers) or of a function of `analysis`.
    ax : matplotlib.axes.Axes, optional
        Default those of a new figure.
    name : str, optional
        One of the names in ``pictures(dataset)``.

    Returns
    -------
    matplotlib.axes.Axes
        Of `density_with_marginals` a named tuple of three.

    Raises
    ------
    TypeError, ValueError
        If no picture fits the dataset, or not the one that is named.

    Examples
    --------
    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, particles=4000, steps=100, seed=1)
    >>> ax = ls.plots.picture(ls.analysis.boltzmann_test(run, well))
    >>> print(ax.get_ylabel())
    temperature (energy)
    """
    fitting = pictures(dataset)
    if not fitting:
        raise ValueError(
            "dataset must be a run of simulate() or a result of analysis that has a picture, got "
            f"the variables {', '.join(map(str, dataset.data_vars))[:200]}. A study draws its own "
            "figure; of a sweep select one run with isel()."
        )
    names = list(fitting)
    return fitting[choice(name or next(iter(fitting)), "name", names)](ax)


def _of_analysis(dataset):
    """The pictures of what `analysis` returns, which is known by its variables and their dims."""
    kinds: list[Any] = [
        (escape, "survival", {"passage_step"}),
        (waterfall, "contribution", {"rung", "symptom"}),
        (departures, "contribution", {"part", "direction"}),
        (temperature_budget, "noise_term", set(MATRIX)),
        (temperatures, "temperature", set(MATRIX)),
    ]
    fitting = [
        draw for draw, key, dims in kinds if key in dataset and dims <= set(dataset[key].dims)
    ]
    if departures in fitting:
        fitting.append(temperature_budget)
        if "reference" not in dataset["part"].values:
            fitting.remove(departures)
    if "directional_temperature" in dataset:
        fitting.append(temperatures)
    if set(HISTOGRAM) <= set(dataset):
        several = density_with_marginals, density_2d
        fitting += [density_1d] if dataset["count"].ndim == 1 else several
    return {draw.__name__: partial(draw, dataset) for draw in fitting}


def _of_reducers(dataset):
    """The pictures of what reducers found in a run, whatever their names are."""
    found = {}
    for name in (str(name) for name, variable in dataset.variables.items() if variable.dims):
        stem, _, end = name.rpartition("_")
        if end == "current":
            found["current"] = partial(current, dataset, name=stem)
        elif end == "lag" and f"{stem}_correlation" in dataset:
            found["autocorrelation"] = partial(autocorrelation, dataset, name=stem)
        elif end == "watched":
            found["escape"] = partial(_escape_of_run, dataset, stem)
        elif end == "density" and dataset[name].dims[0].startswith(f"{stem}_x"):
            axes = dataset[name].ndim
            found[f"density_{axes}d"] = partial((density_1d, density_2d)[axes - 1], dataset)
    return found


def _escape_of_run(dataset, name, ax=None):
    rate = escape_rate(dataset, name=name, on_diverged="drop")
    return escape(survival_curve(dataset, name=name, on_diverged="drop"), ax, rate=rate)


def _of_run(dataset):
    """The pictures of the particles of a run."""
    if "x" not in dataset or not {"particle", "component"} <= set(dataset["x"].dims):
        return {}
    kind = "density_1d" if dataset.sizes["component"] == 1 else "density_with_marginals"
    found = {kind: partial(_density_of_run, dataset)}
    if dataset.sizes.get("step", 1) > 1:
        found["relaxation"] = partial(relaxation, dataset, on_diverged="drop")
    return found | {"tails": partial(tails, dataset, on_diverged="drop")}


def _density_of_run(dataset, ax=None):
    """Of the first two components."""
    components = range(min(2, dataset.sizes["component"]))
    found = density(dataset, components=components, on_diverged="drop")
    return density_1d(found, ax) if len(components) == 1 else density_with_marginals(found, ax)
