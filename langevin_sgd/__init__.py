"""Where stochastic gradient descent stops being Langevin dynamics, with numbers."""

from importlib import import_module
from sys import modules
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:  # for editors, which do not run `__getattr__`
    from . import analysis, plots, theory
    from .analysis.arviz import to_arviz
    from .engine.extend import extend
    from .engine.gather import merge
    from .engine.resume import resume
    from .engine.simulate import simulate
    from .engine.stationary import run_until_stationary
    from .engine.sweep import sweep
    from .storage import load, save

# Loaded when they are first asked for: they need xarray, which takes longer to import than
# everything above.
_LATER = {
    "analysis": ".analysis",
    "extend": ".engine.extend",
    "load": ".storage",
    "merge": ".engine.gather",
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
    "analysis",
    "dynamics",
    "elementary",
    "evaluate",
    "example_gradients",
    "extend",
    "load",
    "losses",
    "merge",
    "noise",
    "plots",
    "potentials",
    "reducers",
    "resume",
    "run_until_stationary",
    "save",
    "schedules",
    "simulate",
    "sweep",
    "theory",
    "to_arviz",
]


def _get(name):
    if name not in _LATER:
        raise AttributeError(
            f"module {__name__!r} has no attribute {name!r}{_where(name)}",
            name=name,
            obj=modules[__name__],
        )
    module = import_module(_LATER[name], __name__)
    found = module if _LATER[name] == f".{name}" else getattr(module, name)
    globals()[name] = found
    return found


def _where(name):
    """The modules, of those that are loaded, that have a name, for those who look for it here."""
    loaded = globals().keys() & set(__all__)
    there = [home for home in sorted(loaded) if name in getattr(globals()[home], "__all__", ())]
    return "".join(f"; there is {__name__}.{home}.{name}" for home in there)


if not TYPE_CHECKING:  # with a `__getattr__`, a type checker would take any name for one of ours
    __getattr__ = _get


def __dir__():
    return [*__all__, "__version__"]
