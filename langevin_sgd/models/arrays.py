"""Moved to `langevin_sgd.arguments`; this name goes when nobody imports it."""

from ..arguments import real_array, shown  # noqa: F401
