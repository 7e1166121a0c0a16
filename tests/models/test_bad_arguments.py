"""Every argument of every public constructor, with bad input of every kind: the message names it,
its value and the range.
"""

import time

import numpy as np
import pytest
from bad_inputs import BAD, INTERNAL, MAKERS, SPACES, VALID, anything, arguments, bad_rows, made
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

UNNAMED = ("text", "variables")  # their messages show the part of the formula that is wrong
TIED = ("shape", "uniforms", "draw_normals", "draw_uniforms", "vectors")  # to other arguments
PLACES = [(maker, argument) for maker in MAKERS for argument in arguments(maker)]


@pytest.mark.parametrize("maker", MAKERS)
def test_valid_arguments_make_a_record(maker):
    assert made(maker) is not None


@pytest.mark.parametrize("maker", MAKERS)
def test_bad_input_is_refused_with_a_message_that_names_it(maker):
    for argument in arguments(maker):
        for value, error, message in bad_rows(maker, argument):
            start = time.process_time()
            with pytest.raises(error) as caught:
                made(maker, **{argument: value})
            said = str(caught.value)
            assert type(caught.value) is error, (argument, value, said)
            assert message in said and (argument.rstrip("s") in said or argument in UNNAMED), (
                argument,
                value,
                said,
            )
            if message.endswith(", got") and type(value) in (float, str):
                assert f"{message} {value!r}" in said, (argument, value, said)
            assert len(said) < 700 and time.process_time() - start < 5, (argument, value, said)


@pytest.mark.parametrize("maker", MAKERS)
def test_every_argument_of_every_constructor_has_bad_input(maker):
    for argument in arguments(maker):
        assert bad_rows(maker, argument), (
            f"{maker} has an argument {argument!r} without rows in bad_inputs.BAD: add them"
        )


def test_an_argument_without_bad_input_is_noticed():
    """The twin."""
    assert not bad_rows("sgd", "an_argument_to_come")


def test_no_row_is_of_an_argument_that_is_gone():
    known = {argument for _, argument in PLACES} | {
        f"{maker}.{argument}" for maker, argument in PLACES
    }
    assert set(BAD) <= known and set(VALID) <= known
    assert all(any(hasattr(space, name) for space in SPACES.values()) for name in INTERNAL)


@pytest.mark.parametrize("maker", MAKERS)
def test_numpy_scalars_and_arrays_without_dimensions_are_numbers(maker):
    for argument in arguments(maker):
        messages = [message for _, _, message in bad_rows(maker, argument)]
        size = {"alpha": 1.5, "dof": 3.0, "amplification": 1.5}.get(argument, 0.5)
        good = ()
        if "must be a number, got" in messages:
            kinds = (np.float64, np.float32, np.longdouble, np.array)
            good = (*(kind(size) for kind in kinds), np.array(size, np.float16))
        elif "must be a whole number, got" in messages and argument not in TIED:
            good = (np.int32(2), np.uint8(2), np.array(2))
        for value in good:
            assert made(maker, **{argument: value})


@seed(20261122)
@settings(max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(PLACES), anything())
def test_anything_at_all_is_refused_with_a_type_error_or_a_value_error_or_makes_a_record(
    place, value
):
    maker, argument = place
    try:
        made(maker, **{argument: value})
    except (TypeError, ValueError) as error:
        assert str(error)
