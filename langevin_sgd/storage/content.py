"""The content of a dataset as one hash: what it says, not when, where or in how many pieces it was
made; and the hashes of this package's source files."""

import hashlib
import json
import math
from pathlib import Path

import numpy as np

HASHED_AT_ONCE = 2**26  # bytes
OF_THE_FOLDER = ("finished", "steps_done", "recovery")
ABOUT = ("created", "cpu", "history", "source")
SEAL = "content_sha256"  # the attribute in which a file states the hash of its content


def sealed(dataset):
    """The dataset with the hash of its content in the attribute ``content_sha256``."""
    return dataset.assign_attrs({SEAL: content_hash(dataset)})


def is_whole(dataset):
    """Whether the content of a dataset has the hash that it states; None if it states none."""
    stated = dataset.attrs.get(SEAL)
    return None if stated is None else stated == content_hash(dataset)


def content_hash(dataset):
    """SHA-256 of the content of a dataset, 64 hexadecimal digits.

    Counted are, for every variable and coordinate in the order of the names: name, dims, dtype, the
    bits of the values (so -0.0 and 0.0 differ, and so do nans of different payload), and its
    attributes; then the attributes of the dataset. Not counted are the provenance (``created``,
    ``history``, ``source``, ``cpu``, every ``git_...`` and every ``..._version`` but
    ``schema_version``), what `load` says about a run folder (``finished``, ``steps_done``,
    ``recovery``), the hash that a file states (``content_sha256``), encodings, chunks, byte order,
    the order of variables, and the width in which text is stored. A dataset and its copy out of a
    file have the same hash; so have a run that was interrupted and resumed and the same run left
    alone. Lazy variables are computed piece by piece."""
    total = hashlib.sha256()
    for name in sorted(dataset.variables):
        variable = dataset.variables[name]
        text = variable.dtype.kind in "UOT"
        kind = "text" if text else variable.dtype.newbyteorder("<").str
        role = "coordinate" if name in dataset.coords else "variable"
        layout = role, list(variable.dims), list(variable.shape), kind
        head = [name, *layout, _attributes(variable.attrs)]
        total.update(json.dumps(head).encode() + b"\0")
        if text:
            total.update(json.dumps(variable.values.tolist()).encode())
        else:
            for piece in _pieces(variable):
                total.update(np.ascontiguousarray(piece, dtype=kind).tobytes())
    kept = {key: value for key, value in dataset.attrs.items() if not _is_provenance(key)}
    total.update(json.dumps(_attributes(kept)).encode())
    return total.hexdigest()


def _pieces(variable):
    if variable.ndim == 0:
        yield variable.values
        return
    rows = max(1, HASHED_AT_ONCE // max(1, variable.dtype.itemsize * math.prod(variable.shape[1:])))
    for first in range(0, variable.shape[0], rows):
        yield variable[first : first + rows].values


def _is_provenance(key):
    made = key in ABOUT or key.startswith("git_") or key.endswith("_version")
    return (made and key != "schema_version") or key in OF_THE_FOLDER or key == SEAL


def _attributes(attributes):
    """Attributes for comparison: a file does not tell a list of one from its item, so every value
    is a flat list here; floats by their bits."""
    listed = {key: np.asarray(value).ravel().tolist() for key, value in attributes.items()}
    return {
        key: [item.hex() if isinstance(item, float) else item for item in listed[key]]
        for key in sorted(listed)
    }


def source_hashes(*layers):
    """SHA-256 of every source file of some layers of this package, such as "kernels": path in the
    package (with ``/``) to 64 hexadecimal digits. What a resumed run must find unchanged."""
    package = Path(__file__).resolve().parents[1]
    files = [file for layer in layers for file in sorted((package / layer).rglob("*.py"))]
    return {
        file.relative_to(package).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
    }
