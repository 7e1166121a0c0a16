"""What a compiled function may call, and how functions are read, judged, compiled and kept."""

from . import rng_in_numba, views_in_numba  # noqa: F401 they tell numba what it must know
