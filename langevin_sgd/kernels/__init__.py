"""What a compiled function may call, and how functions are read, judged, compiled and kept."""

from . import views_in_numba as views_in_numba  # numba must know views before anything is compiled
