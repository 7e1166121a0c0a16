"""Threefry4x32-20 (Salmon et al. 2011, section 4.3), a second generator of another family: shifts
and sums, no multiplication.

It is there to run a study again with other random numbers at the same addresses: what holds only
under one generator is an artefact. `rng.words_at` takes it in place of Philox if the environment
says LANGEVIN_SGD_GENERATOR=threefry."""

import numpy as np

from .bits import LOW_WORD, WORD_BITS, inlined, kernel

_PARITY, _NEXT = np.uint64(0x1BD11BDA), np.uint64(1)
_ROTATIONS = tuple(
    (np.uint64(a), np.uint64(b))
    for a, b in ((10, 26), (11, 21), (13, 27), (23, 5), (6, 20), (17, 11), (25, 10), (18, 20))
)


@inlined
def _mix(a, b, turn):
    a = (a + b) & LOW_WORD
    return a, (((b << turn) | (b >> (WORD_BITS - turn))) & LOW_WORD) ^ a


@kernel
def threefry(c0, c1, c2, c3, k0, k1, k2, k3):
    """Threefry4x32-20 of a counter under a key of four words: four words of 32 bits in uint64."""
    k4, number = k0 ^ k1 ^ k2 ^ k3 ^ _PARITY, np.uint64(0)
    for four in range(6):
        c0, c1, c2, c3 = (
            (c0 + k0) & LOW_WORD,
            (c1 + k1) & LOW_WORD,
            (c2 + k2) & LOW_WORD,
            (c3 + k3 + number) & LOW_WORD,
        )
        k0, k1, k2, k3, k4, number = k1, k2, k3, k4, k0, number + _NEXT
        for turn in range(4 if four < 5 else 0):
            left, right = _ROTATIONS[(4 * four + turn) % 8]
            c0, c1 = _mix(c0, c1, left)
            c2, c3 = _mix(c2, c3, right)
            c1, c3 = c3, c1
    return c0, c1, c2, c3
