# ruff: noqa: F401
"""The one checker of arguments, for every layer: an error names the argument, its value, what is
allowed and the way out. `checks` are of single values, `arrays` of arrays; `decorators` and
`formulas` put them in front of a function, `names` answers wrong names."""

from .arrays import (
    LONGEST_SWEEP,
    all_within,
    check_count,
    covariance_matrix,
    finite_array,
    matrix_or_diagonal,
    numbers,
    one_matrix,
    positive_matrix,
    probabilities,
    real_array,
    square_matrix,
    symmetric_matrix,
)
from .checks import (
    LARGEST,
    LONGEST,
    anything,
    check_range,
    choice,
    flag,
    function,
    instance,
    integer,
    number,
    one_of,
    optional,
    path,
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
from .names import meant, nearest
