"""The exact stationary law of a Langevin integrator at a finite step, in one dimension.

A step is a product of letters, and each moves the density of (x, v) along one axis: A and B by a
distance that depends on the other coordinate, O by shrinking v and adding a normal number. On a
grid whose edge the density does not reach, Fourier series do all three to rounding."""

import math
from typing import NamedTuple

import numpy as np

from ..arguments import one_of, optional
from ..models.evaluate import evaluate
from .confinement import energy_box, energy_of, one_law
from .grids import line_moments, spacing_of
from .meanings import ABOVE_ZERO
from .one_step_matrix import LARGEST_LEAK, leading
from .quadratic_langevin import OVERDAMPED, SPLITTINGS, check_friction
from .sgd_step import CHAIN_DEPTH
from .two_grids import OnGrid, law_of_two

COARSE_NODES, FINE_NODES = (96, 64), (120, 80)  # nodes along x and v
FASTEST = 12.0  # standard deviations of v on the grid, to either side
HOTTER = 1.5  # than the bath: temperature of the law that the box holds


class _Letters(NamedTuple):
    """The letters of a method, and what each does.

    How far A and B move for v = 1 and U' = 1, and O as v' = keep v + sd z."""

    order: str
    drift: float
    kick: float
    keep: float
    sd: float


@one_law(
    potential=energy_of(1),
    method=one_of(*OVERDAMPED, *SPLITTINGS, "semi_implicit"),
    friction=optional(ABOVE_ZERO),
)
def langevin_law(
    potential, temperature, step_size, method="euler_maruyama", friction=None, mass=1.0
):
    """Exact stationary law of an integrator of Langevin dynamics in d = 1, at the end of a step.

    Parameters
    ----------
    potential : Potential
        Smooth, without drift and walls.
    temperature, step_size, friction, mass : float
        As in `langevin_process`.
    method : str
        As in `langevin_process`, except "underdamped_euler_maruyama".

    Returns
    -------
    xarray.Dataset
        ``density`` (axis_0 = x, axis_1 = v), ``weight``, and, each with its error:
        ``mean_position``, ``second_moment``, ``fourth_moment``, ``mean_energy``, ``mean_gradient``,
        ``virial``, ``gradient_second_moment``, ``velocity_second_moment``,
        ``velocity_fourth_moment``, ``position_velocity``. The v of an overdamped method stands for
        its last noise.

    Raises
    ------
    ValueError
        If a friction is missing or superfluous, or the law reaches the edge of its box: on a
        potential that grows faster than a quadratic that comes before the bottom of the well is
        unstable.

    Notes
    -----
    Exact at any smaller step. Overdamped methods are "oba" (Euler-Maruyama) and "baoab" whose O
    forgets v. Derived; on a quadratic it is `langevin_process`.

    Examples
    --------
    On x^2/2 at T = 1 Euler-Maruyama has the variance 1/(1 - step/2), and the method of Leimkuhler
    and Matthews the right one:

    >>> well, methods = ls.potentials.quadratic([1.0]), ("euler_maruyama", "leimkuhler_matthews")
    >>> laws = [ls.theory.langevin_law(well, 1.0, step_size=0.5, method=each) for each in methods]
    >>> [round(law.second_moment.item(), 4) for law in laws]
    [1.3333, 1.0]
    """
    check_friction(friction, method)
    moves = _letters_of(temperature, step_size, method, friction, mass)
    name = f"potential {potential.name!r} at the temperature {temperature:g}"
    box = energy_box(potential, HOTTER * temperature, CHAIN_DEPTH, name)
    if method in OVERDAMPED:
        mass = 1.0
    speed = FASTEST * max(np.sqrt(temperature / mass), moves.sd)
    box = np.array([*box, [-speed, speed]])
    fine, coarse = (
        _on_grid(potential, temperature, moves, box, points)
        for points in (FINE_NODES, COARSE_NODES)
    )
    density = fine.fields["density"]
    edge = max(density[[0, -1]].max(), density[:, [0, -1]].max()) / density.max()
    if edge > LARGEST_LEAK:
        raise ValueError(
            f"the law of {method!r} on {potential.name!r} at step_size {step_size:g} reaches the "
            f"edge of its box, with {edge:.2g} of its largest density: lower the step_size."
        )
    setting = {"model": potential.name, "temperature": temperature, "step_size": step_size}
    return law_of_two(fine, coarse, **setting, method=method)


def _letters_of(temperature, step_size, method, friction, mass):
    """The letters of a method."""
    if method == "euler_maruyama":
        move = np.sqrt(step_size)
        return _Letters("oba", move, move, 0.0, np.sqrt(2 * temperature))
    if method == "leimkuhler_matthews":
        half = np.sqrt(step_size / 2)
        return _Letters("baoab", half, half, 0.0, np.sqrt(temperature))
    if method == "semi_implicit":
        noise = np.sqrt(2 * friction * temperature * step_size / mass)
        return _Letters("oba", step_size, step_size / mass, 1 - friction * step_size, noise)
    drift, kick, bath = (step_size / method.count(letter) for letter in "abo")
    lost = -np.expm1(-2 * friction * bath)
    noise = np.sqrt(lost * temperature / mass)
    return _Letters(method, drift, kick / mass, np.exp(-friction * bath), noise)


def _on_grid(potential, temperature, moves, box, points):
    """The law on one grid, whose edges are joined: nothing is there."""
    from scipy.sparse.linalg import LinearOperator

    x, v = (np.linspace(*side, n, endpoint=False) for side, n in zip(box, points, strict=True))
    energy, slope = (evaluate(potential, x[:, None], what) for what in ("energy", "gradient"))
    slope = slope[:, 0]
    along_x, along_v = (2 * np.pi * np.fft.rfftfreq(len(axis), spacing_of(axis)) for axis in (x, v))
    shifts = {
        "a": np.exp(-1j * moves.drift * np.outer(along_x, v)),
        "b": np.exp(1j * moves.kick * np.outer(slope, along_v)),
    }
    bath = _bath_matrix(v, moves)

    def step(density):
        density = density.reshape(points)
        for letter in moves.order:
            if letter == "o":
                density = density @ bath
            else:
                axis = "ab".index(letter)
                waves = np.fft.rfft(density, axis=axis) * shifts[letter]
                density = np.fft.irfft(waves, points[axis], axis)
        return density.ravel()

    size, start = math.prod(points), np.exp(-(energy - energy.min()) / temperature)
    start = np.outer(start, np.exp(-((FASTEST * v / v[0]) ** 2) / 2)).ravel()
    joint = leading(LinearOperator((size, size), step, dtype=float), start).probability
    joint = joint.reshape(points)
    return law_of_pair([x, v], joint, v, energy, slope)


def law_of_pair(axes, joint, velocity, energy, slope, **numbers):
    """A law of x and v on one grid, from the probabilities of its nodes (n, m), a velocity that
    broadcasts to them, and the energy and its slope along x, the first axis."""
    x, cell = axes[0], math.prod(map(spacing_of, axes))
    moments = line_moments(x, joint.sum(axis=1), energy, slope) | {
        "velocity_second_moment": (joint * velocity**2).sum(),
        "velocity_fourth_moment": (joint * velocity**4).sum(),
        "position_velocity": (joint * velocity * x[:, None]).sum(),
    }
    fields = {"density": joint / cell, "weight": np.full(joint.shape, cell)}
    return OnGrid(axes, fields, moments | numbers)


def _bath_matrix(v, moves):
    """The matrix of O, which stands to the right of a density.

    It is the Fourier series in v, at the wave numbers that shrinking v leads to, less what the
    noise blurs."""
    wave = 2 * np.pi * np.fft.fftfreq(len(v), spacing_of(v))
    seen = np.exp(-1j * moves.keep * np.outer(v, wave) - moves.sd**2 * wave**2 / 2)
    return (seen @ np.exp(1j * np.outer(wave, v))).real / len(v)
