"""Boltzmann laws p(x) = exp(-U(x)/T) / Z in up to three dimensions, by quadrature."""

import math
from functools import partial

import numpy as np

from ..models.evaluate import evaluate
from .confinement import bounds_inside, check_period, energy_box, energy_of, one_law, walls_of
from .grids import (
    DEPTH,
    LARGEST_GAUSS,
    bin_edges,
    bin_rule,
    box_scan,
    edges_along,
    grid_moments,
    spacing_of,
    tensor_nodes,
    tensor_rule,
)
from .roots import rising_root
from .two_grids import OnGrid, labels, law_of_two

LARGEST_TENSOR = 3_000_000
LARGEST_CHANGE = 1e-2
HOTTEST = 1e12  # temperature that is tried, over the energy above the minimum
LEVEL_POINTS = {1: 100_000, 2: 700, 3: 110}
FIRST_POINTS = {1: 129, 2: 65, 3: 49}

# The law is one of the energy alone: a drift is no part of it.
ON_ITS_DOMAIN = energy_of(1, 2, 3, drift=True, walls=("periodic", "reflecting"))


@one_law(potential=ON_ITS_DOMAIN)
def boltzmann_density(potential, temperature, *, bounds=None, rtol=1e-10):
    """Boltzmann's law exp(-U/T)/Z in d <= 3 dimensions: density on a grid, normaliser, moments.

    Parameters
    ----------
    potential : Potential
        Energy U(x), in units of energy. A drift is no part of this law.
    temperature : float
        T > 0, in units of energy.
    bounds : array (d, 2), optional
        Box on which the law is defined; needed for a potential that is not normalisable on its
        domain.
    rtol : float
        Wanted relative accuracy of the mean energy above its minimum, and absolute accuracy of log
        Z.

    Returns
    -------
    xarray.Dataset
        A law on a grid, with ``log_normaliser``, ``mean_position`` (component), ``second_moment``
        (component, component_j), ``fourth_moment``, ``mean_energy``, ``energy_variance`` (T^2 times
        the heat capacity), ``entropy``; errors are changes in the last refinement.

    Raises
    ------
    ValueError
        If exp(-U/T) is not normalisable and no bounds are given, the energy does not have the
        period of the domain, or the law is too narrow for the bounds.

    Notes
    -----
    Z = integral of exp(-U/T) dx over the domain of the potential, by the trapezoid rule on a box
    found automatically, whose open sides lie 42 T above the minimum: for a smooth U it converges
    faster than any power of the spacing. Along a component with walls, and with `bounds`, to which
    the law is then restricted, Gauss-Legendre nodes are used. The grid is refined by 3/2 until log
    Z and the mean energy change by less than `rtol`.

    Source: textbook equilibrium statistical mechanics; it is the stationary law of
    dx = -grad U dt + sqrt(2 T) dW. SGD tends to it for isotropic noise and small learning rate with
    T = learning_rate sigma^2 / (2 batch_size).

    Examples
    --------
    Equipartition: on U = h x^2/2 the variance is T/h and the mean energy T/2, whatever h.

    >>> law = ls.theory.boltzmann_density(ls.potentials.quadratic([4.0]), temperature=0.2)
    >>> round(law.second_moment.item(), 4), round(law.mean_energy.item(), 4)
    (0.05, 0.1)
    """
    box, walled = _box(potential, temperature, bounds)
    points = FIRST_POINTS[potential.dim]
    coarse = boltzmann_on_grid(potential, temperature, box, points, walled)
    while True:
        points = round(1.5 * points)
        fine = boltzmann_on_grid(potential, temperature, box, points, walled)
        change = _change(fine, coarse)
        full = any(walled) and 1.5 * points > LARGEST_GAUSS
        if change < rtol or full or (1.5 * points) ** potential.dim > LARGEST_TENSOR:
            break
        coarse = fine
    if not change < max(LARGEST_CHANGE, rtol):
        raise ValueError(
            f"potential {potential.name!r} at temperature {temperature:g} is too narrow for "
            f"{points} points on the box {box.tolist()}: give narrower bounds."
        )
    return law_of_two(fine, coarse, model=potential.name, temperature=temperature)


def _change(fine, coarse):
    """How much log Z and the mean energy above the minimum change from one grid to the next."""
    log_normaliser, energy = (
        abs(fine.numbers[name] - coarse.numbers[name]) for name in ("log_normaliser", "mean_energy")
    )
    scale = fine.numbers["mean_energy"] - fine.fields["energy"].min()
    return max(log_normaliser, energy / scale if scale > 0 else 0.0)


def _box(potential, temperature, bounds):
    """The box of the law, and along which axes the density does not vanish at its ends."""
    if bounds is not None:
        return bounds_inside(bounds, potential), [True] * potential.dim
    name = f"potential {potential.name!r} at temperature {temperature:g}"
    box = energy_box(potential, temperature, DEPTH, name)
    check_period(potential, box)
    return box, [wall is not None for wall in walls_of(potential)]


def boltzmann_on_grid(potential, temperature, box, points, walled):
    """Boltzmann's law on a box with `points` nodes an axis, as `OnGrid`."""
    axes, weight = tensor_rule(box, [points] * potential.dim, walled)
    nodes = tensor_nodes(axes)
    energy = evaluate(potential, nodes, "energy")
    lowest = energy.min()
    factor = np.exp(-(energy - lowest) / temperature)
    normaliser = (factor * weight).sum()
    density = factor / normaliser
    moments = grid_moments(nodes, density * weight, energy, density)
    moments["log_normaliser"] = np.log(normaliser) - lowest / temperature
    return OnGrid(axes, {"density": density, "weight": weight, "energy": energy}, moments)


@one_law(potential=ON_ITS_DOMAIN)
def boltzmann_bin_probabilities(potential, temperature, edges, *, bounds=None, rtol=1e-9):
    """Boltzmann's probability of every bin of a rectangular histogram, integrated over the bin.

    Parameters
    ----------
    potential, temperature, bounds
        As in `boltzmann_density`.
    edges : list of d increasing arrays
        Bin edges along each component, in units of length; they may be infinite or lie beyond the
        law. Beyond walls and bounds there is nothing.
    rtol : float
        Wanted accuracy, relative to the largest bin.

    Returns
    -------
    (bins_0, ..., bins_{d-1}) array
        Its sum is below one by the mass outside the edges.

    Raises
    ------
    ValueError
        As `boltzmann_density`; or if the bins are too wide for `rtol`: more of them are needed.

    Notes
    -----
    Gauss-Legendre in each bin, with 6, 12, 24, 48 or 96 points per axis until the probabilities
    settle. Use it with `bin_probabilities` to compare two laws on the same bins, for which a
    histogram of samples has no bias but its noise. Source: quadrature of the definition.

    Examples
    --------
    A normal law within one standard deviation, sqrt(T/h) = 1, on either side:

    >>> edges = [[-np.inf, -1.0, 0.0, 1.0, np.inf]]
    >>> law = ls.theory.boltzmann_bin_probabilities(ls.potentials.quadratic([1.0]), 1.0, edges)
    >>> law.round(4).tolist()
    [0.1587, 0.3413, 0.3413, 0.1587]
    """
    edges = edges_along(edges, potential.dim)
    law = boltzmann_density(potential, temperature, bounds=bounds)
    box, walled = _box(potential, temperature, bounds)
    edges = [
        np.clip(edge, *side) if wall else _finite(edge, *side)
        for edge, side, wall in zip(edges, box, walled, strict=True)
    ]
    before = np.inf
    for order in (6, 12, 24, 48, 96):
        if np.prod([order * (len(edge) - 1) for edge in edges], dtype=float) > 10 * LARGEST_TENSOR:
            break
        nodes, weights = zip(*(bin_rule(edge, order) for edge in edges), strict=True)
        energy = evaluate(potential, tensor_nodes(nodes), "energy")
        bins = np.exp(-energy / temperature - law.log_normaliser.item())
        bins *= math.prod(np.ix_(*weights))
        for k in range(bins.ndim):
            bins = np.add.reduceat(bins, np.arange(0, bins.shape[k], order), axis=k)
        if np.abs(bins - before).max() <= rtol * bins.max():
            return bins
        before = bins
    raise ValueError(
        f"edges: the bins are too wide to integrate to rtol {rtol:g}, or too many: cut them into "
        "more bins, and add those up."
    )


def _finite(edge, low, high):
    """The edges with infinite ends moved to the end of the law.

    A finite edge beyond it stays, with its tiny probability."""
    return np.nan_to_num(edge, neginf=min(low, edge[1]), posinf=max(high, edge[-2]))


@one_law(potential=ON_ITS_DOMAIN)
def best_fit_temperature(potential, mean_energy, *, bounds=None):
    """Temperature of the Boltzmann law that is closest to a law of given mean energy.

    Parameters
    ----------
    potential, bounds
        As in `boltzmann_density`.
    mean_energy : float
        E_p[U] of the law p, in units of energy; above the minimum of U.

    Returns
    -------
    float
        T, in units of energy, to a relative 1e-12 of the quadrature's mean energy.

    Raises
    ------
    ValueError
        If no temperature up to 1e12 times the energy above the minimum has this mean energy.

    Notes
    -----
    Closest in KL(p || exp(-U/T)/Z) = -entropy(p) + E_p[U]/T + log Z(T), so that the derivative by
    1/T is E_p[U] - <U>_T: the minimum is where the mean energies agree ("energy matching"),
    whatever else p does. Source: the exponential-family projection (derived). On a quadratic it is
    tr(H S)/d with the covariance S.

    Examples
    --------
    On a quadratic in one dimension it is twice the mean energy (equipartition):

    >>> round(ls.theory.best_fit_temperature(ls.potentials.quadratic([1.0]), mean_energy=0.15), 6)
    0.3
    """

    def excess(temperature):
        law = boltzmann_density(potential, temperature, bounds=bounds)
        return float(law.mean_energy) - mean_energy

    lowest = _lowest_energy(potential, mean_energy, bounds)
    if not mean_energy > lowest:
        raise ValueError(
            f"mean_energy must be above the minimum of the potential, about {lowest:.6g}, got "
            f"{mean_energy}."
        )
    guess = 2 * (mean_energy - lowest) / potential.dim
    missing = (
        f"mean_energy {mean_energy:g} is not reached by {potential.name!r} below temperature "
        f"{guess * HOTTEST:.3g}."
    )
    return rising_root(excess, guess, missing, HOTTEST)


def _lowest_energy(potential, mean_energy, bounds):
    """The minimum of the potential: of a scan, of one of the cells around its lowest node, ..."""
    if bounds is not None:
        box = bounds_inside(bounds, potential)
    else:
        name = f"with mean_energy {mean_energy:g} as the unit, potential {potential.name!r}"
        box = energy_box(potential, 1.0, max(1.0, abs(mean_energy)), name)
    inside, points = box.T, 65 if potential.dim < 3 else 33
    for _ in range(8):
        nodes = box_scan(box, points).reshape(-1, potential.dim)
        energy = evaluate(potential, nodes, "energy")
        cell = (box[:, 1] - box[:, 0]) / (points - 1)
        lowest = nodes[energy.argmin()]
        box = np.clip([lowest - 2 * cell, lowest + 2 * cell], *inside[:, None]).T
    return energy.min()


@one_law(potential=ON_ITS_DOMAIN, levels=partial(bin_edges, longest=500))
def level_populations(potential, temperature, levels, *, bounds=None):
    """Boltzmann's probability that the energy lies between neighbouring levels.

    Parameters
    ----------
    potential, temperature, bounds
        As in `boltzmann_density`.
    levels : (k,) array
        Increasing energies, whose ends may be infinite.

    Returns
    -------
    xarray.Dataset
        ``population`` (level, of length k - 1), the integral of exp(-U/T)/Z over the points with
        levels[k] <= U < levels[k+1], and ``population_error``, the difference of two grids.

    Raises
    ------
    ValueError
        As `boltzmann_density`, or for levels that do not increase.

    Notes
    -----
    On a quadratic 2 U/T has the chi-squared law with d degrees of freedom. Source: quadrature of
    the definition.

    Examples
    --------
    U = x^2/2 at T = 1: U < 1/2 is within one standard deviation, U < 2 within two (68 % and 95 %).

    >>> well, levels = ls.potentials.quadratic([1.0]), [0.0, 0.5, 2.0, np.inf]
    >>> law = ls.theory.level_populations(well, temperature=1.0, levels=levels)
    >>> law.population.values.round(4).tolist()
    [0.6827, 0.2718, 0.0455]
    """
    from scipy.special import ndtr

    levels = edges_along(levels, 1, "levels")[0]
    box, _ = _box(potential, temperature, bounds)
    estimates = []
    for refined in (1.0, 0.7):
        points = round(refined * LEVEL_POINTS[potential.dim])
        law = boltzmann_on_grid(potential, temperature, box, points, [False] * potential.dim)
        density, weight, energy = law.fields.values()
        # Inside a cell the energy is spread over |gradient| * spacing: a smooth step of that width
        # makes the error second order.
        slope = evaluate(potential, tensor_nodes(law.axes), "gradient")
        spacing = np.array([spacing_of(axis) for axis in law.axes])
        spread = np.sqrt(((slope * spacing) ** 2).sum(axis=-1) / 12) + np.finfo(float).tiny
        mass = density * weight
        below = np.array([(ndtr((level - energy) / spread) * mass).sum() for level in levels])
        below[levels <= energy.min()] = 0.0
        estimates.append(OnGrid([], {}, {"population": np.diff(below)}))
    law = law_of_two(*estimates, dims={"population": ("level",)})
    about = labels("lower end of a range of energies", "energy")
    return law.assign_coords(level=("level", levels[:-1], about))
