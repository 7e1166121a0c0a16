"""The architecture as a test: the house rules that a machine can check, each with a planted offence
that it must catch.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "langevin_sgd"
# A layer imports only from layers before it; `arguments` holds the checks that all layers use.
LAYERS = ["arguments", "kernels", "models", "theory", "storage", "engine", "analysis", "plots"]

# Above all layers: they may import anything.
ROOT_FILES = {"__init__.py", "__main__.py", "doctor.py"}
ABOVE_ALL = "command_line"  # and so may what is in this folder

MAX_FILE_LINES = 400
MAX_CODE_LINES = 60
MAX_PARAMETERS = 10
FOREIGN_TO_KERNELS = {"scipy", "xarray", "matplotlib", "sympy", "pandas", "h5py", "h5netcdf"}
SLOW_TO_IMPORT = {
    "matplotlib",
    "scipy.stats",
    "sympy",
    "dask",
    "arviz_stats",
    "arviz_base",
    "sklearn",
}
RANDOM_OUTSIDE_KERNELS = {"SeedSequence", "default_rng"}
FLAGS_THAT_BREAK_PROMISES = {"parallel", "fastmath"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


# Reading a file. `place` is its path in the repository: langevin_sgd/engine/cpu.py


def layer_of(place):
    """The layer a file belongs to, or None for the files above all layers."""
    if (len(place.parts) == 2 and place.name in ROOT_FILES) or place.parts[1] == ABOVE_ALL:
        return None
    return place.with_suffix("").parts[1]


def imports(node, place):
    """(line, absolute dotted name) of everything imported anywhere below `node`, inside functions
    too.
    """
    for found in ast.walk(node):
        if isinstance(found, ast.Import):
            yield from ((found.lineno, alias.name) for alias in found.names)
        elif isinstance(found, ast.ImportFrom):
            folder = place.parent.parts
            base = folder[: len(folder) + 1 - found.level] if found.level else ()
            module = (found.module,) if found.module else ()
            yield from (
                (found.lineno, ".".join([*base, *module, alias.name])) for alias in found.names
            )


def functions(tree):
    return (node for node in ast.walk(tree) if isinstance(node, FUNCTIONS))


def code_lines(function, source):
    """How many lines of a function hold code: not its docstring, blank lines or comments."""
    span = range(function.lineno, function.end_lineno + 1)
    docstring = range(0)
    if ast.get_docstring(function) is not None:
        docstring = range(function.body[0].lineno, function.body[0].end_lineno + 1)
    lines = source.splitlines()
    return sum(
        lines[n - 1].strip() != "" and lines[n - 1].strip()[0] != "#"
        for n in span
        if n not in docstring
    )


# The rules. Each yields (line, complaint).


def imports_point_down(tree, place, source):
    here = layer_of(place)
    if here is None:
        return
    if here not in LAYERS:
        yield 1, f"{place} lies in no layer; the layers are {LAYERS}"
        return
    for line, name in imports(tree, place):
        root, _, rest = f"{name}.".partition(".")
        there = rest.split(".")[0]
        if root == PACKAGE and there not in LAYERS[: LAYERS.index(here) + 1]:
            yield line, f"{here} must not import {name}"


def kernels_stand_on_numba_and_numpy(tree, place, source):
    for line, name in imports(tree, place):
        if layer_of(place) == "kernels" and name.split(".")[0] in FOREIGN_TO_KERNELS:
            yield line, f"kernels must not import {name}"


def slow_imports_wait_inside_functions(tree, place, source):
    at_import = ast.Module([node for node in tree.body if not isinstance(node, FUNCTIONS)], [])
    for line, name in imports(at_import, place):
        if any(f"{name}.".startswith(f"{slow}.") for slow in SLOW_TO_IMPORT):
            yield line, f"import {name} inside the function that needs it"


def files_are_short(tree, place, source):
    count = len(source.splitlines())
    if count > MAX_FILE_LINES:
        yield count, f"{count} lines, more than {MAX_FILE_LINES}"


def functions_are_short(tree, place, source):
    for function in functions(tree):
        count = code_lines(function, source)
        if count > MAX_CODE_LINES:
            yield (
                function.lineno,
                f"{function.name} has {count} code lines, more than {MAX_CODE_LINES}",
            )


def functions_take_few_parameters(tree, place, source):
    """Keyword-only options do not count: a call names them. Nor does `__new__`: a record takes its
    fields, however many.
    """
    for function in (node for node in functions(tree) if node.name != "__new__"):
        count = len(function.args.posonlyargs) + len(function.args.args)
        if count > MAX_PARAMETERS:
            yield (
                function.lineno,
                f"{function.name} has {count} positional parameters, more than {MAX_PARAMETERS}",
            )


def public_names_have_docstrings(tree, place, source):
    for node in tree.body:
        if (
            isinstance(node, (*FUNCTIONS, ast.ClassDef))
            and node.name[0] != "_"
            and not ast.get_docstring(node)
        ):
            yield node.lineno, f"{node.name} is public and has no docstring"


def random_numbers_have_addresses(tree, place, source):
    allowed = set() if layer_of(place) == "kernels" else RANDOM_OUTSIDE_KERNELS
    for line, name in imports(tree, place):
        head, _, last = name.rpartition(".")
        if (
            name.split(".")[0] == "random"
            or name == "numpy.random"
            or (head == "numpy.random" and last not in allowed)
        ):
            yield line, f"draws from {name} have no address"
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    used = {id(node.value): node.attr for node in attributes}
    for node in attributes:
        if ast.unparse(node) in ("np.random", "numpy.random") and used.get(id(node)) not in allowed:
            yield node.lineno, f"draws from np.random.{used.get(id(node), '')} have no address"


def compiler_flags_keep_the_promises(tree, place, source):
    """`parallel` makes sums depend on the threads, `fastmath` makes isnan blind."""
    for node in ast.walk(tree):
        pairs = []
        if isinstance(node, ast.Call):
            pairs = [(keyword.arg, keyword.value) for keyword in node.keywords]
        elif isinstance(node, ast.Dict):
            pairs = [
                (getattr(key, "value", None), value)
                for key, value in zip(node.keys, node.values, strict=True)
            ]
        for key, value in pairs:
            if key in FLAGS_THAT_BREAK_PROMISES and not (
                isinstance(value, ast.Constant) and value.value is False
            ):
                yield node.lineno, f"{key}={ast.unparse(value)}"


RULES = {
    imports_point_down: [PACKAGE],
    kernels_stand_on_numba_and_numpy: [PACKAGE],
    slow_imports_wait_inside_functions: [PACKAGE],
    files_are_short: [PACKAGE, "studies", "tests"],
    functions_are_short: [PACKAGE, "studies"],
    functions_take_few_parameters: [PACKAGE, "studies"],
    public_names_have_docstrings: [PACKAGE],
    random_numbers_have_addresses: [PACKAGE],
    compiler_flags_keep_the_promises: [PACKAGE, "studies"],
}


def complaints(rule, place, source):
    place = Path(place)
    return [f"{place}:{line}: {text}" for line, text in rule(ast.parse(source), place, source)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule):
    found = []
    for folder in RULES[rule]:
        for file in sorted((ROOT / folder).rglob("*.py")):
            found += complaints(rule, file.relative_to(ROOT), file.read_text(encoding="utf-8"))
    assert not found, "\n".join(["", *found])


def test_the_package_is_there_to_be_judged():
    """A rule that saw no file would pass."""
    seen = {layer_of(file.relative_to(ROOT)) for file in (ROOT / PACKAGE).rglob("*.py")}
    assert {"kernels", "models", "theory", "storage", "engine"} <= seen <= {None, *LAYERS}


def function_of(lines):
    return "def f():\n    '''A\n\n    docstring.'''\n    # a comment\n\n" + "    a = 1\n" * (
        lines - 1
    )


ENGINE, KERNELS = "langevin_sgd/engine/cpu.py", "langevin_sgd/kernels/rng.py"
OFFENCES = [
    (imports_point_down, KERNELS, "from ..models import potentials"),
    (imports_point_down, KERNELS, "from .. import engine"),
    (imports_point_down, ENGINE, "import langevin_sgd.analysis.density"),
    (imports_point_down, ENGINE, "from langevin_sgd import plots"),
    (imports_point_down, ENGINE, "from langevin_sgd import simulate"),
    (imports_point_down, ENGINE, "import langevin_sgd as ls"),
    (imports_point_down, ENGINE, "from .. import simulate"),
    (imports_point_down, ENGINE, "from ..command_line import words"),
    (imports_point_down, "langevin_sgd/models/__init__.py", "from ..storage import save"),
    (imports_point_down, "langevin_sgd/models/deep/file.py", "from ...theory import linear"),
    (
        imports_point_down,
        ENGINE,
        "def f():\n    def g():\n        from ..analysis.density import density",
    ),
    (imports_point_down, "langevin_sgd/helpers/file.py", "a = 1"),
    (imports_point_down, "langevin_sgd/helpers.py", "a = 1"),
    (imports_point_down, "langevin_sgd/arguments.py", "from .kernels import rng"),
    (kernels_stand_on_numba_and_numpy, KERNELS, "import scipy.linalg"),
    (kernels_stand_on_numba_and_numpy, KERNELS, "def f():\n    from xarray import Dataset"),
    (slow_imports_wait_inside_functions, ENGINE, "import matplotlib.pyplot as plt"),
    (slow_imports_wait_inside_functions, ENGINE, "from scipy import stats"),
    (slow_imports_wait_inside_functions, ENGINE, "try:\n    import sympy\nfinally:\n    pass"),
    (files_are_short, ENGINE, "a = 1\n" * (MAX_FILE_LINES + 1)),
    (functions_are_short, ENGINE, function_of(MAX_CODE_LINES + 1)),
    (functions_take_few_parameters, ENGINE, "def f(a, b, c, d, /, e, f, g, h, i, j, k): ..."),
    (public_names_have_docstrings, ENGINE, "def simulate():\n    return 1"),
    (public_names_have_docstrings, ENGINE, "class Potential:\n    name = 1"),
    (random_numbers_have_addresses, ENGINE, "x = np.random.normal()"),
    (random_numbers_have_addresses, ENGINE, "draw = numpy.random"),
    (random_numbers_have_addresses, ENGINE, "def f():\n    from numpy.random import normal"),
    (random_numbers_have_addresses, ENGINE, "from numpy import random"),
    (random_numbers_have_addresses, ENGINE, "import random"),
    (random_numbers_have_addresses, KERNELS, "x = np.random.default_rng(1)"),
    (random_numbers_have_addresses, KERNELS, "from numpy.random import SeedSequence"),
    (compiler_flags_keep_the_promises, ENGINE, "@njit(parallel=True)\ndef f(): ..."),
    (compiler_flags_keep_the_promises, ENGINE, "numba.njit(f, fastmath={'contract'})"),
    (compiler_flags_keep_the_promises, ENGINE, "flags = {'nogil': True, 'fastmath': True}"),
]
INNOCENT = [
    (
        imports_point_down,
        ENGINE,
        "import numpy\nfrom . import cpu\nfrom ..models.noise import gaussian\nimport "
        "langevin_sgd.kernels.rng",
    ),
    (
        imports_point_down,
        "langevin_sgd/__init__.py",
        "from .engine import simulate\nfrom .plots import density",
    ),
    (
        imports_point_down,
        "langevin_sgd/models/deep/file.py",
        "from ...kernels import rng\nfrom .. import noise",
    ),
    (kernels_stand_on_numba_and_numpy, "langevin_sgd/theory/linear.py", "import scipy.linalg"),
    (
        slow_imports_wait_inside_functions,
        ENGINE,
        "import scipy.special\ndef f():\n    import matplotlib.pyplot",
    ),
    (files_are_short, ENGINE, "a = 1\n" * MAX_FILE_LINES),
    (functions_are_short, ENGINE, function_of(MAX_CODE_LINES)),
    (
        functions_take_few_parameters,
        ENGINE,
        "def f(a, b, c, d, e, f, g, h, i, j, *, k): ...\n"
        "def __new__(cls, b, c, d, e, f, g, h, i, j, k): ...",
    ),
    (
        public_names_have_docstrings,
        ENGINE,
        "def _step(): ...\ndef step():\n    '''One step.'''\n    def inner(): ...",
    ),
    (
        random_numbers_have_addresses,
        ENGINE,
        "np.random.SeedSequence(1)\nfrom numpy.random import default_rng",
    ),
    (
        compiler_flags_keep_the_promises,
        ENGINE,
        "njit(f, nogil=True, parallel=False)\nflags = {'fastmath': False, **more}",
    ),
]


def names(case):
    return case.__name__ if callable(case) else None


@pytest.mark.parametrize(("rule", "place", "source"), OFFENCES, ids=names)
def test_a_planted_offence_is_caught(rule, place, source):
    assert complaints(rule, place, source)


@pytest.mark.parametrize(("rule", "place", "source"), INNOCENT, ids=names)
def test_what_is_allowed_is_not_caught(rule, place, source):
    assert not complaints(rule, place, source)


def test_every_rule_has_an_offence_and_an_innocent_twin():
    assert {rule for rule, *_ in OFFENCES} == {rule for rule, *_ in INNOCENT} == set(RULES)
