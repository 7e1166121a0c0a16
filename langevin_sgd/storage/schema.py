"""What every result of this package looks like from outside, and the test of it.

Schema 1, CF-style. The units are those of the dimensionless problem (length, energy, time, nat, 1),
not UDUNITS', and nothing has a CF standard_name.

* Global attributes: ``Conventions``, ``title``, ``source``, ``history``, ``references`` (text),
  ``schema_version`` (integer), and the rest of `provenance`. A run of `simulate` adds ``model``,
  ``dynamics`` and ``noise`` (JSON); a study adds ``study``, ``seed``, ``claims`` (text), ``quick``
  and ``planted`` (0 or 1).
* Every variable, coordinates included: ``long_name`` and ``units``, "1" where it has none. None is
  a unit of time in words ("days"), nor "... since ...": bare xarray would turn such numbers into
  dates.
* ``NAME_standard_error`` stands beside ``NAME``, with its dimensions and units.
* Plain data: bool, integer, float and text. Names are identifiers.
"""

import json

import numpy as np
import xarray as xr

from .provenance import SCHEMA_VERSION

TEXT = ("Conventions", "title", "source", "history", "references")
JSON = ("model", "dynamics", "noise")
DECODED_AS_TIME = {"days", "hours", "minutes", "seconds"}
DECODED_AS_TIME |= {"milliseconds", "microseconds", "nanoseconds"}


def validate(dataset):
    """Check a dataset, as bare ``xarray.open_dataset`` or `load` gives it, against the schema in
    this module's docstring: a ValueError has one line for each rule that is broken, a TypeError
    is for anything but a Dataset."""
    if not isinstance(dataset, xr.Dataset):
        raise TypeError(f"dataset must be an xarray.Dataset, got {type(dataset).__name__}")
    broken = [*_broken_globally(dataset.attrs)]
    for name, variable in dataset.variables.items():
        broken += [
            f"variable {name!r} {complaint}"
            for complaint in _broken_by(name, variable, dataset.variables)
        ]
    if broken:
        raise ValueError(f"the dataset breaks schema {SCHEMA_VERSION}:\n" + "\n".join(broken))


def _is_text(value):
    return isinstance(value, str) and value.strip() != ""


def _broken_globally(attributes):
    for name in TEXT:
        if not _is_text(attributes.get(name)):
            yield f"attribute {name!r} must be text, got {attributes.get(name)!r}"
    if attributes.get("schema_version") != SCHEMA_VERSION:
        found = attributes.get("schema_version")
        yield f"attribute 'schema_version' must be {SCHEMA_VERSION}, got {found!r}"
    for name in JSON:
        try:
            json.loads(attributes.get(name, "null"), parse_constant=_refuse_constant)
        except (TypeError, ValueError, RecursionError) as error:
            yield f"attribute {name!r} must be strict JSON: {error}"


def _refuse_constant(text):
    raise ValueError(f"{text} is not JSON")


def _broken_by(name, variable, variables):
    units = variable.attrs.get("units")
    if not name.isidentifier():
        yield "must have an identifier for its name"
    text = variable.dtype.kind == "O" and all(
        isinstance(each, str) for each in variable.values.flat
    )
    if variable.dtype.kind not in "biufU" and not text:
        yield f"must be bool, integer, float or text, not {variable.dtype}"
    if not _is_text(variable.attrs.get("long_name")):
        yield f"needs a long_name, got {variable.attrs.get('long_name')!r}"
    if not _is_text(units):
        yield f'needs units ("1" if it has none), got {units!r}'
    elif units in DECODED_AS_TIME or " since " in units:
        yield f"has units {units!r}, which xarray decodes as times; use a symbol such as s"
    flags = variable.attrs.get("flag_meanings", "").split()
    if len(flags) != np.size(variable.attrs.get("flag_values", ())):
        yield "must have one flag_value for each of its flag_meanings"
    measured = variables.get(name.removesuffix("_standard_error"))
    if measured is None:
        yield f"has no {name.removesuffix('_standard_error')!r} beside it"
    elif measured.dims != variable.dims or measured.attrs.get("units") != units:
        yield f"must have the dimensions {measured.dims} and the units of what it is the error of"
