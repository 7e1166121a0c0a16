"""Writes the sources of the reference: one page a public name, one a study, and copies of the
Markdown pages. Needs the package and no Sphinx.

The text of a page is a docstring, a data file or a Markdown page; nothing is said twice.
"""

import ast
import inspect
import re
import shutil
import textwrap
from pathlib import Path

import h5py

import langevin_sgd as ls
from langevin_sgd.command_line.studies import STUDIES, own_studies

ROOT = Path(__file__).resolve().parents[2]
PLACE = {  # of the Markdown pages in the table of contents
    "First steps": ["README"],
    "Studies": ["studies/README", "data/README", "studies/migration/README"],
    "How it works": [
        *("langevin_sgd/README", "langevin_sgd/models/README", "langevin_sgd/engine/README"),
        *("langevin_sgd/analysis/README", "tests/README", "studies/benchmark/README", "CHANGELOG"),
    ],
}


def public_names():
    """Every public name, by the path that a user writes: `theory.kramers_time` -> the object."""
    found = {}
    for name in ls.__all__:
        value = getattr(ls, name)
        if inspect.ismodule(value):
            found |= {f"{name}.{each}": getattr(value, each) for each in value.__all__}
        else:
            found[name] = value
    return found


# ---- prose of docstrings -> reStructuredText -----------------------------------------------------

_CODE = re.compile(r"(``[^`]+``|`[^`]+`)")
_SPECIAL = re.compile(r"\\|\||\*|(?<=\w)_(?!\w)")
_BULLET = re.compile(r"^( *)\\\* ", re.MULTILINE)
_COLUMNS = re.compile(r"\S {3,}\S")


def _link(code, names, home):
    """A name in single backticks: a link if it is public, else a literal."""
    path = re.sub(r"\s+", " ", code.strip("`")).removeprefix("ls.").removeprefix("langevin_sgd.")
    for candidate in (f"{home}.{path}", path):
        if candidate in names:
            return f":py:obj:`~langevin_sgd.{candidate}`"
    return f"``{path if len(code) < 3 else code.strip('`')}``"


def _paragraph(text, names, home):
    """Stars, bars and underscores of formulas are what they are; names in backticks are links."""
    parts = _CODE.split(text)
    for k, part in enumerate(parts):
        if k % 2 == 0:
            parts[k] = _SPECIAL.sub(lambda found: "\\" + found[0], part)
        elif not part.startswith("``"):
            parts[k] = _link(part, names, home)
    for k in range(1, len(parts), 2):  # a code ends at a space or a sign: `x`s
        if parts[k + 1][:1].isalnum():
            parts[k + 1] = "\\ " + parts[k + 1]
        if parts[k - 1][-1:].isalnum():
            parts[k - 1] += "\\ "
    return _BULLET.sub(r"\1* ", "".join(parts))


def _blocks(lines):
    """Runs of lines between blank lines; a run and the blank lines behind it."""
    block = []
    for line in lines:
        if block and line.strip() and not block[-1].strip():
            yield block
            block = []
        block.append(line)
    if block:
        yield block


def plain(lines, names=(), home=""):
    """Lines of a docstring as lines of reStructuredText: examples, sections and blocks behind "::"
    stay, tables, columns and commands ("Run:") become literal blocks, and the rest is text without
    markup but for code and lists.
    """
    done, literal = [], None
    for block in _blocks(lines):
        depth = len(block[0]) - len(block[0].lstrip())
        if literal is not None and depth <= literal:
            literal = None
        if literal is not None or any(line.lstrip().startswith(">>>") for line in block):
            done += block
        elif block[0].lstrip().startswith(("|", "Run:")) or any(map(_COLUMNS.search, block)):
            done += [" " * depth + "::", "", *("   " + line for line in block), ""]
        else:
            done += _paragraph("\n".join(block), names, home).split("\n")
            literal = depth if "".join(block).rstrip().endswith("::") else None
    return done


def in_a_line(text, names=(), home=""):
    """A short text as one line of reStructuredText."""
    return _paragraph(" ".join(str(text).split()), names, home)


# ---- pages ---------------------------------------------------------------------------------------


def _title(text, sign="="):
    return f"{text}\n{sign * len(text)}\n"


def _directive(path, value):
    """How Sphinx documents an object: the directive with its options."""
    full = f"langevin_sgd.{path}"
    if not callable(value):
        return f".. py:data:: {full}\n   :value: {value!r}\n"
    if not inspect.isclass(value):
        return f".. autofunction:: {full}\n"
    methods = [
        name
        for name, each in vars(value).items()
        if not name.startswith("_") and callable(each) and inspect.getdoc(each)
    ]
    members = f"   :members: {', '.join(methods)}\n" if methods else ""
    return f".. autoclass:: {full}\n{members}"


def _api(folder, names):
    folder.mkdir(parents=True)
    first = {}
    for path, value in names.items():
        page = _title(f"ls.{path}")
        if callable(value) and id(value) in first:
            other = first[id(value)]
            page += f"\nThe same as :py:obj:`ls.{other} <langevin_sgd.{other}>`.\n"
            page += f"\n.. py:data:: langevin_sgd.{path}\n   :no-typesetting:\n"
        else:
            first[id(value)] = path
            page += "\n" + _directive(path, value)
        (folder / f"{path}.rst").write_text(page)
    modules = sorted({path.split(".")[0] for path in names if "." in path})
    top = [path for path in names if "." not in path]
    (folder / "index.rst").write_text(
        _title("Reference")
        + "\n``import langevin_sgd as ls``; every public name has a page.\n\n"
        + _table({path: names[path] for path in top}, names)
        + "\n".join([".. toctree::", "   :hidden:", "", *(f"   {path}" for path in top), ""])
        + "\n".join(["", ".. toctree::", "   :maxdepth: 1", "", ""])
        + "\n".join(f"   {name}" for name in modules)
        + "\n"
    )
    for name in modules:
        inside = {path: value for path, value in names.items() if path.startswith(f"{name}.")}
        doc = (inspect.getdoc(getattr(ls, name)) or "").splitlines()
        (folder / f"{name}.rst").write_text(
            _title(f"ls.{name}")
            + f"\n.. py:module:: langevin_sgd.{name}\n\n"
            + "\n".join(plain(doc, names, name))
            + "\n\n"
            + _table(inside, names)
            + "\n".join([".. toctree::", "   :hidden:", "", *(f"   {path}" for path in inside), ""])
        )


def _table(inside, names):
    rows = [".. list-table::", "   :widths: 30 70", ""]
    for path, value in inside.items():
        text = inspect.getdoc(value).partition("\n")[0] if callable(value) else ""
        line = in_a_line(text, names, path.split(".")[0])
        rows += [f"   * - :doc:`ls.{path} <{path}>`", f"     - {line}"]
    return "\n".join([*rows, "", ""])


_ONLY_A_DIMENSION = "This is a netCDF dimension but not a netCDF variable"


def _study(path):
    """The page of a study: its docstring, what its file claims, its figure and its variables."""
    name = path.stem
    doc = ast.get_docstring(ast.parse(path.read_text())) or name
    page = _title(f"{name}.py") + "\n" + "\n".join(plain(doc.splitlines())) + "\n\n"
    data = ROOT / "data" / f"{name}.nc"
    if not data.is_file():
        return page
    page += f".. image:: /data/{name}.png\n   :alt: {name}\n\n"
    rows = [".. list-table::", "   :header-rows: 1", "   :widths: 30 20 15 35", ""]
    rows += ["   * - variable", "     - dimensions", "     - units", "     - what it is"]
    with h5py.File(data) as file:  # xarray, which reads the same, takes ten times as long
        claims = file.attrs.get("claims", "").splitlines()
        for key, variable in file.items():
            if str(variable.attrs.get("NAME", "")).startswith(_ONLY_A_DIMENSION):
                continue
            dims = [dim[0].name[1:] for dim in variable.dims if len(dim)]
            dims = dims or [key][: len(variable.dims)]  # a coordinate is its own dimension
            units, text = (in_a_line(variable.attrs.get(a, "")) for a in ("units", "long_name"))
            rows += [
                f"   * - ``{key}``",
                f"     - {', '.join(dims)}",
                f"     - {units}",
                f"     - {text}",
            ]
    page += _title("Claims", "-") + "\n" + "".join(f"* {in_a_line(c)}\n" for c in claims)
    page += "\n" + _title("Data", "-") + f"\n``data/{name}.nc``\n\n"
    return page + "\n".join(rows) + "\n"


def studies():
    """The studies by name."""
    return {name: STUDIES / f"{name}.py" for name in own_studies()}


def write(folder):
    """All sources, in a new folder."""
    shutil.rmtree(folder, ignore_errors=True)
    _api(folder / "reference", public_names())
    (folder / "gallery").mkdir()
    for name, path in studies().items():
        (folder / "gallery" / f"{name}.rst").write_text(_study(path))
    toc = "\n".join(["", ".. toctree::", "   :maxdepth: 1", "", *(f"   {n}" for n in studies())])
    text = "\nOne page a study: its question, its claims with their numbers, its figure and data.\n"
    (folder / "gallery" / "index.rst").write_text(_title("Study by study") + text + toc + "\n")
    for pages in PLACE.values():
        for page in pages:
            (folder / page).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / f"{page}.md", folder / f"{page}.md")
    for figure in (ROOT / "data").glob("*.png"):
        shutil.copy(figure, folder / "data" / figure.name)
    index = _title("langevin_sgd") + "\n" + textwrap.dedent(ls.__doc__) + "\n"
    trees = PLACE | {"Studies": [*PLACE["Studies"], "gallery/index"]}
    for caption, pages in trees.items():
        index += f"\n.. toctree::\n   :maxdepth: 1\n   :caption: {caption}\n\n"
        index += "".join(f"   {page}\n" for page in pages)
        if caption == "First steps":
            index += (
                "\n.. toctree::\n   :maxdepth: 2\n   :caption: Reference\n\n   reference/index\n"
            )
    (folder / "index.rst").write_text(index)
