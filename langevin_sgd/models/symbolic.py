"""Potentials written as one line of text: sympy derives gradient and Hessian. Needs the extra
`symbolic`.

`expressions` reads the text through a whitelist, sympy differentiates, and the result is printed as
three functions in terms of `elementary`, with common subexpressions pulled out."""

import linecache
import math
from functools import cache
from hashlib import sha256
from itertools import count, product

from ..arguments import number, shown
from ..kernels import elementary
from .expressions import SMOOTHER, expression_tree, names_of, short, sympy_expression
from .potential_record import Potential
from .records import recorded

MAX_OPERATIONS = 5_000


@recorded
def from_expression(text, variables, /, **params):
    """A potential from its formula: sympy derives gradient and Hessian.

    Parameters
    ----------
    text : str
        The energy, such as ``"barrier * (x**2 - 1)**2 + k/2 * (y - x)**2"``: numbers, `pi`, names
        of variables and parameters, ``+ - * /``, ``**`` with a numeric exponent, and exp, expm1,
        log, log1p, sin, cos, tan, tanh, sigmoid, softplus, sqrt. A power that is no multiple of 1/2
        is that of a positive number. The text is read by a whitelist and never evaluated as Python:
        one from a file is safe.
    variables : sequence of str, or one str with the names separated by spaces or commas
        Names of the d components of x, in their order.
    **params : float
        Every other name in the text. They are data: another value compiles nothing.

    Returns
    -------
    Potential
        Its name is the text. Energy, gradient and Hessian have readable source:
        `inspect.getsource(potential.gradient)`.

    Raises
    ------
    ImportError, TypeError, ValueError
        Without sympy; if the text holds anything else, is not smooth or not real, is longer than
        10,000 bytes or nests too deep, has derivatives of more than 5,000 operations, or lacks a
        parameter.

    Notes
    -----
    Derivatives by sympy; errors are those of rounding, for the order of operations is not that of a
    hand-written function.

    Examples
    --------
    >>> spring = ls.potentials.from_expression("k/2 * (y - x)**2", "x y", k=3.0)
    >>> ls.evaluate(spring, [0.0, 2.0], "gradient").tolist()  # -3 * 2 on x, 3 * 2 on y
    [-6.0, 6.0]
    """
    if isinstance(variables, str):
        variables = variables.replace(",", " ").split()
    if not isinstance(variables, (list, tuple)):
        raise TypeError(
            "variables must be the names of the components, a str or a list of str, got "
            f"{shown(variables)}."
        )
    names = names_of(text, tuple(variables), tuple(params))
    values = {name: number(value, f"parameter {name}") for name, value in params.items()}
    formula = " ".join(text.split())
    energy, gradient, hessian = _functions_of_formula(formula, *names)
    return Potential(formula, energy, gradient, values, len(names[0]), hessian)


@cache
def _functions_of_formula(text, variables, params):
    """The three functions of a formula: always the same ones, so that it compiles once."""
    tree = expression_tree(text, variables, params)
    symbols = [f"x[{k}]" for k in range(len(variables))]
    scope = dict(zip(variables, symbols, strict=True)) | {name: f"p.{name}" for name in params}
    return printed_functions(sympy_expression(tree, scope), symbols, text)


def printed_functions(energy, variables, label):
    """(energy, gradient, hessian) as functions compiled from printed source.

    Parameters
    ----------
    energy : sympy.Expr
        In symbols named `x[k]` and `p.NAME`.
    variables : sequence of str
        Names of the symbols that are differentiated with respect to.
    label : str
        How messages call the expression.
    """
    import sympy

    x = [sympy.Symbol(name, real=True) for name in variables]
    try:
        slopes = [sympy.diff(energy, each) for each in x]
        refuse_long(slopes, label)
        below = {(i, j): sympy.diff(slopes[i], x[j]) for i in range(len(x)) for j in range(i + 1)}
        refuse_long(below.values(), label)
        square = [below[max(place), min(place)] for place in product(range(len(x)), repeat=2)]
        bodies = [lines_of(each, label) for each in ([energy], slopes, square)]
    except (RecursionError, OverflowError):
        raise ValueError(
            f"{short(label)} nests too deep, or makes numbers too large for float64. Write "
            "functions instead."
        ) from None
    return functions_of_bodies(bodies)


def functions_of_bodies(bodies):
    """(energy, gradient, hessian) from the lines of their bodies, which write into `out`; their
    source is that of a generated module, which `inspect` and tracebacks find under a name made of
    its hash."""
    bodies[0][-1] = bodies[0][-1].replace("out[0] =", "return")
    heads = "energy(p, x)", "gradient(p, x, out)", "hessian(p, x, out)"
    parts = [
        "\n".join([f"def {head}:", *body, ""]) for head, body in zip(heads, bodies, strict=True)
    ]
    source = "\n\n".join(parts)
    name = f"<langevin_sgd.symbolic {sha256(source.encode()).hexdigest()[:16]}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    scope = {each: getattr(elementary, each) for each in elementary.__all__}
    scope["__name__"] = "langevin_sgd.symbolic"
    exec(compile(source, name, "exec"), scope)
    return scope["energy"], scope["gradient"], scope["hessian"]


def lines_of(expressions, label):
    """Lines that compute the expressions into out[0], out[1] ..., common subexpressions first."""
    import sympy

    for each in expressions:
        _check_real(each, label)
    names = (sympy.Symbol(f"t{k}", real=True) for k in count())
    shared, left = sympy.cse(expressions, symbols=names)
    printer = _printer()
    lines = [f"    {symbol} = {printer.doprint(value)}" for symbol, value in shared]
    return lines + [f"    out[{k}] = {printer.doprint(value)}" for k, value in enumerate(left)]


def refuse_long(expressions, label):
    """Refuse more operations than sympy works on in seconds."""
    operations = sum(each.count_ops() for each in expressions)
    if operations > MAX_OPERATIONS:
        raise ValueError(
            f"the derivatives of {short(label)} have {operations:,} operations; sympy may take "
            f"minutes over more than {MAX_OPERATIONS:,}. Write energy and gradient as functions "
            "instead."
        )


def _check_real(expression, label):
    import sympy

    if expression.has(sympy.I, sympy.nan, sympy.oo, -sympy.oo, sympy.zoo):
        raise ValueError(
            f"{short(label)} has a part that is not real or not finite. Check its roots, "
            "logarithms and divisions."
        )
    for found in expression.atoms(sympy.Function):
        if found.func.__name__ not in elementary.__all__:
            raise ValueError(
                f"{short(label)} is not smooth: it contains {short(str(found))}, as sqrt(z**2) = "
                f"|z|. {SMOOTHER}"
            )


@cache
def _printer():
    """A printer of sympy expressions in terms of `elementary`: floats only, and no `**`."""
    from sympy.printing.pycode import PythonCodePrinter

    class FunctionPrinter(PythonCodePrinter):
        def _print_number(self, expr):
            value = float(expr)
            if not math.isfinite(value):
                raise OverflowError
            return repr(value)

        def _print_Function(self, expr):
            return f"{expr.func.__name__}({', '.join(map(self._print, expr.args))})"

        def _print_Pow(self, expr, rational=False):
            """A call or in parentheses, so that it binds as tight as a name."""
            base, power = self._print(expr.base), expr.exp
            if not power.is_number:
                return f"exp(({self._print(power)})*log({base}))"
            size = abs(float(power))
            if size == 2 and expr.base.is_Symbol:
                text = f"({base}*{base})"
            elif size.is_integer():
                text = f"powi({base}, {int(size)})" if size != 1 else f"({base})"
            elif (2 * size).is_integer():
                text = f"powi(sqrt({base}), {int(2 * size)})" if 2 * size != 1 else f"sqrt({base})"
            else:
                return f"exp({self._print(power)}*log({base}))"
            return f"(1.0/{text})" if power.is_negative else text

    numbers = "Integer Rational Float NumberSymbol Zero One NegativeOne Half Pi Exp1"
    for name in numbers.split():
        setattr(FunctionPrinter, f"_print_{name}", FunctionPrinter._print_number)
    for name in ("exp", "log", "sin", "cos", "tanh"):
        setattr(FunctionPrinter, f"_print_{name}", FunctionPrinter._print_Function)
    return FunctionPrinter({"fully_qualified_modules": False})
