"""The random words in the order in which the engine consumes them, as raw 32-bit numbers on
standard output.

The order is that of a run with one pair of normals in a step (Gaussian noise in two dimensions):
2^20 particles in blocks of 256; within a block 32 steps, then the next block, after the last block
the next 32 steps; in a step one particle after the other; of each particle its four words. The
stream never ends; it stops when the reader does.

    python tests/random_words.py [SEED] | dieharder -a -g 200 -k 2

LANGEVIN_SGD_GENERATOR=threefry streams the words of the other generator in the same order.
"""

import sys

import numpy as np

from langevin_sgd.kernels.bits import kernel
from langevin_sgd.kernels.lanes import WIDTH
from langevin_sgd.kernels.rng import Stream, lane_numbers, words_at
from langevin_sgd.kernels.views import store_words

PARTICLES, BLOCK, STRETCH = 1 << 20, 256, 32
GROUPS = BLOCK // WIDTH


@kernel
def fill_block(out, seed, first_step, first_particle):
    """The words of one block in STRETCH steps: `out` is (step, group, word, lane), flat."""
    place = 0
    for step in range(STRETCH):
        for group in range(GROUPS):
            ids = lane_numbers(first_particle + np.uint64(group * WIDTH))
            words = words_at(
                seed,
                first_step + np.uint64(step),
                ids,
                np.uint64(Stream.NOISE_NORMAL),
                np.uint64(0),
                np.uint64(0),
            )
            for k in range(4):
                store_words(out, place, words[k])
                place += WIDTH


def blocks(seed):
    """Block after block of words, uint32 in the order of the docstring."""
    out = np.empty((STRETCH * GROUPS, 4, WIDTH), np.int64)
    step = 0
    while True:
        for particle in range(0, PARTICLES, BLOCK):
            fill_block(out.reshape(-1), np.uint64(seed), np.uint64(step), np.uint64(particle))
            yield out.transpose(0, 2, 1).astype("<u4")
        step += STRETCH


if __name__ == "__main__":
    try:
        for words in blocks(int(sys.argv[1]) if len(sys.argv) > 1 else 1):
            sys.stdout.buffer.write(words.tobytes())
    except BrokenPipeError:
        sys.stdout = None  # the reader has seen enough; nothing is left to flush
