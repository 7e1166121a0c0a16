"""The modified loss: the landscape whose gradient flow the mean path of SGD follows one order in
the learning rate further.
"""

from functools import cache

import numpy as np

from ..arguments import one_of, whole, within
from ..kernels import elementary
from ..kernels.function_content import content
from ..kernels.functions import copied, is_helper, plain
from .expressions import sympy_functions
from .loss_record import Loss
from .potential_record import Potential
from .records import of_kind, recorded
from .symbolic import printed_functions
from .table_means import printed_modified_loss

MAX_DIM = 6


@recorded(
    model=of_kind((Potential, Loss), "a Potential or a Loss"),
    learning_rate=within(at_least=0),
    sampling=one_of("with_replacement", "reshuffle"),
    batch_size=whole(1),
)
def modified_loss(model, learning_rate, sampling="with_replacement", batch_size=1):
    """The loss down which gradient descent flows: U plus (learning_rate/4) times its squared slope.

    Its gradient flow is followed up to O(learning_rate^2); reshuffled epochs add a term of their
    order.

    Parameters
    ----------
    model : Potential or Loss
        U: its `energy` (of an example) is run once on symbols of sympy (extra `symbolic`), which
        also derives the Hessian. Of a Loss it is the mean over the table.
    learning_rate : float, >= 0
        eta, length squared per energy. A parameter: a sweep compiles nothing.
    sampling : {"with_replacement", "reshuffle"}
        For independent noise no term is added: this is the drift of the modified equation. A Loss
        in reshuffled epochs gets (eta/4) tr C with C = Sigma/B (N - B)/(N - 1), the covariance of
        its batches: the mean over orders of the point after an epoch.
    batch_size : int, >= 1
        B, for "reshuffle", where it divides N.

    Returns
    -------
    Potential
        With the parameters of the model and `learning_rate`, for a Loss also `table` and
        `noise_share`, the factor of tr Sigma; without its drift.

    Raises
    ------
    ImportError
        Without sympy.
    ValueError
        With more than 6 dimensions, an energy that is not smooth (elementary.where, maximum, abs),
        a Loss that draws fresh examples or whose functions read row numbers, or reshuffling without
        a table.

    Notes
    -----
    This is about the path without noise. The stationary law of SGD at temperature T has the
    opposite sign: exp(-U_eta/T) with U_eta = U - (eta/4) (grad U)^2 + (eta T/2) Laplacian U, to
    first order in eta, for isotropic constant noise. Source: Barrett and Dherin 2021
    (arXiv:2009.11162); Smith, Dherin, Barrett and De 2021 (arXiv:2101.12176), who add the trace.
    Derivation: x' = x - eta g and the flow x(eta) = x - eta gm + (eta^2/2) H g agree at order eta^2
    if gm = g + (eta/2) H g. In an epoch of M batches the second-order term is eta^2 times the sum
    over i < j of H_j g_i, whose mean over orders is half of (M G)' = M^2 H G less sum_i H_i g_i.

    Examples
    --------
    For U = x^2 at x = 1 with the rate 0.1: 1 + (0.1/4) * 2^2.

    >>> flow = ls.potentials.modified_loss(ls.potentials.quadratic([2.0]), 0.1)
    >>> print(f"{ls.evaluate(flow, [1.0], 'energy'):.3f}")
    1.100
    """
    _refuse(model, sampling, batch_size)
    params, columns = model.params._asdict(), None
    shapes = tuple((name, np.shape(value)) for name, value in params.items())
    params["learning_rate"] = learning_rate
    if model.data is not None:
        examples, columns = model.data.shape
        share = 0.0
        if sampling == "reshuffle":
            share = (examples - batch_size) / (batch_size * max(1, examples - 1))
        params |= {"table": model.data, "noise_share": share}
    function = plain(model.function("energy"))
    energy, gradient, hessian = _functions_of_modified(
        function, content(function), model.dim, columns, type(model.params), shapes, model.name
    )
    name = f"modified_loss of {model.name}"
    return Potential(name, energy, gradient, params, model.dim, hessian)


def _refuse(model, sampling, batch_size):
    """Refuse a model whose modified loss is not known."""
    if model.dim > MAX_DIM:
        raise ValueError(
            "model must have few enough second derivatives to be written out, those of at most "
            f"{MAX_DIM} dimensions; got {model.dim}."
        )
    taken = {"learning_rate", "table", "noise_share"} & set(model.params._fields)
    if taken:
        raise ValueError(
            f"model must have no parameter {min(taken)}, but {model.name!r} has. Is it a modified "
            "loss already? Pass the model that it was made of."
        )
    if getattr(model, "draw", None) is not None:
        raise ValueError(
            f"model must be one landscape, but {model.name!r} draws fresh examples. Pass its mean, "
            "a Potential."
        )
    if sampling != "reshuffle":
        return
    examples = 0 if model.data is None else len(model.data)
    if not examples or examples % batch_size:
        raise ValueError(
            "sampling must be 'with_replacement' for a Potential, and batch_size must divide the "
            f"number of examples for 'reshuffle': got {batch_size} and {examples} examples."
        )


@cache
def _functions_of_modified(energy, key, dim, columns, kind, shapes, name):
    """Energy, gradient and Hessian; `key`, the content of the energy, tells when they are stale."""
    import sympy

    def symbols(field, shape):
        places = [f"[{', '.join(map(str, place))}]" if shape else "" for place in np.ndindex(shape)]
        made = [sympy.Symbol(f"p.{field}{place}", real=True) for place in places]
        return np.array(made, dtype=object).reshape(shape)[()]

    def several(names):
        return [sympy.Symbol(each, real=True) for each in names]

    x = several(f"x[{k}]" for k in range(dim))
    given = [kind(*(symbols(*each) for each in shapes)), x]
    if columns is not None:
        given.append(several(f"p.table[i, {c}]" for c in range(columns)))
    try:
        loss = sympy.sympify(_on_symbols(energy)(*given))
    except (TypeError, AttributeError) as error:
        raise ValueError(
            f"model must have a smooth energy, without branches, but that of {name!r} cannot be "
            f"run on symbols: {error}."
        ) from error
    label = f"modified loss of {name}"
    if columns is not None:
        return printed_modified_loss(loss, x, label)
    rate = sympy.Symbol("p.learning_rate", real=True)
    penalty = sum(sympy.diff(loss, each) ** 2 for each in x)
    return printed_functions(loss + rate / 4 * penalty, [each.name for each in x], label)


def _on_symbols(function):
    """A copy of a function in which the functions of `elementary` are those of sympy."""
    calls = sympy_functions() | {"fma": lambda a, b, c: a * b + c, "powi": lambda a, n: a**n}
    calls["sincos"] = lambda z: (calls["sin"](z), calls["cos"](z))

    def converted(value):
        name = getattr(plain(value), "__name__", "")
        if value is getattr(elementary, name, None):
            return calls.get(name, _refused(name))
        return _on_symbols(plain(value)) if is_helper(value) else value

    return copied(function, converted)


def _refused(name):
    def refuse(*arguments):
        raise TypeError(f"elementary.{name} is not smooth")

    return refuse
