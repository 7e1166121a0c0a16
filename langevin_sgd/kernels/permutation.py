"""A permutation at an address: pi(j) of n things for each particle, computed where it is needed;
nothing is stored.

Up to SMALL things pi is a product of transpositions (i, r_i) with r_i uniform in 0..i, i = 1 ... n
- 1: every one of the n! permutations is equally likely (Fisher and Yates 1938), to the 2^-32 n of a
32-bit multiply-shift. Above, pi is a balanced Feistel network of keyed rounds on pairs (left,
right) of numbers below about sqrt(n) (Luby and Rackoff 1988), walked until it falls below n (Black
and Rogaway 2002): a bijection for every key. Its round function is two multiplications of 32 x 32
bits, as in Philox."""

from typing import Any, NamedTuple

import numpy as np

from .bits import LOW_WORD, WORD_BITS, all_lanes, inlined, kernel, sqrt, where
from .lanes import WIDTH
from .rng import PHILOX_M0, PHILOX_M1, PHILOX_W0, PHILOX_W1, lane_numbers, words_at
from .views import store_words

SMALL = 16
# Rounds of the network, in pairs. With 8 rounds the pairs (pi(0), pi(1)) are uneven at n = 17 (10^7
# keys), and even from 257 on (4 10^7 keys).
FEW, FEW_ROUNDS, ROUNDS = 256, 7, 4


class Keys(NamedTuple):
    """Of the two halves of a pair of rounds."""

    left: Any
    left_tweak: Any
    right: Any
    right_tweak: Any


class Sides(NamedTuple):
    """left is below `lefts`, right is below `rights`."""

    lefts: Any
    rights: Any


@inlined
def _hashed(value, key, tweak, below):
    """Keyed hash of `value` in [0, below)."""
    product = PHILOX_M0 * ((value + key) & LOW_WORD)
    product = PHILOX_M1 * (((product >> WORD_BITS) ^ product ^ tweak) & LOW_WORD)
    return ((((product >> WORD_BITS) ^ product) & LOW_WORD) * below) >> WORD_BITS


@inlined
def _rounds(left, right, keys, turn, sides):
    """Two rounds of the network."""
    lefts, rights = sides
    left = left + _hashed(right, keys.left + turn * PHILOX_W0, keys.left_tweak, lefts)
    left = where(left >= lefts, left - lefts, left)
    right = right + _hashed(left, keys.right + turn * PHILOX_W1, keys.right_tweak, rights)
    return left, where(right >= rights, right - rights, right)


@inlined
def _passes(sides):
    return FEW_ROUNDS if sides.lefts * sides.rights <= np.uint64(FEW) else ROUNDS


@inlined
def _walked(left, right, keys, below, sides):
    """The number of the pair, sent through the network again until it is below `below`."""
    index = left * sides.rights + right
    while not all_lanes(index < below):
        next_left, next_right = left, right
        for turn in range(_passes(sides)):
            next_left, next_right = _rounds(next_left, next_right, keys, np.uint64(turn), sides)
        inside = index < below
        left, right = where(inside, left, next_left), where(inside, right, next_right)
        index = left * sides.rights + right
    return index


@inlined
def _two_large(keys, place, other, below, sides):
    """pi(place) and pi(other) by the Feistel network: two at a time, for each round waits for the
    one before.
    """
    zero = keys.left & np.uint64(0)  # widens a number to lanes
    left, right = place // sides.rights + zero, place % sides.rights + zero
    left2, right2 = other // sides.rights + zero, other % sides.rights + zero
    for turn in range(_passes(sides)):
        left, right = _rounds(left, right, keys, np.uint64(turn), sides)
        left2, right2 = _rounds(left2, right2, keys, np.uint64(turn), sides)
    return _walked(left, right, keys, below, sides), _walked(left2, right2, keys, below, sides)


@inlined
def _sides(below):
    root = np.uint64(sqrt(np.float64(below)))
    lefts = where(root * root < below, root + np.uint64(1), root)
    return Sides(lefts, (below + lefts - np.uint64(1)) // lefts)


@inlined
def _small(seed, epoch, particle, stream, keys, at, below):
    """pi(at) by transpositions."""
    index = at + (keys.left & np.uint64(0))
    for draw in range(SMALL // 4):
        words = words_at(seed, epoch, particle, stream, np.uint64(draw), np.uint64(0))
        for k in range(4):
            i = np.uint64(4 * draw + k + 1)
            if i < below:
                partner = (words[k] * (i + np.uint64(1))) >> WORD_BITS
                index = where(index == i, partner, where(index == partner, i, index))
    return index


@kernel
def fill_permutation(numbers, rows, address, below):
    """Fill rows of groups with pi(place), pi(place + 1), ... for each particle's own permutation of
    `below` things.

    `numbers` (flat int64) and `rows` are as in `rng_integers.fill_integers`. In the `Address`,
    `step` is the epoch, and `draw` the first place to look up: place + count must not exceed
    `below`."""
    seed, epoch, stream = address.seed, address.step, address.stream
    sides = _sides(below)
    for group in range(rows.groups):
        ids = lane_numbers(address.particle + np.uint64(group * WIDTH))
        keys = Keys(*words_at(seed, epoch, ids, stream, np.uint64(0), np.uint64(0)))
        first_row = rows.start + group * rows.spacing
        if below > np.uint64(SMALL):
            for number in range(0, rows.count, 2):
                at, row = address.draw + np.uint64(number), first_row + number * WIDTH
                last = number + 1 == rows.count
                other = at if last else at + np.uint64(1)
                first, second = _two_large(keys, at, other, below, sides)
                store_words(numbers, row, first)
                if not last:
                    store_words(numbers, row + WIDTH, second)
        else:
            for number in range(rows.count):
                at = address.draw + np.uint64(number)
                found = _small(seed, epoch, ids, stream, keys, at, below)
                store_words(numbers, first_row + number * WIDTH, found)
