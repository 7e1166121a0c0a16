"""Figures that tests of other files left open are none of these tests' business."""

import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def no_figure_of_other_tests():
    plt.close("all")
