"""Records know how they were made; copies keep it, changed ones forget it."""

import copy
import pickle

import numpy as np
import pytest

import langevin_sgd as ls

RECORDS = {
    "potential": ls.potentials.double_well(2, barrier=0.5),
    "loss": ls.losses.linear_regression(np.ones((3, 2)), np.ones(3)),
    "noise": ls.noise.gaussian([1.0, 0.5]),
    "minibatch": ls.noise.minibatch("reshuffle"),
    "table": ls.noise.table_gaussian(),
    "dynamics": ls.dynamics.sgd(0.1, momentum=0.5),
    "reducer": ls.reducers.moments(every=10),
}


@pytest.mark.parametrize("kind", RECORDS)
def test_a_record_is_made_again_and_copied(kind):
    record = RECORDS[kind]
    assert record.recipe.made().name == record.name
    again = copy.deepcopy(record)
    assert (
        type(again) is type(record)
        and again.name == record.name
        and again.recipe.arguments.keys() == record.recipe.arguments.keys()
    )
    assert record._replace(name="other").recipe is None


def test_a_recipe_is_pickled_by_name():
    recipe = RECORDS["dynamics"].recipe
    assert pickle.loads(pickle.dumps(recipe)).made(learning_rate=0.2).params.learning_rate == 0.2
