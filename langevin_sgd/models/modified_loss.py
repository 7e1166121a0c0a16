"""The modified loss: the landscape whose gradient flow the mean path of SGD follows one order in
the learning rate further.
"""

from functools import cache

import numpy as np

from ..arguments import one_of, within
from ..kernels import elementary
from ..kernels.functions import content, copied, is_helper, plain
from .expressions import sympy_functions
from .potential_record import Potential
from .records import of_kind, recorded
from .symbolic import printed_functions

MAX_DIM = 6


@recorded(
    model=of_kind(Potential, "a Potential (the energy of a Loss is a sum over its table)"),
    learning_rate=within(at_least=0),
    sampling=one_of("with_replacement"),
)
def modified_loss(model, learning_rate, sampling="with_replacement"):
    """U + (learning_rate/4) |grad U|^2, whose gradient flow gradient descent follows up to
    O(learning_rate^2).

    Parameters
    ----------
    model : Potential
        U: its `energy` is run once on symbols of sympy (extra `symbolic`), which also derives
        the Hessian.
    learning_rate : float >= 0
        eta, length squared per energy. A parameter: a sweep compiles nothing.
    sampling : {"with_replacement"}
        For the mean over many steps with independent noise no term is added. Reshuffled epochs add
        (eta/4) tr C, with the covariance C of their batches, which needs a data table: not offered.

    Returns
    -------
    Potential
        With the parameters of the model and `learning_rate`; without its drift.

    Raises
    ------
    ImportError
        Without sympy.
    TypeError
        If model is no Potential (a Loss cannot be written in closed form).
    ValueError
        With more than 6 dimensions, or an energy that is not smooth (elementary.where, maximum,
        abs).

    Notes
    -----
    This is about the path without noise. The stationary law of SGD at temperature T has the
    opposite sign: exp(-U_eta/T) with U_eta = U - (eta/4)|grad U|^2 + (eta T/2) Laplacian U, to
    first order in eta, for isotropic constant noise. Source: Barrett and Dherin 2021
    (arXiv:2009.11162); Smith, Dherin, Barrett and De 2021 (arXiv:2101.12176), who add the trace.
    Derivation: x' = x - eta g and the flow x(eta) = x - eta gm + (eta^2/2) H g agree at order eta^2
    if gm = g + (eta/2) H g."""
    if model.dim > MAX_DIM:
        raise ValueError(
            f"modified_loss writes out all second derivatives, for at most {MAX_DIM} dimensions; "
            f"got {model.dim}."
        )
    if "learning_rate" in model.params._fields:
        raise ValueError(
            f"{model.name!r} has a parameter learning_rate already; is it a modified loss?"
        )
    params = model.params._asdict() | {"learning_rate": learning_rate}
    shapes = tuple((name, np.shape(value)) for name, value in model.params._asdict().items())
    energy = plain(model.energy)
    found = _functions_of_modified(
        energy, content(energy), model.dim, type(model.params), shapes, model.name
    )
    name = f"modified_loss of {model.name}"
    return Potential(name, found[0], found[1], params, model.dim, found[2])


@cache
def _functions_of_modified(energy, key, dim, kind, shapes, name):
    """Energy, gradient and Hessian; `key`, the content of the energy, tells when they are stale."""
    import sympy

    def symbols(field, shape):
        places = [f"[{', '.join(map(str, place))}]" if shape else "" for place in np.ndindex(shape)]
        made = [sympy.Symbol(f"p.{field}{place}", real=True) for place in places]
        return np.array(made, dtype=object).reshape(shape)[()]

    variables = [f"x[{k}]" for k in range(dim)]
    x = [sympy.Symbol(each, real=True) for each in variables]
    try:
        loss = sympy.sympify(_on_symbols(energy)(kind(*(symbols(*each) for each in shapes)), x))
    except (TypeError, AttributeError) as error:
        raise ValueError(
            f"the energy of {name!r} cannot be run on symbols: {error}. It must be smooth, "
            "without branches."
        ) from error
    rate = sympy.Symbol("p.learning_rate", real=True)
    return printed_functions(
        loss + rate / 4 * sum(sympy.diff(loss, each) ** 2 for each in x),
        variables,
        f"modified loss of {name}",
    )


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
