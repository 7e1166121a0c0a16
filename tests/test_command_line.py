"""The command line."""

import inspect
import subprocess
import sys
import tomllib
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

import langevin_sgd as ls
from langevin_sgd.command_line import studies
from langevin_sgd.command_line.commands import _parsers, main
from langevin_sgd.command_line.listing import MORE_TO_LIST, PARTS_OF_RUNS, entries
from langevin_sgd.command_line.pictures import _curves, _one_row_a_point
from langevin_sgd.command_line.studies import own_studies
from langevin_sgd.storage import is_whole, sweep_folder

DATA = Path(__file__).resolve().parents[1] / "data"
COMMANDS = ["list", "run", "info", "plot", "resume", "merge", "doctor", "bench"]


def answer(capsys, *words):
    """Exit code, what is printed and what is told on stderr, none of it wider than 80 columns."""
    try:
        code = main([str(word) for word in words])
    except SystemExit as end:
        code = end.code or 0
    printed, told = capsys.readouterr()
    assert max(map(len, printed.splitlines()), default=0) <= 80, printed
    return code, printed, told


def test_every_model_is_listed_with_its_arguments_and_formula(capsys):
    code, printed, _ = answer(capsys, "list", "models")
    in_one_line = " ".join(printed.split())
    for kind in PARTS_OF_RUNS:
        assert entries(getattr(ls, kind))
        for name, function in entries(getattr(ls, kind)).items():
            arguments = str(inspect.signature(function)).strip("()")
            assert f"{name}({arguments}" in in_one_line
    assert code == 0 and "barrier (x_0^2 - 1)^2" in printed
    assert "sum_i (z_i - mean z) g_i / sqrt(N B)" in printed


@pytest.mark.parametrize("kind", PARTS_OF_RUNS + MORE_TO_LIST)
def test_what_there_is_of_a_kind_is_a_table(kind, capsys):
    code, printed, _ = answer(capsys, "list", kind)
    assert code == 0
    for name in entries(getattr(ls, kind)):
        assert f"\n  {name}" in printed


def test_records_and_helpers_are_not_listed():
    assert {"double_well", "quadratic"} <= set(entries(ls.potentials))
    hidden = {"Potential", "check_gradient", "symmetric_matrix", "number"}
    assert not hidden & set(entries(ls.potentials))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (
            "double_well",
            ["ls.potentials.double_well(dim=1,", "Parameters", "Height of the barrier"],
        ),
        ("Loss", ["ls.Loss(name, example_loss, example_gradient,", "Mean loss over a table"]),
        ("simulate", ["ls.simulate(", "checkpoint"]),
        ("boltzmann_test", ["ls.analysis.boltzmann_test(run"]),
        ("gradient_noise", ["ls.reducers.gradient_noise(", "study gradient_noise"]),
    ],
)
def test_one_thing_is_listed_by_its_name(name, wanted, capsys):
    code, printed, _ = answer(capsys, "list", name)
    assert code == 0 and all(words in printed for words in wanted), printed
    assert "quadratic(" not in printed and "Raises" not in printed


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["lst"], "'list'"),
        (["list", "duble_well"], "'double_well'"),
        (["list", "potential"], "'potentials'"),
        (["run", "boltzmann_departur"], "'boltzmann_departure'"),
        (["resume", "folder", "--thread"], "expected one argument"),
        (["info", "x.nc", "--everything"], "means nothing here"),
        (["resume", "x", "--devces", "0"], "'--devices'"),
        (["bench", "--threads", "two"], "--threads: must be a whole number, got 'two'"),
        (["merge", ".", "escpe"], "Did you mean 'escape'?"),
        ([], "name a command"),
    ],
    ids=" ".join,
)
def test_what_is_not_understood_is_told_in_one_line(words, meant, capsys):
    code, _, told = answer(capsys, *words)
    assert code == 2 and meant in told and told.count("\n") == 1


def test_the_version(capsys):
    assert answer(capsys, "--version") == (0, f"{ls.__version__}\n", "")


def test_the_script_is_the_module():
    scripts = tomllib.loads((DATA.parent / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"langevin-sgd": f"{main.__module__}:{main.__name__}"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_examples_that_are_understood(command, capsys, monkeypatch):
    code, printed, _ = answer(capsys, command, "--help")
    examples = [line.strip() for line in printed.split("examples:")[1].splitlines()]
    examples = [line for line in examples if line.startswith("langevin-sgd ")]
    assert code == 0 and examples
    for line in examples:
        given, rest = _parsers()[0].parse_known_args(line.split()[1:])
        assert given.command in COMMANDS and not rest
    assert command in answer(capsys, "--help")[1]


def test_every_study_is_listed_with_its_question(capsys, monkeypatch):
    for words in (["list"], ["list", "studies"]):
        code, printed, _ = answer(capsys, *words)
        assert code == 0 and "_runner" not in printed
        assert "boltzmann_departure           Does SGD end in Boltzmann's distribution?" in printed
        assert all(f"  {name}" in printed for name in own_studies())
    monkeypatch.setattr(studies, "STUDIES", Path("nowhere"))
    assert "no studies: Studies come with the source tree" in answer(capsys, "list")[1]
    code, _, told = answer(capsys, "run", "escape")
    assert code == 2 and "Studies come with the source tree" in told


def test_a_terminal_wider_than_80_columns_is_filled(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["list"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) > 100


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["run", "x" * 5000], 2),
        (["run", "_runner"], 2),
        (["bench", "merge", "--points", "-5"], 2),
        (["bench", "merge", "--points", str(10**9)], 2),
        (["resume", "here", "--threads", "0"], 2),
        (["resume", "here", "--devices", "0;1"], 2),
        (["resume", __file__], 1),
        (["merge", __file__], 1),
        (["run", "studies/none.py"], 1),
        (["plot", "none.nc"], 1),
    ],
    ids=lambda words: " ".join(words)[:30] if isinstance(words, list) else "",
)
def test_no_arguments_end_in_a_traceback(words, code, capsys):
    found, _, told = answer(capsys, *words)
    assert found == code and told.count("\n") == 1
    known = "no study", "the number must", "must be a folder", "there is no ", "no list of numbers"
    assert any(text in told for text in known)


slow = pytest.mark.slow


@pytest.mark.parametrize("words", ["list", pytest.param("list models", marks=slow)])
def test_a_closed_output_is_no_error(words):
    command = f"{sys.executable} -m langevin_sgd {words} >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_stops_reading_is_no_error():  # more words: test_in_a_terminal.py
    command = f"{sys.executable} -m langevin_sgd list models | head -n 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert done.stdout.count("\n") == 1 and done.stderr == ""


def point(number):
    state = {"failed": np.int8(0), "error": np.str_(""), "seed": np.uint64(1)}
    return xr.Dataset({"number": number} | state)


def test_merge_and_info_of_a_sweep(tmp_path, capsys):
    sweep_folder.settle(tmp_path, "sweep", {"grid": {"rate": [0.1, 0.2]}, "seed": "1"}, "test")
    sweep_folder.keep_point(point(1.0), tmp_path, 0)
    assert main(["merge", str(tmp_path)]) == 1
    assert "1 of 2 points are missing" in capsys.readouterr().err
    told = answer(capsys, "info", tmp_path)[1]
    words = "a sweep, 1 of 2 points are finished rate [0.1, 0.2] seed 1 missing 1"
    assert words in " ".join(told.split())
    sweep_folder.keep_point(point(2.0), tmp_path, 1)
    assert main(["merge", str(tmp_path)]) == 0 and main(["merge", str(tmp_path)]) == 0
    *first, wrote, content = capsys.readouterr().out.splitlines()
    assert first == [wrote, content] and "merged.nc" in wrote and "content " in content
    merged = ls.load(tmp_path / "merged.nc")
    assert merged.number.values.tolist() == [1, 2] and merged.rate.values.tolist() == [0.1, 0.2]
    assert main(["info", str(tmp_path)]) == 0 and main(["info", str(tmp_path / "merged.nc")]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "2 of 2 points are finished" in printed
    assert "number (rate 2)" in printed and "numba" in printed


@pytest.mark.parametrize("file", sorted(DATA.glob("*.nc")), ids=lambda file: file.name)
def test_every_committed_result_is_whole(file, capsys):
    code, printed, _ = answer(capsys, "info", file)
    assert code == 0 and "whole, as stated\n" in printed
    assert file.stem in printed and " hold\n" in printed


def test_one_exit_code_for_what_is_damaged_or_missing(tmp_path, capsys):
    sweep_folder.keep_point(point(1.0), tmp_path, 0)
    good = sweep_folder.path_of(tmp_path, 0)
    damaged, unstated, cut = (tmp_path / name for name in ("damaged.nc", "unstated.nc", "cut.nc"))
    damaged.write_bytes(good.read_bytes().replace(np.float64(1).tobytes(), np.float64(2).tobytes()))
    ls.save(ls.load(good).drop_attrs(), unstated)
    cut.write_bytes(good.read_bytes()[:-50])
    told = {good: "whole, as stated", unstated: "states no hash of its content"}
    for path, words in told.items():
        assert main(["info", str(path)]) == 0 and words in capsys.readouterr().out
    wrong = {
        ("info", damaged): "is damaged: its content is not the one that it states",
        ("info", cut): "cut short",
        ("info", tmp_path / "cot.nc"): "cot.nc'. Did you mean 'cut.nc'?",
        ("info", tmp_path): "there is no manifest. It holds cut.nc, damaged.nc",
        ("merge", tmp_path): "there is no manifest. It holds cut.nc, damaged.nc",
        ("plot", tmp_path): "there is no manifest. It holds cut.nc, damaged.nc",
        ("merge", tmp_path / "none"): "there is no '",
        ("resume", tmp_path / "none"): "there is no '",
        ("plot", tmp_path / "none"): "there is no '",
        ("merge", tmp_path, "throughput"): "there are no shards of 'throughput' in",
        ("merge", good): "is a file, and there must be a folder.",
        ("run", tmp_path / "escape.py"): "This package's own: langevin-sgd run escape",
        ("resume", tmp_path): "there is no manifest. It holds cut.nc, damaged.nc",
        ("resume", good): "is a file, and there must be a folder. A run that was saved goes on by",
    }
    for words, message in wrong.items():
        assert main(list(map(str, words))) == 1
        assert message in capsys.readouterr().err


def test_a_file_that_was_changed_and_saved_again_is_whole(tmp_path):
    sweep_folder.keep_point(point(1.0), tmp_path, 0)
    ls.save(ls.load(sweep_folder.path_of(tmp_path, 0)).assign(number=2.0), tmp_path / "new.nc")
    assert is_whole(ls.load(tmp_path / "new.nc"))


# ---- pictures ------------------------------------------------------------------------------------


def run_of(particles, **options):
    well, sgd = ls.potentials.double_well(dim=2, barrier=0.25, coupling=0.8), ls.dynamics.sgd(0.02)
    noise = ls.noise.gaussian([[10.0, 0.0], [0.0, 3.3]])
    options = {"particles": particles, "steps": 40, "every": 10, "seed": 1} | options
    return ls.simulate(well, sgd, noise, **options)


def names_of_curves(dataset):
    _curves(dataset)
    names = [words.get_text() for words in plt.gca().get_legend().get_texts()]
    plt.close()
    return names


def is_png(path):
    return path.read_bytes()[:4] == b"\x89PNG"


@slow
def test_the_picture_that_fits_is_drawn_and_others_are_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ls.save(run_of(300), "many.nc")
    ls.save(run_of(20), "few.nc")
    _, printed, _ = answer(capsys, "plot", "many.nc")
    assert printed.startswith("wrote many.png\n") and is_png(Path("many.png"))
    assert "relaxation" in printed and "paths" in printed
    _, printed, _ = answer(capsys, "plot", "few.nc")
    assert "density" in printed and "paths" not in printed
    assert answer(capsys, "plot", "many.nc", "--kind", "paths", "--out", "other.svg")[0] == 0
    assert "<svg" in Path("other.svg").read_text()
    refused = {
        ("--kind", "path"): "no picture 'path', only density_with_marginals, ",
        ("--out", "nowhere/x.png"): "there is no 'nowhere'",
        ("--out", "x.odd"): "'odd' is not supported",
        ("escape", "--out", "x.png"): "plot(dataset) of 'escape' cannot draw many.nc",
    }
    for words, message in refused.items():
        code, _, told = answer(capsys, "plot", "many.nc", *words)
        assert code == 1 and message in told and told.count("\n") == 1


@slow
def test_a_picture_without_a_name_of_its_own_overwrites_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ls.save(run_of(300), "run.nc")
    Path("run.png").write_text("mine")
    there = "run.png is there already. To write over it: --out run.png\n"
    assert answer(capsys, "plot", "run.nc") == (1, "", there) and not is_png(Path("run.png"))
    for out, file in {"run.png": "run.png", "bare": "bare.png", ".": "run_tails.png"}.items():
        told = answer(capsys, "plot", "run.nc", "--kind", "tails", "--out", out)[1]
        assert told.startswith(f"wrote {file}\n") and is_png(Path(file))


def test_what_has_no_picture_says_what_has_one(tmp_path, capsys):
    ls.save(xr.Dataset({"a": 1.0}), tmp_path / "one.nc")
    code, _, told = answer(capsys, "plot", tmp_path / "one.nc")
    assert code == 1 and "one.nc has no picture. There are pictures of runs, of what" in told


def test_a_sweep_is_drawn_along_its_axis(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    sweep_folder.settle("swept", "sweep", {"grid": {"rate": [0.1, 0.2]}, "seed": "1"}, "test")
    for k in range(2):
        sweep_folder.keep_point(point(float(k)), "swept", k)
    assert answer(capsys, "plot", "swept")[:2] == (0, "wrote swept.png\n")
    assert is_png(Path("swept.png"))


def test_of_a_sweep_of_temperatures_the_last_step_of_each_direction_is_drawn(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    well, sgd = ls.potentials.double_well(dim=2, barrier=0.25, coupling=0.8), ls.dynamics.sgd(0.02)
    noise = ls.noise.gaussian([[10.0, 0.0], [0.0, 3.3]])
    options = {"grid": {"learning_rate": [0.01, 0.02]}, "measure": ls.analysis.equipartition}
    swept = ls.sweep(well, sgd, noise, particles=99, steps=9, seed=1, directory="swept", **options)
    assert answer(capsys, "plot", "swept")[:2] == (0, "wrote swept.png\n")
    found = _one_row_a_point(swept)
    expected = swept.temperature.isel(step=-1).values.diagonal(axis1=1, axis2=2)
    assert np.array_equal(found.temperature, expected)
    assert names_of_curves(found) == ["x0", "x1"]


def test_curves_of_a_sweep_are_named_by_the_values_of_its_second_axis():
    axes = {"rate": [0.1, 0.2], "momentum": [0.5, 0.9]}
    swept = xr.Dataset({"found": (tuple(axes), np.ones((2, 2)))}, axes)
    assert names_of_curves(swept) == ["momentum 0.5", "momentum 0.9"]


@slow
def test_the_file_of_a_study_is_drawn_by_the_study_and_by_no_file_that_it_names(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    Path("evil.py").write_text("open('evil', 'w')")
    ls.save(ls.load(DATA / "which_scalar.nc"), "mine.nc")
    assert answer(capsys, "plot", "mine.nc")[:2] == (0, "wrote mine.png\n")
    for name in ("evil.py", "evil", "./evil.py", str(tmp_path / "evil.py"), "_runner"):
        ls.save(ls.load(DATA / "which_scalar.nc").assign_attrs(study=name), "other.nc")
        assert answer(capsys, "plot", "other.nc")[0] in (0, 1)
    assert not Path("evil").exists()
    Path("own.py").write_text("import matplotlib.pyplot as plt\nplot = lambda data: plt.figure()")
    assert answer(capsys, "plot", "mine.nc", "own.py", "--out", "own.png")[0] == 0
    assert is_png(Path("own.png"))


@slow
@pytest.mark.parametrize("file", sorted(DATA.glob("*.nc")), ids=lambda file: file.name)
def test_every_committed_result_has_its_picture(file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert answer(capsys, "plot", file)[0] == 0
    assert is_png(Path(f"{file.stem}.png"))


# ---- folders of runs -----------------------------------------------------------------------------


@slow
def test_a_run_is_told_and_goes_on(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def press(done, steps, seconds):
        if done > 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plan = {"checkpoint": "run", "checkpoint_every": 10, "chunk_steps": 10, "progress": press}
        run_of(20, first_step=100, **plan)
    _, printed, _ = answer(capsys, "info", "run")
    assert "0 of 140 steps; go on with: langevin-sgd resume run" in printed
    assert "double_well(barrier=0.25" in printed and "sgd(learning_rate=0.02" in printed
    code, _, told = answer(capsys, "resume", "run", "--target", "cuda")
    assert code == 1 and "--target must be 'cpu'" in told
    code, _, told = answer(capsys, "resume", "run", "--devices", "0,1")
    assert code == 1 and "devices must be None on the CPU" in told
    for _ in range(2):
        code, printed, told = answer(capsys, "resume", "run", "--target", "cpu", "--threads", "1")
        assert (code, told) == (0, "") and printed.startswith("140 steps are done, the run is ")
    np.testing.assert_array_equal(ls.load("run").x, run_of(20, first_step=100).x)
    assert "finished: 140 steps" in answer(capsys, "info", "run")[1]
