"""Settings of Sphinx: see build.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import pages

import langevin_sgd

project, author = "langevin_sgd", "The langevin_sgd developers"
version = release = langevin_sgd.__version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "myst_parser"]
html_theme = "alabaster"
html_theme_options = {"page_width": "1100px", "sidebar_width": "260px"}
html_show_sourcelink = html_show_copyright = False  # nobody is named
nitpicky = True
smartquotes = False  # formulas and commands keep their signs
myst_heading_anchors = 3
autodoc_typehints = "none"
napoleon_google_docstring = False
napoleon_use_param = False  # types are words ("(d,) array"), no links
napoleon_use_rtype = False

NAMES = pages.public_names()


def _as_text(app, what, name, value, options, lines):
    home = name.removeprefix("langevin_sgd.").split(".")[0]
    lines[:] = pages.plain(lines, NAMES, home)


def setup(app):
    """What Sphinx calls first."""
    app.connect("autodoc-process-docstring", _as_text, priority=100)  # before napoleon's 500
