"""Fokker-Planck equation on a grid: stationary density, current and entropy production; time
evolution and relaxation rates.
"""

import numpy as np

from ..arguments import all_within, formula, whole
from ..models.evaluate import evaluate
from .confinement import FROM_ZERO, one_law
from .fokker_planck_generator import (
    EQUATION,
    Jumps,
    boundaries_of,
    fokker_planck_generator,
    generator_check,
)
from .grids import grid_moments, spacing_of, tensor_nodes
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
    """Stationary density, current and entropy production of dx = (f - grad U) dt + sqrt(2 D(x)) dW
    (Ito), d = 1, 2, 3.

    Solves 0 = div(p (grad U - f)) + sum_ij d_i d_j (D_ij p) with the jump process of
    `fokker_planck_generator`: the density is never negative, probability is conserved to rounding,
    and for D = T and f = 0 the answer is Boltzmann's law at the nodes exactly. Parameters as there;
    boundaries reflecting or periodic. Without bounds coarse solutions narrow the box down, unless D
    is one number.

    Returns
    -------
    xarray.Dataset
        A law on a grid, with ``current`` (axis_0, ..., component) in length^(1-d)/time.
        Extrapolated from it and the grid of half as many cells per axis (Richardson, order 2), each
        with the size of that correction as its error (about the error of the fine grid, an upper
        estimate of what is left): ``mean_position``, ``second_moment``, ``fourth_moment``,
        ``mean_energy``, ``energy_variance``, ``entropy``, ``mean_velocity``, ``area_rate``,
        ``entropy_production``.

    Notes
    -----
    ValueError as `fokker_planck_generator`; or if a boundary absorbs, so that nothing is
    stationary. Order of accuracy 2 in the spacing for smooth D. Where the density is below 1e-12 of
    its maximum the current is not resolved and left out of the entropy production. Source: derived
    in `fokker_planck_generator`."""
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


@formula(generator=generator_check)
def stationary_probability(generator):
    """Probabilities of the cells that the jump process leaves alone, from a direct solve with one
    cell pinned.

    The reduced matrix is an M-matrix: it is factorised without pivoting, which keeps every sign.
    """
    from scipy.sparse.linalg import splu

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
    """The part of the box that matters: 2.3 times as wide as the interval that holds all but 1e-3
    of the mass at each end; a periodic axis stays as it is.

    For a normal law that is 7 standard deviations. A quantile is safer than a small density: on a
    coarse grid the tails are too high."""
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
    """Probability current times the cell volume, (cells, d): half of every jump's displacement
    belongs to each of its ends.
    """
    kept = generator.jumps.target >= 0
    jumps = Jumps(*(part[kept] for part in generator.jumps))
    moved = jumps.displacement * (jumps.rate * probability[jumps.origin] / 2)[:, None]
    current = np.zeros((len(probability), moved.shape[1]))
    for end in (jumps.origin, jumps.target):
        np.add.at(current, end, moved)
    return current


@formula(generator=generator_check, density=FROM_ZERO, times=all_within(at_least=0, longest=1000))
def evolve_density(generator, density, times):
    """Density at later times from an initial one: p(t) = exp(t L) p(0), (k, ...) for k times.

    `density`, at time zero, has the shape of the grid of a `generator` of
    `fokker_planck_generator`, in length^-d and not negative; `times` (k,) increase from zero on.
    The exponential is exact to rounding; the error is that of the grid. Without absorbing walls the
    total probability is conserved to 1e-12. Source: Al-Mohy and Higham's action of the matrix
    exponential, as implemented in SciPy."""
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


@formula(generator=generator_check, count=whole(1))
def relaxation_rates(generator, count=4):
    """The slowest rates of a Fokker-Planck operator: minus its eigenvalues of smallest modulus,
    smallest first, (count,) complex, in units of 1/time. A non-zero imaginary part is a
    rotation.

    `generator` comes from `fokker_planck_generator`. Without absorbing walls the first is zero, and
    the second is the relaxation rate (twice Kramers' escape rate in a symmetric double well). With
    absorbing walls the first is the exit rate. Shift-invert Lanczos-Arnoldi (ARPACK) around a point
    just right of zero. Error O(spacing^2). Source: standard."""
    from scipy.sparse.linalg import eigs

    shift = 1e-7 * np.abs(generator.matrix.diagonal()).max()
    options = {"k": count, "sigma": shift, "v0": np.ones(generator.matrix.shape[0]), "tol": 1e-12}
    values = eigs(generator.matrix, return_eigenvectors=False, **options)
    return -values[np.argsort(np.abs(values))]
