"""The module that writes the pages of the reference, which no package holds."""

import importlib.util
from pathlib import Path

PLACE = Path(__file__).resolve().parents[1] / ".ci" / "reference" / "pages.py"


def _loaded():
    spec = importlib.util.spec_from_file_location("pages", PLACE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pages = _loaded()
