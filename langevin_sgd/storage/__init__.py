"""Result files: datasets written whole or not at all, read as data only, and the record of what made them."""

from .files import load, save
from .provenance import provenance

__all__ = ["load", "provenance", "save"]
