"""Figures: functions from a dataset and an Axes to the Axes."""

from .current import current
from .densities import density_1d, density_2d
from .style import COLOURS, STYLE, style
from .temperatures import temperature_budget, temperatures

__all__ = [
    "COLOURS",
    "STYLE",
    "current",
    "density_1d",
    "density_2d",
    "style",
    "temperature_budget",
    "temperatures",
]
