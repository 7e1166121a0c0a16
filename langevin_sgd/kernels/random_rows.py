"""How random numbers fill rows: in which precision, and at which kind of address."""

from typing import NamedTuple

from numba import types

from . import rng, rng_float32
from .linked import linked
from .rng import ADDRESS, PLACE
from .views import flat_type


class Draws(NamedTuple):
    """Two float64 or four float32 numbers come from one draw; rows are filled in pairs."""

    number: types.Type = types.float64
    # whether all particles are at one step, or each at its own, see `addresses`
    address: types.Type = ADDRESS

    def each(self):
        """Numbers from one draw."""
        return 4 if self.number == types.float32 else 2

    def count(self, numbers):
        """Draws for so many numbers."""
        return -(-numbers // self.each())

    def rows(self, numbers):
        """Rows that are filled for so many numbers."""
        return numbers + numbers % 2

    def fill_normals(self):
        """The kernel that fills rows with normals, as something that kernels call."""
        return self._filling(rng.fill_normals, rng_float32.fill_normals_single)

    def fill_uniforms(self):
        """The kernel that fills rows with uniform numbers in [0, 1)."""
        return self._filling(rng.fill_uniforms, rng_float32.fill_uniforms_single)

    def _filling(self, double, single):
        fill = single if self.number == types.float32 else double
        return linked(fill, flat_type(self.number), PLACE, self.address)


DOUBLES = Draws()
