"""One-dimensional diffusions (Ito) by quadrature: stationary law and mean first-passage time."""

from typing import NamedTuple

import numpy as np

from ..models.evaluate import evaluate
from .confinement import (
    bounds_inside,
    check_inside,
    energy_of,
    one_law,
    uphill,
    values_of,
    walls_of,
)
from .grids import DEPTH, gauss_rule, line_moments, warm_box
from .two_grids import OnGrid, law_of_two

ORDER = 16
PANELS = (200, 100)
ON_A_LINE = energy_of(
    1, drift=True, walls=("reflecting",), way="use sde_law_circle or fokker_planck"
)


class Panels(NamedTuple):
    """Gauss-Legendre panels on an interval: nodes and weights (panels, order).

    `running` integrates up to each node."""

    nodes: np.ndarray
    weights: np.ndarray
    halves: np.ndarray
    running: np.ndarray

    def cumulative(self, values):
        """Integrals of a function given at the nodes, from the left end to each and to the end."""
        inside = self.halves[:, None] * (values @ self.running.T)
        whole = (self.weights * values).sum(axis=1)
        before = np.concatenate([[0.0], np.cumsum(whole)])
        return before[:-1, None] + inside, before[-1]


def panels(edges):
    """Sixteen Gauss-Legendre nodes on each interval between neighbouring edges."""
    legendre = np.polynomial.legendre
    unit, unit_weights = legendre.leggauss(ORDER)
    nodes, weights = gauss_rule(edges[:-1], edges[1:], ORDER)
    # The integral of each Legendre polynomial from -1 to each node, in terms of the values at the
    # nodes.
    integrals = legendre.legval(unit, legendre.legint(np.eye(ORDER), lbnd=-1)).T
    degrees = np.arange(ORDER)[:, None]
    coefficients = (legendre.legvander(unit, ORDER - 1) * unit_weights[:, None]).T * (degrees + 0.5)
    return Panels(nodes, weights, np.diff(edges) / 2, integrals @ coefficients)


@one_law(potential=ON_A_LINE)
def sde_law(potential, diffusion, *, bounds=None):
    """Stationary law of a diffusion (Ito) on the line, or between two reflecting walls.

    Parameters
    ----------
    potential : Potential
        Energy with d = 1.
    diffusion : float or function x (n,) -> (n,)
        D(x) > 0 in length^2/time. For SGD D = learning_rate Sigma(x)/(2 batch_size).
    bounds : (low, high), optional
        Reflecting walls, by default those of the potential's domain. Without any the line is cut
        where U, over the local D, has risen by 42.

    Returns
    -------
    xarray.Dataset
        A law on a grid of 16 Gauss-Legendre nodes on each of 200 panels, with ``mean_position``,
        ``second_moment``, ``fourth_moment``, ``mean_energy``, ``mean_gradient`` = E[U' - f],
        ``virial`` = E[x (U' - f)], ``gradient_second_moment``, ``mean_diffusion`` = E[D]; errors
        are changes from 100 panels. Without walls the virial is the mean diffusion exactly; walls
        at a and b take b D p(b) - a D p(a) from it.

    Raises
    ------
    ValueError
        If d is not 1, D is not positive, the domain is periodic (use `sde_law_circle`), or the law
        is not normalisable, or, where D grows like U, so heavy-tailed that U/D never rises by 42:
        give bounds, beyond which its high moments lose what they have there.

    Notes
    -----
    The process is dx = (f - U'(x)) dt + sqrt(2 D(x)) dW, f the drift of the potential, if it has
    one. p(x) ~ exp(-Phi(x))/D(x) with Phi(x) = integral of (U' - f)/D. (Stratonovich noise would
    give D^-1/2, anti-Ito noise no prefactor. SGD draws its noise before it moves, which is Ito.)
    For a constant D = T and no drift it is Boltzmann's law. Source: the zero-current solution of
    the Fokker-Planck equation, derived here.

    Examples
    --------
    Noise that grows with the energy, D = 0.3 (x^2/2 + 1/2), on x^2/2: Student's law, whose variance
    solves S = E[D] = 0.15 S + 0.15, so S = 3/17.

    >>> well, noise = ls.potentials.quadratic([1.0]), lambda x: 0.15 * (x**2 + 1)
    >>> law = ls.theory.sde_law(well, noise, bounds=(-50.0, 50.0))
    >>> round(law.second_moment.item(), 4), round(law.mean_diffusion.item(), 4)
    (0.1765, 0.1765)
    """
    if bounds is None:
        bounds = diffusion_box(potential, diffusion)
    low, high = bounds_inside(bounds, potential)[0]

    def law(count):
        grid = panels(np.linspace(low, high, count + 1))
        phi, spread, slope = potential_of_flow(potential, diffusion, grid)
        shape = np.exp(phi.min() - phi) / spread
        p = (shape * grid.weights / (shape * grid.weights).sum()).ravel()
        x, weight = grid.nodes.ravel(), grid.weights.ravel()
        energy = evaluate(potential, x[:, None], "energy")
        numbers = line_moments(x, p, energy, slope.ravel()) | {"mean_diffusion": p @ spread.ravel()}
        return OnGrid([x], {"density": p / weight, "weight": weight, "energy": energy}, numbers)

    return law_of_two(*map(law, PANELS), model=potential.name)


def diffusion_box(potential, diffusion):
    """The interval, (1, 2), outside which exp(-integral of (U' - f)/D) has fallen by exp(-42).

    Roughly so: the energy above its minimum is taken over the local D."""

    def height(x):
        return _tilted_energy(potential, x[:, 0])

    def temperature(x):
        return values_of(diffusion, "diffusion", x[:, 0])

    name = f"potential {potential.name!r} over this diffusion"
    return warm_box(height, temperature, 1, DEPTH, name, 257, walls_of(potential))


def _tilted_energy(potential, x):
    """U less the integral of the drift, at increasing points (n,), up to a constant.

    It is zero at the origin, or at the low wall."""
    energy = evaluate(potential, x[:, None], "energy")
    if potential.drift is None:
        return energy
    wall = walls_of(potential)[0]
    start = 0.0 if wall is None else wall.low
    grid = panels(np.concatenate([[start], x]))
    drift = evaluate(potential, grid.nodes.reshape(-1, 1), "drift").reshape(grid.nodes.shape)
    return energy - np.cumsum((grid.weights * drift).sum(axis=1))


def potential_of_flow(potential, diffusion, grid):
    """Phi = integral of (U' - f)/D from the left end, D, and U' - f, all at the nodes of `grid`."""
    flat = grid.nodes.ravel()
    spread = values_of(diffusion, "diffusion", flat).reshape(grid.nodes.shape)
    slope = uphill(potential)(flat[:, None]).reshape(grid.nodes.shape)
    return grid.cumulative(slope / spread)[0], spread, slope


@one_law(potential=ON_A_LINE)
def mean_first_passage_time(potential, diffusion, start, target, *, wall=None):
    """Exact mean time of a one-dimensional diffusion (Ito) from `start` to `target`.

    Parameters
    ----------
    potential : Potential
        Energy with d = 1, confining on the side away from the target.
    diffusion : float or function x (n,) -> (n,)
        D(x) > 0 in length^2/time.
    start, target : float
        In units of length.
    wall : float, optional
        A reflecting wall on the side away from the target: by default that of the potential's
        domain, or the place where the density has vanished.

    Returns
    -------
    xarray.Dataset
        ``mean_time`` in units of time, with its error, the change from half the panels.

    Raises
    ------
    ValueError
        If start equals target, D is not positive, a point lies outside the domain, or the potential
        is not confining.

    Notes
    -----
    tau = integral_start^target dy exp(Phi(y)) integral_{-inf}^y dz exp(-Phi(z))/D(z),
    Phi = integral of (U' - f)/D with the drift f, for a target to the right of the start; mirrored
    for one to the left. Source: Pontryagin, Andronov, Vitt; Gardiner, Handbook of Stochastic
    Methods, ch. 5.2. Panels of 16 Gauss-Legendre nodes, no asymptotics.

    Examples
    --------
    Free diffusion from a wall to a place 2 away takes 2^2/(2 D); over the barrier of the quartic
    well at T = 0.1 it takes 66.27, where Kramers' formula says 54.13.

    >>> flat, well = ls.potentials.quadratic([0.0]), ls.potentials.double_well()
    >>> float(ls.theory.mean_first_passage_time(flat, 1.0, 0.0, 2.0, wall=0.0).mean_time.round(6))
    2.0
    >>> float(ls.theory.mean_first_passage_time(well, 0.1, -1.0, 1.0).mean_time.round(2))
    66.27
    """
    check_inside(potential, "start and target", start, target)
    if start == target:
        raise ValueError(
            f"start and target must be two different points, got {start} and {target}."
        )
    side = 1.0 if target > start else -1.0
    if wall is None:
        low, high = diffusion_box(potential, diffusion)[0]
        wall = min(low, start) if side > 0 else max(high, start)
    check_inside(potential, "wall", wall)
    if side * (start - wall) < 0:
        raise ValueError(
            f"wall must lie on the other side of start {start:g} than target {target:g}, got "
            f"{wall:g}."
        )
    fine, coarse = (
        OnGrid([], {}, {"mean_time": _passage(potential, diffusion, wall, start, target, count)})
        for count in PANELS
    )
    return law_of_two(fine, coarse, model=potential.name, start=start, target=target)


def _passage(potential, diffusion, wall, start, target, count):
    """The double integral, on panels that have the start as an edge.

    To the left it runs with negative steps, twice."""
    before = np.linspace(wall, start, count + 1) if wall != start else np.array([start])
    grid = panels(np.concatenate([before, np.linspace(start, target, count + 1)[1:]]))
    phi, spread, _ = potential_of_flow(potential, diffusion, grid)
    inner, _ = grid.cumulative(np.exp(-phi) / spread)
    outer = grid.weights * np.exp(phi) * inner
    return outer[len(before) - 1 :].sum()
