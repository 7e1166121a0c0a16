"""What a folder says of a run: functions of the user are passed again, and nothing is believed."""

import json
import shutil
from functools import cache

import pytest
from refusals import refusal
from runs_in_folders import WELL, Crash, crash_at, in_folder

import langevin_sgd as ls
from langevin_sgd.engine import description, rebuilding, terminal
from langevin_sgd.storage import content_hash
from langevin_sgd.storage.manifest import begin_manifest, read_manifest


@pytest.fixture(autouse=True)
def every_chunk_is_shown(monkeypatch):
    monkeypatch.setattr(terminal, "SHOW_SECONDS", 0.0)


@cache
def valley(exponent, power=1.0):
    def helper(y):
        return exponent * y

    def gradient(p, x, out):
        out[0] = power * helper(x[0])

    def energy(p, x):
        return 0.5 * power * exponent * x[0] * x[0]

    return ls.Potential("valley", energy, gradient, {"none": 0.0}, 1)


def test_functions_of_the_user_are_compared_and_never_looked_up(tmp_path):
    records = valley(1.0), ls.dynamics.sgd(0.1), ls.noise.gaussian([1.0])
    options = {"particles": 16, "steps": 20, "seed": 1}
    kept = {"checkpoint": tmp_path / "run", "chunk_steps": 5, "checkpoint_every": 5}
    with pytest.raises(Crash):
        ls.simulate(*records, **options, **kept, progress=crash_at(10))
    assert "Pass it as before" in refusal(ls.resume, tmp_path / "run")
    text = refusal(ls.resume, tmp_path / "run", model=valley(2.0))
    assert "model.gradient.uses.helper.uses.exponent: 1.0 there, 2.0 now" in text
    text = refusal(ls.resume, tmp_path / "run", model=ls.potentials.quadratic([1.0]))
    assert 'model.gradient.own: "gradient" there, (absent) now' in text
    left_alone = content_hash(ls.simulate(*records, **options))
    assert content_hash(ls.resume(tmp_path / "run", model=valley(1.0))) == left_alone


def test_starts_that_differ_are_not_said_to_move_alike(tmp_path):
    """The folder does not hold the start any more: a warning would be an error here."""
    records = ls.potentials.quadratic([1.0]), ls.dynamics.sgd(0.1)
    kept = {"checkpoint": tmp_path / "run", "chunk_steps": 5, "checkpoint_every": 5}
    with pytest.raises(Crash):
        ls.simulate(
            *records, particles=2, x0=[[1.0], [2.0]], steps=20, **kept, progress=crash_at(10)
        )
    assert float(ls.resume(tmp_path / "run").x[-1, 1, 0]) == pytest.approx(2 * 0.9**20)


@pytest.mark.parametrize(
    "path",
    [
        "os:system",
        "antigravity:geohash",
        "langevin_sgd.storage.files:save",
        "langevin_sgd.models.x:y",
    ],
)
def test_a_folder_cannot_name_a_function_from_elsewhere(path, monkeypatch):
    data = description.data_of(WELL, "model", {}) | {"energy": {"function": path}}
    with pytest.raises(rebuilding.NotInThePackage, match=path), monkeypatch.context() as patch:
        patch.setattr("builtins.__import__", None)
        rebuilding.rebuilt(data, {})


FORGED = {
    "arguments.particles": [10**9, 10**30, -1, 0, "a", 23, 25, 2.5, None],
    "arguments.steps": [10**30, -1, "a", None],
    "arguments.every": [0, -1, 1e300],
    "arguments.first_step": [10**30, -3],
    "arguments.seed": [2**64, -1, [1]],
    "arguments.precision": ["float16", 3],
    "arguments.target": ["gpu", None],
    "arguments.escape_radius": [-1.0, "a"],
    "model.dim": [10**9, 3, -1, 2.0],
    "model.name": ["", 3],
    "model.scratch": [10**9, -1],
    "model.energy": [{"function": "os:system"}, {"own": "a", "lines": []}, 3],
    "model.params": [{}, {"barrier": "a"}, 3, None],
    "model.kind": ["Evil", "Reducer", None],
    "dynamics.state_size": [10**9],
    "dynamics.normals": [10**9, -1],
    "noise.normals": [10**9, -1],
    "noise.params.scale": [{"array": "nowhere"}, "a"],
    "reducers": [3, [3], [{"made_by": "eval"}], [{"made_by": "histogram", "bins": 10**9}]],
}


@pytest.fixture(scope="module")
def crashed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crashed") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(terminal, "SHOW_SECONDS", 0.0)
        with pytest.raises(Crash):
            in_folder(folder, checkpoint_every=10, chunk_steps=5, progress=crash_at(30))
    return folder


@pytest.mark.parametrize("place", FORGED)
def test_what_a_forged_folder_claims_is_checked_like_arguments(crashed, tmp_path, place):
    """Sizes before memory is asked for: 10^9 particles took all of it. Nothing is computed."""
    description = read_manifest(crashed).header.description
    *way, last = place.split(".")
    for value in FORGED[place]:
        forged = json.loads(json.dumps(description))
        target = forged
        for name in way:
            target = target[name]
        target[last] = value
        lines = (crashed / "manifest.jsonl").read_bytes().splitlines(keepends=True)
        header = read_manifest(crashed).header._replace(description=forged)
        (tmp_path / "run").mkdir(exist_ok=True)
        for file in crashed.glob("s*-*"):
            shutil.copy(file, tmp_path / "run")
        begin_manifest(tmp_path / "run", header)
        with open(tmp_path / "run" / "manifest.jsonl", "ab") as file:
            file.writelines(lines[1:])
        with pytest.raises((ValueError, TypeError)) as refused:
            ls.resume(tmp_path / "run")
        assert not isinstance(refused.value.__cause__, MemoryError)
