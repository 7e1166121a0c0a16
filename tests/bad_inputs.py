"""Bad values for every argument of the public constructors: rows (value, error, part of the
message)."""

import inspect

import numpy as np
from hypothesis import strategies as st

import langevin_sgd as ls

NAN, INF, HUGE = float("nan"), float("inf"), 10**400
RAGGED, MASKED = [[1.0], [1.0, 2.0]], np.ma.masked_array([[1.0, 2.0]], mask=[[False, True]])
NO_NUMBER = ("wrong", b"1", True, np.True_, np.array(True), 1j, np.complex128(1), [1.0], (), {})
NO_NUMBER += (np.array([1.0]), np.datetime64("2020"))
NO_ARRAY = ("wrong", {}, object(), 1j, RAGGED, [HUGE], np.array([1j]), np.array(["a"]))
NO_ARRAY += (np.array([None]),)
TRUTH = (np.array([True]),)  # refused as a table, not as labels
SPACES = {
    name: getattr(ls, name) for name in ("potentials", "losses", "noise", "dynamics", "schedules")
}
INTERNAL = {"check_gradient"}  # its arguments are the fields of a record that has been checked


def rows(values, error, message=""):
    return [(value, error, message) for value in values]


def number(allowed, *outside):
    huge = (NAN, INF, -INF, HUGE, -HUGE)
    kinds = rows((None, *NO_NUMBER), TypeError, "must be a number, got")
    return kinds + rows(outside + huge, ValueError, f"must be {allowed}, got")


def whole(at_least, optional=False):
    none = () if optional else (None,)
    kinds = rows((*none, *NO_NUMBER, 1.5, 2.0, NAN), TypeError, "must be a whole number, got")
    small = (at_least - 1, np.int8(at_least - 1), -HUGE)
    kinds += rows(small, ValueError, f"must be >= {at_least}")
    return kinds + rows((HUGE,), ValueError, " and < ")


def choice(*allowed):
    values = ("wrong", 3, 1, 0, 1.0, (), [], {}, object(), np.array([1, 2]), np.array([]), 1j)
    return rows(values, ValueError, f"must be one of {', '.join(map(repr, allowed))}, got")


def array(shape, *wrong_shapes, optional=False, no_truth=TRUTH):
    none = () if optional else (None,)
    kinds = rows((*none, *NO_ARRAY, *no_truth), TypeError, "a number or an array of real numbers")
    return kinds + rows(wrong_shapes, ValueError, shape)


def matrix(*indefinite):
    """(d, d) or (d,)."""
    found = array("", np.zeros((2, 3)), np.zeros((2, 2, 2)), [])
    found += rows(([NAN], [[INF]]), ValueError, "must be finite")
    found += rows(([[1, 2], [3, 4]],), ValueError, "must be symmetric")
    return found + rows(indefinite, ValueError, ", got ")


def undefined(*arguments):
    return nowhere  # noqa: F821 the slip that is to be found


def power(*arguments):
    return arguments[0] ** 2


def text(arguments, optional=False):
    none = () if optional else (None,)
    kinds = (*none, "x", 3, int, len, [], np.sin)
    found = rows(kinds, TypeError, "must be a plain Python function")
    wrong = f"must take the arguments ({arguments}), got"
    found += rows((lambda: 0, lambda p: 0), TypeError, wrong)
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


SCALE = array("", np.eye(2), [], np.zeros((1, 1, 1)), -1.0, [NAN], [1.0, INF])
TABLE = array("(examples, columns)", [], [1.0], np.zeros((0, 2)), np.zeros((2, 2, 2)), 1.0)
TABLE += rows(([[NAN]], [[1.0, INF]]), ValueError, "must be finite, but example 0, column")
TABLE += rows((MASKED,), TypeError, "masked")
NUMBERS = array("(2,), one per", [1.0], [[1.0]], [], 1.0, no_truth=())
NUMBERS += rows(([NAN, 1.0], [INF, 1.0]), ValueError, "must be finite")
LABELS = NUMBERS + rows(([0.5, 0.0], [-1, 1]), ValueError, "must be")
FLAG = rows(("wrong", 3, None, 1.0, []), TypeError, "must be True or False, got")
NAME = rows((None, 3, b"x", "", ["own"], 1j), TypeError, "must be text")
PARAMS = rows(("wrong", [1.0], 3, {1: 2.0}), TypeError, "must be a dict or namedtuple")
PARAMS += rows(({"a b": 1.0}, {"_a": 1.0}, {"for": 1.0}), ValueError, "p.NAME")
PARAMS += rows(({"a": NAN}, {"a": [INF]}), ValueError, "must be finite")
PARAMS += rows(({"a": "x"}, {"a": None}, {"a": RAGGED}), TypeError, "array of real numbers")
WALLS = rows(("wrong", 3, [3], [None, "x"], {}), TypeError, "domain must be None or a sequence")
WALLS += rows(([None, None], ()), ValueError, "must have 1 entries")
WALLS += rows(([("periodic", 1.0)],), ValueError, "(kind, low, high)")
WALLS += rows(([("open", 0.0, 1.0)],), ValueError, "must be one of")
WALLS += rows(([("periodic", 1.0, 1.0)],), ValueError, "low < high")
WALLS += rows(([("periodic", NAN, 1.0)], [("periodic", -INF, 1.0)]), ValueError, "low of a wall")
SHAPE = rows(("wrong", 3, (1,), {}, (1, 2, 3)), TypeError, "shape must be (rows, columns)")
SHAPE += rows(((0, 1), (2, 0)), ValueError, "must be >= 1")
SHAPE += rows(((1.5, 2),), TypeError, "must be a whole number")
ROWS = array("", [1.0], [], [[0.5]], [[-1]], [[NAN]], optional=True)
WEIGHTS = rows(([], [0.0], [-1.0], [NAN], [INF], [[1.0]], 1.0), ValueError)
TRUE = array("", [1.0], [[1.0, 2.0]], [], [NAN, 1.0], optional=True)
CURVATURES = array("(2, d)", [], [1.0], np.ones((3, 2)), 1.0)
CURVATURES += rows(([1.0, 0.0], [-1.0, 1.0], [NAN, 1.0], [1.0, INF]), ValueError, "must be ")
FORMULA = rows((None, 3, b"x", ["x"]), TypeError, "text must be")
FORMULA += rows(("", "x +", "k*z", "x if k else 1"), ValueError)
VARIABLES = rows((None, 3, [3], "", [], {}, object()), TypeError, "variables must be")
VARIABLES += rows(("x x", ["x y"]), ValueError)
MODEL = rows(("wrong", None, 3), TypeError, "model must be")
MEAN = rows(("wrong", 3, energy, {}), TypeError, "mean must be a Potential, got")
METHODS = "baoab", "aboba", "obabo", "oabao", "sghmc"
SAMPLING = "with_replacement", "without_replacement", "reshuffle", "single_shuffle"
SAMPLING = choice(*SAMPLING, "population", "svag", "given")
RATES = "learning_rate step_size mass max_norm epsilon barrier stiffness radius separation"
COUNTS = "batch_size substeps rank hidden examples every steps dim state_size"
SIZES = "scratch draw_normals draw_uniforms normals uniforms scratch_per_component seed"

KINDS = [  # (rows, arguments, or constructor.argument where the same word means something else)
    (number("> 0", -0.1, 0.0, -0.0), f"{RATES} smoothing time delta sharpening"),
    (number(">= 0", -0.1), "temperature friction weight_decay l2 amplitude standard_deviation"),
    (number(">= 0", -0.1), "label_noise modified_loss.learning_rate disk.radius"),
    (number(">= 0 and < 1", -0.1, 1.0), "momentum beta1 beta2"),
    (number("a finite number"), "coupling tilt force strength start end value"),
    (number("> 0 and <= 2", -0.1, 0.0, 2.1), "alpha"),
    (number("> 2", 2.0, -3.0), "dof"),
    (number(">= 1", 0.9)[1:], "amplification"),
    (number("> 0", -0.5, 0.0), "factor"),
    (number("> 0 and <= 1e+150", -0.1, 0.0, 1e200), "huber_regression.delta"),
    (number("> -1.3591409142295225 and < 1.3591409142295225", -2.0, 2.0), "swirl_noise.strength"),
    (whole(1), f"{COUNTS} gaussian_field.normals"),
    (whole(1, optional=True), "gaussian_field.dim GradientNoise.dim"),
    (whole(0), SIZES),
    (whole(0, optional=True), "vectors"),
    (whole(2), "rosenbrock.dim ring.dim"),
    (whole(2, optional=True), "classes"),
    (matrix([-1.0], [[1.0, 2.0], [2.0, 1.0]]), "covariance input_covariance"),
    (matrix(), "hessian"),
    (TABLE, "inputs centers data entries"),
    (NUMBERS, "targets intensities"),
    (LABELS, "labels counts"),
    (array("", [], [1.0], np.ones((2, 2)), 1.0, [NAN, 1.0]), "energies"),
    (array("", [], [[1.0]], 1.0, [NAN], [INF]), "values"),
    (CURVATURES, "curvatures"),
    (TRUE, "true_parameters"),
    (SCALE, "scale"),
    (SHAPE, "shape"),
    (ROWS, "batches"),
    (WEIGHTS, "weights"),
    (FLAG, "shared gaussian walls"),
    (NAME, "name"),
    (PARAMS, "params"),
    (WALLS, "domain"),
    (MODEL, "model"),
    (MEAN, "mean"),
    (FORMULA, "text"),
    (VARIABLES, "variables"),
    (choice(True, False), "rate_inside"),
    (choice(None, "velocity", "hidden"), "memory"),
    (choice(None, "torch", "lookahead"), "nesterov"),
    (choice("euler_maruyama", "leimkuhler_matthews"), "langevin.method"),
    (choice(*METHODS), "underdamped_langevin.method"),
    (SAMPLING, "minibatch.sampling Minibatch.sampling"),
    (rows(("wrong", 3, None, []), ValueError, "must be one of"), "modified_loss.sampling"),
    (text("p, x"), "energy"),
    (text("p, x, out"), "gradient gaussian_field.factor"),
    (text("p, x, out", optional=True), "Potential.hessian drift GradientNoise.covariance"),
    (text("p, x, row"), "example_loss"),
    (text("p, x, row, out"), "example_gradient"),
    (text("p, x, row, out", optional=True), "example_hessian example_fisher"),
    (text("p, z, row", optional=True), "draw"),
    (text("p, x, z, out"), "sample"),
    (text("p, x, v, g, xi, z"), "update"),
    (text("p, x, v, g, z", optional=True), "advance"),
]
BAD = {name: found for found, names in KINDS for name in names.split()}

VALID = {  # of arguments without a default
    **dict.fromkeys(("hessian", "covariance", "input_covariance"), np.eye(2)),
    **dict.fromkeys(("targets", "intensities"), [0.0, 1.0]),
    **dict.fromkeys(("labels", "counts"), [0, 1]),
    **dict.fromkeys(("rank", "hidden", "normals", "dim"), 1),
    **dict.fromkeys(("scale", "label_noise", "start", "time", "value", "amplitude", "radius"), 1.0),
    **dict.fromkeys(("standard_deviation", "temperature", "friction"), 1.0),
    **dict.fromkeys(("end", "strength", "factor", "sharpening"), 0.5),
    **dict.fromkeys(("force", "learning_rate", "step_size"), 0.1),
    **{"inputs": [[1.0], [2.0]], "centers": [[1.0, 2.0]], "data": [[1.0]], "values": [1.0]},
    **{"entries": [[0, 0, 1.0], [1, 1, 2.0]], "alpha": 1.5, "dof": 3.0, "every": 2, "steps": 3},
    **{"text": "k*x**2", "variables": "x", "name": "own", "params": {"a": 1.0}},
    **{"energy": energy, "gradient": gradient, "example_loss": example_loss, "update": update},
    **{"example_gradient": example_gradient, "sample": sample, "gaussian_field.factor": factor},
    "model": ls.potentials.quadratic([1.0]),
    "Minibatch.params": None,
    "Minibatch.sampling": "reshuffle",
}


def makers():
    """Every public constructor, by name."""
    for space in SPACES.values():
        own = [
            name
            for name, value in vars(space).items()
            if inspect.isfunction(value) and value.__module__ == space.__name__
        ]
        public = getattr(space, "__all__", [name for name in own if not name.startswith("_")])
        yield from ((name, getattr(space, name)) for name in public if name not in INTERNAL)


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
    extra = {
        "amplification": {"sampling": "svag"},
        "batches": {"sampling": "given"},
        "draw": {"draw_normals": 1},
    }
    for name in changed:
        given = extra.get(name, {}) | given
    return MAKERS[maker](**given)


def bad_rows(maker, argument):
    return BAD.get(f"{maker}.{argument}", BAD.get(argument, []))


def anything():
    """Objects of all kinds."""
    items = st.one_of(st.floats(), st.integers(), st.none(), st.lists(st.floats(), max_size=3))
    odd = [object(), int, len, NotImplemented, ..., slice(3), range(3), iter([]), factor, np.sin]
    odd += [lambda p, x: None, 2**31, 2**63, 2**64, HUGE, -(10**5000), 1e308, 5e-324]
    arrays = [np.array(1.5), np.array([]), np.zeros((2, 0)), np.zeros((1, 1), complex)]
    arrays += [np.array([object()]), np.ma.masked]
    records = [ls.schedules.constant(1.0), ls.dynamics.sgd(0.1), ls.potentials.zhu_bowls()]
    records += [ls.noise.table_gaussian()]
    simple = [st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers()]
    simple += [st.text(max_size=5), st.binary(max_size=3), st.tuples(st.integers(), st.floats())]
    lists = [
        st.lists(items, max_size=3),
        st.dictionaries(st.text(max_size=2), st.floats(), max_size=2),
    ]
    given = [st.sampled_from(each) for each in (odd, arrays, records)]
    return st.one_of(*simple, *lists, *given)
