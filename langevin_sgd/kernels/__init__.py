"""What a compiled function may call, and how functions are read, judged, compiled and kept."""

# numba must know views and addresses before anything is compiled
from . import rng_in_numba as rng_in_numba
from . import views_in_numba as views_in_numba
