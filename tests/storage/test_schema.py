"""The schema, and every result in data/ held against it."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import langevin_sgd as ls
from langevin_sgd.storage.provenance import global_attributes
from langevin_sgd.storage.schema import validate

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
FILES = sorted(DATA.glob("*.nc"))
MEGABYTE = 1e6


def sound():
    labels = {"long_name": "temperature", "units": "energy"}
    flags = {"flag_values": np.arange(2, dtype=np.int8), "flag_meanings": "running frozen"}
    variables = {
        "temperature": ("component", np.ones(2), labels),
        "temperature_standard_error": ("component", np.ones(2), labels),
        "status": ("component", np.zeros(2, np.int8), {"long_name": "s", "units": "1"} | flags),
        "direction": ("component", ["steep", "flat"], {"long_name": "direction", "units": "1"}),
    }
    attributes = global_attributes("Temperatures", "python studies/temperatures.py")
    return xr.Dataset(variables, attrs=attributes | {"model": '{"name": "quadratic"}'})


def test_a_sound_dataset_passes_in_memory_and_from_its_file(tmp_path):
    validate(sound())
    ls.save(sound(), tmp_path / "sound.nc")
    validate(ls.load(tmp_path / "sound.nc"))
    with xr.open_dataset(tmp_path / "sound.nc") as bare:
        validate(bare)


def test_the_source_and_history_name_program_time_and_command():
    attributes = sound().attrs
    assert attributes["Conventions"].startswith("CF-")
    assert attributes["source"].count("langevin_sgd") == 1
    assert attributes["history"] == f"{attributes['created']}: python studies/temperatures.py"


def change(**attributes):
    return lambda dataset: dataset.attrs.update(attributes)


def relabel(name, **attributes):
    return lambda dataset: dataset[name].attrs.update(attributes)


def added(name, change=lambda variable: variable):
    return lambda dataset: dataset.update({name: change(dataset.temperature)})


ERROR = "temperature_standard_error"
BROKEN = [
    (change(title=""), "attribute 'title' must be text"),
    (change(history=3), "attribute 'history' must be text, got 3"),
    (lambda dataset: dataset.attrs.pop("Conventions"), "'Conventions' must be text, got None"),
    (change(schema_version=0), "attribute 'schema_version' must be 1, got 0"),
    (change(model="{'name': 1}"), "attribute 'model' must be strict JSON"),
    (change(model='{"rate": NaN}'), "attribute 'model' must be strict JSON: NaN is not JSON"),
    (change(noise="[" * 100_000), "attribute 'noise' must be strict JSON"),
    (lambda dataset: dataset.temperature.attrs.pop("units"), "variable 'temperature' needs units"),
    (relabel("temperature", long_name=" "), "variable 'temperature' needs a long_name"),
    (relabel("status", units="days"), "has units 'days', which xarray decodes as times"),
    (relabel("status", units="s since 2000"), "'s since 2000', which xarray decodes as times"),
    (relabel("status", flag_meanings="running"), "'status' must have one flag_value for each"),
    (relabel(ERROR, units="1"), f"variable '{ERROR}' must have the dimensions"),
    (added("x_standard_error"), "has no 'x' beside it"),
    (added("two words"), "variable 'two words' must have an identifier"),
    (added("x", lambda x: x.astype(complex)), "variable 'x' must be bool, integer, float"),
]


@pytest.mark.parametrize(("break_it", "complaint"), BROKEN)
def test_a_broken_rule_is_named(break_it, complaint):
    dataset = sound()
    break_it(dataset)
    with pytest.raises(ValueError, match="^the dataset breaks schema 1:\n") as found:
        validate(dataset)
    assert complaint in str(found.value)


def test_all_broken_rules_are_told_at_once():
    with pytest.raises(ValueError) as found:
        validate(xr.Dataset({"x": ((), 1.0)}))
    assert len(str(found.value).splitlines()) == 1 + 6 + 2
    with pytest.raises(TypeError, match=r"dataset must be an xarray\.Dataset, got dict"):
        validate({})


# What is kept in data/


def listed(text, name):
    """The lines of a README that list the file."""
    return [line for line in text.splitlines() if line.startswith("|") and f"`{name}`" in line]


def lacks(dataset):
    """What a reader misses: coordinates of dimensions, long names that say more than the names.

    Coordinates of text may be called after their dimension: their entries speak.
    """
    found = [f"no coordinate along {dim}" for dim in dataset.sizes if dim not in dataset.coords]
    for name, variable in dataset.variables.items():
        speaks = name in dataset.coords and variable.dtype.kind in "UO"
        words = str(variable.attrs.get("long_name")).lower().replace(" ", "_")
        if words == name.lower() and not speaks:
            found.append(f"{name} has its own name for a long_name")
    return found


def complaints_about(file, readme):
    """Of a result of a study: everything that is wrong with it."""
    with xr.open_dataset(file) as bare:  # no argument: as anyone would open it
        dataset = bare.load()
    found = []
    try:
        validate(dataset)
    except ValueError as error:
        found += str(error).splitlines()[1:]
    found += lacks(dataset)
    study = dataset.attrs.get("study", "")
    if file.stem != study or not (ROOT / "studies" / f"{study}.py").is_file():
        found.append(f"no study {study!r} makes {file.name}")
    if dataset.attrs.get("quick", 1) or dataset.attrs.get("planted", 1):
        found.append("it comes from a quick or planted run")
    claims = dataset.attrs.get("claims", "")
    if not claims.startswith("pass: ") or "FAIL: " in claims:
        found.append("its claims do not all hold")
    if len(listed(readme, file.name)) != 1:
        found.append("it needs one line in data/README.md")
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_result_keeps_the_schema_and_names_its_study(file):
    assert not complaints_about(file, (DATA / "README.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_result_passes_the_checks_of_load(file):
    with xr.open_dataset(file) as bare:
        assert set(ls.load(file).variables) == set(bare.variables)


def test_results_are_small_and_nothing_else_is_kept():
    sizes = {file.name: file.stat().st_size for file in DATA.iterdir() if file.name[0] != "."}
    assert FILES and max(sizes.values()) < 2 * MEGABYTE and sum(sizes.values()) < 15 * MEGABYTE
    studies = {file.stem for file in FILES}
    results = {f"{study}{suffix}" for study in studies for suffix in (".nc", ".png")}
    assert set(sizes) <= results | {"README.md"}


def test_every_line_of_the_readme_names_a_file_that_exists():
    text = (DATA / "README.md").read_text(encoding="utf-8")
    names = re.findall(r"^\| `([^`]+\.nc)`", text, re.MULTILINE)
    assert sorted(names) == [file.name for file in FILES]


def test_a_bare_dimension_and_an_idle_long_name_are_seen():
    """The twin of what every result has."""
    labels = {"long_name": "Two words", "units": "1"}
    dataset = xr.Dataset({"two_words": ("place", np.ones(2), labels)})
    assert lacks(dataset) == [
        "no coordinate along place",
        "two_words has its own name for a long_name",
    ]
    told = dataset.assign_coords(place=("place", ["a", "b"], {"long_name": "place"}))
    told.two_words.attrs["long_name"] = "number of words"
    assert lacks(told) == []
    assert lacks(told.assign_coords(place=("place", [1, 2], {"long_name": "place"}))) == [
        "place has its own name for a long_name"
    ]


def test_a_file_that_no_study_made_is_seen(tmp_path):
    """The twin: the same checks on a run that someone left there."""
    shutil.copy(FILES[0], tmp_path / "stray.nc")
    found = complaints_about(tmp_path / "stray.nc", "")
    assert f"no study {FILES[0].stem!r} makes stray.nc" in found
    assert "it needs one line in data/README.md" in found
