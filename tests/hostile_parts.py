"""Pieces of HDF5 files that are laid out, or misused, by hand."""

import struct

import numpy as np
import pytest

from langevin_sgd.storage import load


def vector(file, name, values=None, *, dimension="d", **layout):
    """A variable on a dimension of its own length, as netCDF4 lays it out."""
    variable = file.create_dataset(name, data=values, **layout)
    if dimension not in file:
        scale = file.create_dataset(dimension, data=np.arange(float(len(variable))))
        scale.make_scale(dimension)
    variable.dims[0].attach_scale(file[dimension])
    return variable


def text_references(content, length):
    """Where the file refers to a text of this length: the length, and the address of the heap that
    holds it.
    """
    places, place = [], -1
    while (place := content.find(struct.pack("<I", length), place + 1)) >= 0:
        address = int.from_bytes(content[place + 4 : place + 12], "little")
        if content[address : address + 4] == b"GCOL":
            places.append(place)
    return places


def refused(message, path, **options):
    """`load` refuses a file in these words."""
    with pytest.raises(ValueError, match=message):
        load(path, **options)
