"""The sampling modes of minibatches."""

from .given import GIVEN
from .independent import WEIGHTED, WITH_REPLACEMENT
from .mode import Batches, Mode
from .permuted import RESHUFFLE, SINGLE_SHUFFLE, WITHOUT_REPLACEMENT
from .population import POPULATION
from .svag import SVAG

__all__ = ["MODES", "Batches", "Mode"]
MODES = (
    *(WITH_REPLACEMENT, WEIGHTED, WITHOUT_REPLACEMENT, RESHUFFLE, SINGLE_SHUFFLE),
    *(POPULATION, SVAG, GIVEN),
)
