"""One-dimensional diffusions dx = -U'(x) dt + sqrt(2 D(x)) dW (Ito) by quadrature: stationary law
and mean first-passage time.
"""

from typing import NamedTuple

import numpy as np

from ..models.evaluate import evaluate
from .circle import diffusion_values
from .grids import bounding_box, check_box, with_errors
from .nystrom import SCALARS

LEVEL = 42.0  # the line is cut where the density is exp(-42) of its maximum
ORDER = 16
TABLE = {
    name: SCALARS[name]
    for name in ("mean_position", "second_moment", "fourth_moment", "mean_energy")
} | {
    "mean_diffusion": ((), "mean diffusion coefficient E[D], equal to E[x U']", "length^2/time"),
    "virial": SCALARS["virial"],
}


class Panels(NamedTuple):
    """Gauss-Legendre panels on an interval: nodes and weights (panels, order), and the matrix that
    integrates up to each node.
    """

    nodes: np.ndarray
    weights: np.ndarray
    halves: np.ndarray
    running: np.ndarray

    def cumulative(self, values):
        """Integral from the left end to every node, and to the right end, of a function given at
        the nodes.
        """
        inside = self.halves[:, None] * (values @ self.running.T)
        whole = (self.weights * values).sum(axis=1)
        before = np.concatenate([[0.0], np.cumsum(whole)])
        return before[:-1, None] + inside, before[-1]


def panels(edges):
    """Sixteen Gauss-Legendre nodes on each interval between neighbouring edges."""
    nodes, weights = np.polynomial.legendre.leggauss(ORDER)
    edges = np.asarray(edges, dtype=float)
    halves = np.diff(edges) / 2
    legendre = np.polynomial.legendre
    # The integral of each Legendre polynomial from -1 to each node, in terms of the values at the
    # nodes.
    integrals = np.column_stack(
        [legendre.legval(nodes, legendre.legint(np.eye(ORDER)[k], lbnd=-1)) for k in range(ORDER)]
    )
    coefficients = (legendre.legvander(nodes, ORDER - 1) * weights[:, None]).T * (
        np.arange(ORDER)[:, None] + 0.5
    )
    x = edges[:-1, None] + halves[:, None] * (nodes + 1)
    return Panels(x, halves[:, None] * weights, halves, integrals @ coefficients)


def sde_law(potential, diffusion, *, bounds=None):
    """Stationary law of dx = -U'(x) dt + sqrt(2 D(x)) dW in the Ito sense, on the line or between
    two reflecting walls.

    p(x) ~ exp(-Phi(x))/D(x) with Phi(x) = integral of U'/D. (Stratonovich noise would give D^-1/2,
    anti-Ito noise no prefactor. SGD draws its noise before it moves, which is Ito.) For a constant
    D = T it is Boltzmann's law.

    Parameters
    ----------
    potential : Potential
        Energy with d = 1.
    diffusion : float or function x (n,) -> (n,)
        D(x) > 0 in length^2/time. For SGD D = learning_rate Sigma(x)/(2 batch_size), in time =
        learning rate times steps.
    bounds : (low, high), optional
        Reflecting walls. Without them the line is cut where U, over the local D, has risen by 42.

    Returns
    -------
    xarray.Dataset
        ``density`` (axis_0: 16 Gauss-Legendre nodes on each of 200 panels), ``weight``, ``energy``,
        and with ``NAME_error`` (the change from 100 panels): ``mean_position``, ``second_moment``,
        ``fourth_moment``, ``mean_energy``, ``virial`` = E[x U'], ``mean_diffusion`` = E[D]; the
        last two agree exactly (without walls).

    Raises
    ------
    ValueError
        If d is not 1, D is not positive, or the law is not normalisable on the line.

    Notes
    -----
    Source: the zero-current solution of the Fokker-Planck equation, derived above. A law with
    power-law tails is cut at 42 and its high moments lose what lies beyond."""
    box = check_box(bounds, 1)[0] if bounds is not None else diffusion_box(potential, diffusion)
    fine, coarse = (
        _law(potential, diffusion, np.linspace(*box, count + 1)) for count in (200, 100)
    )
    fields = {
        "density": (fine["density"], (), "stationary density", "1/length"),
        "weight": (fine["weight"], (), "quadrature weight of the node", "length"),
        "energy": (fine["energy"], (), "potential energy", "energy"),
    }
    law = with_errors(
        [fine["x"]],
        fields,
        *({name: grid[name] for name in TABLE} for grid in (fine, coarse)),
        TABLE,
    )
    return law.assign_attrs(model=potential.name)


def diffusion_box(potential, diffusion):
    """The interval outside which exp(-integral of U'/D) has fallen by exp(-42), roughly: U - min U
    is taken over the local D.
    """
    if potential.dim != 1:
        raise ValueError(
            f"potential must have dim 1, got {potential.dim}; use fokker_planck in two dimensions"
        )

    def height(x, lowest):
        return (evaluate(potential, x, "energy") - lowest) / diffusion_values(diffusion, x[:, 0])

    name = f"potential {potential.name!r} over this diffusion"
    centre = float(diffusion_values(diffusion, np.zeros(1))[0])
    cold = bounding_box(lambda x: evaluate(potential, x, "energy") / centre, 1, LEVEL, name)
    lowest = evaluate(potential, np.linspace(*cold[0], 257)[:, None], "energy").min()
    return bounding_box(lambda x: height(x, lowest), 1, LEVEL, name)[0]


def potential_of_flow(potential, diffusion, grid):
    """Phi = integral of U'/D from the left end, and D, both at the nodes of `grid`."""
    flat = grid.nodes.ravel()
    spread = diffusion_values(diffusion, flat).reshape(grid.nodes.shape)
    gradient = evaluate(potential, flat[:, None], "gradient").reshape(grid.nodes.shape)
    return grid.cumulative(gradient / spread)[0], spread, gradient


def _law(potential, diffusion, edges):
    grid = panels(edges)
    phi, spread, gradient = potential_of_flow(potential, diffusion, grid)
    shape = np.exp(phi.min() - phi) / spread
    p = (shape * grid.weights / (shape * grid.weights).sum()).ravel()
    x, weight = grid.nodes.ravel(), grid.weights.ravel()
    energy = evaluate(potential, x[:, None], "energy")
    return {
        "x": x,
        "weight": weight,
        "density": p / weight,
        "energy": energy,
        "mean_position": p @ x,
        "second_moment": p @ x**2,
        "fourth_moment": p @ x**4,
        "mean_energy": p @ energy,
        "virial": p @ (x * gradient.ravel()),
        "mean_diffusion": p @ spread.ravel(),
    }


def mean_first_passage_time(potential, diffusion, start, target, *, wall=None):
    """Exact mean time of dx = -U' dt + sqrt(2 D(x)) dW (Ito) from `start` to `target`, d = 1.

    tau = integral_start^target dy exp(Phi(y)) integral_{-inf}^y dz exp(-Phi(z))/D(z), Phi =
    integral of U'/D, for a target to the right of the start; mirrored for one to the left.

    Parameters
    ----------
    potential : Potential
        Energy with d = 1, confining on the side away from the target.
    diffusion : float or function x (n,) -> (n,)
        D(x) > 0 in length^2/time.
    start, target : float
        In units of length.
    wall : float, optional
        A reflecting wall on the side away from the target, instead of the place where the density
        has vanished.

    Returns
    -------
    xarray.Dataset
        ``mean_time``, in units of time (learning rate times steps for SGD), and
        ``mean_time_error``, the change from half the panels.

    Raises
    ------
    ValueError
        If start equals target, D is not positive, or the potential is not confining.

    Notes
    -----
    Source: Pontryagin, Andronov, Vitt; Gardiner, Handbook of Stochastic Methods, ch. 5.2 (standard,
    cited from memory). Panels of 16 Gauss-Legendre nodes, no asymptotics."""
    start, target = float(start), float(target)
    if not (np.isfinite(start) and np.isfinite(target) and start != target):
        raise ValueError(
            f"start and target must be two different finite points, got {start} and {target}"
        )
    side = 1.0 if target > start else -1.0
    if wall is None:
        box = diffusion_box(potential, diffusion)
        wall = min(box[0], start) if side > 0 else max(box[1], start)
    if side * (start - wall) < 0:
        raise ValueError(
            f"wall {wall} must lie on the other side of the start {start} than the target {target}"
        )
    fine, coarse = (
        {"mean_time": _passage(potential, diffusion, (wall, start, target), count)}
        for count in (200, 100)
    )
    law = with_errors([], {}, fine, coarse, {"mean_time": ((), "mean first-passage time", "time")})
    return law.assign_attrs(model=potential.name, start=start, target=target)


def _passage(potential, diffusion, points, count):
    """The double integral, on panels that have the start as an edge; to the left it runs with
    negative steps, twice.
    """
    wall, start, target = points
    before = np.linspace(wall, start, count + 1) if wall != start else np.array([start])
    edges = np.concatenate([before, np.linspace(start, target, count + 1)[1:]])
    grid = panels(edges)
    phi, spread, _ = potential_of_flow(potential, diffusion, grid)
    inner, _ = grid.cumulative(np.exp(-phi) / spread)
    outer = grid.weights * np.exp(phi) * inner
    return outer[len(before) - 1 :].sum()
