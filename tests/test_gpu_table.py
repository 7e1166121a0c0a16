"""The table of GPUs without a GPU: what it says then, and its parts."""

import numpy as np
import pytest
from benchmark import on_gpu
from benchmark.on_gpu import FULL, GOALS, NO_DEVICE, array_loop, claims_of, main, paper_of, table
from benchmark.roofline import H100
from benchmark.sde import AMPLITUDE, DRIFT, PUBLISHED, STEPS, linear_sde
from engine.test_cuda_found import H100 as FOUND_H100
from engine.test_cuda_found import NO_DRIVER, WHOLE

import langevin_sgd as ls


def test_without_a_device_a_sentence_says_why(monkeypatch, capsys):
    monkeypatch.setattr(on_gpu, "find_cuda", lambda: WHOLE._replace(driver=NO_DRIVER))
    assert main(["--target", "cuda"]) == NO_DEVICE
    told = capsys.readouterr().err
    assert 'target="cuda" cannot be used. no driver of NVIDIA\'s was found' in told
    with pytest.raises(SystemExit) as end:
        main(["--target", "tpu"])
    assert end.value.code == 2


def test_the_published_rate_is_that_of_its_file():
    """8388608 paths of 256 steps in 715.859498 ms."""
    assert pytest.approx(3.0e9, rel=1e-3) == PUBLISHED


def test_a_step_of_the_linear_equation_is_eulers():
    """Mean and variance of x after a step of dt: x (1 + 1.5 dt) and (0.01 x)^2 dt."""
    count, x0 = 20_000, 0.1
    run = ls.simulate(*linear_sde(), particles=count, steps=1, x0=np.full(3, x0), seed=1)
    x, dt = run.x.values[-1], 1.0 / STEPS
    deviation = AMPLITUDE * x0 * np.sqrt(dt)
    error = deviation / np.sqrt(x.size)
    assert abs(x.mean() - x0 * (1.0 + DRIFT * dt)) < 4 * error
    assert abs(x.std() - deviation) < 4 * deviation / np.sqrt(2 * x.size)
    assert abs(x.mean() - x0) > 10 * error  # the twin: without the drift it would be seen


def test_the_array_program_moves_particles_as_ours_does():
    """One step from the origin is noise alone: x = RATE AMPLITUDE z."""
    found = [array_loop(np, np.float64)(1, steps)() for steps in (1, 1, 2)]
    assert found[0] == found[1] != found[2] and abs(found[0]) < 6 * on_gpu.RATE * on_gpu.AMPLITUDE


def test_the_paper_is_the_devices_own():
    paper = paper_of(FOUND_H100._replace(multiprocessors=114, clock=1.7e9))
    assert (paper.multiprocessors, paper.clock, paper.rates) == (114, 1.7e9, H100.rates)
    assert paper_of(FOUND_H100._replace(capability=(WHOLE.nvrtc))) is None


def test_the_table_says_what_is_missing(capsys):
    rates = {"float64": (2e10, "blocks of 128"), "linear equation": (1e9, "3 components")}
    found = table(rates, {"CuPy": "not installed: cupy"}, {"float64": 1e11})
    assert found.share.values.tolist()[0] == pytest.approx(0.2)
    assert np.isnan(found.rate.sel(program="CuPy")) and np.isnan(found.share.values[1:]).all()
    told = capsys.readouterr().out
    assert "20%" in told and "4e+10" in told and "3e+09" in told and "not installed: cupy" in told


def test_claims_fail_where_bits_differ_or_a_goal_is_missed():
    rates = {name: (goal, "") for name, goal in GOALS.items()}
    assert all(claim.holds for claim in claims_of(rates, [], True))
    assert [claim.holds for claim in claims_of(rates, ["float64"], True)] == [False, True, True]
    slow = {name: (goal / 2, "") for name, goal in GOALS.items()}
    assert [claim.holds for claim in claims_of(slow, [], True)] == [True, False, False]
    assert len(claims_of(slow, [], False)) == 1


def test_the_steps_of_a_run_fill_its_time():
    clock = [0.0]

    def call(steps):
        def run():
            clock[0] += 1e-4 * steps

        return run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(on_gpu.time, "perf_counter", lambda: clock[0])
        steps = on_gpu.steps_for(call, 1.0)
    assert 0.5 <= 1e-4 * steps <= 2.0 and FULL.rounds * FULL.seconds < 60
