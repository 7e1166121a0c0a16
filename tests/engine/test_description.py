"""What a run or a sweep was made of, as plain data: the same for the same thing in another process,
another for another thing."""

import functools
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import langevin_sgd as ls
from langevin_sgd.engine.description import data_of


def written(source, **scope):
    """The function f of a piece of source."""
    exec(source, scope)
    return scope["f"]


def of_a_module(constant):
    """A function that reads numbers and a helper through a module of the user's."""
    module = type(sys)("module_of_the_users")
    module.constant, module.helper, module.unused = constant, lambda x: x, object()
    return written("def f(x):\n    return module.helper(x) * module.constant", module=module)


def closing_over(value):
    return lambda x: x * value


def with_default(value):
    return lambda x, y=value: x * y


def with_keyword(value):
    def rule(x, *, y=value):
        return x * y

    return rule


def with_inner(value):
    """The constant is that of a function in the function."""
    return written(f"def f(x):\n    def inner(y):\n        return {value} * y\n    return inner(x)")


def of_a_helper(value):
    helper = written("def f(x):\n    return K * x", K=value)
    return written("def f(x):\n    return g(x)", g=helper)


class Rule:
    """A rule with numbers of its own."""

    def __init__(self, value):
        self.value = value

    def __call__(self, k):
        return self.value + 0 * k

    def other(self, k):
        return self.value + k


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value

    def __call__(self, k):
        return self.value * k


def class_with(value):
    """An object whose class differs."""
    return type("Made", (), {"__call__": closing_over(value)})()


def mutated(value):
    function = written("def f(x):\n    return table[0] * x", table=np.zeros(3))
    function.__globals__["table"][0] = value
    return function


def swapped(value):
    """What autoreload does."""
    function = with_default(0.0)
    function.__code__ = closing_one(value).__code__
    return function


def closing_one(value):
    return written(f"def f(x, y=0.0):\n    return x + y + {value}")


@pytest.mark.parametrize(
    "made",
    [
        closing_over,
        with_default,
        with_keyword,
        with_inner,
        of_a_helper,
        of_a_module,
        mutated,
        swapped,
        Rule,
        Slotted,
        class_with,
        lambda value: Rule(value).other,
        lambda value: functools.partial(written("def f(k, a):\n    return k * a"), a=value),
        lambda value: functools.partial(Rule(value), 1),
        lambda value: written("def f(x):\n    return K * x", K=value),
        lambda value: written("def f(x):\n    return K[0] * x", K={0: value}),
        lambda value: written("def f(x):\n    return rule(x)", rule=Rule(value)),
        lambda value: ls.schedules.Schedule("own", Rule(value), {}),
        lambda value: ls.schedules.from_values([0.1, value]),
        ls.dynamics.sgd,
        lambda value: np.full(100, value),
    ],
)
def test_whatever_decides_what_a_thing_does_counts(made):
    assert data_of(made(2.0)) == data_of(made(2.0)) != data_of(made(3.0))


def test_comments_names_and_line_numbers_do_not_count():
    one = written("def f(x):\n    return x")
    assert data_of(one) == data_of(written("# why\ndef f(x):\n\n    # how\n    return x"))
    assert data_of(one) != data_of(written("def f(x):\n    return -x"))


def test_a_source_that_is_edited_after_its_import_does_not_count(tmp_path, monkeypatch):
    """What runs is what was imported."""
    file = tmp_path / "edited_later.py"
    file.write_text("def f(x):\n    return 2.0 * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    import edited_later

    before = data_of(edited_later.f)
    file.write_text("def f(x):\n    return 3.0 * x\n")
    assert data_of(edited_later.f) == before


def test_what_calls_itself_is_described():
    scope = {}
    exec("def f(n):\n    return g(n - 1)\ndef g(n):\n    return f(n) if n else K\nK = 1.0", scope)
    first = data_of(scope["f"])
    scope["K"] = 2.0
    assert data_of(scope["f"]) != first


def test_arrays_count_by_their_numbers():
    long = np.arange(100.0)
    assert data_of(long) == data_of(xr.DataArray(long)) != data_of(long + 1)
    assert len(data_of(long)["sha256"]) == 64
    assert data_of([np.float64(1), (2, "a"), {"b": None}]) == [1.0, [2, "a"], {"b": None}]


@pytest.mark.parametrize(
    "value",
    [object(), open(__file__, "rb"), (x for x in "a")],  # noqa: SIM115
    ids=["object", "file", "generator"],
)
def test_what_cannot_be_written_down_is_refused(value):
    with pytest.raises(TypeError, match="of type .* cannot be written down; give numbers"):
        data_of({"a": value})
    with pytest.raises(TypeError, match="of type .* cannot be written down; give numbers"):
        data_of(written("def f(x):\n    return value", value=value))


def test_another_process_finds_the_same():
    """Python's own hashes of text differ from process to process."""
    made = "(ls.dynamics.underdamped_langevin(1.0, 1.0, 0.1), lambda x: x in {'a', 'b', 'c'})"
    text = "import langevin_sgd as ls; from langevin_sgd.engine.description import *"
    done = subprocess.run(
        [sys.executable, "-c", f"{text}; print(data_of({made}))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(data_of(eval(made)))
