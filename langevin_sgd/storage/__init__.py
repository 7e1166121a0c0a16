"""Result files and folders of results: written whole or not at all, read as data only, and the
record of what made them."""

from . import schema
from .content import content_hash, is_whole, sealed, source_hashes
from .files import save
from .loading import load
from .provenance import provenance
from .run_folder import begun, create, reopen

__all__ = ["begun", "content_hash", "create", "is_whole", "load", "provenance", "reopen", "save"]
__all__ += ["schema", "sealed", "source_hashes"]
