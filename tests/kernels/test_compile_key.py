"""The key of machine code: whatever changes the code changes the key, and what cannot be stated has
none.
"""

import math
import types as python_types
from collections import namedtuple

import numba
import numpy as np
import pytest
from numba import types
from numba.core import config
from numba.core.registry import cpu_target
from numba.core.typing import templates

from langevin_sgd.kernels import compile_key
from langevin_sgd.kernels.compiling import linked
from langevin_sgd.kernels.lanes import floats
from langevin_sgd.kernels.rng import FLOATS
from langevin_sgd.kernels.views import view_type

NUMBERS = (types.float64,)


def key(function, args=NUMBERS, result=None, **options):
    return compile_key.key_of(
        numba.njit(**options)(function), args, result, cpu_target.target_context
    )


def written(source, **scope):
    """The function f of a piece of source, with these globals."""
    exec(source, scope)
    return scope["f"]


def base(**scope):
    return written("def f(x):\n    return SCALE * x\n", **({"SCALE": 2.0} | scope))


def helped(inner):
    """A function that calls a jitted one that calls `inner`, which is in a closure."""

    def middle(x):
        return inner(x) + 1.0

    middle = numba.njit(middle)

    def outer(x):
        return middle(x)

    return outer


AB = 1.0, 2.0


def with_default(value):
    def f(x, y=value):
        return x + y

    return f


def test_equal_functions_have_one_key():
    assert key(base()) == key(base()) is not None
    assert key(helped(base())) == key(helped(base())) is not None
    assert key(base()) == key(base(unused=[1, 2], other=math.pi))
    assert key(written("\n\n# moved\ndef f(x):\n    return SCALE * x\n", SCALE=2.0)) == key(base())


@pytest.mark.parametrize(
    "changed",
    [
        lambda: base(SCALE=2),
        lambda: base(SCALE=np.float32(2.0)),
        lambda: base(SCALE=np.nextafter(2.0, 3.0)),
        lambda: written("def f(x):\n    return SCALE + x\n", SCALE=2.0),
        lambda: written("def f(x):\n    return 2.0 * x\n"),
        lambda: written("def f(y):\n    return SCALE * y\n", SCALE=2.0),
    ],
)
def test_text_constants_and_their_types_count(changed):
    assert key(changed()) not in (None, key(base()))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (0.0, -0.0),
        (1, True),
        (1, 1.0),
        ((1, 2), (1, (2,))),
        ("a", b"a"),
        (None, ()),
        (AB, AB[::-1]),
    ],
)
def test_values_that_look_alike_differ(one, other):
    assert key(with_default(one)) != key(with_default(other))
    assert None not in (key(with_default(one)), key(with_default(other)))


def test_helpers_of_helpers_and_their_flags_count():
    flagged = numba.njit(base()), numba.njit(error_model="numpy")(base())
    helpers = base(), base(SCALE=3.0), *flagged, math.sin, math.cos, np.sin
    keys = {key(helped(each)) for each in (*helpers, lambda x: x, lambda x: -x)}
    assert len(keys) == 9 and None not in keys


def test_options_and_types_count():
    options = {}, {"nogil": True}, {"error_model": "numpy"}, {"result": types.float32}
    arrays = [types.Array(types.float64, 1, layout) for layout in "CA"]
    arrays += [types.Array(types.float64, 1, "C", readonly=True)]
    kinds = types.float32, view_type(2), view_type(3), floats, *arrays
    keys = {key(base(), **each) for each in options} | {key(base(), (kind,)) for kind in kinds}
    assert len(keys) == 11 and None not in keys


def test_parameters_count_by_their_names():
    """numba prints both types alike."""
    one, other = (numba.typeof(namedtuple("Params", names)(1.0, 2.0)) for names in ("a b", "b a"))
    assert str(one) == str(other)
    assert key(base(), (one,)) != key(base(), (other,))
    assert key(base(), (one,)) == key(
        base(), (numba.typeof(namedtuple("Params", "a b")(1.0, 2.0)),)
    )


def test_code_that_is_called_and_not_swallowed_counts():
    def doubled(v):
        v[0] = 2.0 * v[0]

    def tripled(v):
        v[0] = 3.0 * v[0]

    keys = [key(helped(linked(function, FLOATS)), (FLOATS,)) for function in (doubled, tripled)]
    assert keys[0] != keys[1] and None not in keys


def test_processor_settings_versions_and_sources_count(monkeypatch):
    first = key(base())
    monkeypatch.setattr(config, "CPU_NAME", "generic")
    keys = [first, key(base())]
    monkeypatch.setattr(config, "BOUNDSCHECK", 1)
    keys += [key(base())]
    another = python_types.SimpleNamespace(version="4.0", modules={})
    changed = {"WIDTH": 4, "_SOURCES": "other", "sys": another, "GENERATOR": "threefry"}
    for name, value in changed.items():
        monkeypatch.setattr(compile_key, name, value)
        compile_key._process.cache_clear()
        keys += [key(base())]
    monkeypatch.setattr(compile_key, "_SOURCES", None)
    assert key(base()) is None
    monkeypatch.undo()
    compile_key._process.cache_clear()
    assert len(set(keys)) == 7 and None not in keys
    assert key(base()) == first


class Thing:
    __module__ = "numpy"  # it may say what it likes


UNSTATED = [np.ones(2), [1.0], {"a": 1.0}, Thing(), Thing, helped(Thing())]
UNSTATED += [np.random.default_rng(1).random]


@pytest.mark.parametrize("value", UNSTATED, ids=lambda value: type(value).__name__)
def test_what_cannot_be_stated_has_no_key(value):
    assert key(base(SCALE=value)) is None
    assert key(with_default(value)) is None


def test_no_key_once_somebody_else_has_taught_numba(monkeypatch):
    made = type("Template", (), {"_overload_func": staticmethod(base()), "__module__": "abc"})
    monkeypatch.setattr(
        templates.builtin_registry, "functions", [*templates.builtin_registry.functions, made]
    )
    assert key(base()) is None
