"""The table of planted bugs fits the package; `python tests/mutations.py` plants them."""

import mutations
from mutations import ROOT


def test_each_text_stands_once_in_its_file_and_each_test_exists():
    for row in mutations.mutations():
        assert (ROOT / "langevin_sgd" / row.file).read_text().count(row.text) == 1, row
        assert (ROOT / "tests" / row.test.split("::")[0]).is_file(), row
