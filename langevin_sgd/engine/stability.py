"""Whether the learning rate, or step size, can be stable at all where a run starts."""

import numpy as np

from ..kernels.functions import interpreted
from ..models.evaluate import evaluator
from .terminal import tell

STEP_PARAMETERS = ("learning_rate", "step_size")
MOST_PLACES = 64
MOST_NUMBERS = 2**22  # of all Hessians together: beyond, curvature is found from differences of g
POWER_ROUNDS = 60  # of the power iteration, which is then within some percent


def _step_matrix(dynamics, params, curvature):
    """One step on U = curvature x^2 / 2 without noise, from the functions of the dynamics itself;
    None if it is not linear, or needs several components.
    """
    update = interpreted(dynamics.update)
    advance = dynamics.advance and interpreted(dynamics.advance)

    def moved(start):
        x, v = start[:1].copy(), start[1:].copy()
        for _ in range(dynamics.substeps):
            g, none = curvature * x, np.zeros(max(1, dynamics.normals))
            if advance:
                advance(params, x, v, g, none)
            update(params, x, v, curvature * x, np.zeros(1), none)
        return np.concatenate([x, v])

    try:
        with np.errstate(all="ignore"):
            columns = np.array([moved(start) for start in np.eye(1 + dynamics.parts)])
            far = moved(np.full(1 + dynamics.parts, 3.0))
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return None  # not one of a single component
    linear = np.allclose(far, 3.0 * columns.sum(axis=0), rtol=1e-9, atol=1e-12)
    return columns if linear else None


def unstable(dynamics, curvature, steps=1):
    """What makes the dynamics unstable on a quadratic of this curvature.

    Returns
    -------
    (str, float, float) or None
        Name of the learning rate or step size, its largest value in `steps` steps, and the
        threshold below it; None if the dynamics is stable, has no such parameter, or does not move
        in proportion to where it is, as with clipped gradients or Adam.
    """
    largest = {name: each.largest(steps) for name, each in dynamics.schedules().items()}
    params = dynamics.params._replace(**largest)
    name = next((n for n in STEP_PARAMETERS if n in params._fields), None)
    if name is None:
        return None
    value = float(getattr(params, name))

    def is_stable(rate):
        matrix = _step_matrix(dynamics, params._replace(**{name: rate}), curvature)
        return matrix is None or float(np.abs(np.linalg.eigvals(matrix)).max()) <= 1.0 + 1e-12

    if is_stable(value):
        return None
    low, high = 0.0, value
    while high - low > 1e-9 * high:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if is_stable(middle) else (low, middle)
    return name, value, low


def largest_curvature(model, x):
    """Largest eigenvalue of the Hessians at x (points, d); None where the model has none."""
    if (model.hessian if model.data is None else model.example_hessian) is None:
        return None
    if model.dim**2 * len(x) <= MOST_NUMBERS:
        return float(np.linalg.eigvalsh(evaluator(model, "hessian")(x)).max())
    gradient, step = evaluator(model, "gradient"), 1e-6 * (1.0 + np.abs(x).max())
    along = np.random.default_rng(0).normal(size=x.shape)
    for _ in range(POWER_ROUNDS):
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        ahead, behind = (gradient(x + side * step * along) for side in (1, -1))
        turned = (ahead - behind) / (2 * step)
        curvature = (along * turned).sum(axis=1)
        along = turned
    return float(curvature.max())


def warn_if_unstable(model, dynamics, x0, steps):
    """Warn if the learning rate is above the threshold of the largest curvature at x0 (of at most
    64 starting points)."""
    curvature = largest_curvature(model, np.unique(x0[:MOST_PLACES], axis=0))
    if curvature is None or not (np.isfinite(curvature) and curvature > 0):
        return
    found = unstable(dynamics, curvature, steps)
    if found:
        name, value, threshold = found
        tell(
            f"{name} = {value:g} is above the threshold {threshold:.6g}, where the largest "
            f"Hessian eigenvalue at x0, {curvature:.6g}, becomes unstable: particles will leave "
            f"unless the landscape is flatter elsewhere. Choose {name} < {threshold:.6g}."
        )
