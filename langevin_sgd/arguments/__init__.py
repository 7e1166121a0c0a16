# ruff: noqa: F401
"""The one checker of arguments, for every layer: an error names the argument, its value, what is
allowed and the way out. `checks` are of single values, `matrices` of matrices; `decorators` and
`formulas` put them in front of a function, `names` answers wrong names."""

from .checks import (
    LARGEST,
    LONGEST,
    LONGEST_SWEEP,
    all_within,
    anything,
    check_count,
    check_range,
    choice,
    finite_array,
    flag,
    function,
    instance,
    integer,
    number,
    numbers,
    one_of,
    optional,
    path,
    probabilities,
    real_array,
    shown,
    text,
    whole,
    whole_numbers,
    within,
    word,
)
from .decorators import (
    QUANTITIES,
    bound,
    checked,
    keeps_signature,
    names_of_components,
    with_coordinates,
)
from .formulas import formula
from .matrices import (
    covariance_matrix,
    matrix_or_diagonal,
    one_matrix,
    positive_matrix,
    square_matrix,
    symmetric_matrix,
)
from .names import meant, nearest
