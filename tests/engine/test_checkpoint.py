"""Runs in a folder: the same bits as a run left alone, however they were cut, and refusals that say
what differs.
"""

import errno
import json
import os
import signal
import tracemalloc

import numpy as np
import pytest
from refusals import refusal
from runs_in_folders import NOISE, SIMPLE, WELL, Crash, alone, crash_at, in_folder, readers

import langevin_sgd as ls
from langevin_sgd.engine import checkpoint, terminal
from langevin_sgd.engine.description import data_of
from langevin_sgd.engine.rebuilding import rebuilt
from langevin_sgd.storage import content_hash, run_files, run_folder
from langevin_sgd.storage.lock import take_lock


@pytest.fixture(autouse=True)
def every_chunk_is_shown(monkeypatch):
    monkeypatch.setattr(terminal, "SHOW_SECONDS", 0.0)


def regression():
    random = np.random.default_rng(1)
    return ls.losses.linear_regression(random.normal(size=(40, 2)), random.normal(size=40))


CASES = {
    "diverging, reducers": lambda: (
        *(WELL, ls.dynamics.sgd(0.2), NOISE),
        {"escape_radius": 1.5, "loss": True},
    ),
    "reshuffled heavy ball": lambda: (
        ls.losses.quadratic_centers([2.0, 0.5], np.random.default_rng(2).normal(size=(40, 2))),
        ls.dynamics.sgd(ls.schedules.cosine(0.1, 0.01, 60), batch_size=7, momentum=0.5),
        ls.noise.minibatch("reshuffle"),
        {"first_step": 30, "steps": 30, "reducers": ()},
    ),
    "BAOAB": lambda: (
        *(WELL, ls.dynamics.underdamped_langevin(0.3, 1.0, 0.1), None),
        {"every": None, "reducers": ()},
    ),
    "Adam": lambda: (
        *(WELL, ls.dynamics.adam(ls.schedules.from_values(np.linspace(0.1, 0.01, 80))), NOISE),
        {"every": 1, "reducers": ()},
    ),
    "closures": lambda: (
        *(regression(), ls.dynamics.sgd(0.05), ls.noise.table_gaussian()),
        {"reducers": ()},
    ),
}
# How a run is cut until it crashes in a step: pieces, threads, chunks, blocks and the step.
CUTS = [(4, 1, 3, 16, 11), (7, 2, 2, 32, 12)]


@pytest.mark.parametrize(
    "case",
    [*list(CASES)[:2], *(pytest.param(case, marks=pytest.mark.slow) for case in list(CASES)[2:])],
)
@pytest.mark.filterwarnings("ignore:.*particles left")  # the first case means to
def test_a_resumed_run_has_the_bits_of_one_left_alone(case, tmp_path):
    """Crashed twice, continued by `simulate` and by `resume`, with other threads, blocks, chunks
    and pieces each time.
    """
    model, dynamics, noise, options = CASES[case]()
    options = SIMPLE | options
    alone = ls.simulate(model, dynamics, noise, **options)
    folder = options | {"checkpoint": tmp_path / "run"}
    for every, threads, chunk, block, step in CUTS:
        folder |= {"checkpoint_every": every, "threads": threads, "chunk_steps": chunk}
        cut = {"block_size": block, "progress": crash_at(step)}
        with pytest.raises(Crash):
            ls.simulate(model, dynamics, noise, **folder, **cut)
    back = ls.load(tmp_path / "run")
    done = back.steps_done - options.get("first_step", 0)
    assert back.finished == 0 and 10 < done < options["steps"]
    resumed = ls.resume(tmp_path / "run", threads=3)
    assert content_hash(resumed) == content_hash(alone) == content_hash(ls.load(tmp_path / "run"))
    assert set(resumed.variables) == set(alone.variables) and resumed.sizes == alone.sizes
    for name in alone.variables:
        np.testing.assert_array_equal(resumed[name].values, alone[name].values)
    if case.startswith("diverging"):
        left = (alone.status > 0).sum()
        assert 0 < left < alone.sizes["particle"] and alone.stopped_at_step.max() > 20


def test_a_run_that_is_cut_elsewhere_would_not_pass(tmp_path):
    """The twin: one bit of the state changed where a run goes on shows in its hash."""
    state_of = run_folder.Run.state

    def one_bit_off(run):
        state = state_of(run)
        state["x"].view(np.int64)[0, 0, 3] ^= 1
        return state

    with pytest.raises(Crash):
        in_folder(tmp_path / "run", checkpoint_every=10, chunk_steps=5, progress=crash_at(30))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_folder.Run, "state", one_bit_off)
        assert content_hash(ls.resume(tmp_path / "run")) != content_hash(alone())


def test_a_finished_run_is_only_read(tmp_path, monkeypatch):
    first = in_folder(tmp_path / "run")
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "run").iterdir()}
    monkeypatch.setattr(checkpoint, "run_chunks", None)
    again, resumed = in_folder(tmp_path / "run", seed=None), ls.resume(tmp_path / "run")
    assert content_hash(first) == content_hash(again) == content_hash(resumed)
    assert before == {path.name: path.stat().st_mtime_ns for path in (tmp_path / "run").iterdir()}


def test_pieces_end_by_their_steps_by_the_clock_or_by_their_size(tmp_path, monkeypatch):
    in_folder(tmp_path / "steps", checkpoint_every=20, chunk_steps=5)
    lines = map(json.loads, (tmp_path / "steps" / "manifest.jsonl").read_text().splitlines())
    assert [line["step"] for line in lines if "segment" in line] == [20, 40, 60]
    one = in_folder(tmp_path / "one", chunk_steps=5)
    assert len(list((tmp_path / "one").glob("segment-*.nc"))) == 1
    monkeypatch.setattr(checkpoint, "SECONDS", 0.0)
    clock = in_folder(tmp_path / "clock", chunk_steps=5)
    assert len(list((tmp_path / "clock").glob("segment-*.nc"))) == 12
    monkeypatch.setattr(checkpoint, "SECONDS", 1e9)
    monkeypatch.setattr(checkpoint, "BYTES", 3 * one.x[0].nbytes)
    size = in_folder(tmp_path / "size")
    assert len(list((tmp_path / "size").glob("segment-*.nc"))) == 4
    assert content_hash(one) == content_hash(clock) == content_hash(size)


def test_ctrl_c_keeps_what_is_done(tmp_path):
    def interrupt(done, steps, seconds):
        if done == 30:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.warns(UserWarning, match="interrupted: 30 of 60 steps are done, and safe in"):
        part = in_folder(tmp_path / "run", chunk_steps=10, progress=interrupt)
    with pytest.warns(UserWarning, match="interrupted: 30 of 60"):
        plain = alone(chunk_steps=10, progress=interrupt)
    assert part.interrupted == 1 and part.steps == 30 and content_hash(part) == content_hash(plain)
    assert part.step.values.tolist() == [0, 7, 14, 21, 28, 30]
    assert ls.load(tmp_path / "run").step.values.tolist() == [0, 7, 14, 21, 28]
    assert content_hash(ls.resume(tmp_path / "run")) == content_hash(alone())


def test_ctrl_c_after_the_look_at_the_clock_loses_no_chunk(tmp_path, monkeypatch):
    """It comes when it is settled that no piece is due: the next chunk is the last, and written."""
    own = checkpoint.Pieces.due

    def pressed(self, done):
        if done == 10:
            os.kill(os.getpid(), signal.SIGINT)
        return own(self, done)

    monkeypatch.setattr(checkpoint.Pieces, "due", pressed)
    with pytest.warns(UserWarning, match="interrupted: 20 of 60 steps are done, and safe in"):
        in_folder(tmp_path / "run", chunk_steps=10)
    assert ls.load(tmp_path / "run").steps_done == 20
    monkeypatch.undo()
    assert content_hash(ls.resume(tmp_path / "run")) == content_hash(alone())


def test_what_differs_is_shown_line_by_line(tmp_path, monkeypatch):
    in_folder(tmp_path / "run")
    message = refusal(in_folder, tmp_path / "run", rate=0.06)
    assert "dynamics.params.learning_rate: 0.05 there, 0.06 now" in message
    message = refusal(in_folder, tmp_path / "run", steps=61, seed=6, x0=[0.5, 0.2])
    assert "arguments.steps: 60 there, 61 now" in message
    assert "arguments.seed: 5 there, 6 now" in message and "start.x0: " in message
    message = refusal(in_folder, tmp_path / "run", reducers=ls.reducers.moments())
    assert 'reducers.0.made_by: "histogram" there, "moments" now' in message
    changed = checkpoint._code_of_the_package() | {"engine/cpu.py": "another"}
    monkeypatch.setattr(checkpoint, "_code_of_the_package", lambda: changed)
    message = refusal(in_folder, tmp_path / "run")
    assert "files of code: 1, such as engine/cpu.py; begun by langevin_sgd" in message


def test_every_record_of_the_package_is_rebuilt(tmp_path):
    """Twice through a description is once: names, parameters, tables, closures and schedules."""
    records = [record for case in CASES.values() for record in case()[:3]] + readers()
    records += [ls.noise.student_t(3.0, [1.0]), ls.noise.gaussian(np.eye(12))]
    records += [ls.noise.minibatch(weights=np.arange(1.0, 41.0))]
    for record in records:
        constants = {}
        data = data_of(record, "it", constants)
        assert data_of(rebuilt(data, constants), "it", {}) == data


def test_a_folder_that_cannot_be_written_is_found_out_before_the_first_step(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "run_chunks", None)
    with pytest.raises(OSError, match="its parent must exist and be writable"):
        in_folder(tmp_path / "none" / "run")
    (tmp_path / "busy").mkdir()
    busy = pytest.raises(RuntimeError, match="is being written by process")
    with take_lock(tmp_path / "busy"), busy:
        in_folder(tmp_path / "busy")
    (tmp_path / "busy" / "mine.txt").write_text("")
    with pytest.raises(FileExistsError, match=r"already holds 'mine\.txt'"):
        in_folder(tmp_path / "busy")


def test_a_full_disk_loses_nothing_finished(tmp_path, monkeypatch):
    write, left = run_files.write_whole, [6]

    def filling(path, image):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, image)

    refused = pytest.raises(OSError, match="complete up to step 20; make room")
    with monkeypatch.context() as patch, refused:
        patch.setattr(run_files, "write_whole", filling)
        in_folder(tmp_path / "run", checkpoint_every=10)
    assert ls.load(tmp_path / "run").steps_done == 20
    assert content_hash(ls.resume(tmp_path / "run")) == content_hash(alone())


def test_bad_arguments(tmp_path):
    message = refusal(in_folder, None, checkpoint_every=3)
    assert "checkpoint_every must be None without checkpoint" in message
    assert "checkpoint_every must be >= 1" in refusal(in_folder, tmp_path / "a", checkpoint_every=0)
    assert "nothing to go on from" in refusal(in_folder, tmp_path / "a", steps=0, reducers=())
    passage = {"reducers": ls.reducers.first_passage(above=1.0), "every": None}
    assert "its particles are at different steps" in refusal(in_folder, tmp_path / "a", **passage)
    assert not (tmp_path / "a").exists()
    with pytest.raises(TypeError, match="checkpoint must be a path, .*got 3"):
        in_folder(3)
    run_folder.create(tmp_path / "other", {"a": 1}, {"x": np.zeros(1)}).close()
    assert "does not hold a run of simulate" in refusal(ls.resume, tmp_path / "other")


def test_a_relative_folder_stays_where_it_was(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)

    def change(done, steps, seconds):
        monkeypatch.chdir(tmp_path / "elsewhere")

    run = in_folder("run", checkpoint_every=10, chunk_steps=5, progress=change)
    assert content_hash(run.compute()) == content_hash(alone())
    assert not list((tmp_path / "elsewhere").iterdir()) and (tmp_path / "run" / "final.nc").exists()


def test_a_function_that_does_not_compile_begins_no_folder(tmp_path):
    def own(word):
        def update(p, x, v, g, xi, z):
            x[0] = x[0] - p.rate * (g[0] + word)

        return ls.Dynamics("own", update, {"rate": 0.1})

    given = {"particles": 16, "steps": 4, "seed": 1, "checkpoint": tmp_path / "run"}
    with pytest.raises(Exception) as refused:
        ls.simulate(ls.potentials.quadratic([1.0]), own("a text"), None, **given)
    assert not isinstance(refused.value, FileExistsError) and not (tmp_path / "run").exists()
    assert ls.simulate(ls.potentials.quadratic([1.0]), own(0.0), None, **given).finished == 1


def peak(steps, **options):
    tracemalloc.start()
    in_folder(options.pop("folder"), steps=steps, every=1, particles=96, **options)
    reached = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return reached


def test_memory_does_not_grow_with_the_steps(tmp_path):
    """20,000 rows of 1.5 kB; the twin keeps them. Without dask what is returned is read into the
    memory.
    """
    pytest.importorskip("dask")
    few = peak(4000, folder=tmp_path / "few", checkpoint_every=1000)
    many = peak(20_000, folder=tmp_path / "many", checkpoint_every=1000)
    assert many < 1.3 * few and peak(20_000, folder=None) > 3 * many


def test_a_run_that_has_no_piece_yet_goes_on_from_its_own_start(tmp_path, monkeypatch):
    """Each particle starts elsewhere, with a velocity of its own: the state of the start has it,
    not what `resume` is told.
    """
    heavy, noise = ls.dynamics.sgd(0.1, momentum=0.5), ls.noise.gaussian([1.0, 0.25])
    records = ls.potentials.double_well(2), heavy, noise
    random = np.random.default_rng(0)
    given = {name: random.normal(size=(40, 2)) for name in ("x0", "v0")}
    given |= {"particles": 40, "steps": 20, "seed": 1}

    def full(*given):
        raise OSError("full")

    with monkeypatch.context() as broken, pytest.raises(OSError):
        broken.setattr(run_folder.Run, "append", full)
        ls.simulate(*records, **given, checkpoint=tmp_path / "run")
    assert content_hash(ls.resume(tmp_path / "run")) == content_hash(ls.simulate(*records, **given))
