# ruff: noqa: F401
"""The one checker of arguments, for every layer: an error names the argument, its value, what is
allowed and the way out. `checks` are of single values, `decorators` put them in front of a
function."""

from .checks import (
    LARGEST,
    LONGEST,
    LONGEST_SWEEP,
    all_within,
    anything,
    check_count,
    check_range,
    choice,
    covariance_matrix,
    finite_array,
    flag,
    function,
    instance,
    integer,
    matrix_or_diagonal,
    nearest,
    number,
    numbers,
    one_matrix,
    one_of,
    optional,
    path,
    positive_matrix,
    probabilities,
    real_array,
    shown,
    square_matrix,
    symmetric_matrix,
    text,
    whole,
    whole_numbers,
    within,
    word,
)
from .coordinates import names_of_components, with_coordinates
from .decorators import QUANTITIES, bound, checked, formula, keeps_signature, meant
