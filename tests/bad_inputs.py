"""Bad values for every argument of the public constructors: rows (value, error, part of the
message).
"""

import inspect

import numpy as np
from hypothesis import strategies as st

import langevin_sgd as ls

NAN, INF, HUGE = float("nan"), float("inf"), 10**400
RAGGED, MASKED = [[1.0], [1.0, 2.0]], np.ma.masked_array([[1.0, 2.0]], mask=[[False, True]])
NO_NUMBER = (
    "wrong",
    b"1",
    True,
    np.True_,
    np.array(True),
    1j,
    np.complex128(1),
    [1.0],
    (),
    {},
    np.array([1.0]),
    np.datetime64("2020"),
)
NO_ARRAY = (
    "wrong",
    {},
    object(),
    1j,
    RAGGED,
    [HUGE],
    np.array([1j]),
    np.array(["a"]),
    np.array([None]),
    np.array([True]),
)
SPACES = {
    "potentials": ls.potentials,
    "losses": ls.losses,
    "noise": ls.noise,
    "dynamics": ls.dynamics,
    "schedules": ls.schedules,
}
INTERNAL = {"check_gradient"}  # its arguments are the fields of a record that has been checked


def rows(values, error, message):
    return [(value, error, message) for value in values]


def number(allowed, *outside):
    huge = (NAN, INF, -INF, HUGE, -HUGE)
    return rows((None, *NO_NUMBER), TypeError, "must be a number, got") + rows(
        outside + huge, ValueError, f"must be {allowed}, got"
    )


def whole(at_least, optional=False):
    none = () if optional else (None,)
    small = rows((at_least - 1, np.int8(at_least - 1), -HUGE), ValueError, f"must be >= {at_least}")
    return (
        rows((*none, *NO_NUMBER, 1.5, 2.0, NAN), TypeError, "must be a whole number, got")
        + small
        + rows((HUGE,), ValueError, " and < ")
    )


def choice(*allowed):
    values = ("wrong", 3, 1, 0, 1.0, (), [], {}, object(), np.array([1, 2]), np.array([]), 1j)
    return rows(values, ValueError, f"must be one of {', '.join(map(repr, allowed))}, got")


def array(shape, *wrong_shapes, optional=False):
    none = () if optional else (None,)
    kinds = rows((*none, *NO_ARRAY), TypeError, "must be a number or an array of real numbers, got")
    return kinds + rows(wrong_shapes, ValueError, shape)


def matrix(definite):
    """(d, d) or (d,)."""
    found = array("(d, d), or (d,)", np.zeros((2, 3)), np.zeros((2, 2, 2)), [])
    found += rows(([NAN], [[INF]]), ValueError, "must be finite") + rows(
        ([[1, 2], [3, 4]],), ValueError, "must be symmetric"
    )
    return found + rows(
        ([-1.0], [[1.0, 2.0], [2.0, 1.0]]) if definite else (),
        ValueError,
        "must be positive semidefinite",
    )


def undefined(*arguments):
    return nowhere  # noqa: F821 the slip that is to be found


def power(*arguments):
    return arguments[0] ** 2


def text(arguments, optional=False):
    none = () if optional else (None,)
    found = rows(
        (*none, "x", 3, int, len, [], np.sin), TypeError, "must be a plain Python function"
    )
    found += rows(
        (lambda: 0, lambda p: 0), TypeError, f"must take the arguments ({arguments}), got"
    )
    return found + rows((power,), ValueError, "uses **. Write x*x")


def energy(p, x):
    return 0.5 * p.a * x[0] * x[0]


def gradient(p, x, out):
    for k in range(len(x)):
        out[k] = p.a * x[0] if k == 0 else 0.0


def example_loss(p, x, row):
    return 0.5 * p.a * (x[0] - row[0]) * (x[0] - row[0])


def example_gradient(p, x, row, out):
    for k in range(len(x)):
        out[k] = p.a * (x[0] - row[0]) if k == 0 else 0.0


def draw(p, z, row):
    row[0] = z[0]


def sample(p, x, z, out):
    out[0] = p.a * z[0]


def update(p, x, v, g, xi, z):
    x[0] = x[0] - p.a * g[0]


def factor(p, x, out):
    out[0] = p.a


POSITIVE, NOT_NEGATIVE, FRACTION = (
    number("> 0", -0.1, 0.0, -0.0),
    number(">= 0", -0.1),
    number(">= 0 and < 1", -0.1, 1.0),
)
ANY, SCALE = (
    number("a finite number"),
    array("(d,)", np.eye(2), [], np.zeros((1, 1, 1)))
    + rows((-1.0, [NAN], [1.0, INF]), ValueError, ">= 0"),
)
TABLE = array("(examples, columns)", [], [1.0], np.zeros((0, 2)), np.zeros((2, 2, 2)), 1.0)
TABLE += rows(([[NAN]], [[1.0, INF]]), ValueError, "must be finite, but example 0, column") + rows(
    (MASKED,), TypeError, "masked"
)
NUMBERS = [
    row
    for row in array("(2,), one per", [1.0], [[1.0, 2.0]], [], 1.0)
    if not (isinstance(row[0], np.ndarray) and row[0].dtype == bool)
]
NUMBERS += rows(([NAN, 1.0], [INF, 1.0]), ValueError, "must be finite")
FLAG = rows(("wrong", 3, None, 1.0, []), TypeError, "must be True or False, got")
NAME = rows((None, 3, b"x", "", ["own"], 1j), TypeError, "must be text")
PARAMS = rows(("wrong", [1.0], 3, {1: 2.0}), TypeError, "must be a dict or namedtuple")
PARAMS += rows(({"a b": 1.0}, {"_a": 1.0}, {"for": 1.0}), ValueError, "p.NAME") + rows(
    ({"a": NAN}, {"a": [INF]}), ValueError, "must be finite"
)
PARAMS += rows(
    ({"a": "x"}, {"a": None}, {"a": RAGGED}),
    TypeError,
    "must be a number or an array of real numbers",
)
WALLS = rows(
    ("wrong", 3, [3], [None, "x"], {}), TypeError, "domain must be None or a sequence of 1 entries"
)
WALLS += rows(([None, None], ()), ValueError, "must have 1 entries") + rows(
    ([("periodic", 1.0)],), ValueError, "(kind, low, high)"
)
WALLS += rows(([("open", 0.0, 1.0)],), ValueError, "must be one of") + rows(
    ([("periodic", 1.0, 1.0)],), ValueError, "low < high"
)
WALLS += rows(
    ([("periodic", NAN, 1.0)], [("periodic", -INF, 1.0)]),
    ValueError,
    "low of a wall of domain must be a finite number",
)
METHODS = "baoab", "aboba", "obabo", "oabao", "sghmc"
SAMPLING = (
    "with_replacement",
    "without_replacement",
    "reshuffle",
    "single_shuffle",
    "population",
    "given",
)
ROWS = array("(steps, batch_size)", [1.0], [], optional=True) + rows(
    ([[0.5]], [[-1]], [[NAN]]), ValueError, "whole numbers >= 0"
)
WEIGHTS = rows(
    ([], [0.0], [-1.0], [NAN], [INF], [[1.0]], 1.0), ValueError, "must be positive finite numbers"
)

BAD = {  # argument, or constructor.argument where the same word means something else
    **dict.fromkeys(
        (
            "learning_rate",
            "step_size",
            "mass",
            "max_norm",
            "epsilon",
            "barrier",
            "stiffness",
            "radius",
        ),
        POSITIVE,
    ),
    **dict.fromkeys(("separation", "smoothing", "time", "delta"), POSITIVE),
    **dict.fromkeys(
        ("temperature", "friction", "weight_decay", "l2", "amplitude", "standard_deviation"),
        NOT_NEGATIVE,
    ),
    **dict.fromkeys(("momentum", "beta1", "beta2"), FRACTION),
    **dict.fromkeys(("coupling", "tilt", "force", "strength", "start", "end", "value"), ANY),
    **dict.fromkeys(
        (
            "batch_size",
            "substeps",
            "rank",
            "hidden",
            "examples",
            "every",
            "steps",
            "dim",
            "state_size",
        ),
        whole(1),
    ),
    **dict.fromkeys(
        (
            "scratch",
            "draw_normals",
            "draw_uniforms",
            "normals",
            "uniforms",
            "scratch_per_component",
            "seed",
        ),
        whole(0),
    ),
    **dict.fromkeys(("covariance", "input_covariance"), matrix(True)),
    **dict.fromkeys(("inputs", "centers", "data", "entries"), TABLE),
    **dict.fromkeys(("targets", "intensities"), NUMBERS),
    **dict.fromkeys(("hessian",), matrix(False)),
    **dict.fromkeys(
        ("labels", "counts"), NUMBERS + rows(([0.5, 0.0], [-1, 1]), ValueError, "must be")
    ),
    **dict.fromkeys(("example_hessian", "example_fisher"), text("p, x, row, out", optional=True)),
    **{
        "name": NAME,
        "params": PARAMS,
        "scale": SCALE,
        "domain": WALLS,
        "shared": FLAG,
        "weights": WEIGHTS,
    },
    "alpha": number("> 0 and <= 2", -0.1, 0.0, 2.1),
    "dof": number("> 2", 2.0, -3.0),
    "label_noise": NOT_NEGATIVE,
    "factor": number("> 0", -0.5, 0.0),
    "gaussian_field.factor": text("p, x, out"),
    "gaussian_field.normals": whole(1),
    "gaussian_field.dim": whole(1, optional=True),
    "GradientNoise.dim": whole(1, optional=True),
    "modified_loss.learning_rate": NOT_NEGATIVE,
    "huber_regression.delta": number("> 0 and <= 1e+150", -0.1, 0.0, 1e200),
    "swirl_noise.strength": number("> -1.3591409142295225 and < 1.3591409142295225", -2.0, 2.0),
    **dict.fromkeys(("rosenbrock.dim", "ring.dim"), whole(2)),
    "classes": whole(2, optional=True),
    "true_parameters": array("must have the shape (2,)", [1.0], [[1.0, 2.0]], [], optional=True)
    + rows(([NAN, 1.0],), ValueError, "must be finite"),
    "curvatures": array("(2, d)", [], [1.0], np.ones((3, 2)), 1.0)
    + rows(
        ([1.0, 0.0], [-1.0, 1.0], [NAN, 1.0], [1.0, INF]),
        ValueError,
        "every entry of curvatures must be > 0, got",
    ),
    "energies": array("(2,)", [], [1.0], np.ones((2, 2)), 1.0)
    + rows(([NAN, 1.0],), ValueError, "must be finite"),
    "values": array("one-dimensional", [], [[1.0]], 1.0, [NAN], [INF]),
    "shape": rows(("wrong", 3, (1,), {}, (1, 2, 3)), TypeError, "shape must be (rows, columns)")
    + rows(((0, 1), (2, 0)), ValueError, "must be >= 1")
    + rows(((1.5, 2),), TypeError, "must be a whole number"),
    "batches": ROWS,
    "energy": text("p, x"),
    "gradient": text("p, x, out"),
    "Potential.hessian": text("p, x, out", optional=True),
    "drift": text("p, x, out", optional=True),
    "example_loss": text("p, x, row"),
    "example_gradient": text("p, x, row, out"),
    "draw": text("p, z, row", optional=True),
    "sample": text("p, x, z, out"),
    "update": text("p, x, v, g, xi, z"),
    "advance": text("p, x, v, g, z", optional=True),
    "gaussian": FLAG,
    "rate_inside": choice(True, False),
    "memory": choice(None, "velocity", "hidden"),
    "nesterov": choice(None, "torch", "lookahead"),
    "langevin.method": choice("euler_maruyama", "leimkuhler_matthews"),
    "underdamped_langevin.method": choice(*METHODS),
    **dict.fromkeys(("minibatch.sampling", "Minibatch.sampling"), choice(*SAMPLING)),
    "modified_loss.sampling": rows(
        ("wrong", 3, None, [], np.array([1, 2])), ValueError, "must be one of"
    ),
    "mean": rows(("wrong", 3, energy, {}), TypeError, "mean must be a Potential, got"),
    "model": rows(
        ("wrong", None, 3, ls.losses.linear_regression([[1.0]], [1.0])), TypeError, "model must be"
    ),
    "text": rows((None, 3, b"x", ["x"]), TypeError, "text must be")
    + rows(("", "x +", "k*z", "x if k else 1"), ValueError, ""),
    "variables": rows((None, 3, [3], "", [], {}, object()), TypeError, "variables must be")
    + rows(("x x", ["x y"]), ValueError, ""),
}

VALID = {  # of arguments without a default
    **dict.fromkeys(("hessian", "covariance", "input_covariance"), np.eye(2)),
    **{
        "inputs": [[1.0], [2.0]],
        "targets": [0.0, 1.0],
        "labels": [0, 1],
        "counts": [0, 1],
        "intensities": [0.0, 1.0],
    },
    **{
        "centers": [[1.0, 2.0]],
        "entries": [[0, 0, 1.0], [1, 1, 2.0]],
        "rank": 1,
        "hidden": 1,
        "normals": 1,
        "data": [[1.0]],
    },
    **{
        "alpha": 1.5,
        "scale": 1.0,
        "dof": 3.0,
        "label_noise": 1.0,
        "values": [1.0],
        "start": 1.0,
        "every": 2,
        "steps": 3,
        "dim": 1,
    },
    **{
        "time": 1.0,
        "end": 0.5,
        "value": 1.0,
        "amplitude": 1.0,
        "force": 0.1,
        "strength": 0.5,
        "learning_rate": 0.1,
    },
    **{
        "standard_deviation": 1.0,
        "temperature": 1.0,
        "step_size": 0.1,
        "friction": 1.0,
        "text": "k*x**2",
        "variables": "x",
    },
    **{
        "name": "own",
        "params": {"a": 1.0},
        "energy": energy,
        "gradient": gradient,
        "example_loss": example_loss,
        "factor": 0.5,
    },
    **{
        "example_gradient": example_gradient,
        "sample": sample,
        "update": update,
        "gaussian_field.factor": factor,
    },
    **{
        "model": ls.potentials.quadratic([1.0]),
        "Minibatch.params": None,
        "Minibatch.sampling": "reshuffle",
    },
}


def makers():
    """Every public constructor, by name."""
    for space in SPACES.values():
        own = [
            name
            for name, value in vars(space).items()
            if inspect.isfunction(value) and value.__module__ == space.__name__
        ]
        for name in getattr(space, "__all__", [name for name in own if not name.startswith("_")]):
            if name not in INTERNAL:
                yield name, getattr(space, name)


MAKERS = dict(makers())


def arguments(maker):
    """Names of the arguments of a constructor; parameters of a formula are called by the user."""
    return [
        name
        for name, kind in inspect.signature(MAKERS[maker]).parameters.items()
        if kind.kind != kind.VAR_KEYWORD
    ]


def made(maker, **changed):
    """The record of a constructor with valid arguments, but for the changed ones."""
    needed = [
        name
        for name, kind in inspect.signature(MAKERS[maker]).parameters.items()
        if kind.default is kind.empty
    ]
    given = {
        name: VALID.get(f"{maker}.{name}", VALID.get(name))
        for name in needed
        if name in arguments(maker)
    } | changed
    if maker == "from_expression":
        return MAKERS[maker](given.pop("text"), given.pop("variables"), **{"k": 1.0} | given)
    extra = {"batches": {"sampling": "given"}, "draw": {"draw_normals": 1}}
    for name in changed:
        given = extra.get(name, {}) | given
    return MAKERS[maker](**given)


def bad_rows(maker, argument):
    return BAD.get(f"{maker}.{argument}", BAD.get(argument, []))


def anything():
    """Objects of all kinds."""
    return st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from([2**31, 2**63, 2**64, 10**400, -(10**5000), 1e308, 5e-324]),
        st.floats(),
        st.complex_numbers(),
        st.text(max_size=5),
        st.binary(max_size=3),
        st.lists(
            st.one_of(st.floats(), st.integers(), st.none(), st.lists(st.floats(), max_size=3)),
            max_size=3,
        ),
        st.dictionaries(st.text(max_size=2), st.floats(), max_size=2),
        st.tuples(st.integers(), st.floats()),
        st.sampled_from(
            [
                object(),
                int,
                len,
                NotImplemented,
                ...,
                slice(3),
                range(3),
                iter([]),
                factor,
                lambda p, x: None,
                np.sin,
            ]
        ),
        st.sampled_from(
            [
                np.array(1.5),
                np.array([]),
                np.zeros((2, 0)),
                np.zeros((1, 1), complex),
                np.array([object()]),
                np.ma.masked,
            ]
        ),
        st.sampled_from(
            [
                ls.schedules.constant(1.0),
                ls.dynamics.sgd(0.1),
                ls.potentials.zhu_bowls(),
                ls.noise.table_gaussian(),
            ]
        ),
    )
