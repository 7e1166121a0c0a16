"""The checks of arguments: what each accepts and gives, what it refuses and in which words."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import langevin_sgd as ls
from langevin_sgd import arguments as a

NAN = float("nan")
POSITIVE, SHARE = a.within(above=0), a.within(at_least=0, below=1)
FEW = a.whole(1, 10)
NEAREST = a.one_of(None, "torch", "lookahead")
VECTOR = partial(a.finite_array, ndim=1, longest=3)
PAIR = partial(a.symmetric_matrix, dim=2)
MASKED = np.ma.array([1.0, 2.0], mask=[0, 1])
LONGDOUBLE = np.longdouble("1e4000")
DATE = np.array(["2026-01-01"], dtype="datetime64[D]")
NUMBER, ARRAY = "must be a number, got", "must be a number or an array of real numbers, got"


class Odd:
    def __repr__(self):
        raise RuntimeError("no words")


ACCEPTED = [
    (a.number, 3, 3.0),
    (a.number, np.float32(0.5), 0.5),
    (a.number, np.array(2), 2.0),
    (SHARE, 0.0, 0.0),
    (a.within(at_most=1), 1, 1.0),
    (FEW, np.int8(9), 9),
    (a.whole(0), np.array(0), 0),
    (a.whole_numbers, 3, (3,)),
    (a.whole_numbers, range(2), (0, 1)),
    (a.real_array, [1, NAN], [1.0, NAN]),
    (a.real_array, LONGDOUBLE, np.inf),
    (VECTOR, [1, 2, 3], [1.0, 2.0, 3.0]),
    (a.all_within(at_least=0), [[0, 1]], [[0.0, 1.0]]),
    (a.all_within(above=0), [], []),
    (a.probabilities, [0.25, 0.75, 0], [0.25, 0.75, 0.0]),
    (a.square_matrix, [[1, 2], [3, 4]], [[1, 2], [3, 4]]),
    (a.matrix_or_diagonal, 2, [2.0]),
    (a.matrix_or_diagonal, [[1, 2], [2, 1]], [[1, 2], [2, 1]]),
    (a.one_matrix, [1, 2], [[1, 0], [0, 2]]),
    (a.symmetric_matrix, 2, [[2.0]]),
    (PAIR, [1, 2], [[1, 0], [0, 2]]),
    (a.symmetric_matrix, np.ones((5, 1, 1)), np.ones((5, 1, 1))),
    (a.covariance_matrix, [1.0, 0.0], [[1, 0], [0, 0]]),
    (a.positive_matrix, [[[1e-20]], [[1.0]]], [[[1e-20]], [[1.0]]]),
    (NEAREST, None, None),
    (NEAREST, "torch", "torch"),
    (a.one_of(True, False), np.True_, True),
    (a.flag, np.False_, False),
    (a.text, "my well", "my well"),
    (a.path, "run.nc", Path("run.nc").absolute()),
    (a.function, len, len),
    (a.optional(POSITIVE), None, None),
    (a.optional(POSITIVE), 2, 2.0),
    (a.anything, DATE, DATE),
]
REFUSED = [  # check, value, type of the error, the message after the name
    (a.number, "3", TypeError, f"{NUMBER} '3'"),
    (a.number, True, TypeError, f"{NUMBER} True"),
    (a.number, [1.0], TypeError, rf"{NUMBER} \[1.0\]"),
    (a.number, Odd(), TypeError, f"{NUMBER} a value of the type Odd"),
    (a.number, NAN, ValueError, "must be a finite number, got nan"),
    (a.number, 10**400, ValueError, "must be a finite number, got 1000.* 0000"),
    (POSITIVE, 0, ValueError, "must be > 0, got 0.0"),
    (SHARE, 1.0, ValueError, "must be >= 0 and < 1, got 1.0"),
    (a.within(at_most=1), 2, ValueError, "must be <= 1, got 2.0"),
    (a.whole(1), 2.0, TypeError, r"must be a whole number, got 2.0. Write 2\."),
    (a.whole(1), "27", TypeError, r"must be a whole number, got '27'. Write 27\."),
    (a.whole(1), str(2**64 - 1), TypeError, r"Write 18446744073709551615\."),  # the largest seed
    (a.whole(1), 2.5, TypeError, "must be a whole number, got 2.5.$"),
    (FEW, 10, ValueError, "must be >= 1 and < 10, got 10"),
    (a.whole(1), 2**63, ValueError, "must be >= 1 and < 9223372036854775808, got 92"),
    (a.whole_numbers, [1, -1], ValueError, "must be >= 0, got -1"),
    (a.whole_numbers, "12", TypeError, "must be a whole number, got '12'"),
    (a.whole_numbers, (), ValueError, "must be 1 to 100000000 numbers, got 0"),
    (a.real_array, None, TypeError, f"{ARRAY} None"),
    (a.text, np.eye(2), TypeError, r"got array\(\[\[1., 0.\], \[0., 1.\]\]\)"),
    (a.text, xr.Dataset({"a": 1, "b": 2}), TypeError, "got a dataset of a, b"),
    (a.real_array, [[1, 2], [3]], TypeError, rf"{ARRAY} \[\[1, 2\], \[3\]\]"),
    (a.real_array, [True], TypeError, r"got \[True\]. Write 1.0 \* rate for 0 and 1"),
    (a.real_array, 1j, TypeError, f"{ARRAY} 1j. Convert it with numpy.asarray"),
    (a.real_array, DATE, TypeError, r"of dtype datetime64\[D\]"),
    (a.real_array, MASKED, TypeError, "must have no masked entries"),
    (VECTOR, [[1.0]], ValueError, r"must have 1 dimensions, got the shape \(1, 1\)"),
    (VECTOR, [1.0] * 4, ValueError, "at most 3 numbers in an array, got 4"),
    (VECTOR, np.broadcast_to(1.0, (10**5, 10**5)), ValueError, "got 10000000000"),
    (VECTOR, [NAN], ValueError, r"must be finite, got \[nan\]"),
    (a.all_within(at_least=0), [1, -2], ValueError, "must be >= 0, got -2.0"),
    (a.probabilities, [0.5, 0.6], ValueError, r"sum to 1; the shape is \(2,\), the sum 1.1"),
    (a.square_matrix, [1.0, 2.0], ValueError, r"must have the shape \(n, n\), got the shape \(2,"),
    (a.one_matrix, np.ones((2, 1, 1)), ValueError, r"must have the shape \(d, d\)"),
    (a.one_matrix, np.ones(20_000), ValueError, "must ask for at most 100000000 numbers"),
    (a.matrix_or_diagonal, [], ValueError, r"\(d,\) for a diagonal matrix; got the shape \(0,\)"),
    (a.symmetric_matrix, [[1.0, 2.0]], ValueError, r"got the shape \(1, 2\)"),
    (a.symmetric_matrix, np.ones(10**5), ValueError, "at most 100000000 numbers"),
    (PAIR, [1.0, 2.0, 3.0], ValueError, r"must have the shape \(2, 2\) or \(2,\), got .* \(3,\)"),
    (a.symmetric_matrix, [[1, 0.3], [0.2, 1]], ValueError, r"symmetric, but entry \(0, 1\) is 0.3"),
    (a.covariance_matrix, [1.0, -1.0], ValueError, "all eigenvalues >= 0, got the eigenvalue -1"),
    (a.positive_matrix, [1.0, 0.0], ValueError, "positive definite, .* eigenvalue 0. Drop its"),
    (NEAREST, "Torch", ValueError, "one of None, 'torch', .* 'Torch'. Did you mean 'torch'"),
    (NEAREST, np.eye(2), ValueError, "must be one of"),
    (a.flag, 1, TypeError, "must be True or False, got 1"),
    (a.text, "", TypeError, "must be text, like 'my_well', got ''"),
    (a.word, "a/b", ValueError, "without slashes .* got 'a/b'"),
    (a.path, 3, TypeError, "must be a path, like .* got 3"),
    (a.path, "a\0", ValueError, "without NUL"),
    (a.function, 3, TypeError, "must be a function, got 3"),
    (partial(a.instance, kinds=int, words="an int"), "a", TypeError, "must be an int, got 'a'"),
]


@pytest.mark.parametrize(("check", "value", "expected"), ACCEPTED)
def test_what_is_accepted_comes_back_in_the_form_that_the_code_wants(check, value, expected):
    given = check(value, "rate")
    np.testing.assert_array_equal(given, expected)
    if isinstance(given, np.ndarray) and given.dtype.kind == "f":
        assert given.dtype == np.float64 and given.flags.c_contiguous
        assert not np.shares_memory(given, value)
    elif not isinstance(given, np.ndarray):
        assert type(given) is type(expected)


@pytest.mark.parametrize(("check", "value", "error", "message"), REFUSED)
def test_what_is_refused_is_named_with_its_value_and_the_range(check, value, error, message):
    with pytest.raises(error, match=f"^rate .*{message}") as raised:
        check(value, "rate")
    assert len(str(raised.value)) < 500


def test_rounding_is_symmetrised():
    clean = a.symmetric_matrix([[1.0, 0.3], [0.3 + 1e-13, 1.0]], "hessian")
    assert clean[0, 1] == clean[1, 0]


@a.checked(count=a.whole(1), learning_rate=POSITIVE)
def simulate(learning_rate, count=2, *, momentum=0.0, note=None):
    return learning_rate, count, momentum, note


@a.formula(x=a.finite_array, y=a.finite_array)
def ratio(x, y=1.0):
    return x / y


@a.formula(x=a.finite_array)
def nested(x):
    return ratio(x, y=[1.0, 2.0, 3.0])


def test_a_checked_function_sees_its_arguments_checked_and_defaults_as_they_are():
    assert simulate(1, np.int8(3), momentum=0.5) == (1.0, 3, 0.5, None)
    assert simulate(1) == (1.0, 2, 0.0, None)
    assert simulate.checks["note"] is a.anything and simulate.checks["momentum"] is not a.anything
    assert simulate.__name__ == "simulate"
    with pytest.raises(NameError, match="no arguments .'rate'"):
        a.checked(rate=POSITIVE)(lambda learning_rate: learning_rate)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ls.dynamics.langevin(1.0, lr=1), "no argument 'lr'; it .* mean 'step_size'"),
        (lambda: ls.dynamics.sgd(step_size=1), "no argument .* Did you mean 'learning_rate'"),
        (lambda: ls.Loss("a", table=1), "no argument 'table'.* Did you mean 'data'"),
        (lambda: ls.analysis.basins(1, model=1), "no argument .* Did you mean 'potential'"),
        (lambda: simulate(lr=1), "no argument 'lr'; it takes .* Did you mean 'learning_rate'"),
        (lambda: simulate(1, cuont=1), "no argument 'cuont'.* Did you mean 'count'"),
        (lambda: simulate(), r"simulate\(\): missing a required argument: 'learning_rate'"),
        (lambda: ls.run_until_stationary(n=4), "missing .* it takes .* mean 'particles'"),
        (lambda: ls.evaluate(None, [0.0], quantiti="energy"), "no argument .* mean 'quantity'"),
        (lambda: simulate(1, 2, 3), "too many positional arguments"),
        (lambda: ls.simulate(1, 2, 3, 4), "arguments; these are given by name: particles, steps,"),
        (lambda: simulate(1, momentum=1.0), "momentum must be >= 0 and < 1, got 1.0"),
    ],
)
def test_a_call_that_does_not_fit_names_the_argument_and_the_nearest_one(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


@pytest.mark.parametrize(
    ("value", "meant"),
    [("decay_rate", ""), ("no_rows", ""), ("lerning_rate", "learning_rate"), ("rate", "the_rate")],
)
def test_what_two_names_end_in_alike_makes_neither_of_the_other(value, meant):
    found = a.nearest(value, ["learning_rate", "with_rows", "the_rate"])
    assert found == (f" Did you mean {meant!r}?" if meant else "")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ratio(1.0, 0.0), "ratio has no finite value here.* Given: x = 1.0, y = 0.0"),
        (lambda: ratio([1, 2], [1, 2, 3]), r"Given: x = \[1.0, 2.0\], y = \[1.0, 2.0, 3.0\]"),
        (lambda: ratio(np.ones(9), np.ones(2)), r"x = an array of the shape \(9,\)"),
        (lambda: nested([1.0, 2.0]), r"operands [^G]* Given: x = \[1.0, 2.0\]$"),
        (lambda: ratio("x"), "^x must be a number or an array"),
    ],
)
def test_a_formula_gives_finite_numbers_or_names_all_arguments(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


def test_a_formula_may_say_that_it_gives_infinite_numbers_or_nan():
    infinite = a.formula(lambda x: 1 / np.asarray(x), infinite=True)
    undefined = a.formula(lambda x: (1.0, np.sqrt(np.asarray(x))), nan=True)
    assert infinite(0.0) == np.inf and np.isnan(undefined(-1.0)[1])
    for function, value in ((infinite, np.nan), (undefined, np.inf)):
        with pytest.raises(ValueError, match="no finite value"):
            function(value)
