"""What all records have in common: recipes, copies, pickles, names of arguments."""

import copy
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

import langevin_sgd as ls


def energy(p, x):
    return 0.5 * p.a * x[0] * x[0]


def gradient(p, x, out):
    out[0] = p.a * x[0]


def own_well():
    return ls.Potential("own", energy, gradient, {"a": 2.0}, 1)


def lambda_well():
    """One whose functions cannot be imported."""
    scale = 2.0

    def scaled(p, x):
        return scale * energy(p, x)

    def slope(p, x, out):
        out[0] = scale * p.a * x[0]

    return ls.Potential("local", scaled, slope, {"a": 1.0}, 1)


INPUTS = np.random.default_rng(3).normal(size=(9, 2))
COSINE = ls.schedules.cosine(0.1, 0.01, 9)
RECORDS = {
    "potential": ls.potentials.double_well(2, barrier=0.5),
    "formula": ls.potentials.from_expression("k*x**2/2 + x**4", "x", k=3.0),
    "modified": ls.potentials.modified_loss(ls.potentials.quadratic([1.0]), 0.1),
    "loss": ls.losses.linear_regression(INPUTS, INPUTS[:, 0], l2=0.1),
    "population": ls.losses.logistic_regression_population(np.eye(2), [1.0, 0.0], examples=20),
    "noise": ls.noise.gaussian([1.0, 0.5]),
    "minibatch": ls.noise.minibatch("reshuffle"),
    "table": ls.noise.table_gaussian(),
    "dynamics": ls.dynamics.sgd(0.1, momentum=0.5),
    "schedule": COSINE,
    "scheduled": ls.dynamics.sgd(COSINE, ls.schedules.step_decay(1, 2, 3)),
    "reducer": ls.reducers.moments(every=10),
    "passage": ls.reducers.first_passage(above=1.0),
    "own passage": ls.reducers.first_passage(lambda p, x: x[0] > p.a, {"a": 2.0}),
}


@pytest.mark.parametrize("kind", RECORDS)
def test_a_record_is_made_again_copied_and_pickled(kind):
    record = RECORDS[kind]
    assert record.recipe.made().name == record.name
    for again in (copy.deepcopy(record), pickle.loads(pickle.dumps(record))):
        assert type(again) is type(record) and again.name == record.name
        assert again.recipe.arguments.keys() == record.recipe.arguments.keys()
        if hasattr(record, "params"):
            assert again.params._fields == record.params._fields
    assert record._replace(name="other").recipe is None
    assert pickle.loads(pickle.dumps(record._replace(name="other"))).name == "other"


def adds(p, x, out):
    out[0] += x[0]


@pytest.mark.parametrize(
    ("kind", "changed", "message"),
    [
        ("potential", {"domain": (("reflect", -1.0, 1.0),)}, "must have 2 entries|kind of a"),
        ("potential", {"gradient": adds}, "gives another out"),
        ("dynamics", {"memory": "speed"}, "memory must be one of"),
        ("dynamics", {"update": adds}, "update of .* must take the arguments"),
        ("noise", {"dim": 0}, "dim must be >= 1"),
        ("noise", {"normal": 1}, "has no argument 'normal'(.|\n)*Did you mean 'normals'"),
    ],
)
def test_what_replaces_a_field_is_checked_like_the_first(kind, changed, message):
    with pytest.raises((TypeError, ValueError), match=message):
        RECORDS[kind]._replace(**changed)


def final(model, dynamics, noise=None):
    run = ls.simulate(model, dynamics, noise, particles=20, steps=9, x0=[0.5] * model.dim, seed=5)
    return run.x.values[-1]


TASKS = [
    (RECORDS["potential"], RECORDS["scheduled"], RECORDS["noise"]),
    (RECORDS["population"], RECORDS["dynamics"], ls.noise.minibatch("population")),
    (own_well(), RECORDS["dynamics"]),
    (lambda_well(), RECORDS["dynamics"]),
    (ls.potentials.quadratic([1.0])._replace(name="renamed"), RECORDS["dynamics"]),
]


@pytest.mark.slow  # five kernels, compiled twice
def test_records_go_to_other_processes_and_give_the_same_bits_there():
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        there = list(pool.map(final, *zip(*[(*t, None)[:3] for t in TASKS], strict=True)))
    for task, found in zip(TASKS, there, strict=True):
        np.testing.assert_array_equal(found, final(*task))


def test_ranges_of_a_schedule_survive_a_pickle():
    rate = pickle.loads(pickle.dumps(RECORDS["scheduled"])).params
    assert rate.learning_rate.allowed[0] == 0 and rate.batch_size.whole


def test_a_recipe_does_not_see_what_its_owner_changes_later():
    table = np.array(INPUTS)
    loss = ls.losses.linear_regression(table, INPUTS[:, 0])
    table[:] = 7.0
    np.testing.assert_array_equal(loss.recipe.made().data, loss.data)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(loss)).data[:, :2], INPUTS)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: ls.dynamics.sgd(lr=0.1), "'learning_rate'"),
        (lambda: ls.potentials.double_well(hight=1.0), "it takes dim, barrier, stiffness"),
        (lambda: ls.potentials.double_well(barier=1.0), "'barrier'"),
        (lambda: ls.losses.linear_regression(INPUTS, target=[1.0]), "'targets'"),
        (lambda: ls.Potential("own", energy, gradient, parms={}, dim=1), "'params'"),
        (lambda: ls.noise.gaussian(cov=[1.0]), "'covariance'"),
        (lambda: ls.reducers.moments(evry=2), "'every'"),
        (lambda: ls.schedules.cosine(0.1, 0.0, step=4), "'steps'"),
    ],
)
def test_a_wrong_name_of_an_argument_is_answered_with_the_right_one(call, name):
    with pytest.raises(TypeError, match="has no argument") as caught:
        call()
    assert name in str(caught.value)


def test_a_record_shows_how_it_was_made():
    assert repr(ls.potentials.double_well(2, barrier=0.5)) == "double_well(dim=2, barrier=0.5)"
    assert repr(own_well()) == "Potential('own', a=2.0, dim=1)"


class Frame:
    """Stands for a table of pandas, whose own text has many lines."""

    shape = (9, 2)

    def __array__(self, dtype=None, copy=None):
        return INPUTS


def test_a_record_shows_its_tables_by_their_shape():
    loss = ls.losses.linear_regression(Frame(), INPUTS[:, 0])
    assert repr(loss) == "linear_regression(inputs=Frame(9, 2), targets=array(9,))"
    assert repr(loss._replace(name="mine")) == "Loss('mine', l2=0.0, dim=2, examples=9)"
