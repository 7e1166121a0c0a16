"""Boltzmann laws p(x) = exp(-U(x)/T) / Z in up to three dimensions, by quadrature with an error
estimate.
"""

import numpy as np

from ..models.evaluate import evaluate
from .grids import (
    QUANTITIES,
    bounding_box,
    check_box,
    gauss_axes,
    grid_moments,
    tensor_nodes,
    tensor_weight,
    trapezoid_axes,
    with_errors,
)

LEVEL = 42.0  # the box reaches to exp(-42) = 6e-19 of the largest density
LARGEST_GRID = 3_000_000
LEVEL_POINTS = {1: 100_000, 2: 700, 3: 110}
FIRST_POINTS = {1: 129, 2: 65, 3: 49}
TABLE = QUANTITIES | {"log_normaliser": ((), "log Z = log of the integral of exp(-U/T)", "1")}


def boltzmann_density(potential, temperature, *, bounds=None, rtol=1e-10):
    """Boltzmann's law exp(-U/T)/Z of a potential in d <= 3 dimensions: density on a grid,
    normaliser and moments.

    Z = integral of exp(-U/T) dx by the trapezoid rule on a box found automatically, whose walls lie
    42 T above the minimum. For a smooth U the rule converges faster than any power of the spacing.
    With `bounds` the law is restricted to that box, and Gauss-Legendre nodes are used. The grid is
    refined by 3/2 until log Z and the mean energy change by less than `rtol`.

    Parameters
    ----------
    potential : Potential
        Energy U(x), d <= 3, in units of energy.
    temperature : float
        T > 0, in units of energy.
    bounds : array (d, 2), optional
        Box on which the law is defined, in units of length; needed for a potential that is not
        normalisable on the whole space.
    rtol : float
        Wanted relative accuracy of the mean energy above its minimum, and absolute accuracy of log
        Z.

    Returns
    -------
    xarray.Dataset
        ``density`` (axis_0, ..., unit length^-d), ``weight`` (quadrature weight of each node),
        ``energy``, and ``log_normaliser``, ``mean_position`` (component), ``second_moment``
        (component, component_j), ``fourth_moment``, ``mean_energy``, ``energy_variance`` (T^2 times
        the heat capacity), ``entropy``. Each has ``NAME_error``: the change in the last refinement,
        an upper estimate.

    Raises
    ------
    ValueError
        If T <= 0, d > 3, or exp(-U/T) is not normalisable and no bounds are given.

    Notes
    -----
    Source: textbook equilibrium statistical mechanics; it is the stationary law of dx = -grad U dt
    + sqrt(2 T) dW. SGD tends to it for isotropic noise and small learning rate with T =
    learning_rate sigma^2 / (2 batch_size)."""
    box, finite = _box(potential, temperature, bounds)
    points = FIRST_POINTS[potential.dim]
    coarse = _on_grid(potential, temperature, box, points, finite)
    while True:
        points = round(1.5 * points)
        fine = _on_grid(potential, temperature, box, points, finite)
        change = abs(fine["log_normaliser"] - coarse["log_normaliser"])
        scale = fine["mean_energy"] - fine["lowest"]
        change = max(
            change, abs(fine["mean_energy"] - coarse["mean_energy"]) / scale if scale > 0 else 0.0
        )
        if change < rtol or (1.5 * points) ** potential.dim > LARGEST_GRID:
            break
        coarse = fine
    fields = {
        "density": (fine["density"], (), "Boltzmann density", f"length^-{potential.dim}"),
        "weight": (fine["weight"], (), "quadrature weight of the node", f"length^{potential.dim}"),
        "energy": (fine["energy"], (), "potential energy", "energy"),
    }
    numbers = [{name: law[name] for name in TABLE} for law in (fine, coarse)]
    dataset = with_errors(fine["axes"], fields, *numbers, TABLE)
    return dataset.assign_attrs(model=potential.name, temperature=float(temperature))


def _box(potential, temperature, bounds):
    """The box of the law, and whether it is a hard wall."""
    check_temperature(temperature)
    if not 1 <= potential.dim <= 3:
        raise ValueError(
            f"potential must have dim 1, 2 or 3 for a grid, got {potential.dim}; sample it with "
            "langevin dynamics"
        )
    if bounds is not None:
        return check_box(bounds, potential.dim), True
    name = f"potential {potential.name!r} at temperature {temperature:g}"
    return bounding_box(
        lambda x: evaluate(potential, x, "energy") / temperature, potential.dim, LEVEL, name
    ), False


def check_temperature(temperature):
    """Raise unless the temperature is one positive, finite number."""
    if not (np.ndim(temperature) == 0 and np.isfinite(temperature) and temperature > 0):
        raise ValueError(
            f"temperature must be one positive finite number (an energy), got {temperature}"
        )


def _on_grid(potential, temperature, box, points, finite):
    axes, weights = gauss_axes(box, points) if finite else trapezoid_axes(box, points)
    nodes, weight = tensor_nodes(axes), tensor_weight(weights)
    energy = evaluate(potential, nodes, "energy")
    lowest = energy.min()
    factor = np.exp(-(energy - lowest) / temperature)
    normaliser = (factor * weight).sum()
    density = factor / normaliser
    moments = grid_moments(nodes, density * weight, energy, density)
    moments["log_normaliser"] = np.log(normaliser) - lowest / temperature
    return {
        "axes": axes,
        "density": density,
        "weight": weight,
        "energy": energy,
        "lowest": lowest,
        **moments,
    }


def boltzmann_bin_probabilities(potential, temperature, edges, *, bounds=None, rtol=1e-9):
    """Boltzmann probability of every bin of a rectangular histogram, integrated over the bin.

    Gauss-Legendre in each bin, with 6, 12, 24, 48 or 96 points per axis until the probabilities
    settle. Use it with `bin_probabilities` to compare two laws on the same bins, for which a
    histogram of samples has no bias but its noise.

    Parameters
    ----------
    potential, temperature, bounds
        As in `boltzmann_density`.
    edges : list of d increasing arrays
        Bin edges along each component, in units of length; they may be infinite or lie beyond the
        law.
    rtol : float
        Wanted accuracy, relative to the largest bin.

    Returns
    -------
    (bins_0, ..., bins_{d-1}) array
        Probabilities. Their sum is below one by the mass outside the edges.

    Raises
    ------
    ValueError
        If the bins are too wide for `rtol`: more of them are needed.

    Notes
    -----
    Source: quadrature of the definition.
    """
    edges = check_edges(edges, potential.dim)
    law = boltzmann_density(potential, temperature, bounds=bounds)
    walls = (
        [(law[dim].values[0], law[dim].values[-1]) for dim in law.density.dims]
        if bounds is None
        else check_box(bounds, potential.dim)
    )
    edges = [_finite(edge, *wall) for edge, wall in zip(edges, walls, strict=True)]
    before = np.inf
    for order in (6, 12, 24, 48, 96):
        if np.prod([order * (len(edge) - 1) for edge in edges], dtype=float) > 10 * LARGEST_GRID:
            break
        nodes, weights = zip(*(bin_rule(edge, order) for edge in edges), strict=True)
        energy = evaluate(potential, tensor_nodes(nodes), "energy")
        bins = np.exp(-energy / temperature - law.log_normaliser.item()) * tensor_weight(weights)
        for k in range(bins.ndim):
            bins = np.add.reduceat(bins, np.arange(0, bins.shape[k], order), axis=k)
        if np.abs(bins - before).max() <= rtol * bins.max():
            return bins
        before = bins
    raise ValueError(
        f"the bins of edges are too wide to integrate to rtol {rtol:g}: cut them into more bins, "
        "and add those up"
    )


def _finite(edge, low, high):
    """The edges with infinite ends moved to the end of the law; a finite edge beyond it stays, with
    its tiny probability.
    """
    edge = edge.copy()
    if np.isinf(edge[0]):
        edge[0] = min(low, edge[1])
    if np.isinf(edge[-1]):
        edge[-1] = max(high, edge[-2])
    return edge


def check_edges(edges, dim):
    """The bin edges as a list of d increasing float arrays."""
    edges = [
        np.asarray(edge, dtype=float)
        for edge in ([edges] if dim == 1 and np.ndim(edges[0]) == 0 else edges)
    ]
    if len(edges) != dim:
        raise ValueError(f"edges must hold one array per component ({dim}), got {len(edges)}")
    for k, edge in enumerate(edges):
        if edge.ndim != 1 or len(edge) < 2 or not np.all(np.diff(edge) > 0):
            raise ValueError(
                f"edges[{k}] must be a one-dimensional, strictly increasing array of at least two "
                "numbers"
            )
    return edges


def bin_rule(edge, order):
    """Gauss-Legendre nodes and weights of all bins of one axis, each of length bins * order."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    half = np.diff(edge)[:, None] / 2
    return (edge[:-1, None] + half * (nodes + 1)).ravel(), (half * weights).ravel()


def best_fit_temperature(potential, mean_energy, *, bounds=None):
    """The temperature whose Boltzmann law is closest, in KL(p || exp(-U/T)/Z), to a law p of given
    mean energy.

    KL(p || B_T) = -entropy(p) + E_p[U]/T + log Z(T), so d KL / d(1/T) = E_p[U] - <U>_T: the minimum
    is where the mean energies agree ("energy matching"), whatever else p does.

    Parameters
    ----------
    potential : Potential
        Energy U(x), d <= 3.
    mean_energy : float
        E_p[U], in units of energy; above the minimum of U.
    bounds : array (d, 2), optional
        As in `boltzmann_density`.

    Returns
    -------
    float
        T in units of energy, to a relative 1e-12 of the quadrature's mean energy.

    Raises
    ------
    ValueError
        If no temperature between 1e-12 and 1e12 times the energy above the minimum has this mean
        energy.

    Notes
    -----
    Source: the exponential-family projection (derived above). On a quadratic it is tr(H S)/d.
    """
    from scipy.optimize import brentq

    def excess(log_temperature):
        return (
            float(boltzmann_density(potential, np.exp(log_temperature), bounds=bounds).mean_energy)
            - mean_energy
        )

    lowest = _lowest_energy(potential, mean_energy, bounds)
    if not mean_energy > lowest:
        raise ValueError(
            f"mean_energy must be above the minimum of the potential, about {lowest:.6g}; got "
            f"{mean_energy}"
        )
    low = high = np.log(2 * (mean_energy - lowest) / potential.dim)
    for _ in range(28):
        if excess(low) > 0:
            low -= 1.0
        elif excess(high) < 0:
            high += 1.0
        else:
            return (
                float(np.exp(brentq(excess, low, high, xtol=1e-13, rtol=1e-13)))
                if high > low
                else float(np.exp(low))
            )
    raise ValueError(
        f"mean_energy {mean_energy:g} is not reached by {potential.name!r} below temperature "
        f"{np.exp(high):.3g}"
    )


def _lowest_energy(potential, mean_energy, bounds):
    """The minimum of the potential, to the resolution of a scan."""
    if not np.isfinite(mean_energy):
        raise ValueError(f"mean_energy must be finite, got {mean_energy}")
    if bounds is None:
        box = bounding_box(
            lambda x: evaluate(potential, x, "energy"), potential.dim, max(1.0, abs(mean_energy))
        )
    else:
        box = check_box(bounds, potential.dim)
    return evaluate(potential, tensor_nodes(trapezoid_axes(box, 65)[0]), "energy").min()


def level_populations(potential, temperature, levels, *, bounds=None):
    """Boltzmann probability that the energy lies between neighbouring levels.

    P_k = integral of exp(-U/T)/Z over {levels[k] <= U < levels[k+1]}. On a quadratic 2 U/T has the
    chi-squared law with d degrees of freedom.

    Parameters
    ----------
    potential, temperature, bounds
        As in `boltzmann_density`.
    levels : (k,) increasing array
        Energies; the ends may be infinite.

    Returns
    -------
    xarray.Dataset
        ``population`` (level, of length k - 1) and ``population_error``, the difference of two
        grids.

    Notes
    -----
    Source: quadrature of the definition.
    """
    from scipy.special import ndtr

    levels = check_edges([levels], 1)[0]
    box, _ = _box(potential, temperature, bounds)
    estimates = []
    for refined in (1.0, 0.7):
        law = _on_grid(
            potential, temperature, box, round(refined * LEVEL_POINTS[potential.dim]), False
        )
        # Inside a cell the energy is spread over |gradient| * spacing: a smooth step of that width
        # makes the error second order.
        slope = evaluate(potential, tensor_nodes(law["axes"]), "gradient")
        spacing = np.array([axis[1] - axis[0] for axis in law["axes"]])
        spread = np.sqrt(((slope * spacing) ** 2).sum(axis=-1) / 12) + np.finfo(float).tiny
        mass = law["density"] * law["weight"]
        below = np.array(
            [(ndtr((level - law["energy"]) / spread) * mass).sum() for level in levels]
        )
        below[levels <= law["lowest"]] = 0.0
        estimates.append({"population": np.diff(below)})
    table = {"population": (("level",), "probability of the energies between two levels", "1")}
    return with_errors([], {}, *estimates, table).assign_coords(level=levels[:-1])
