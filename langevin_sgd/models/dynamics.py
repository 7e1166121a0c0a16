"""All dynamics, each a `Dynamics`: one update of one particle. SGD and Langevin dynamics are two
records of the same kind.
"""

from .adaptive import adam, rmsprop
from .averaged_sgd import averaged_sgd
from .descent import clipped_sgd, sgd, sgd_running_average
from .dynamics_record import Dynamics
from .langevin import langevin, underdamped_langevin
from .sgd_diffusion import sgd_diffusion
from .sign_descent import sign_sgd

__all__ = ["Dynamics", "adam", "averaged_sgd", "clipped_sgd", "langevin", "rmsprop", "sgd"]
__all__ += ["sgd_diffusion", "sgd_running_average", "sign_sgd", "underdamped_langevin"]


def __dir__():
    return __all__
