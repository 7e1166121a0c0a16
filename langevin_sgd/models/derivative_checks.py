"""Is a gradient that of its energy, a Hessian that of its gradient, a Fisher matrix one that can be?

Central differences along a random direction at two points, interpreted; relative tolerance 1e-4.
"""

import numpy as np

from ..kernels.functions import interpreted

STEP = 1e-5
LARGEST_MATRIX = 10_000  # numbers; beyond it an interpreted Hessian takes too long to be checked
CORRECT = {
    "gradient": "Correct one of them; a force that is no gradient goes into drift=.",
    "hessian": "Correct one of them.",
}


def check_gradient(name, p, dim, scratch, energy, gradient, *row):
    """Refuse a gradient that is not that of its energy; `row` is one example of a loss."""
    energy, gradient = interpreted(energy), interpreted(gradient)
    out = np.zeros(dim + scratch)

    def slope(x, direction):
        gradient(p, x, *row, out)
        return out[:dim] @ direction, np.abs(out[:dim]).max()

    _check("gradient", "energy", name, dim, slope, lambda x: float(energy(p, x, *row)))


def check_hessian(name, p, dim, scratch, gradient, hessian, *row):
    """Refuse a Hessian that is not that of its gradient."""
    if hessian is None or dim * dim > LARGEST_MATRIX:
        return
    gradient, hessian = interpreted(gradient), interpreted(hessian)
    slopes, out = np.zeros(dim + scratch), np.zeros(dim * dim + scratch)

    def slope(x, direction):
        hessian(p, x, *row, out)
        matrix = out[: dim * dim].reshape(dim, dim)
        return matrix @ direction, np.abs(matrix).max()

    def gradient_at(x):
        gradient(p, x, *row, slopes)
        return slopes[:dim].copy()

    _check("hessian", "gradient", name, dim, slope, gradient_at)


def _check(role, of, name, dim, slope, value):
    """Compare `slope(x, direction)` with differences of `value(x)`."""
    random = np.random.default_rng(0)
    for x in random.normal(size=(2, dim)):
        direction = random.normal(size=dim) / np.sqrt(dim)
        place = np.round(x, 3).tolist()
        try:
            with np.errstate(all="ignore"):
                given, scale = slope(x, direction)
                there, back = value(x + STEP * direction), value(x - STEP * direction)
                differences = (there - back) / (2 * STEP)
                tolerance = 1e-4 * np.maximum(scale, np.abs(differences).max()) + 1e-8
                tolerance = tolerance + 1e-14 * np.abs(there).max() / STEP
                wrong = np.abs(given - differences) > tolerance  # False where one is not finite
        except (TypeError, ArithmeticError, AttributeError, LookupError) as error:
            raise ValueError(
                f"the {of} or {role} of {name!r} cannot be run at x = {place}: {error}."
            ) from error
        if np.any(wrong):
            worst = int(np.argmax(wrong))
            given, differences = np.atleast_1d(given)[worst], np.atleast_1d(differences)[worst]
            raise ValueError(
                f"the {role} of {name!r} is not that of its {of}: at x = {place} along a random "
                f"direction it gives {given:.6g}, differences of the {of} give "
                f"{differences:.6g}. {CORRECT[role]}"
            )


def check_fisher(name, p, dim, scratch, fisher, row):
    """Refuse a Fisher matrix of one example that is not symmetric, or has a negative eigenvalue.

    Its size cannot be checked: it is a mean over labels of which the record does not know the law.
    """
    if fisher is None or dim * dim > LARGEST_MATRIX:
        return
    fisher, out = interpreted(fisher), np.zeros(dim * dim + scratch)
    for x in np.random.default_rng(0).normal(size=(2, dim)):
        with np.errstate(all="ignore"):
            fisher(p, x, row, out)
        matrix = out[: dim * dim].reshape(dim, dim)
        if not np.all(np.isfinite(matrix)):
            continue
        tolerance = 1e-8 * np.abs(matrix).max()
        asymmetric = np.abs(matrix - matrix.T).max() > tolerance
        lowest = np.linalg.eigvalsh(matrix)[0]
        if asymmetric or lowest < -tolerance * dim:
            what = "is not symmetric" if asymmetric else f"has the eigenvalue {lowest:.6g}"
            raise ValueError(
                f"the Fisher matrix of {name!r} must be symmetric with eigenvalues >= 0, for it is "
                f"a mean of g g', but at x = {np.round(x, 3).tolist()} it {what}."
            )
