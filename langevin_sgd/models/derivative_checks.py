"""Whether a gradient is that of its energy, a Hessian that of its gradient, a Fisher matrix one.

Central differences along a random direction at two points (at one above 32 components),
interpreted; relative tolerance 1e-4."""

from functools import partial

import numpy as np

from ..arguments import shown
from ..kernels.functions import interpreted

STEP = 1e-5
MANY = 32  # components: then one point is enough
MOST_READS = 2**19  # numbers that an interpreted matrix reads and writes, in some 0.1 s
CORRECT = {
    "gradient": "Correct one of them; a force that is no gradient goes into drift=.",
    "hessian": "Correct one of them.",
}


def _writes_at(function, p, dim, scratch, row):
    """x -> the d numbers that an interpreted function writes at x."""
    function, out = interpreted(function), np.zeros(dim + scratch)

    def at(x):
        with np.errstate(all="ignore"):
            function(p, x, *row, out)
        return out[:dim].copy()

    return at


class _TooLong(Exception):
    """A function read and wrote more than MOST_READS numbers."""


class _Counted(np.ndarray):
    """An array that counts how often it is read and written."""

    left = None  # a list of one number

    def __array_finalize__(self, whole):
        self.left = getattr(whole, "left", None)

    def _count(self):
        self.left[0] -= 1
        if self.left[0] < 0:
            raise _TooLong

    def __getitem__(self, k):
        self._count()
        return super().__getitem__(k)

    def __setitem__(self, k, value):
        self._count()
        super().__setitem__(k, value)


def _counted(left, value):
    if isinstance(value, np.ndarray):
        value = value.view(_Counted)
        value.left = left
    return value


def _matrix_at(function, p, dim, scratch, row):
    """x -> the d*d numbers that an interpreted function writes at x; nan where that takes long."""
    function = interpreted(function)

    def at(x):
        counted = partial(_counted, [MOST_READS])
        out = np.zeros(dim * dim + scratch)
        try:
            with np.errstate(all="ignore"):
                arguments = map(counted, (x, *row, out))
                function(type(p)(*map(counted, p)), *arguments)
        except _TooLong:
            return np.full(dim * dim, np.nan)
        return out[: dim * dim]

    return at


def check_gradient(name, p, dim, scratch, energy, gradient, *row):
    """Refuse a gradient that is not that of its energy, by central differences.

    Parameters
    ----------
    name : str
        How messages call the model.
    p : namedtuple
        Parameters, as the functions find them.
    dim, scratch : int
        Components of x; free numbers behind them in `out`.
    energy, gradient : callable
        `energy(p, x)` and `gradient(p, x, out)`, of a loss with one `row` after x.
    *row : array, optional
        One example of a loss.

    Raises
    ------
    ValueError
        If they differ by more than 1e-4, relative, along a random direction at one or two points.

    Examples
    --------
    >>> def slope(p, x, out):
    ...     out[0] = x[0]  # 2 x would be right
    >>> ls.potentials.check_gradient("bowl", None, 1, 0, lambda p, x: x[0] * x[0], slope)
    Traceback (most recent call last):
        ...
    ValueError: the gradient of 'bowl' is not that of its energy: at x = [0.126] along a random
    direction it gives 0.0805205, differences of the energy give 0.161041. Correct one of them;
    a force that is no gradient goes into drift=.
    """
    energy = interpreted(energy)
    slopes = _writes_at(gradient, p, dim, scratch, row)
    _compare_derivatives(
        "gradient", "energy", name, dim, slopes, lambda x: np.array([float(energy(p, x, *row))])
    )


def check_hessian(name, p, dim, scratch, gradient, hessian, *row):
    """Refuse a Hessian that is not that of its gradient."""
    if hessian is not None:
        slopes = _writes_at(gradient, p, dim, scratch, row)
        curvatures = _matrix_at(hessian, p, dim, scratch, row)
        _compare_derivatives("hessian", "gradient", name, dim, curvatures, slopes)


def _compare_derivatives(role, of, name, dim, derivatives, values):
    """Compare `derivatives(x)`, (rows, dim) numbers, with differences of `values(x)`, (rows)."""
    random = np.random.default_rng(0)
    for x in random.normal(size=(2 if dim <= MANY else 1, dim)):
        direction = random.normal(size=dim) / np.sqrt(dim)
        place = _place(x)
        try:
            with np.errstate(all="ignore"):
                found = derivatives(x).reshape(-1, dim)
                there, back = values(x + STEP * direction), values(x - STEP * direction)
                given, expected = found @ direction, (there - back) / (2 * STEP)
                scale = max(np.abs(found).max(), np.abs(expected).max())
                rounding = 1e-14 * np.abs(there).max() / STEP
                wrong = np.abs(given - expected) > 1e-4 * scale + 1e-8 + rounding  # not if nan
        except (TypeError, ArithmeticError, AttributeError, LookupError) as error:
            raise ValueError(
                f"the {of} or {role} of {name!r} cannot be run at x = {place}: {error}."
            ) from error
        for k in np.flatnonzero(wrong)[:1]:
            raise ValueError(
                f"the {role} of {name!r} is not that of its {of}: at x = {place} along a random "
                f"direction it gives {given[k]:.6g}, differences of the {of} give "
                f"{expected[k]:.6g}. {CORRECT[role]}"
            )


def check_fisher(name, p, dim, scratch, fisher, row):
    """Refuse a Fisher matrix of one example that is not symmetric, or has a negative eigenvalue.

    Its size cannot be checked: it is a mean over labels of which the record does not know the law.
    """
    if fisher is None:
        return
    fisher = _matrix_at(fisher, p, dim, scratch, (row,))
    for x in np.random.default_rng(0).normal(size=(2, dim)):
        matrix = fisher(x).reshape(dim, dim)
        if not np.all(np.isfinite(matrix)):
            continue
        tolerance = 1e-8 * np.abs(matrix).max()
        asymmetric = np.abs(matrix - matrix.T).max() > tolerance
        lowest = np.linalg.eigvalsh(matrix)[0]
        if asymmetric or lowest < -tolerance * dim:
            what = "is not symmetric" if asymmetric else f"has the eigenvalue {lowest:.6g}"
            raise ValueError(
                f"the Fisher matrix of {name!r} must be symmetric with eigenvalues >= 0, for it is "
                f"a mean of g g', but at x = {_place(x)} it {what}."
            )


def _place(x):
    return shown(np.round(x, 3).tolist())
