"""The root of a rising function, whatever its size."""

import pytest

from langevin_sgd.theory.roots import rising_root


@pytest.mark.parametrize("root", [3e-200, 0.7, 5e200])
def test_a_root_is_found_at_any_size(root):
    assert rising_root(lambda x: x / root - 1, 1.0) == pytest.approx(root, rel=1e-13)


def test_what_has_no_root_is_refused_in_the_words_of_the_caller():
    with pytest.raises(ValueError, match="it stays below"):
        rising_root(lambda x: x / (1 + x) - 2, 1.0, "it stays below 1.", times=1e6)
