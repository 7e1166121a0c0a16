"""Reading a formula from a text that nobody has to trust: a whitelist on its syntax tree, then a
sympy expression.

The text is parsed, never evaluated: neither by Python nor by sympy, whose own string parser calls
`eval`."""

import ast
import keyword
import math
import operator
import re
from functools import cache

from ..arguments import shown

_SMOOTH = "cos exp expm1 log log1p sigmoid sin softplus sqrt tan tanh"
_JUMPING = (
    "abs fabs max maximum fmax min minimum fmin sign sgn heaviside relu piecewise floor ceil "
    "ceiling round trunc fmod mod where"
)
FUNCTIONS, NOT_SMOOTH = tuple(_SMOOTH.split()), set(_JUMPING.split())
OPERATORS: dict = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul}
OPERATORS |= {ast.Div: operator.truediv, ast.Pow: operator.pow}
OPERATORS |= {ast.USub: operator.neg, ast.UAdd: operator.pos}
NAMED = {ast.Attribute: "attribute access", ast.Lambda: "a lambda", ast.Subscript: "an index"}
NAMED |= {ast.Starred: "a star"}
REWRITE = {
    "cosh": "(exp(z) + exp(-z))/2, or log(cosh(z)) as softplus(2*z) - z - log(2), which cannot "
    "overflow",
    "sinh": "(exp(z) - exp(-z))/2",
    "pow": "z**n",
    "powi": "z**n",
}
MAX_BYTES = 10_000
MAX_DEPTH = 150
MAX_NODES = 2_000
MAX_CALLS = 12
MAX_POWER = 64
MAX_NUMBER = 2.0**53
SMOOTHER = (
    "A smooth stand-in often serves: sqrt(z**2 + width**2) for |z|, width*softplus(z/width) for "
    "max(z, 0)."
)


def names_of(text, variables, params):
    """Check the types of the arguments and the names; returns (variables, params) as tuples."""
    if not isinstance(text, str):
        raise TypeError(f"text must be a str, got {type(text).__name__}.")
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise ValueError(
            f"text must be at most {MAX_BYTES:,} bytes long, got {len(text):,} characters. Write "
            "functions instead."
        )
    if not variables or not all(isinstance(name, str) for name in variables):
        raise TypeError(
            f"variables must be the names of the components, at least one, got {shown(variables)}."
        )
    for name in variables + params:
        if not re.fullmatch("[A-Za-z][A-Za-z0-9]*", name) or keyword.iskeyword(name):
            raise ValueError(
                f"{name!r} is no name for a variable or parameter: use ASCII letters and digits, "
                "a letter first."
            )
        if name in (*FUNCTIONS, *NOT_SMOOTH, *REWRITE, "pi"):
            raise ValueError(
                f"{name!r} is the name of a function or constant. Call the variable or parameter "
                "otherwise."
            )
        if (variables + params).count(name) > 1:
            raise ValueError(
                f"{name!r} occurs twice among the variables and parameters. Give each its own name."
            )
    return variables, params


def expression_tree(text, variables, params):
    """The syntax tree of `text` after the whitelist.

    Raises
    ------
    ValueError
        Naming what is refused, where it stands, and what is allowed.
    """
    if "#" in text:
        raise ValueError(f"text must hold no comment, got {short(text)}.")
    try:
        tree = ast.parse(" ".join(text.split()), "expression", "eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        why = getattr(error, "msg", None) or error or "it nests too deep"
        raise ValueError(f"text is not one formula: {why}: {short(text)}") from None
    used = set()
    nodes, todo = 0, [(tree, 1, 0, 1.0)]
    while todo:
        node, depth, calls, power = todo.pop()
        nodes += 1
        calls += isinstance(node, ast.Call)
        if nodes > MAX_NODES or depth > MAX_DEPTH or calls > MAX_CALLS:
            raise ValueError(
                f"text must have at most {MAX_NODES} terms and operators, {MAX_DEPTH} levels (in "
                f"a long sum, put parentheses around parts) and {MAX_CALLS} functions inside each "
                "other. Write energy and gradient as functions instead."
            )
        children = _allowed_parts(node, variables, params, used)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            power *= max(1.0, abs(_exponent(node.right)))
            if power > MAX_POWER:
                raise ValueError(
                    f"powers inside each other must multiply to at most {MAX_POWER}, in "
                    f"{short(ast.unparse(node))}."
                )
        todo += [(child, depth + 1, calls, power) for child in children]
    missing = [name for name in params if name not in used]
    if missing:
        raise ValueError(
            f"parameter {missing[0]!r} does not occur in the text {short(text)}. Leave it out, or "
            "correct the text."
        )
    return tree


def _allowed_parts(node, variables, params, used):
    """The operands of a node that is on the whitelist."""
    if isinstance(node, ast.Constant):
        if type(node.value) not in (int, float) or not _fits(node.value):
            raise ValueError(
                "only finite numbers below 1e300 are allowed as constants, got "
                f"{short(repr(node.value))}."
            )
        return []
    if isinstance(node, ast.Name):
        if node.id not in (*variables, *params, "pi"):
            raise ValueError(
                f"{short(node.id)} is neither a variable ({', '.join(variables)}) nor a parameter "
                f"({', '.join(params) or 'none'}). Pass a parameter as a keyword; names with "
                "underscores are refused."
            )
        used.add(node.id)
        return []
    if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATORS:
        return [node.operand]
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return [node.left] if isinstance(node.op, ast.Pow) else [node.left, node.right]
    if isinstance(node, ast.Call):
        return _argument(node)
    if isinstance(node, (ast.Compare, ast.IfExp, ast.BoolOp)):
        raise ValueError(f"a choice is not smooth: {short(ast.unparse(node))}. {SMOOTHER}")
    other = f"{type(node).__name__} ({type(getattr(node, 'op', node)).__name__})"
    raise ValueError(
        f"{NAMED.get(type(node), other)} is not allowed in a formula: {short(ast.unparse(node))}. "
        "Only numbers, names, + - * / ** and functions."
    )


def _argument(node):
    name = node.func.id if isinstance(node.func, ast.Name) else None
    if name in FUNCTIONS:
        if len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.Starred):
            return node.args
        raise ValueError(f"{name} takes one argument, got {short(ast.unparse(node))}.")
    if (name or "").lower() in NOT_SMOOTH:
        raise ValueError(
            f"{name} is not smooth: the gradient would jump in {short(ast.unparse(node))}. "
            f"{SMOOTHER}"
        )
    hint = f" Write {REWRITE[name]}." if name in REWRITE else ""
    raise ValueError(
        f"only {', '.join(FUNCTIONS)} may be called, got {short(ast.unparse(node))}.{hint}"
    )


def _fits(value):
    return value <= 10**300 if isinstance(value, int) else math.isfinite(value)


def _exponent(node):
    """The number an exponent stands for: a constant, or a quotient of two, with any signs."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        value = _exponent(node.operand)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        below = _exponent(node.right)
        if below:
            return _exponent(node.left) / below
    if isinstance(node, ast.Constant) and type(node.value) in (int, float) and _fits(node.value):
        return node.value
    raise ValueError(
        f"an exponent must be a number such as 2, 0.5 or 3/2, got {short(ast.unparse(node))}. For "
        "others write exp(b*log(a))."
    )


def short(text):
    """`text` in quotes, cut to 60 characters."""
    text = " ".join(text.split())
    return repr(text if len(text) <= 60 else text[:57] + "...")


@cache
def sympy_functions():
    """What the functions of `elementary` are in sympy, by name."""
    import sympy

    slopes = {
        "sigmoid": lambda z: ours["sigmoid"](z) * ours["sigmoid"](-z),
        "softplus": lambda z: ours["sigmoid"](z),
        **{"expm1": sympy.exp, "log1p": lambda z: 1 / (1 + z)},
    }

    def of(slope):
        return {"fdiff": lambda self, argindex=1: slope(self.args[0])}

    ours = {name: type(name, (sympy.Function,), of(slope)) for name, slope in slopes.items()}
    theirs = ("cos", "exp", "log", "sin", "sqrt", "tanh")
    return ours | {name: getattr(sympy, name) for name in theirs}


def sympy_expression(tree, scope):
    """The sympy expression of a tree that passed the whitelist; `scope` maps its names to names of
    symbols.
    """
    try:
        import sympy
    except ImportError as error:
        raise ImportError(
            'from_expression needs sympy: pip install "langevin_sgd[symbolic]".'
        ) from error
    calls = sympy_functions() | {"tan": lambda z: sympy.sin(z) / sympy.cos(z)}
    symbols = {name: sympy.Symbol(symbol, real=True) for name, symbol in scope.items()}
    symbols["pi"] = sympy.pi

    def build(node):
        if isinstance(node, ast.Constant):
            whole = isinstance(node.value, int) and node.value < MAX_NUMBER
            return (sympy.Integer if whole else sympy.Float)(node.value)
        if isinstance(node, ast.Name):
            return symbols[node.id]
        if isinstance(node, ast.Call):
            return calls[node.func.id](build(node.args[0]))
        if isinstance(node, ast.UnaryOp):
            return OPERATORS[type(node.op)](build(node.operand))
        left, right = build(node.left), build(node.right)
        if isinstance(node.op, ast.Pow) and float(2 * right).is_integer():
            right = sympy.Rational(right)
        return OPERATORS[type(node.op)](left, right)

    return build(tree)
