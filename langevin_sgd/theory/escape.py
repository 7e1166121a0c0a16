"""Escape from a well: Kramers' time, the quasi-potential of any noise law, published rates."""

import numpy as np

from ..arguments import finite_array, function, optional, whole, within
from ..models.evaluate import evaluate
from .confinement import check_inside, energy_of, one_law, uphill, values_of
from .discrete_noise import shares
from .ito_1d import panels, potential_of_flow
from .roots import rising_root

ANY_WALLS = ("periodic", "reflecting")
ON_A_PATH = energy_of(1, drift=True, walls=ANY_WALLS)


@one_law(potential=energy_of(walls=ANY_WALLS))
def kramers_time(potential, diffusion, minimum, saddle):
    """Kramers' mean time from a minimum over a saddle into the next well, for small noise.

    Parameters
    ----------
    potential : Potential
        With a Hessian and no drift.
    diffusion : float or, for d = 1, function x (n,) -> (n,)
        D in length^2/time (for d > 1 the temperature of isotropic noise with unit mobility).
    minimum, saddle : float or (d,) array
        Critical points; checked to be critical to 1e-6 of the gradient's scale between them.

    Returns
    -------
    float
        In units of time. The time to the top itself is half of it.

    Raises
    ------
    ValueError
        If a point is not critical or the Hessians have the wrong signs.

    Notes
    -----
    In d = 1, any D(x), Ito:
    ``tau = 2 pi sqrt(D_s/D_a) / sqrt(U''_a |U''_s|) exp(integral_a^s U'/D dx)``. In any d, constant
    D = T: ``tau = 2 pi/|lambda_s| sqrt(|det H_s|/det H_a) exp((U_s - U_a)/T)``,
    lambda_s the negative eigenvalue. Only the way over this saddle counts: walls and other saddles
    do not.

    Relative error O(T / barrier): in the quartic well the exact time is 22 % longer at
    barrier/T = 2.5 and 11 % at 5; `mean_first_passage_time` gives it in d = 1. Source: Kramers
    1940, Eyring-Kramers law (standard). The factor sqrt(D_s/D_a) follows from Laplace's method in
    the exact integral, derived here.

    Examples
    --------
    (x^2 - 1)^2/4 has the curvatures 2 and -1 and the barrier 1/4: 2 pi/sqrt(2) exp(2.5) at T = 0.1.
    The exact time is 66.27.

    >>> well = ls.potentials.double_well()
    >>> round(ls.theory.kramers_time(well, diffusion=0.1, minimum=-1.0, saddle=0.0), 2)
    54.13
    """
    a, s = np.atleast_1d(minimum), np.atleast_1d(saddle)
    _check_critical(potential, a, s)
    low, high = (np.linalg.eigvalsh(evaluate(potential, point, "hessian")) for point in (a, s))
    if low[0] <= 0:
        raise ValueError(f"minimum {a.tolist()} must be a minimum, got the curvature {low[0]:g}.")
    if high[0] >= 0 or np.any(high[1:2] <= 0):
        raise ValueError(
            f"saddle {s.tolist()} has the curvatures {high.tolist()}; exactly one must be negative."
        )
    prefactor = 2 * np.pi / abs(high[0]) * np.sqrt(np.abs(np.prod(high)) / np.prod(low))
    if callable(diffusion):
        at_minimum, at_saddle = values_of(diffusion, "diffusion", np.append(a, s))
        prefactor *= np.sqrt(at_saddle / at_minimum)
        exponent = barrier_exponent(potential, diffusion, a.item(), s.item())
    else:
        energies = (evaluate(potential, point, "energy") for point in (s, a))
        exponent = np.subtract(*energies) / diffusion
    return float(prefactor * np.exp(exponent))


def _check_critical(potential, a, s):
    """Raise unless the gradient vanishes at both points."""
    between = evaluate(potential, a + np.linspace(0, 1, 33)[:, None] * (s - a), "gradient")
    for name, point in (("minimum", a), ("saddle", s)):
        slope = np.abs(evaluate(potential, point, "gradient")).max()
        if not slope <= 1e-6 * np.abs(between).max():
            raise ValueError(
                f"{name} {point.tolist()} is not a critical point: the gradient there reaches "
                f"{slope:.3g}, between minimum and saddle {np.abs(between).max():.3g}."
            )


@one_law(potential=ON_A_PATH)
def barrier_exponent(potential, diffusion, start, end):
    """Exponent of Arrhenius' law between two points of the line, for any diffusion.

    Parameters
    ----------
    potential : Potential
        Energy with d = 1; its drift f, if it has one, counts.
    diffusion : float or function x (n,) -> (n,)
        D in length^2/time.
    start, end : float
        In units of length.

    Returns
    -------
    float
        Integral of (U' - f)/D from `start` to `end`, without unit; (U_end - U_start)/T for no drift
        and a constant D = T.

    Raises
    ------
    ValueError
        If a point lies outside the domain, or D is not positive.

    Notes
    -----
    By 100 panels of 16 Gauss-Legendre nodes. Source: definition.

    Examples
    --------
    A barrier of 1/4 at T = 0.1, and with noise that is weaker at the top, D = 0.1 (1 + x^2)/2:

    >>> well, weaker = ls.potentials.double_well(), lambda x: 0.1 * (1 + x**2) / 2
    >>> exponents = [ls.theory.barrier_exponent(well, d, -1.0, 0.0) for d in (0.1, weaker)]
    >>> [round(exponent, 3) for exponent in exponents]  # 2.5 and 10 (log 4 - 1)
    [2.5, 3.863]
    """
    check_inside(potential, "start and end", start, end)
    grid = panels(np.linspace(start, end, 101))
    _, spread, slope = potential_of_flow(potential, diffusion, grid)
    return float((grid.weights * slope / spread).sum())


@one_law(
    infinite=True,
    potential=ON_A_PATH,
    noise_values=optional(finite_array),
    cumulant=optional(function),
    panel_count=whole(1, 10_000),
)
def quasi_potential(
    potential,
    start,
    end,
    *,
    noise_values=None,
    probabilities=None,
    cumulant=None,
    batch_size=1,
    panel_count=100,
):
    """Exponent V of SGD's escape time exp(V/eta) for eta -> 0 at fixed noise of any law, d = 1.

    Parameters
    ----------
    potential : Potential
        Energy with d = 1, rising all the way from start to end (or level at both ends). A drift of
        the potential counts as a part of -U'.
    start, end : float
        In units of length; end may lie on either side.
    noise_values, probabilities : (k,) arrays
        A discrete law of one example's gradient noise, in energy/length, of mean zero; equal
        probabilities if these are omitted.
    cumulant : function p -> log E exp(p xi), instead of noise_values
        For any other law; p in length/energy, a float. Infinite where the exponential moment does
        not exist.
    batch_size : float
        B: the batch mean has B log E exp(p xi/B), so V is proportional to B.
    panel_count : int
        Panels of 16 Gauss-Legendre nodes for the integral.

    Returns
    -------
    float
        In units of the learning rate; infinite if the noise cannot climb.

    Raises
    ------
    ValueError
        If the slope is against the way somewhere, the noise law is not given exactly once, or its
        mean is not zero.

    Notes
    -----
    ``V = B integral |p(x)| dx`` from start to end, where p(x) is the non-zero root of
    H(x, p) = -U'(x) p + log E exp(-p xi) = 0: the noise must act against the slope with the whole
    of its law, not only its variance. For Gaussian xi of variance s2, p = 2 U'/s2 and
    V = 2 B (U_end - U_start)/s2, Arrhenius' law. Bounded noise that cannot overcome the slope gives
    V = infinity: no escape at all. Source: Freidlin-Wentzell theory for small jumps, derived here;
    the general statement for SGD is Azizian et al. (ICML 2024).

    Examples
    --------
    Gaussian noise of variance 1 over a barrier of 1/4 gives 2 * 0.25. A coin of -0.3 and 0.3 never
    climbs this well, whose steepest slope is 2/sqrt(27) = 0.385.

    >>> well = ls.potentials.double_well()
    >>> round(ls.theory.quasi_potential(well, -1.0, 0.0, cumulant=lambda p: p**2 / 2), 4)
    0.5
    >>> ls.theory.quasi_potential(well, -1.0, 0.0, noise_values=[-0.3, 0.3])
    inf
    """
    check_inside(potential, "start and end", start, end)
    log_moment, bound = _noise_law(noise_values, probabilities, cumulant)
    way = np.sign(end - start)
    grid = panels(np.linspace(start, end, panel_count + 1))
    slope = way * uphill(potential)(grid.nodes.reshape(-1, 1))[:, 0]
    if not np.all(slope > 0):
        raise ValueError(
            f"the potential must rise all the way from start {start:g} to end {end:g}; give the "
            "top of the barrier as end."
        )
    if slope.max() >= bound(-way):
        return float("inf")
    momentum = np.array([_climbing_root(lambda p: log_moment(-way * p), value) for value in slope])
    return float(batch_size * (np.abs(grid.weights).ravel() * momentum).sum())


def _noise_law(noise_values, probabilities, cumulant):
    """The function p -> log E exp(p xi), and the largest value of xi in a direction."""
    if (noise_values is None) == (cumulant is None):
        raise ValueError("give exactly one of noise_values and cumulant.")
    if cumulant is not None:
        return lambda p: float(cumulant(p)), lambda side: np.inf
    values = noise_values.reshape(-1)
    weights = shares(probabilities, len(values))
    if abs(values @ weights) > 1e-12 * np.abs(values).max(initial=0.0):
        raise ValueError(
            f"noise_values must have mean zero, got {values @ weights:g}; subtract it and add it "
            "to the gradient."
        )

    def log_moment(p):
        exponent = p * values
        top = exponent.max()
        return top + np.log(weights @ np.exp(exponent - top))

    return log_moment, lambda side: (side * values[weights > 0]).max()


def _climbing_root(log_moment, slope):
    """The positive root of log E exp(p xi) = p slope.

    The left side is convex and starts with slope zero."""
    missing = (
        f"cumulant or noise_values: log E exp(p xi) does not cross the line of slope {slope:g}."
    )
    return rising_root(lambda p: log_moment(p) / p - slope, 1.0, missing)


@one_law(fraction=within(at_least=0, at_most=1))
def xie_escape_time(
    barrier, curvature_minimum, curvature_saddle, learning_rate, batch_size=1, *, fraction=0.5
):
    """Escape time of Xie, Sato and Sugiyama for noise proportional to the Hessian, as published.

    Parameters
    ----------
    barrier : float
        dL, height of the barrier, in units of energy.
    curvature_minimum, curvature_saddle : float
        H_a > 0 and H_s < 0 (its absolute value is used), in energy/length^2.
    learning_rate, batch_size : float
        eta and B, with Sigma = H in the units of the paper.
    fraction : float
        s in [0, 1]: the part of the barrier that is climbed with the minimum's noise.

    Returns
    -------
    float
        In units of time.

    Raises
    ------
    ValueError
        For numbers outside the ranges above.

    Notes
    -----
    ``tau = (2 pi/|H_s|) exp[(2 B dL/eta) (s/H_a + (1 - s)/|H_s|)]``. This is not the Ito result:
    with their D proportional to the modulus of U'' the exact Ito prefactor is 2 pi/H_a
    (`kramers_time`), so that this one has the ratio of the curvatures inverted; the exponent
    agrees. Assumes that the noise covariance equals H at the minimum and -H at the saddle, and
    switches between them on the way. Source: arXiv:2002.03495, the formula at second hand
    (table 1 of "Quasi-potential theory for escape problem"); of the paper itself the abstract was
    read.

    Examples
    --------
    Curvatures 2 and -1, barrier 1/4, eta = 0.1: 2 pi exp(5 * (0.5/2 + 0.5/1)) = 2 pi exp(3.75).

    >>> round(ls.theory.xie_escape_time(0.25, 2.0, -1.0, learning_rate=0.1), 1)
    267.2
    """
    top = abs(curvature_saddle)
    if top == 0:
        raise ValueError("curvature_saddle must not be zero: the saddle is then flat.")
    exponent = 2 * batch_size * barrier / learning_rate
    slope = fraction / curvature_minimum + (1 - fraction) / top
    return float(2 * np.pi / top * np.exp(exponent * slope))


@one_law(outliers=whole(1, 10**6))
def mori_escape_time(
    loss_minimum, loss_saddle, curvatures, learning_rate, batch_size=1, *, outliers=1
):
    """Escape time of Mori, Ziyin, Liu and Ueda for mean-square losses: a power of their ratio.

    Parameters
    ----------
    loss_minimum, loss_saddle : float
        L_a > 0 and L_s > L_a, in units of energy.
    curvatures : (H_a, H_s)
        Along the escape direction at the minimum (> 0) and at the saddle (its absolute value is
        used), in energy/length^2.
    learning_rate, batch_size : float
        eta and B.
    outliers : int
        n, the number of large eigenvalues of the Hessian at the minimum.

    Returns
    -------
    float
        In units of time, to the other well.

    Raises
    ------
    ValueError
        If the saddle is not above the minimum, or H_a is not positive.

    Notes
    -----
    ``tau = 2 pi/sqrt(H_a |H_s|) (L_s/L_a)^(B/(eta H_a) + 1 - n/2)``, for D = (eta/B) H_a L(x) along
    the escape direction. For n = 1 it is `kramers_time` with that D, derived here. Source for
    n > 1: arXiv:2105.09557, of which the exponent is taken; the prefactor is then not theirs.

    Examples
    --------
    A saddle of twice the loss, eta H_a = 1/2, one outlier: 2 pi 2^(2 + 1 - 1/2).

    >>> round(ls.theory.mori_escape_time(1.0, 2.0, [1.0, -1.0], learning_rate=0.5), 2)
    35.54
    """
    if loss_saddle <= loss_minimum:
        raise ValueError(
            f"loss_saddle must be above loss_minimum {loss_minimum:g}, got {loss_saddle:g}."
        )
    if curvatures.shape != (2,) or not curvatures[0] > 0:
        raise ValueError(f"curvatures must be two numbers, H_a > 0 and H_s, got {curvatures}.")
    at_minimum, at_saddle = np.abs(curvatures)
    power = batch_size / (learning_rate * at_minimum) + 1 - outliers / 2
    ratio = loss_saddle / loss_minimum
    return float(2 * np.pi / np.sqrt(at_minimum * at_saddle) * ratio**power)
