"""What a theory asks of its potential: how many dimensions, a drift or none, which walls; and the
box in which its law lives."""

from functools import partial

import numpy as np

from ..arguments import (
    finite_array,
    number,
    optional,
    positive_matrix,
    probabilities,
    real_array,
    shown,
    within,
)
from ..models.evaluate import evaluate, evaluator, landscape
from .grids import Wall, bin_edges, bounding_box, tensor_nodes
from .meanings import ABOVE_ZERO, formula_of

FAR_OUT, WIDE = 1e5, 2e3  # a search from [-1, 1] up to 1e7 has seen what is neither
NEAR = 10  # spreads of particles from zero, where the symmetries of a landscape mostly are


def energy_of(*dims, drift=False, walls=(), way="simulate it instead"):
    """A check: a Potential or a Loss of one of these dimensions (any, if none is given).

    With `drift` it may have a force beside its gradient; `walls` are the kinds that its domain may
    have. What is not allowed is refused, since the theory would be that of another process."""

    def check(value, name):
        landscape(value, name)
        if getattr(value, "draw", None) is not None:
            raise ValueError(
                f"{name} must be one landscape, but {value.name!r} draws fresh examples and has a "
                f"table of {len(value.data)} rows. Pass its mean, a Potential, or its "
                'expected("with_replacement"), the loss of its table.'
            )
        if dims and value.dim not in dims:
            raise ValueError(
                f"{name} must have dim {' or '.join(map(str, dims))} here, got {value.dim} for "
                f"{value.name!r}; {way}."
            )
        if value.drift is not None and not drift:
            raise ValueError(
                f"{name} must have no drift beside its gradient here, but {value.name!r} has one; "
                f"{way}."
            )
        kinds = {wall.kind for wall in walls_of(value) if wall is not None}
        if not kinds <= set(walls):
            raise ValueError(
                f"{name} must not have {' or '.join(sorted(kinds - set(walls)))} walls here, got "
                f"the domain {value.domain} of {value.name!r}; {way}."
            )
        return value

    return check


def uphill(potential):
    """Minus the force, the gradient less the drift, as a function of points (..., d)."""
    gradient = evaluator(potential, "gradient")
    if potential.drift is None:
        return gradient
    drift = evaluator(potential, "drift")
    return lambda x: gradient(x) - drift(x)


def intervals(value, name, infinite=False):
    """A check: pairs (low, high) with low < high, as a (d, 2) array; one pair is d = 1."""
    box = np.atleast_2d((real_array if infinite else finite_array)(value, name))
    if box.ndim != 2 or box.shape[1] != 2 or not np.all(box[:, 0] < box[:, 1]):
        ends = "finite" if not infinite else "infinite where there is no wall"
        raise ValueError(
            f"{name} must be pairs (low, high) with low < high, {ends}, got {shown(value)}."
        )
    return box


def bounds_inside(bounds, potential, name="bounds"):
    """The bounds, which must have one pair a component and lie inside the potential's domain."""
    if len(bounds) != potential.dim:
        raise ValueError(
            f"{name} must hold {potential.dim} pairs (low, high), one per component of potential "
            f"{potential.name!r}, got {bounds.tolist()}."
        )
    for wall, (low, high) in zip(walls_of(potential), bounds, strict=True):
        slack = 1e-9 * (high - low)
        if wall is not None and not wall.low - slack <= low < high <= wall.high + slack:
            raise ValueError(f"{name} must lie inside the wall {wall}, got ({low:g}, {high:g}).")
    return bounds


def walls_of(potential):
    """The `Wall` or None of each component."""
    walls = potential.domain or (None,) * potential.dim
    return [wall and Wall(*wall) for wall in walls]


def energy_box(potential, unit, level, name, start=None, tight=True):
    """A box on whose open sides the energy is `level` units above its minimum: the one that is
    found from [-1, 1]^d, or if there is none, from a `start` (d, 2) that is so wide or far away
    that the first search may have missed it."""

    def height(x):
        return evaluate(potential, x, "energy") / unit

    given = height, potential.dim, level, name, walls_of(potential)
    try:
        return bounding_box(*given, tight=tight)
    except ValueError:
        if start is None:
            raise
        if np.abs(start).max() < FAR_OUT and np.ptp(start, axis=1).max() < WIDE:
            raise
    return bounding_box(*given, start, tight)


def box_around(x):
    """A box (d, 2) in which to look for the law of particles x (n, d), in any unit and around any
    origin: as wide as they are, around zero, if that is near, else around their median."""
    spread, middle = x.std(axis=0), np.median(x, axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    near = np.abs(middle) < NEAR * spread
    reach = np.where(near, np.abs(middle), 0.0) + spread
    middle = np.where(near, 0.0, middle)
    return np.stack([middle - reach, middle + reach], axis=1)


def wrapped(potential, x):
    """Points (n, d) with the components of periodic walls put back between them."""
    for k, wall in enumerate(walls_of(potential)):
        if wall is not None and wall.kind == "periodic":
            x = x.copy()
            x[:, k] = wall.low + (x[:, k] - wall.low) % (wall.high - wall.low)
    return x


def check_inside(potential, name, *places):
    """Raise unless numbers on the line lie inside the domain of a potential with d = 1."""
    wall = walls_of(potential)[0]
    if wall is not None and not wall.low <= min(places) <= max(places) <= wall.high:
        raise ValueError(f"{name} must lie inside the wall {wall}, got {list(places)}.")


def check_period(potential, box):
    """Raise unless the energy is the same at both ends of every periodic component."""
    for k, wall in enumerate(walls_of(potential)):
        if wall is not None and wall.kind == "periodic":
            axes = [np.linspace(low, high, 9) for low, high in box]
            axes[k] = np.array(wall[1:])
            low, high = np.moveaxis(evaluate(potential, tensor_nodes(axes), "energy"), k, 0)
            if not np.allclose(low, high, rtol=1e-8, atol=1e-8):
                raise ValueError(
                    f"potential {potential.name!r} must have equal energies at the ends of {wall}, "
                    f"but they differ by {np.abs(high - low).max():.3g}: a force around a circle "
                    "has no Boltzmann law. Use sde_law_circle or fokker_planck."
                )


def number_or_function(value, name):
    """A check: a number above zero, or a function of the points."""
    return value if callable(value) else number(value, name, above=0)


def values_of(value, name, x):
    """The number, or the function of points x, at each point (n,): positive and finite."""
    values = real_array(value(x), f"{name}(x)") if callable(value) else np.asarray(value)
    if values.shape not in ((), x.shape) or not np.all(np.isfinite(values) & (values > 0)):
        raise ValueError(
            f"{name} must be positive and finite at every point: it maps {x.shape} to "
            f"{values.shape}, and its lowest value is {values.min(initial=np.inf)}."
        )
    return np.broadcast_to(values, x.shape)


def one_positive_matrix(value, name, dim=None):
    """A check: one positive definite (dim, dim) matrix, from a matrix, its diagonal or a number."""
    array = finite_array(value, name)
    matrix = positive_matrix(array if array.ndim else np.full(dim or 1, array), name, dim)
    if matrix.ndim != 2:
        raise ValueError(f"{name} must be one matrix, got the shape {matrix.shape}.")
    return matrix


def variance(value, name):
    """A check: a variance on the line, a number above zero or a (1, 1) matrix."""
    return float(one_positive_matrix(value, name, 1)[0, 0])


def number_or_matrix(value, name):
    """A check: a number above zero, or one positive definite matrix."""
    matrix = one_positive_matrix(value, name)
    return float(matrix[0, 0]) if np.ndim(value) == 0 else matrix


def noise(value, name):
    """A check: the covariance of a gradient: a number, a matrix or a function of x."""
    return value if callable(value) else number_or_matrix(value, name)


# A decorator of the theory of one potential and one update: what its arguments mean by their name.
one_law = formula_of(
    **dict.fromkeys(("barrier", "curvature_saddle", "end", "force", "mean_energy"), within()),
    **dict.fromkeys(("start", "target"), within()),
    **dict.fromkeys(("curvature_minimum", "loss_minimum", "loss_saddle"), ABOVE_ZERO),
    **dict.fromkeys(("learning_rate", "mass", "step_size", "temperature"), ABOVE_ZERO),
    **dict.fromkeys(("rtol", "floor"), within(above=0, at_most=1)),
    potential=energy_of(),
    noise_covariance=noise,
    diffusion=number_or_function,
    batch_size=within(at_least=1),
    momentum=within(at_least=0, below=1),
    bounds=optional(intervals),
    inside=partial(intervals, infinite=True),
    period=optional(ABOVE_ZERO),
    wall=optional(within()),
    edges=bin_edges,
    probabilities=optional(probabilities),
)
