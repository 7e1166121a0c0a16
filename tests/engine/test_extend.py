"""extend(): a run that goes on by itself has the bits of one long run."""

import numpy as np
import pytest

import langevin_sgd as ls

WELL, PAIR = ls.potentials.double_well(2, coupling=0.5), ls.noise.gaussian([1.0, 0.25])
BALL = ls.dynamics.sgd(ls.schedules.cosine(0.1, 0.01, steps=70), momentum=0.9)
random = np.random.default_rng(4)
LINE = ls.losses.linear_regression(random.normal(size=(200, 2)), random.normal(size=200))
ROWS, PLAIN = ls.noise.minibatch("reshuffle"), ls.dynamics.sgd(0.1, 3)
FIRST, MORE = 37, 30


def simulate(steps, records=(WELL, BALL, PAIR), **options):
    return ls.simulate(*records, **{"particles": 21, "steps": steps, "seed": 6} | options)


def same_end(one, other):
    for name in ("x", "v", "status", "stopped_at_step"):
        if name in one:
            last = [
                run[name].isel(step=-1) if "step" in run[name].dims else run[name]
                for run in (one, other)
            ]
            np.testing.assert_array_equal(*last)
    assert int(one.step[-1]) == int(other.step[-1]) == one.attrs["steps"] == other.attrs["steps"]


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_a_dataset_goes_on(precision):
    """Kept as a file meanwhile; frozen particles stay frozen, and the radius is kept."""
    options = {"precision": precision, "escape_radius": 1.5}
    whole, first = simulate(FIRST + MORE, **options), simulate(FIRST, **options)
    assert 0 < int((first.status != 0).sum()) < int((whole.status != 0).sum()) < 21
    same_end(whole, ls.extend(first, MORE, threads=1))


def test_a_saved_run_goes_on(tmp_path):
    ls.save(simulate(FIRST), tmp_path / "run.nc")
    same_end(simulate(FIRST + MORE), ls.extend(ls.load(tmp_path / "run.nc"), MORE))


@pytest.mark.parametrize(
    ("now", "before", "records"),
    [
        ("gaussian_noise", "noise_laws", (WELL, BALL, PAIR)),
        ("sgd_diffusion", "descent", (WELL, ls.dynamics.sgd_diffusion(0.1, substeps=2), PAIR)),
    ],
)
def test_a_run_goes_on_that_names_functions_where_they_were(now, before, records):
    run = simulate(FIRST, records)
    assert f"models.{now}:" in run.attrs["records"]
    run.attrs["records"] = run.attrs["records"].replace(f"models.{now}:", f"models.{before}:")
    same_end(simulate(FIRST + MORE, records), ls.extend(run, MORE))
    same_end(simulate(FIRST + MORE, records), ls.extend(run, MORE, *records))


def test_a_gaussian_field_goes_on_that_is_named_where_it_was():
    def factor(p, x, out):
        out[0] = p.scale * x[0]

    records = ls.potentials.double_well(), PLAIN, ls.noise.gaussian_field(factor, {"scale": 0.5}, 1)
    run = simulate(FIRST, records)
    run.attrs["records"] = run.attrs["records"].replace("gaussian_field:_f", "noise_laws:_f")
    same_end(simulate(FIRST + MORE, records), ls.extend(run, MORE, noise=records[2]))


def test_a_folder_goes_on_with_its_table(tmp_path):
    records = LINE, PLAIN, ROWS
    simulate(FIRST, records, checkpoint=tmp_path / "run")
    same_end(simulate(FIRST + MORE, records), ls.extend(tmp_path / "run", MORE))


def test_the_table_of_a_dataset_is_passed_and_compared():
    run = simulate(FIRST, (LINE, PLAIN, ROWS))
    same_end(simulate(FIRST + MORE, (LINE, PLAIN, ROWS)), ls.extend(run, MORE, LINE))
    message = "model must be passed: the run does not hold 'model.data' of it. Call extend.run, st"
    with pytest.raises(ValueError, match=message):
        ls.extend(run, MORE)
    other = ls.losses.linear_regression(random.normal(size=(200, 2)), random.normal(size=200))
    with pytest.raises(ValueError, match="model must be that of the run"):
        ls.extend(run, MORE, other)
    with pytest.raises(ValueError, match="dynamics must be that of the run"):
        ls.extend(run, MORE, LINE, ls.dynamics.sgd(0.2, 3))


def test_what_belongs_to_the_run_is_not_changed():
    run = simulate(2)
    with pytest.raises(TypeError, match=r"takes precision from the run.*simulate\("):
        ls.extend(run, MORE, precision="float32")
    with pytest.raises(ValueError, match="run must be a whole run of simulate"):
        ls.extend(run.drop_attrs(), MORE)
    with pytest.raises(TypeError, match="run must be a run of simulate, or its folder, got 3"):
        ls.extend(3, MORE)


@pytest.mark.parametrize("before", [0, 2000])
def test_a_folder_that_is_not_finished_is_resumed_first(tmp_path, before):
    begun = {"x0": simulate(before)} if before else {}
    stop = iter([False])

    def interrupt(done, steps, seconds):
        raise InterruptedError(next(stop))

    with pytest.raises(InterruptedError):
        kept = {"checkpoint": tmp_path / "run", "checkpoint_every": 500}
        simulate(10**6 - 999_000 * (before > 0), **begun, **kept, progress=interrupt)
    part = ls.load(tmp_path / "run")
    assert part.attrs["steps"] == part.attrs["steps_done"]
    with pytest.raises(ValueError, match="Call langevin_sgd.resume first"):
        ls.extend(tmp_path / "run", MORE)
