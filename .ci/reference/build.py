"""Builds the reference, with warnings as errors, and sees that each public name has its page.

Run:  pip install -e ".[docs]" && python .ci/reference/build.py
(writes build/reference/html)
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import pages
from sphinx.cmd.build import main
from sphinx.util.inventory import InventoryFile

OUT = pages.ROOT / "build" / "reference"


def documented(html):
    """The names that the built pages define."""
    with open(html / "objects.inv", "rb") as file:
        inventory = InventoryFile.load(file, "", lambda base, path: path)
    return {name for kind in inventory.values() for name in kind}


if __name__ == "__main__":
    source, html = OUT / "source", OUT / "html"
    pages.write(source)
    options = ["-W", "--keep-going", "-q", "-E", "-j", "2", "-b", "html"]
    status = main([*options, "-c", str(Path(__file__).parent), str(source), str(html)])
    wanted = {f"langevin_sgd.{name}" for name in pages.public_names()}
    missing = sorted(wanted - documented(html))
    print(f"{len(wanted)} public names, {len(missing)} without a page {missing}; {html}")
    sys.exit(status or bool(missing))
