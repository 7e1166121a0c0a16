"""Where stochastic gradient descent stops being Langevin dynamics, with numbers."""

from importlib import import_module

__version__ = "0.1.0"  # the one place that says it: pyproject.toml reads it here

from .engine import reducers
from .engine.reducers import Reducer
from .kernels import elementary
from .models import dynamics, losses, noise, potentials, schedules
from .models.dynamics import Dynamics
from .models.evaluate import evaluate
from .models.example_gradients import example_gradients
from .models.losses import Loss
from .models.noise import GradientNoise
from .models.potentials import Potential

# Loaded when they are first asked for: they need xarray, which takes longer to import than
# everything above.
_LATER = {
    "analysis": ".analysis",
    "load": ".storage",
    "merge": ".engine.sweep",
    "plots": ".plots",
    "resume": ".engine.resume",
    "run_until_stationary": ".engine.stationary",
    "save": ".storage",
    "simulate": ".engine.simulate",
    "sweep": ".engine.sweep",
    "theory": ".theory",
    "to_arviz": ".analysis.arviz",
}

__all__ = [
    "Dynamics",
    "GradientNoise",
    "Loss",
    "Potential",
    "Reducer",
    "dynamics",
    "elementary",
    "evaluate",
    "example_gradients",
    "losses",
    "noise",
    "potentials",
    "reducers",
    "schedules",
]
__all__ += sorted(_LATER)


def __getattr__(name):
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(_LATER[name], __name__)
    found = module if _LATER[name] == f".{name}" else getattr(module, name)
    globals()[name] = found
    return found


def __dir__():
    return sorted({*globals(), *__all__})
