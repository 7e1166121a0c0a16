"""Figures: functions from a dataset and an Axes to the Axes."""

from .animation import animate
from .current import current
from .densities import DensityAxes, density_1d, density_2d, density_with_marginals
from .first_arrivals import escape
from .pictures import picture, pictures
from .relaxation import autocorrelation, relaxation
from .style import COLOURS, STYLE, style
from .tails import tails
from .temperatures import departures, temperature_budget, temperatures
from .waterfall import waterfall

__all__ = ["COLOURS", "STYLE", "DensityAxes", "animate", "autocorrelation", "current", "density_1d"]
__all__ += ["density_2d", "density_with_marginals", "departures", "escape", "picture", "pictures"]
__all__ += ["relaxation", "style", "tails", "temperature_budget", "temperatures", "waterfall"]


def __dir__():
    return __all__
