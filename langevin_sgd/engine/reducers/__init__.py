"""Statistics that are taken inside the kernel, while the particles move: one file each.

A new one is a file that holds its kernel function, its read-out and its maker, and a line here.
`record` says what a reducer is, `readings` how sums become estimates with errors, `kernel` how a
step hands over its particles, and `of_run` which reducers fit a run and what they found.
"""

from .autocovariance import autocovariance
from .currents import currents
from .displacement import displacement
from .energy import energy
from .first_passage import first_passage
from .gradient_noise import gradient_noise
from .histogram import histogram
from .moments import moments
from .record import Reducer
from .rotation import rotation
from .virial import virial

__all__ = ["Reducer", "autocovariance", "currents", "displacement", "energy", "first_passage"]
__all__ += ["gradient_noise", "histogram", "moments", "rotation", "virial"]


def __dir__():
    return __all__
