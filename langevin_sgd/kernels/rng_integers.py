"""Random integers at addresses."""

import numpy as np

from .bits import LOW_WORD, WORD_BITS, all_lanes, inlined, kernel
from .lanes import WIDTH
from .rng import id_at, ids_at, step_at, steps_at, words_at
from .views import store_words

ATTEMPTS = 64
INTEGER_LIMIT = 1 << 31


@kernel
def integer_at(seed, step, particle, stream, number, below):
    """Unbiased integer in [0, below) at an address, below < 2^31 (Lemire 2019, arXiv:1805.10941,
    section 4); all scalars.

    Four numbers share a draw; a rejected one is drawn again with the next `attempt`. With 64
    attempts, each rejected with probability below 1/2, the bias that is left is under 2^-64."""
    reject_below = (np.uint64(1) << WORD_BITS) % below
    product = np.uint64(0)
    for attempt in range(ATTEMPTS):
        words = words_at(seed, step, particle, stream, number >> np.uint64(2), np.uint64(attempt))
        product = words[number & np.uint64(3)] * below
        if (product & LOW_WORD) >= reject_below:
            break
    return product >> WORD_BITS


@kernel
def fill_integers(numbers, rows, address, below):
    """Like `fill_normals`, with the integers in [0, below) of `integer_at`; `numbers` is flat
    int64, four of them share a draw."""
    reject_below = (np.uint64(1) << WORD_BITS) % below
    for four in range((rows.count + 3) // 4):
        draw = address.draw + np.uint64(four)
        for group in range(rows.groups):
            place, first = group * WIDTH, rows.start + group * rows.spacing
            ids, now = ids_at(address.particle, place), steps_at(address.step, place)
            words = words_at(address.seed, now, ids, address.stream, draw, np.uint64(0))
            unbiased = True
            for k in range(4):
                number = 4 * four + k
                if number < rows.count:
                    product = words[k] * below
                    store_words(numbers, first + number * WIDTH, product >> WORD_BITS)
                    unbiased &= all_lanes((product & LOW_WORD) >= reject_below)
            if not unbiased:  # a number that was not rejected comes out as it was
                for number in range(4 * four, min(4 * four + 4, rows.count)):
                    _draw_again(numbers, first + number * WIDTH, address, place, number, below)


@inlined
def _draw_again(numbers, row, address, place, number, below):
    number = np.uint64(4) * address.draw + np.uint64(number)
    for lane in range(WIDTH):
        now, who = step_at(address.step, place + lane), id_at(address.particle, place + lane)
        drawn = integer_at(address.seed, now, who, address.stream, number, below)
        numbers[row + lane] = np.int64(drawn)
