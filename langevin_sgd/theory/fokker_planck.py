"""Fokker-Planck equation on a grid: stationary density and current, evolution, rates."""

import numpy as np

from ..arguments import all_within, whole
from ..models.evaluate import evaluate
from .confinement import one_law
from .fokker_planck_generator import (
    EQUATION,
    Jumps,
    boundaries_of,
    fokker_planck_generator,
    generator_check,
)
from .grids import grid_moments, spacing_of, tensor_nodes
from .meanings import exact
from .two_grids import OnGrid, law_of_two

PILOTS = {  # cells of coarse solutions; the last, finer one resolves a narrow ridge of full D
    1: (200, 200, 400),
    2: (80, 80, 160),
    3: (20, 20, 24),
}
MOST_JUMPS = 3e6


@one_law(**EQUATION)
def fokker_planck(
    potential, diffusion, *, bounds=None, points=None, boundary=None, force=None, floor=1e-3
):
    """Stationary density, current and entropy production of a diffusion (Ito) on a grid, d <= 3.

    Parameters
    ----------
    potential, diffusion, bounds, points, force, floor
        As in `fokker_planck_generator`. Without bounds coarse solutions narrow the box down, unless
        D is one number.
    boundary : str or d strings
        As there, but "reflecting" or "periodic" only.

    Returns
    -------
    xarray.Dataset
        A law on a grid, with ``current`` (axis_0, ..., component) in length^(1-d)/time.
        Extrapolated from it and the grid of half as many cells per axis (Richardson, order 2), each
        with the size of that correction as its error (about the error of the fine grid, an upper
        estimate of what is left): ``mean_position``, ``second_moment``, ``fourth_moment``,
        ``mean_energy``, ``energy_variance``, ``entropy``, ``mean_velocity``, ``area_rate``,
        ``entropy_production``.

    Raises
    ------
    ValueError
        As `fokker_planck_generator`; or if a boundary absorbs, so that nothing is stationary.

    Notes
    -----
    Solves 0 = div(p (grad U - f)) + sum_ij d_i d_j (D_ij p), the law of
    dx = (f - grad U) dt + sqrt(2 D(x)) dW, with the jump process of `fokker_planck_generator`: the
    density is never negative, probability is conserved to rounding, and for D = T and f = 0 the
    answer is Boltzmann's law at the nodes exactly. Order of accuracy 2 in the spacing for smooth D.
    Where the density is below 1e-12 of its maximum the current is not resolved and left out of the
    entropy production. Source: derived in `fokker_planck_generator`.

    Examples
    --------
    A force of 0.6 around a circle with a ridge: the velocity is that of Stratonovich's formula
    (`sde_law_circle`).

    >>> ridge, circle = ls.potentials.washboard(1.0, 0.0), [(0.0, 2 * np.pi)]
    >>> push = {"force": lambda x: 0.6 + 0.0 * x, "boundary": "periodic"}
    >>> law = ls.theory.fokker_planck(ridge, 0.5, bounds=circle, points=100, **push)
    >>> round(law.mean_velocity.item(), 3), round(law.entropy_production.item(), 3)
    (0.245, 0.294)
    """
    kinds = boundaries_of(potential, boundary)
    if "absorbing" in kinds:
        raise ValueError(
            "boundary 'absorbing' has no stationary law; use fokker_planck_generator with "
            "relaxation_rates or evolve_density."
        )
    driven = force is not None or potential.drift is not None
    setting = {"boundary": kinds, "force": force, "floor": floor}

    def solved(bounds, points):
        return fokker_planck_generator(
            potential, diffusion, bounds=bounds, points=points, **setting
        )

    if bounds is None and (callable(diffusion) or np.ndim(diffusion) or driven):
        for cells in PILOTS[potential.dim]:
            bounds = _narrow(solved(bounds, cells), kinds)
    fine = solved(bounds, points)
    bounds = [
        (1.5 * axis[0] - 0.5 * axis[1], 1.5 * axis[-1] - 0.5 * axis[-2]) for axis in fine.axes
    ]
    half = [len(axis) // 2 for axis in fine.axes]
    if any(2 * n != len(axis) for n, axis in zip(half, fine.axes, strict=True)) or min(half) < 4:
        raise ValueError(
            "points must be even and at least 8, because the law is also computed on half as many "
            f"cells; got {points}."
        )
    plain, coarse = _flow_on_grid(fine), _flow_on_grid(solved(bounds, half))
    # The scheme is of second order, so a third of the difference of the grids removes the leading
    # error.
    improved = {
        name: value + (value - coarse.numbers[name]) / 3 for name, value in plain.numbers.items()
    }
    return law_of_two(plain._replace(numbers=improved), plain, model=potential.name)


@exact(generator=generator_check)
def stationary_probability(generator):
    """Probabilities of the cells that a jump process on a grid leaves alone.

    Parameters
    ----------
    generator : Generator
        Of `fokker_planck_generator`, without absorbing walls.

    Returns
    -------
    (cells,) array
        In the order of the raveled grid; their sum is 1.

    Raises
    ------
    ValueError
        With absorbing walls, or if the grid falls into parts that no jump joins.

    Notes
    -----
    From a direct solve with one cell pinned. The reduced matrix is an M-matrix: it is factorised
    without pivoting, which keeps every sign. Source: derived in `fokker_planck_generator`.

    Examples
    --------
    Four cells at -1.5, -0.5, 0.5, 1.5 in U = x^2/2 at T = 1: outer and inner ones differ by 1 in
    energy, so by exp(-1) = 0.3679 in probability.

    >>> well, box = ls.potentials.quadratic([1.0]), [(-2.0, 2.0)]
    >>> generator = ls.theory.fokker_planck_generator(well, 1.0, bounds=box, points=4)
    >>> outer, inner = ls.theory.stationary_probability(generator)[:2]
    >>> round(float(outer / inner), 4)
    0.3679
    """
    from scipy.sparse.linalg import splu

    if np.any(generator.jumps.target < 0):
        raise ValueError(
            "generator must have no absorbing walls, which leave nothing stationary; use "
            "relaxation_rates or evolve_density."
        )
    energy = evaluate(generator.flow.potential, tensor_nodes(generator.axes), "energy").ravel()
    pin = int(np.argmin(energy))
    others = np.delete(np.arange(len(energy)), pin)
    reduced = generator.matrix[others][:, others].tocsc()
    column = generator.matrix[others][:, [pin]].toarray().ravel()
    try:
        options = {"permc_spec": "MMD_AT_PLUS_A", "options": {"SymmetricMode": True}}
        factors = splu(-reduced, diag_pivot_thresh=0.0, **options)
    except RuntimeError as error:
        raise ValueError(
            "the grid of the generator falls into parts that no jump joins: give narrower bounds, "
            "a larger floor or a smoother potential, diffusion or force."
        ) from error
    probability = np.insert(np.maximum(factors.solve(column), 0.0), pin, 1.0)
    return probability / probability.sum()


def _narrow(generator, kinds):
    """The part of the box that matters; a periodic axis stays as it is.

    It is 2.3 times as wide as the interval that holds all but 1e-3 of the mass at each end: for a
    normal law 7 standard deviations. A quantile is safer than a small density: on a coarse grid the
    tails are too high."""
    shape = [len(axis) for axis in generator.axes]
    probability = stationary_probability(generator).reshape(shape)
    box = []
    for k, axis in enumerate(generator.axes):
        marginal = probability.sum(axis=tuple(j for j in range(len(shape)) if j != k))
        half = (axis[1] - axis[0]) / 2
        low, high = np.interp([1e-3, 1 - 1e-3], np.cumsum(marginal), axis + half)
        reach = np.inf if kinds[k] == "periodic" else 2.3 * (high - low) / 2 + 2 * half
        middle = (low + high) / 2
        box.append((max(middle - reach, axis[0] - half), min(middle + reach, axis[-1] + half)))
    return np.array(box)


def _flow_on_grid(generator):
    """Everything `fokker_planck` returns, on one grid."""
    nodes = tensor_nodes(generator.axes)
    shape, dim = nodes.shape[:-1], nodes.shape[-1]
    cell = float(np.prod([spacing_of(axis) for axis in generator.axes]))
    probability = stationary_probability(generator)
    energy = evaluate(generator.flow.potential, nodes, "energy")
    density = probability.reshape(shape) / cell
    current = _current(generator, probability) / cell
    x = nodes.reshape(-1, dim)
    area = x.T @ current * cell
    resolved = probability > 1e-12 * probability.max()
    diffusion = generator.flow.diffusion(x[resolved])
    force = np.linalg.solve(diffusion, current[resolved][..., None])[..., 0]
    production = ((force * current[resolved]).sum(axis=-1) / probability[resolved]).sum() * cell**2
    fields = {"density": density, "weight": np.full(shape, cell), "energy": energy}
    fields |= {"current": current.reshape(*shape, dim)}
    numbers = grid_moments(nodes, probability, energy, density) | {
        "mean_velocity": current.sum(axis=0) * cell,
        "area_rate": (area - area.T) / 2,
        "entropy_production": production,
    }
    return OnGrid(generator.axes, fields, numbers)


def _current(generator, probability):
    """Probability current times the cell volume, (cells, d).

    Half of every jump's displacement belongs to each of its ends."""
    kept = generator.jumps.target >= 0
    jumps = Jumps(*(part[kept] for part in generator.jumps))
    moved = jumps.displacement * (jumps.rate * probability[jumps.origin] / 2)[:, None]
    current = np.zeros((len(probability), moved.shape[1]))
    for end in (jumps.origin, jumps.target):
        np.add.at(current, end, moved)
    return current


@exact(generator=generator_check, times=all_within(at_least=0, longest=1000))
def evolve_density(generator, density, times):
    """Density at later times from an initial one, p(t) = exp(t L) p(0).

    Parameters
    ----------
    generator : Generator
        L, of `fokker_planck_generator`.
    density : array
        At time zero, on the grid of the generator, in length^-d; not negative.
    times : (k,) array
        Increasing, from zero on.

    Returns
    -------
    (k, ...) array
        A density of the shape of the grid for each time.

    Raises
    ------
    ValueError
        For another shape, times that do not increase, or times of more than 3e6 jumps of the grid.

    Notes
    -----
    The exponential is exact to rounding; the error is that of the grid. Without absorbing walls the
    total probability is conserved to 1e-12. Source: Al-Mohy and Higham's action of the matrix
    exponential, as implemented in SciPy.

    Examples
    --------
    In U = x^2/2 a mean at 1 falls like exp(-t), to a half at log 2 and a quarter at log 4:

    >>> well = ls.potentials.quadratic([1.0])
    >>> generator = ls.theory.fokker_planck_generator(well, 0.5, points=200)
    >>> x = generator.axes[0]
    >>> later = ls.theory.evolve_density(generator, np.exp(-((x - 1) ** 2)), np.log([2.0, 4.0]))
    >>> (later @ x / later.sum(axis=1)).round(2).tolist()
    [0.5, 0.25]
    """
    from scipy.sparse.linalg import expm_multiply

    shape = tuple(len(axis) for axis in generator.axes)
    if density.shape != shape:
        raise ValueError(f"density must have the shape {shape} of the grid, got {density.shape}.")
    if np.any(np.diff(times) <= 0):
        raise ValueError(f"times must increase, got {times.tolist()}.")
    fastest = np.abs(generator.matrix.diagonal()).max()
    if times.max(initial=0.0) * fastest > MOST_JUMPS:
        raise ValueError(
            f"times must be below {MOST_JUMPS / fastest:.3g}, {MOST_JUMPS:.0e} jumps of the grid; "
            f"got {times.max():g}. Use stationary_probability for the law in the end."
        )
    state, now, result = density.ravel(), 0.0, []
    for time in np.atleast_1d(times):
        state = np.maximum(expm_multiply(generator.matrix * (time - now), state), 0.0)
        now = time
        result.append(state.reshape(shape))
    return np.array(result)


@exact(generator=generator_check, count=whole(1))
def relaxation_rates(generator, count=4):
    """Slowest rates of a Fokker-Planck operator: minus its eigenvalues, smallest modulus first.

    Parameters
    ----------
    generator : Generator
        Of `fokker_planck_generator`.
    count : int
        How many; at most two less than there are cells.

    Returns
    -------
    (count,) complex array
        In units of 1/time. A non-zero imaginary part is a rotation.

    Raises
    ------
    ValueError
        For more, or if ARPACK does not converge.

    Notes
    -----
    Without absorbing walls the first is zero, and the second is the relaxation rate (twice Kramers'
    escape rate in a symmetric double well). With absorbing walls the first is the exit rate.
    Shift-invert Lanczos-Arnoldi (ARPACK) around a point just right of zero. Error O(spacing^2).
    Source: standard.

    Examples
    --------
    An Ornstein-Uhlenbeck process of rate 1 has the rates 0, 1, 2, ... at any temperature:

    >>> well = ls.potentials.quadratic([1.0])
    >>> generator = ls.theory.fokker_planck_generator(well, 0.5, points=200)
    >>> abs(ls.theory.relaxation_rates(generator, count=4)).round(1).tolist()
    [0.0, 1.0, 2.0, 3.0]
    """
    from scipy.sparse.linalg import eigs

    most = generator.matrix.shape[0] - 2  # of ARPACK
    if count > most:
        raise ValueError(f"count must be at most {most} on {most + 2} cells, got {count}.")
    shift = 1e-7 * np.abs(generator.matrix.diagonal()).max()
    options = {"k": count, "sigma": shift, "v0": np.ones(generator.matrix.shape[0]), "tol": 1e-12}
    values = eigs(generator.matrix, return_eigenvectors=False, **options)
    return -values[np.argsort(np.abs(values))]
