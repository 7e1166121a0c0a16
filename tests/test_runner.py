"""The runner of the studies: both ways to start one are the same, shards of any number give the
same result, claims decide.
"""

import json
import subprocess
import sys
from pathlib import Path

import _runner
import pytest
import xarray as xr
from _runner import Claim, report

import langevin_sgd as ls
from langevin_sgd.command_line.commands import main
from langevin_sgd.command_line.studies import study_file
from langevin_sgd.command_line.words import NotUnderstood
from langevin_sgd.storage import is_whole
from langevin_sgd.storage.manifest import Header, begin_manifest

STUDIES = Path(__file__).resolve().parents[1] / "studies"
STUDY = '''"""Are there three parts?

Run:  python toy.py
"""

from functools import partial

import xarray as xr
from _runner import Claim, in_memory, main


def part(number, seed):
    return xr.Dataset({"number": number + 10 * seed})


def run(quick, seed, threads, plant, each=in_memory):
    parts = each({str(k): partial(part, k, seed) for k in range(3)})
    dataset = xr.concat([parts[str(k)] for k in range(3)], "part")
    total = float(dataset.number.sum())
    holds, interval = total == 3 + 30 * seed + plant, (total - 1, total + 1)
    return dataset, [Claim("the sum is right", holds, f"{total}", interval, 0.0)]


class plot:
    def __init__(self, dataset):
        pass

    def savefig(self, path, dpi):
        path.write_text("a figure")


if __name__ == "__main__":
    main("toy", run, plot)
'''


def test_words_reach_what_is_named_after_a_variable_and_dimensions_get_coordinates():
    names = "heat", "heat_standard_error", "exact_heat", "heat_exact", "heat_of_all"
    one = {name: ("place", [1.0], {"long_name": name, "units": "1"}) for name in names}
    found = _runner.in_full(xr.Dataset(one), {"heat": "mean heat", "place": "where", "no": "none"})
    text = "mean heat", "standard error: mean heat", "exact value: mean heat"
    assert [found[name].long_name for name in names] == [*text, text[-1], "heat_of_all"]
    assert found.place.long_name == "where" and found.place.values.tolist() == [0]


@pytest.fixture
def toy(tmp_path):
    folder = tmp_path / "studies"
    folder.mkdir()
    (folder / "toy.py").write_text(STUDY)
    (folder / "_runner.py").write_text((STUDIES / "_runner.py").read_text())
    return folder / "toy.py"


def python(*arguments, cwd=None):
    """Run Python in a process of its own."""
    environment = {"PYTHONPATH": str(STUDIES.parent), "MPLBACKEND": "Agg"}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
    )


def run(study, *arguments):
    """`python -m langevin_sgd run`, in this process."""
    return main(["run", str(study), *map(str, arguments)])


def test_both_ways_to_start_a_study_are_the_same(toy, tmp_path):
    direct = python(toy, "--quick", "--out", tmp_path / "a")
    through = python("-m", "langevin_sgd", "run", toy, "--quick", "--out", tmp_path / "b")
    assert direct.returncode == through.returncode == 0, direct.stderr + through.stderr
    assert direct.stdout.splitlines()[:4] == through.stdout.splitlines()[:4]
    assert "content" in direct.stdout
    one, other = (ls.load(tmp_path / name / "toy.nc") for name in "ab")
    assert one.drop_attrs().identical(other.drop_attrs())
    assert one.attrs["content_sha256"] == other.attrs["content_sha256"]
    assert (tmp_path / "a" / "toy.png").is_file()


def test_what_a_study_does_not_understand_is_told_with_the_nearest_option(toy, capsys):
    for words, told in {
        ("--quik",): "'--quik' means nothing here. Did you mean '--quick'? See ",
        ("--seed", "x"): "argument --seed: must be a whole number, got 'x'. See ",
    }.items():
        program = f"langevin-sgd run {toy}"
        assert run(toy, *words) == 2
        assert capsys.readouterr().err == f"{program}: {told}{program} --help\n"
    toy.write_text(STUDY.replace("Are there three parts?", "Are there three parts? " + 30 * "Yes "))
    assert run(toy, "--help") == 0
    assert max(map(len, capsys.readouterr().out.splitlines()[1:])) <= 80


@pytest.mark.parametrize("shards", [1, 2, 3, 7])
def test_merged_shards_are_the_study_in_one_piece(shards, toy, tmp_path, capsys):
    assert run(toy, "--seed", "2", "--out", tmp_path / "whole") == 0
    for i in [*range(shards, 0, -1), 1]:
        assert run(toy, "--seed", "2", "--out", tmp_path / "parts", "--shard", f"{i}/{shards}") == 0
    assert "nothing to do" in capsys.readouterr().out or shards < 7
    assert run(toy, "--seed", "2", "--out", tmp_path / "parts", "--merge") == 0
    one, other = (
        ls.load(tmp_path / name / "toy.nc").attrs["content_sha256"] for name in ("whole", "parts")
    )
    assert one == other


def test_merge_runs_the_study_that_the_user_names_with_the_arguments_of_its_shards(
    toy, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    planted = "--seed", "3", "--quick", "--plant", "--out", "o"
    for i in (1, 2):
        assert run(toy, *planted, "--shard", f"{i}/2") == 0
    assert main(["info", "o/toy.points"]) == 0
    assert "3 of 3 points are finished" in " ".join(capsys.readouterr().out.split())
    assert main(["merge", "o"]) == 1
    assert "holds parts of toy. Name the study to be run for them" in capsys.readouterr().err
    assert main(["merge", "o", str(toy)]) == 1  # planted: the claim fails
    assert "FAIL" in capsys.readouterr().out
    kept = ls.load("o/toy.nc")
    assert (kept.seed, kept.quick, kept.planted) == ("3", 1, 1) and is_whole(kept)


EVIL = "open('evil', 'w').write('ran')"


def test_nothing_that_a_folder_names_is_run(tmp_path, monkeypatch, capsys):
    """Studies, files and modules named in manifests of both versions, beside code so called."""
    monkeypatch.chdir(tmp_path)
    for place in ("studies/evil.py", "o/evil.py", "evil.py", "studies/throughput.py"):
        Path(place).parent.mkdir(exist_ok=True)
        Path(place).write_text(EVIL)
    for name in ("evil", "studies/evil.py", "evil.py", "o/evil.py", "evil:run"):
        plan = {"study": name, "grid": {"a": [1]}, "quick": name, "seed": 1, "parts": ["a"]}
        header = Header("study", plan, {})
        for folder in ("o/evil.points", "o"):
            Path(folder).mkdir(exist_ok=True)
            Path(folder, "manifest.json").write_text(json.dumps({"plan": plan, "begun": {}}))
            Path(folder, "manifest.jsonl").unlink(missing_ok=True)
            for words in (["merge", "o"], ["merge", folder], ["info", folder], ["resume", folder]):
                main(words)
            begin_manifest(folder, header)
            for words in (["merge", "o"], ["merge", folder], ["info", folder], ["resume", folder]):
                main(words)
    assert not Path("evil").exists()
    assert "study" in capsys.readouterr().err


def test_a_missing_shard_is_named_and_another_plan_refused(toy, tmp_path, capsys):
    assert run(toy, "--out", tmp_path, "--shard", "1/2") == 0
    assert run(toy, "--out", tmp_path, "--merge") == 1
    assert "missing in" in (error := capsys.readouterr().err) and ": 1. Run their shards." in error
    assert run(toy, "--out", tmp_path, "--shard", "2/2", "--seed", "2") == 1
    assert "begun with another description:\n  seed: 1 there, 2 now" in capsys.readouterr().err


REFUSED = {
    ("--shard", "1/2"): "need --out FOLDER",
    ("--merge",): "need --out FOLDER",
    ("--update-data", "--quick"): "goes with full results only",
    ("--merge", "--out", "o", "--shard", "1/2"): "one at a time",
    ("--shard", "3/2", "--out", "o"): "shard must be 'i/n'",
    ("--seed", "-1"): "--seed must be >= 0",
    ("--threads", "0"): "--threads must be >= 1",
}


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_bad_arguments(arguments, toy, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(toy, *arguments) == 2
    told = capsys.readouterr().err
    assert REFUSED[arguments] in told and told.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_a_failure_and_no_misunderstanding(toy, capsys):
    assert run(toy, "--out", __file__) == 1
    told = capsys.readouterr().err
    assert "File exists" in told and told.count("\n") == 1


def test_a_study_in_one_piece_has_no_shards(toy, tmp_path, capsys):
    toy.write_text(STUDY.replace(", each=in_memory", "").replace("each(", "in_memory("))
    assert run(toy, "--out", tmp_path, "--shard", "1/2") == 2
    assert "toy is one piece: it has no shards" in capsys.readouterr().err
    assert run(toy, "--quick") == 0


def test_progress_is_told_on_stderr_if_it_is_wanted(toy, capsys):
    assert run(toy, "--quick", "--progress") == 0
    assert "part 3 of 3, 2: done after" in capsys.readouterr().err
    assert run(toy, "--quick") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ((0.0, 0, 4, 3.0), "part: 3 s"),
        ((30.0, 2, 5, 5.0), "part: 5 s, about 40 s left"),
        ((30.0, 2, 5, 500.0), "part: 8 min, about 0 s left"),
    ],
)
def test_the_rest_takes_as_long_as_the_parts_that_are_done(place, words, monkeypatch):
    monkeypatch.setattr(_runner, "latest", [0, 1])
    assert _runner._progress_line("part", *place) == words
    monkeypatch.setattr(_runner, "latest", [21, 50])
    assert ", run at 42%" in _runner._progress_line("part", *place)


def test_claims_are_told_in_80_columns(capsys):
    long = Claim("means under all schedules are exact " * 4, True, "largest |z| 2.7", z=2.7)
    claims = [Claim("a", True, "1.0 +- 0.1", (0.6, 1.4), -0.3), long]
    assert report(claims) and not report([*claims, Claim("b", False, "no")])
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    assert "  pass  a:\n        1.0 +- 0.1, z = -0.3, interval [0.6, 1.4]\n" in printed
    assert "  FAIL  b:\n        no\n" in printed and "z = +2.7" not in printed


def test_a_result_is_written_though_nobody_reads_what_is_printed(toy, tmp_path):
    command = f"{sys.executable} {toy} --out {tmp_path / 'out'} --progress 2>&- | head -n 0"
    environment = {"PYTHONPATH": str(STUDIES.parent), "MPLBACKEND": "Agg"}
    subprocess.run(["sh", "-c", command], env=environment, timeout=100)
    assert is_whole(ls.load(tmp_path / "out" / "toy.nc"))


def test_a_name_is_a_study_of_the_package_and_a_path_one_of_your_own(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # with a folder studies/, which a name does not reach
    with pytest.raises(NotUnderstood):
        study_file("toy")
    assert study_file(str(toy)) == toy and study_file("studies/toy.py").resolve() == toy
    assert study_file("throughput") == STUDIES / "throughput.py"


def test_results_go_to_an_ignored_folder_and_renew_data_only_if_told_and_changed(
    toy, tmp_path, monkeypatch
):
    for name in ("OUT", "DATA"):
        monkeypatch.setattr(_runner, name, tmp_path / name.lower())

    def outcome(*words):
        assert run(toy, *words) in (0, 1)
        return {
            file.relative_to(tmp_path).as_posix(): file.stat().st_mtime_ns
            for folder in ("out", "data")
            for file in tmp_path.glob(f"{folder}/*")
        }

    assert outcome("--quick") == {}
    assert set(outcome()) == {"out/toy.nc", "out/toy.png"}
    first = outcome("--update-data")
    assert {"data/toy.nc", "data/toy.png"} < set(first)
    assert outcome("--update-data") == first
    assert outcome("--update-data", "--seed", "2")["data/toy.nc"] > first["data/toy.nc"]
    ignored = (STUDIES.parent / ".gitignore").read_text().splitlines()
    assert "/out/" in ignored


@pytest.mark.slow
def test_the_main_study_is_the_same_in_any_shards(tmp_path):
    """The twin: another seed gives another content."""

    def content(*arguments):
        done = python("-m", "langevin_sgd", *arguments)
        assert done.returncode == 0, done.stderr
        return [line for line in done.stdout.splitlines() if line.startswith("content")]

    study = "run", "boltzmann_departure", "--quick"
    whole = content(*study)
    for shards in (1, 2, 3, 7):
        for i in range(1, shards + 1):
            assert (
                content(*study, "--out", tmp_path / f"{shards}", "--shard", f"{i}/{shards}") == []
            )
        assert content("merge", tmp_path / f"{shards}", study[1]) == whole
    assert content(*study, "--seed", "2") != whole
