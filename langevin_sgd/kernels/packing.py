"""Groups of WIDTH particles in memory: shape (groups, components, WIDTH), aligned to cache lines;
see `views`.
"""

import numpy as np

from .lanes import WIDTH


def empty_groups(groups, components, dtype=np.float64):
    """Uninitialised array (groups, components, WIDTH) that starts on a 64-byte line, so that vector
    loads do not straddle two.
    """
    count, line = groups * components * WIDTH, 64 // np.dtype(dtype).itemsize
    raw = np.empty(count + line, dtype)
    start = (-raw.ctypes.data // raw.itemsize) % line
    return raw[start : start + count].reshape(groups, components, WIDTH)


def pack(x, dtype=np.float64):
    """Groups of the particles x (particles, components); the last group is filled up with copies of
    the last particle.
    """
    particles, components = x.shape
    groups = -(-particles // WIDTH)
    filled = x[np.minimum(np.arange(groups * WIDTH), particles - 1)]
    packed = empty_groups(groups, components, dtype)
    packed[...] = filled.reshape(groups, WIDTH, components).transpose(0, 2, 1)
    return packed


def unpack(packed, particles):
    """The array (particles, components) of packed groups."""
    groups, components, width = packed.shape
    return np.ascontiguousarray(
        packed.transpose(0, 2, 1).reshape(groups * width, components)[:particles]
    )
