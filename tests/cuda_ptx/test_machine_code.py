"""The table of registers and instructions, for one kernel: sound, counted, and a valid dataset."""

import numpy as np
import pytest
from benchmark.driverless import machine_code
from benchmark.ptxas import kernels, look, table
from benchmark.roofline import H100, ON_PAPER, limit
from benchmark.sass import ATOMIC, one_pass

from langevin_sgd.storage.provenance import global_attributes
from langevin_sgd.storage.schema import validate


def test_the_table_of_a_histogram():
    """A step has at least the twenty products of Philox, each of which counts as two, and, with
    sums for two components each, an update and a gradient; its histogram adds at an address."""
    name = "double well, histogram"
    made, wrong, counts = look(kernels()[name])
    assert not wrong and all(each.spilled == 0 for each in made.values())
    assert set(counts) == set(ON_PAPER)
    for found in counts.values():
        assert found["multiply"] >= 40 and 40 < found["float64"] < 100 and found["special"] >= 2
        assert found["issue"] < 320 and not found["loops"]
    for architecture in ON_PAPER:
        stems = {each.stem for each in one_pass(machine_code(made[architecture].code), ATOMIC)[0]}
        assert stems & set(ATOMIC) and stems.isdisjoint(("LDL", "STL")), "the state is in registers"
    assert limit(counts[H100.architecture], H100)[1] > 5e10, "the goal is above the paper"
    dataset = table({name: (made, wrong, counts)}, [2])
    validate(dataset.assign_attrs(global_attributes("Registers", "python studies/benchmark")))
    assert dataset.registers.sizes == {"kernel": 1, "architecture": len(made)}
    assert np.isfinite(dataset.most).all()


@pytest.mark.parametrize("name", ["quadratic, d = 8", "linear SDE, d = 3, float32"])
def test_nothing_spills_in_few_dimensions(name):
    made, wrong, _ = look(kernels()[name], [80])
    assert not wrong and [each.spilled for each in made.values()] == [0]
