"""Gradient flow: the path without noise and steps, which SGD follows at vanishing rates."""

from itertools import count

import numpy as np

from ..arguments import check_count, numbers
from ..models.evaluate import check_points
from .confinement import energy_of, uphill
from .meanings import exact

RELATIVE, ABSOLUTE = 1e-10, 1e-12  # tolerances of one step of the integrator
MOST_SLOPES = 10**5  # looks at the gradient, after which it is too stiff


def increasing_times(value, name):
    """A check: a row of increasing times >= 0, at least one."""
    times = np.atleast_1d(numbers(value, name, at_least=0))
    if times.ndim != 1 or not times.size or np.any(np.diff(times) <= 0):
        raise ValueError(f"{name} must be a row of increasing times, got the shape {times.shape}.")
    return times


@exact(model=energy_of(drift=True, walls=("periodic",)), times=increasing_times)
def gradient_flow(model, x0, times):
    """Points x(t) on the path without noise and steps, dx/dt = -grad U(x), from x0 at time 0.

    Parameters
    ----------
    model : Potential or Loss
        U in units of energy; a Loss is the mean over its table. A drift is added, if the model has
        one. With a periodic domain the path is that on the line: it is not folded back.
    x0 : (..., d) array
        Starting points, in units of length.
    times : (k,) array
        Increasing, >= 0; the time of SGD is learning rate times steps.

    Returns
    -------
    (k, ..., d) array
        In units of length.

    Raises
    ------
    ValueError
        If a path leaves to infinity before the last time, or is so stiff that 100,000 gradients
        are not enough (about 5e4 divided by the largest curvature).

    Notes
    -----
    Runge-Kutta of order 8 (SciPy's DOP853). In each step the error, root mean square over all
    points, is held below 1e-10 relative plus 1e-12 absolute; where paths converge these errors
    die out, and the tests see 1e-9. For gradient descent the distance of x_k from x(eta k) is of
    order eta (`flow_error` has the coefficient), in the flow of `potentials.modified_loss` of order
    eta^2. Source: Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, as in
    SciPy.

    Examples
    --------
    On x^2/2 the path is exp(-t), so a half at log 2 and a quarter at log 4:

    >>> path = ls.theory.gradient_flow(ls.potentials.quadratic([1.0]), [1.0], np.log([2.0, 4.0]))
    >>> path.ravel().round(6).tolist()
    [0.5, 0.25]
    """
    from scipy.integrate import solve_ivp

    check_points(x0, model, "x0")
    check_count(len(times) * x0.size, "times")
    way_up, looks = uphill(model), count(1)

    def slope(_, flat):
        if next(looks) > MOST_SLOPES:
            raise ValueError(
                f"times must be shorter for {model.name!r}: its path is too stiff for "
                f"{MOST_SLOPES} gradients."
            )
        return -way_up(flat.reshape(x0.shape)).ravel()

    options = {"method": "DOP853", "t_eval": times, "rtol": RELATIVE, "atol": ABSOLUTE}
    path = solve_ivp(slope, (0.0, max(times[-1], 1e-300)), x0.ravel(), **options)
    if not path.success or not np.all(np.isfinite(path.y)):
        raise ValueError(f"times must end before the path of {model.name!r} goes to infinity.")
    return path.y.T.reshape(len(times), *x0.shape)
