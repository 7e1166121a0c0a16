"""Which minimum each particle belongs to, how many belong to each, and how many should."""

from functools import partial

import numpy as np
import xarray as xr

from ..arguments import checked, with_coordinates
from ..engine.reducers.readings import labelled, with_error
from ..models.evaluate import landscape
from ..theory.basin_populations import basin_populations, energy_around
from ..theory.basins_of_attraction import basin_of, basins_of_attraction, slope_of
from ..theory.confinement import box_around
from .particles import AT_STEP, at_step, attributes, kept_particles, landscape_of
from .particles import run as run_with
from .significance import Deviation

FEWEST_EXPECTED = 5  # basins in which fewer particles are expected are counted together


@checked(potential=landscape, **AT_STEP)
def basins(run, potential, *, step=None, on_diverged="raise"):
    """The basin of attraction of each particle: to which minimum the gradient flow leads.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate`; uses ``x``, in units of length.
    potential : Potential or Loss
        U, in units of energy, on an open domain; a weight decay of the run is no part of it.
    step, on_diverged
        As in `density`.

    Returns
    -------
    xarray.Dataset
        ``minimum`` (basin, component) in units of length and its ``energy`` (basin), sorted by
        energy, equal energies by position; ``basin`` (particle), the number of its minimum or -1;
        ``occupation`` (basin), the share of the particles, and ``occupation_standard_error``
        (multinomial). Attribute ``without_basin``: how many particles end on a saddle, in a flat
        valley, where the energy is not finite, or nowhere.

    Raises
    ------
    TypeError, ValueError
        For a run of another dimension, dependent or diverged particles, a potential with walls, or
        more than 1,000 minima.

    Notes
    -----
    Minima are found to 1e-8 of the spread of the particles and are one if closer than 1e-4 of it.
    The flow is followed to first order: of particles spread over a whole landscape some 0.5 %, next
    to the ridges, are counted on the other side. 100,000 particles take a few seconds in up to ten
    dimensions; where curvatures differ by over a hundred and in more dimensions the Hessians of
    all particles are needed. Saddles between the minima: `theory.saddles`.

    Examples
    --------
    Particles that start on the ridge fall to both sides alike:

    >>> well = ls.potentials.double_well(dim=2, barrier=0.25, coupling=0.8)
    >>> noise = ls.noise.gaussian([[10.0, 0.0], [0.0, 3.3]])
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.02), noise, particles=400, steps=100, seed=1)
    >>> found = ls.analysis.basins(run, well)
    >>> found.minimum.values.round(6).tolist()
    [[-1.0, -0.8], [1.0, 0.8]]
    >>> print(f"{found.occupation[0]:.2f} +- {found.occupation_standard_error[0]:.3f}")
    0.47 +- 0.025
    """
    particles = at_step(run, step, on_diverged)
    kept, _ = kept_particles(with_coordinates(run), on_diverged)
    x = particles.x
    potential = landscape_of(run, potential)
    spread = np.sqrt(x.var(axis=0).sum())
    found = basins_of_attraction(x, slope_of(potential, spread or 1.0))
    n, names = len(x), ("basin",)
    share = np.bincount(found.index + 1, minlength=len(found.energy) + 1)[1:] / n
    pair = share, np.sqrt(share * (1 - share) / n)
    variables = {
        "minimum": labelled(("basin", "component"), found.minimum, "minimum", "length"),
        "energy": labelled(names, found.energy, "energy of the minimum", "energy"),
        "basin": labelled(("particle",), found.index, "number of the particle's minimum, or -1"),
        **with_error("occupation", names, pair, "share of the particles in the basin"),
    }
    without = int((found.index < 0).sum())
    own = {"particle": kept["particle"]}
    return xr.Dataset(variables, own, attributes(run, particles, without_basin=without))


OF_BASINS = dict.fromkeys(("minimum_energy", "population", "population_error"), ("basin",))
POPULATIONS = partial(
    run_with,
    needs={"minimum": ("basin", "component"), **OF_BASINS},
    source="theory.basin_populations()",
)


def occupation_deviation(x, potential, temperature, temperature_error=0.0, populations=None):
    """How the occupations of the basins differ from Boltzmann's, in up to three dimensions.

    Parameters
    ----------
    x : (n, d) array
        Independent particles.
    potential : Potential or Loss
        On an open domain, with all that acts on the particles.
    temperature : float
    temperature_error : float
        Its standard error, if it was fitted.
    populations : xarray.Dataset, optional
        Of `theory.basin_populations`, if there is one already; ValueError if it is of another
        potential or temperature.

    Returns
    -------
    Deviation or str
        ``effect``: share of the particles less Boltzmann's probability, one for each basin, those
        with fewer than 5 expected particles together; ``error``: multinomial under Boltzmann's law,
        with the errors of quadrature and temperature. Beyond three dimensions, or with fewer than
        two basins, the reason why there is none.

    Notes
    -----
    p-value: the exact binomial one (twice the smaller tail) for two numbers, else Pearson's
    chi-squared. Particles and nodes of the quadrature descend in the same way, so that where a
    ridge lies exactly does not matter. Before, the probabilities are moved towards the shares by
    the error of the quadrature and two of the temperature; dP_b/dT = P_b (<U>_b - <U>) / T^2."""
    if potential.dim > 3:
        return "Boltzmann's occupations need a quadrature, up to 3 dimensions"
    if populations is None:
        populations = basin_populations(potential, temperature, start=box_around(x))
    else:
        _check_populations(populations, potential, temperature, temperature_error)
    basins = populations.sizes["basin"]
    if basins < 2:
        return "the potential has fewer than two basins"
    slope = slope_of(potential, populations.attrs["scale"])
    index = basin_of(x, populations.minimum.values, slope)
    counted = index >= 0
    count, n = np.bincount(index[counted], minlength=basins), counted.sum()
    if n == 0:
        return "no particle leads to a minimum"
    probability, error = populations.population.values, populations.population_error.values
    if temperature_error > 0:
        energy = slope.energy(x[counted])
        own = np.bincount(index[counted], energy, basins) / np.maximum(count, 1)
        warmer = probability * np.abs(own - energy.mean()) * (count > 0) / temperature**2
        error = error + 2 * temperature_error * warmer
    group = _counted_together(n * probability)
    count, probability, error = (np.bincount(group, part) for part in (count, probability, error))
    probability = probability / probability.sum()
    effect = count / n - probability
    likeliest = probability + np.clip(effect, -error, error)
    p_value = _multinomial_p_value(count, likeliest / likeliest.sum())
    spread = np.sqrt(probability * (1 - probability) / n + error**2)
    return Deviation(effect, spread, p_value)


def _check_populations(populations, potential, temperature, error):
    model, own = (populations.attrs.get(key) for key in ("model", "temperature"))
    if own is None or abs(own - temperature) > 1e-6 * temperature + 4 * error:
        raise ValueError(
            f"populations must be those at temperature {temperature:.6g}, got some at {own}. Call "
            "theory.basin_populations for it."
        )
    minimum, same = populations.minimum.values, False
    if model == potential.name and minimum.shape[1] == potential.dim:
        energy = energy_around(slope_of(potential, populations.attrs.get("scale", np.nan)), minimum)
        known = populations.attrs.get("energy_around", np.nan)
        same = np.isclose(energy, known, rtol=1e-6, atol=1e-6 * temperature)
    if not same:
        raise ValueError(
            f"populations must be those of potential {potential.name!r}, got some of {model!r} "
            "whose energies differ. Call theory.basin_populations for it."
        )


def _counted_together(expected):
    """The group of each basin: those that expect few particles are one, which joins the smallest
    other one if it still expects few and two others are left."""
    few = (expected < FEWEST_EXPECTED) & (np.arange(len(expected)) != expected.argmax())
    group = np.where(few, (~few).sum(), np.cumsum(~few) - 1)
    if (~few).sum() > 1 and 0 < expected[few].sum() < FEWEST_EXPECTED:
        group[few] = group[np.where(few, np.inf, expected).argmin()]
    return group


def _multinomial_p_value(count, probability):
    """p-value of counts under given probabilities."""
    from scipy.special import betainc, chdtrc

    n = count.sum()
    if len(count) > 2:
        expected = n * probability
        return float(chdtrc(len(count) - 1, ((count - expected) ** 2 / expected).sum()))
    fewer, p = count.min(), probability[count.argmin()]
    below = betainc(n - fewer, fewer + 1, 1 - p)
    above = betainc(fewer, n - fewer + 1, p) if fewer > 0 else 1.0
    return float(min(1.0, 2 * below, 2 * above))
