"""The table of GPUs, made in the simulator at tiny sizes: every run of it, and its bits."""

import pytest
from benchmark.on_gpu import main

import langevin_sgd as ls

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def test_the_whole_table_is_made(tmp_path, capsys):
    assert main(["--target", "cuda", "--out", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "on simulator" in told and "pass  bits of the device are those of the CPU:" in told
    found = ls.load(tmp_path / "throughput_cuda.nc")
    assert found.attrs["device"] == "simulator" and found.attrs["bits_differ"] == ""
    rate = found.rate.to_series()
    assert rate.filter(like="float").gt(0).all() and len(rate.filter(like="histogram")) == 4
