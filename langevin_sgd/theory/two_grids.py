"""A law computed on two grids: its fields, and its numbers with the difference of the grids as
their error."""

from typing import NamedTuple

import numpy as np
import xarray as xr

GRID = ("axis_0", "axis_1", "axis_2")
ROW_COLUMN = ("component", "component_j")
WORDS = {  # name: (what it is, unit); {volume} and {flux} depend on the dimension
    "density": ("probability density", "length^-{dim}"),
    "weight": ("quadrature weight of the node", "length^{dim}"),
    "energy": ("potential energy", "energy"),
    "current": ("probability current", "length^{flux}/time"),
    "image": ("where the noise-free step leads, in grid coordinates", "length"),
    "step_sd": ("standard deviation of one step along the axis", "length"),
    "distribution": ("distribution function P(x <= axis_0)", "1"),
    "probability": ("probability of the node", "1"),
    "log_normaliser": ("log Z = log of the integral of exp(-U/T)", "1"),
    "mean_position": ("mean position", "length"),
    "second_moment": ("raw second moment E[x_i x_j]", "length^2"),
    "third_moment": ("raw third moment E[x^3]", "length^3"),
    "fourth_moment": ("raw fourth moment E[x_i^4]", "length^4"),
    "mean_energy": ("mean energy E[U]", "energy"),
    "energy_variance": ("variance of the energy", "energy^2"),
    "entropy": ("differential entropy -E[log p]", "1"),
    "mean_gradient": ("mean gradient E[d_i U], zero when stationary", "energy/length"),
    "virial": ("virial E[x_i d_j U]", "energy"),
    "gradient_second_moment": ("E[d_i U d_j U] of the noise-free gradient", "energy^2/length^2"),
    "mean_batch_covariance": ("mean covariance of the batch gradient, E[C]", "energy^2/length^2"),
    "mean_diffusion": ("mean diffusion coefficient E[D]", "length^2/time"),
    "area_per_step": ("mean area per step, E[x_i(t) x_j(t+1) - x_j(t) x_i(t+1)]/2", "length^2"),
    "lag_one_moment": ("raw second moment over one step, E[x_i(t) x_j(t+1)]", "length^2"),
    "velocity_second_moment": ("second moment of the velocity, E[v^2]", "length^2"),
    "velocity_fourth_moment": ("fourth moment of the velocity, E[v^4]", "length^4"),
    "position_velocity": ("E[x v]", "length^2"),
    "mean_velocity": ("mean velocity, the integral of the current", "length/time"),
    "area_rate": ("area per time, the integral of (x_i J_j - x_j J_i)/2", "length^2/time"),
    "entropy_production": ("entropy production rate, the integral of J' D^-1 J / p", "1/time"),
    "survival": ("leading eigenvalue: the probability to stay on the grid, per step", "1"),
    "exit_probability": ("1 - survival, per step", "1"),
    "relaxation_eigenvalue": (
        "second eigenvalue: what is left of the slowest perturbation after one step",
        "1",
    ),
    "mean_steps": ("mean number of steps until the chain is outside", "1"),
    "mean_time": ("mean first-passage time", "time"),
    "temperature": ("temperature of the closest Boltzmann law", "energy"),
    "kl": ("KL to that Boltzmann law", "nat"),
    "population": ("probability of the energies between two levels, or of the basin", "1"),
}


class OnGrid(NamedTuple):
    """A law on one grid: `axes`, `fields` on them and `numbers`, both by their name in `WORDS`."""

    axes: list
    fields: dict
    numbers: dict


def law_of_two(fine, coarse, dims=None, **attributes):
    """Dataset of a law from an `OnGrid` on a fine and one on a coarse grid.

    Fields are those of the fine grid; each number comes with `NAME_error` = |fine - coarse|. An
    array has the dimensions component and component_j, or what `dims` says for its name."""
    grid = GRID[: len(fine.axes)]
    words = {"dim": len(grid), "flux": 1 - len(grid)}

    def variable(name, array, on=(), start=""):
        text, unit = WORDS[name]
        own = (dims or {}).get(name, ROW_COLUMN[: np.ndim(array) - len(on)])
        return on + own, np.asarray(array, dtype=float), labels(start + text, unit.format(**words))

    data = {name: variable(name, array, grid) for name, array in fine.fields.items()}
    for name, value in fine.numbers.items():
        error = np.abs(np.subtract(value, coarse.numbers[name]))
        data[name] = variable(name, value)
        data[f"{name}_error"] = variable(name, error, (), "estimated error (two grids) of the ")
    coords = {
        dim: (dim, axis, labels("grid coordinate", "length"))
        for dim, axis in zip(grid, fine.axes, strict=True)
    }
    return xr.Dataset(data, coords, attributes)


def labels(text, unit):
    """The attributes of a variable."""
    return {"long_name": text, "units": unit}
