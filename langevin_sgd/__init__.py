"""Where stochastic gradient descent stops being Langevin dynamics, with numbers."""

from . import analysis, plots, theory
from .analysis.arviz import to_arviz
from .engine import reducers
from .engine.ensemble import simulate
from .engine.reducers import Reducer
from .engine.sweep import merge, sweep
from .kernels import elementary
from .models import dynamics, losses, noise, potentials, schedules
from .models.dynamics import Dynamics
from .models.evaluate import evaluate
from .models.losses import Loss
from .models.noise import GradientNoise
from .models.potentials import Potential
from .storage import load, save

__all__ = [
    "Dynamics",
    "GradientNoise",
    "Loss",
    "Potential",
    "Reducer",
    "analysis",
    "dynamics",
    "elementary",
    "evaluate",
    "load",
    "losses",
    "merge",
    "noise",
]
__all__ += ["plots", "potentials", "reducers", "save", "schedules", "simulate", "sweep", "theory", "to_arviz"]
