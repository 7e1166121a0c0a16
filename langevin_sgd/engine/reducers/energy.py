"""The energy along the path: its mean, its variance and a histogram."""

from collections import namedtuple
from functools import cache

import numpy as np

from ...arguments import checked
from ...kernels.functions import plain
from ...kernels.views import table_row
from ...models.records import recorded
from .epochs import in_whole_epochs
from .full_gradient import NOTHING
from .grid import bin_of, grid
from .readings import Estimate, labelled, variables_of
from .record import Reducer, to_be_fitted

RANGES_AWAY, DIGITS = 1e3, 1e-12  # of the energies; of a square that is subtracted

_EnergyParams = namedtuple("Params", "model table lower per_length last middle")


def _note(p, acc, here):
    """One reading: the bin of the energy `here`, and its powers about the middle of the range."""
    away = here - p.middle
    acc[0] = bin_of(p, 0, here)
    acc[1] += away
    acc[2] += away * away


@cache
def _observe_energy(energy, columns):
    """A function that reads the energy, or its mean over a table with so many columns."""

    def observe(p, acc, step, before, x, v, g):
        _note(p, acc, energy(p.model, x))

    def observe_table(p, acc, step, before, x, v, g):
        examples, total = p.table.shape[0], 0.0 * x[0]
        for number in range(examples):
            total += energy(p.model, x, table_row(p.table, number, columns))
        _note(p, acc, total * (1.0 / examples))

    return observe_table if columns else observe


@recorded
@checked
def energy(lower, upper, bins=100, every=None, start=0, name="energy"):
    """Mean and variance of the energy over the readings of all particles, and a histogram of it.

    Parameters
    ----------
    lower, upper : float
        Range of the histogram in units of energy; what lies outside is counted too, and is in mean
        and variance. [lower, upper) is inside.
    bins : int
        Number of bins in the range.
    every : int, optional
        As in `virial`: by default 1, and where a reading is dear so many steps that the readings
        cost a quarter of the run. The energy of a Loss is the full mean loss over its N examples,
        so that a reading takes N losses where a step takes batch_size gradients.
    start, name
        As in `moments`. Positions in a shuffled epoch are read equally often.

    Returns
    -------
    Reducer
        Adds ``energy_mean`` in units of energy, ``energy_variance`` in energy^2 and
        ``energy_density`` (energy_bin) in 1/energy (of all readings, those outside the range
        included), each with ``_standard_error``, the variance nan if the range lies so far from the
        energies that it has no digits; ``energy_count`` (energy_bin), whole numbers,
        ``energy_underflow`` and ``energy_overflow``, readings below and above the range.

    Raises
    ------
    ValueError
        For fresh rows of a population whose mean loss is not known; where some positions of an
        epoch would not be read.

    Notes
    -----
    Under Boltzmann's law exp(-U/T) the variance is T^2 times the heat capacity d E[U]/dT, and in a
    quadratic bowl of d directions E[U] - min U = T d/2. Weight decay is a force of the dynamics and
    not in the energy. The errors take 64 groups of particles as independent.

    Examples
    --------
    >>> energies = ls.reducers.energy(0.0, 2.0, bins=20, every=5)
    >>> int(energies.readings_until(1000))
    200
    """
    energies = grid(lower, upper, bins, 0)
    low, high = float(energies.lower[0]), float(energies.upper[0])
    axis = energies.params()
    del axis["component"]
    params = _EnergyParams(*NOTHING, **axis, middle=(low + high) / 2)

    def complete(reducer, model, dynamics, noise):
        own = model.expected(getattr(noise, "sampling", None))
        table = params.table if own.data is None else own.data
        columns = 0 if own.data is None else table.shape[1]
        examples = max(1, len(table) * bool(columns))
        reducer = in_whole_epochs(reducer, model, dynamics, noise, examples)
        observe = _observe_energy(plain(own.function("energy")), columns)
        return reducer.fitted(params._replace(model=own.params, table=table), observe=observe)

    def finish(reducer, readings):
        def mean(means):
            return means[..., 1] + params.middle

        def variance(means):
            away, found = np.abs(means[..., 1]), means[..., 2] - means[..., 1] ** 2
            is_lost = (away > RANGES_AWAY * (high - low)) & (DIGITS * away**2 > found)
            return np.where(is_lost, np.nan, found)

        moments = [
            Estimate("mean", (), "mean energy", "energy", mean),
            Estimate("variance", (), "variance of the energy", "energy^2", variance),
        ]
        return variables_of(name, moments, readings) | _energy_histogram(name, readings, energies)

    counted = every, start, energies.lengths()
    return Reducer(name, to_be_fitted, params, 3, *counted, finish=finish, complete=complete)


def _energy_histogram(name, readings, energies):
    """The histogram."""
    dim, width = f"{name}_bin", float(energies.widths()[0])
    counts = readings.counts.sum(axis=0)[:, 0]
    middles = float(energies.lower[0]) + width * (np.arange(int(energies.bins[0])) + 0.5)
    return energies.densities(name, dim, "the energy", "1/energy", readings) | {
        dim: labelled(dim, middles, "middle of a bin of the energy", "energy"),
        f"{name}_underflow": labelled((), int(counts[0]), "readings below the range"),
        f"{name}_overflow": labelled((), int(counts[-1]), "readings above the range"),
    }
