"""Threefry4x32-20 (Salmon et al. 2011, section 4.3), a second generator of another family: shifts
and sums, no multiplication.

It is there to run a study again with other random numbers at the same addresses: what holds only
under one generator is an artefact. `rng.words_at` takes it in place of Philox if the environment
says LANGEVIN_SGD_GENERATOR=threefry."""

import numpy as np

from .bits import kernel

_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
_PARITY, _ONE = np.uint64(0x1BD11BDA), np.uint64(1)
_TURNS = tuple(
    (np.uint64(a), np.uint64(b))
    for a, b in ((10, 26), (11, 21), (13, 27), (23, 5), (6, 20), (17, 11), (25, 10), (18, 20))
)


@kernel
def _mix(a, b, turn):
    a = (a + b) & _LOW
    return a, (((b << turn) | (b >> (_HALF - turn))) & _LOW) ^ a


@kernel
def threefry(c0, c1, c2, c3, k0, k1, k2, k3):
    """Threefry4x32-20 of a counter under a key of four words: four words, each 32 bits in a uint64."""
    k4, number = k0 ^ k1 ^ k2 ^ k3 ^ _PARITY, np.uint64(0)
    for four in range(6):
        c0, c1, c2, c3 = (
            (c0 + k0) & _LOW,
            (c1 + k1) & _LOW,
            (c2 + k2) & _LOW,
            (c3 + k3 + number) & _LOW,
        )
        k0, k1, k2, k3, k4, number = k1, k2, k3, k4, k0, number + _ONE
        for turn in range(4 if four < 5 else 0):
            left, right = _TURNS[(4 * four + turn) % 8]
            c0, c1 = _mix(c0, c1, left)
            c2, c3 = _mix(c2, c3, right)
            c1, c3 = c3, c1
    return c0, c1, c2, c3
