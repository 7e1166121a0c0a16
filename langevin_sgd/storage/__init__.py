"""Result files and run folders: written whole or not at all, read as data only, and the record of
what made them.
"""

from .content import content_hash
from .files import save
from .loading import load
from .provenance import provenance, source_hashes
from .segments import begun, create, reopen

__all__ = [
    "begun",
    "content_hash",
    "create",
    "load",
    "provenance",
    "reopen",
    "save",
    "source_hashes",
]
