"""Runs on CUDA's simulator have the bits of the CPU's path in interpreted Python."""

import os
import signal
from contextlib import nullcontext
from types import SimpleNamespace

import device_cases as cases
import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd.engine import chunks, fleet, terminal
from langevin_sgd.kernels.elementary import where

pytestmark = pytest.mark.filterwarnings(
    "ignore::RuntimeWarning",  # the simulator's threads know nothing of np.errstate
    "ignore::UserWarning",  # some rows are unstable at their start
)


def bits(target="cuda", **options):
    """What a run holds, byte for byte."""
    run = ls.simulate(**options, target=target, threads=1)
    assert run.attrs["target"] == target
    return {name: variable.values.tobytes() for name, variable in run.variables.items()}


def assert_same(**options):
    found, expected = bits(**options), bits("cpu", **options)
    assert found.keys() == expected.keys()
    assert not [name for name in found if found[name] != expected[name]]


@pytest.mark.parametrize("number", cases.ROWS)
def test_a_row_of_the_covering_table(number):
    assert_same(**cases.options_of(number), precision=cases.PRECISIONS[number % 2])


def test_every_pair_occurs():
    """The twin: in the first hundred rows not all do."""
    catalogue, count = cases.catalogue, len(cases.ROWS)
    wanted = set().union(*map(catalogue.pairs, catalogue.candidates()))
    rows = catalogue.covering_rows(cases.ALL_PAIRS)
    assert set().union(*map(catalogue.pairs, rows)) == wanted and len(rows) == count
    assert set().union(*map(catalogue.pairs, rows[:100])) < wanted


@pytest.mark.parametrize("name", cases.OWN)
def test_a_case_of_the_test_of_bits(name):
    assert_same(**cases.options_of_own(name))


@pytest.mark.parametrize("name", cases.REDUCERS)
def test_a_reducer(name):
    assert_same(**cases.options_with(name))


def turning(p, x, out):
    """A user's gradient, which branches on x."""
    for k in range(len(x)):
        if x[k] > 0.0:
            out[k] = p.right * x[k]
        else:
            out[k] = x[k]


def bent(p, x):
    total = 0.0
    for k in range(len(x)):
        total += 0.5 * where(x[k] > 0.0, p.right, 1.0) * x[k] * x[k]
    return total


BENT = ls.Potential("bent", bent, turning, {"right": 4.0}, 2)
WALLS = BENT._replace(domain=(("periodic", -1.0, 1.0), ("reflecting", -1.0, 1.0)))
BASE = cases.options_with("moments")
SPECIAL = {
    "a user's function that branches": {"model": BENT},
    "walls": {"model": WALLS},
    "a schedule": {"dynamics": ls.dynamics.sgd(ls.schedules.inverse_time(0.1, 3.0), momentum=0.5)},
    "leavers": {"dynamics": ls.dynamics.sgd(1.5), "escape_radius": 2.0, "steps": 12},
    "leavers that diverge": {"dynamics": ls.dynamics.sgd(5.0), "steps": 30},
    "stored steps": {"every": 2, "loss": True},
    "no reducer, no noise": {"reducers": (), "noise": None},
    "no steps": {"reducers": (), "steps": 0},
    "first passage": {"reducers": ls.reducers.first_passage(above=0.5), "steps": 30},
    "first passage, several updates a step": {
        "reducers": ls.reducers.first_passage(above=0.5),
        "dynamics": ls.dynamics.sgd_diffusion(0.1, 1, 3),
        "steps": 9,
    },
    "first passage of leavers": {
        "reducers": ls.reducers.first_passage(above=1.5),
        "dynamics": ls.dynamics.sgd(2.5),
        "steps": 12,
    },
}


@pytest.mark.parametrize("name", SPECIAL)
@pytest.mark.parametrize("precision", cases.PRECISIONS)
def test_special_runs(name, precision):
    assert_same(**BASE | SPECIAL[name], precision=precision)


@pytest.mark.parametrize(
    "layout", [{"block_size": 32}, {"chunk_steps": 2}, {"devices": (0, 0)}, {"devices": range(5)}]
)
def test_blocks_chunks_and_devices_do_not_show(layout):
    plane = cases.REDUCERS["plane"]()
    options = BASE | {"particles": 70, "x0": None, "reducers": (plane,)}
    assert bits(**options, **layout) == bits(**options)


def test_another_seed_is_seen():
    """The twin."""
    assert bits(**BASE)["x"] != bits(**BASE | {"seed": 1})["x"]


def test_a_checkpointed_run_goes_on_where_it_began_and_nowhere_else(tmp_path):
    options = BASE | {"checkpoint": tmp_path, "checkpoint_every": 2}
    plain = bits(**BASE)
    assert bits(**options) == bits(**options) == plain  # the second time it is only read
    assert ls.resume(tmp_path).x.values.tobytes() == plain["x"]
    with pytest.raises(ValueError, match="target"):
        ls.simulate(**options, target="cpu")


def test_the_state_comes_from_the_devices_where_a_piece_ends(tmp_path, monkeypatch):
    """After the steps 3 and 6, and when all is over; chunks are shorter."""
    brought, fetch = [], fleet.Fleet.fetch
    monkeypatch.setattr(fleet.Fleet, "fetch", lambda *all: brought.append(1) or fetch(*all))
    options = {"checkpoint": tmp_path, "checkpoint_every": 3, "chunk_steps": 1}
    assert bits(**BASE, **options) == bits(**BASE) and len(brought) == 3 + 1


@pytest.mark.parametrize("at", ["copy", "launch"])
def test_a_device_that_is_too_small_is_named_before_anything_starts(at, tmp_path, monkeypatch):
    """37 particles of 8 bytes for their places, and what the driver holds for them."""

    def full(*given):
        raise RuntimeError("Call to cuMemAlloc results in CUDA_ERROR_OUT_OF_MEMORY")

    def broken(*given):
        raise RuntimeError("CUDA_ERROR_ILLEGAL_ADDRESS")

    name = {"copy": "_to_device", "launch": "_launching"}[at]
    folder = tmp_path / "run"
    monkeypatch.setattr(fleet, name, full)
    with pytest.raises(MemoryError, match="device 0 has no memory for 37 particles") as caught:
        bits(**BASE | {"particles": 37, "x0": None}, checkpoint=folder)
    said = str(caught.value)
    assert "e-06 GB" in said and "CUDA_ERROR_OUT_OF_MEMORY" in said and "target='cpu'" in said
    assert not folder.exists()
    monkeypatch.setattr(fleet, name, broken)  # the twin: another error is told apart
    with pytest.raises(RuntimeError, match="device 0 has failed, .*ILLEGAL_ADDRESS"):
        bits(**BASE)


def test_a_device_that_is_not_there_is_named_before_anything_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(fleet, "SIMULATED", False)
    monkeypatch.setattr(fleet, "cuda", SimpleNamespace(gpus=[nullcontext()], to_device=np.copy))
    with pytest.raises(ValueError, match="devices must be below 1, the number of GPUs, got 3"):
        bits(**BASE, devices=(0, 3), checkpoint=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_blocks_are_no_larger_than_registers_allow(monkeypatch):
    """A thread takes at most 256 of a multiprocessor's 65536."""
    blocks, grid = [], []

    class Kernel:
        def __getitem__(self, shape):
            blocks.append(shape[1])
            grid.append(shape[0] * shape[1])
            return lambda *given: None

    monkeypatch.setattr(fleet, "_jitted", lambda kernel: Kernel())
    for size in (1, 33, 256, 1024):
        ls.simulate(**BASE | {"particles": 300, "x0": None}, target="cuda", block_size=size)
    assert set(blocks) == {32, 64, 256} and min(grid) >= 300


def test_a_stopped_run_is_resumed_on_other_devices_and_extended_where_it_ran(tmp_path, monkeypatch):
    monkeypatch.setattr(terminal, "SHOW_SECONDS", 0.0)
    folder, plain = tmp_path / "run", BASE | {"reducers": ls.reducers.histogram(-2.0, 2.0, 8)}
    with pytest.warns(UserWarning, match="interrupted: 2 of 6 steps"):
        options = {"checkpoint": folder, "chunk_steps": 2, "progress": ctrl_c_at(2)}
        part = ls.simulate(**plain, **options, target="cuda")
    assert part.attrs["interrupted"] == 1 and part.step.values.tolist() == [0, 2]
    done, whole = ls.resume(folder, devices=(0, 0)), ls.simulate(**plain)
    assert done.x.values[-1].tobytes() == whole.x.values[-1].tobytes()
    np.testing.assert_array_equal(done.histogram_count, whole.histogram_count)
    longer = ls.simulate(**plain | {"steps": 9}).x.values[-1].tobytes()
    for run, target in ((done, {}), (folder, {}), (done, {"target": "cpu"})):
        more = ls.extend(run, 3, plain["model"], plain["dynamics"], plain["noise"], **target)
        assert more.attrs["target"] == target.get("target", "cuda")
        assert more.x.values[-1].tobytes() == longer


def ctrl_c_at(step):
    """A function for `progress` that presses Ctrl-C; every chunk is to be shown."""

    def press(done, steps, seconds):
        if done == step:
            os.kill(os.getpid(), signal.SIGINT)

    return press


def test_ctrl_c_returns_the_finished_steps(monkeypatch):
    """Those of a chunk, after which all devices are waited for."""
    monkeypatch.setattr(terminal, "SHOW_SECONDS", 0.0)
    with pytest.warns(UserWarning, match="interrupted: 4 of 6 steps are done, and kept"):
        options = {"chunk_steps": 2, "progress": ctrl_c_at(4), "devices": (0, 0)}
        part = ls.simulate(**BASE, **options, target="cuda")
    whole = ls.simulate(**BASE | {"steps": 4})
    assert part.attrs["interrupted"] == 1 and part.steps == 4
    assert all(part[name].identical(whole[name]) for name in ("x", "status", "moments_mean"))


def test_chunks_are_as_long_as_the_clock_says(monkeypatch):
    """About 0.2 s, the time of the devices included: a slow launch is seen."""
    lengths, move = [], fleet.Fleet.move

    def slow(self, program, ensemble, chunk, workers, block_size):
        lengths.append(len(chunk.stored_in))
        clock.now += 0.05 * len(chunk.stored_in)
        move(self, program, ensemble, chunk, workers, block_size)

    clock = SimpleNamespace(now=0.0)
    clock.perf_counter = lambda: clock.now
    monkeypatch.setattr(chunks, "time", clock)
    monkeypatch.setattr(fleet.Fleet, "move", slow)
    ls.simulate(**BASE | {"particles": 2, "x0": None, "steps": 13}, target="cuda")
    assert lengths == [0, 1, 4, 4, 4]


TABLE = ls.losses.linear_regression(np.ones((10**5, 2)), np.ones(10**5))


# fmt: off
@pytest.mark.parametrize(("options", "message"), [
    ({"model": TABLE, "dynamics": ls.dynamics.sgd(0.1, 70_000), "noise": ls.noise.minibatch()},
     "546.9 KiB for batches of at most 70000, "),
    ({"reducers": ls.reducers.autocovariance([40_000])}, " numbers of reducers, "),
    ({"model": ls.potentials.quadratic(np.ones(10_000)), "noise": None},
     " KiB for 10000 dimensions"),
])
# fmt: on
def test_what_a_thread_has_no_memory_for_is_refused_before_anything_starts(options, message):
    with pytest.raises(ValueError, match=r"^target='cuda' has 512 KiB .* needs \S+ KiB") as caught:
        ls.simulate(**BASE | {"particles": 2, "x0": None, "reducers": ()} | options, target="cuda")
    assert message in str(caught.value) and "or target='cpu'" in str(caught.value)


def test_a_sweep_and_a_search_for_the_stationary_state_take_it():
    common = {"particles": 20, "noise": BASE["noise"], "model": BASE["model"], "seed": 1}
    of = common | {
        "dynamics": ls.dynamics.sgd(0.1),
        "steps": 5,
        "grid": {"learning_rate": [0.1, 0.2]},
    }
    swept = [ls.sweep(**of, target=target) for target in ("cuda", "cpu")]
    assert swept[0].x.values.tobytes() == swept[1].x.values.tobytes()
    settled = common | {"dynamics": ls.dynamics.sgd(0.2), "max_steps": 200, "tolerance": 0.9}
    runs = [ls.run_until_stationary(**settled, target=target) for target in ("cuda", "cpu")]
    assert runs[0].x.values.tobytes() == runs[1].x.values.tobytes()


def test_auto_takes_the_simulator():
    assert ls.simulate(**BASE, target="auto").attrs["target"] == "cuda"


def test_a_run_that_goes_on_has_the_bits_of_one():
    half = ls.simulate(**BASE | {"steps": 3, "reducers": ()}, target="cuda")
    rest = ls.simulate(
        **BASE | {"steps": 3, "x0": half, "reducers": (), "seed": None}, target="cuda"
    )
    whole = ls.simulate(**BASE | {"reducers": ()}, target="cuda")
    assert np.array_equal(rest.x.values[-1], whole.x.values[-1])
