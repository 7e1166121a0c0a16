"""Random numbers: known answers, an independent implementation, the address layout, and the laws of
what is drawn.
"""

import itertools

import mpmath
import numpy as np
import pytest
from _oracle_cases import CASES
from naive_noise import normal_pair, uniform

from langevin_sgd.kernels import rng, rng_integers
from langevin_sgd.kernels.bits import JIT, kernel
from langevin_sgd.kernels.functions import interpreted
from langevin_sgd.kernels.lanes import WIDTH
from langevin_sgd.kernels.rng import Address, Places, Stream, lane_numbers
from langevin_sgd.kernels.threefry import threefry
from langevin_sgd.kernels.views import store_words

compiled_only = pytest.mark.skipif(not JIT, reason="a million interpreted draws")
KNOWN = [
    (generator, *([int(word, 16) for word in case[part].split()] for part in ("ctr", "key", "out")))
    for name, generator in (("philox4x32_10", rng.philox), ("threefry4x32_20", threefry))
    for case in CASES["rng_kat"]["expected"][name]
]
known = pytest.mark.parametrize(("generator", "counter", "key", "words"), KNOWN)
SEED, STEP, PARTICLE = 2**63 + 12345, 2**40 + 7, 2**41 + 16  # high bits everywhere


def u64(*numbers):
    return tuple(np.uint64(number) for number in numbers)


@kernel
def group_of_words(generator, c0, first, rest, out):
    """The words at WIDTH counters that differ in word 1; `rest` are the other words and the key."""
    words = generator(c0, lane_numbers(first), *rest)
    for k in range(4):
        store_words(out, k * WIDTH, words[k])


# ---- the bijection --------------------------------


@pytest.mark.interpreted
@known
def test_known_answers_of_random123(generator, counter, key, words):
    assert list(generator(*u64(*counter, *key))) == words
    assert list(interpreted(generator)(*u64(*counter, *key))) == words


@pytest.mark.interpreted
@known
def test_known_answers_in_lanes(generator, counter, key, words):
    """The known counter in one lane, its neighbours in the others."""
    lane = min(counter[1], WIDTH - 1)
    first, rest = counter[1] - lane, u64(*counter[2:], *key)
    out = np.zeros(4 * WIDTH, np.int64)
    group_of_words(generator, *u64(counter[0], first), rest, out)
    assert out.reshape(4, WIDTH)[:, lane].tolist() == words
    for other in range(WIDTH):
        scalar = generator(*u64(counter[0], first + other), *rest)
        assert out.reshape(4, WIDTH)[:, other].tolist() == list(scalar)


@pytest.mark.interpreted
@pytest.mark.parametrize("pairs", [300 if JIT else 20])
def test_agrees_with_randomgen(pairs):
    """randomgen counts before it draws: ours at counter + 1, the first 32-bit word of the counter
    being the lowest.
    """
    randomgen = pytest.importorskip("randomgen")
    random = np.random.default_rng(0)
    for _ in range(pairs):
        counter = int.from_bytes(random.bytes(16), "little") % (2**128 - 1)
        key = int.from_bytes(random.bytes(8), "little")
        theirs = randomgen.Philox(key=key, counter=counter, number=4, width=32).random_raw(4)
        words = [(counter + 1) >> shift & 0xFFFFFFFF for shift in (0, 32, 64, 96)]
        assert list(rng.philox(*u64(*words, key & 0xFFFFFFFF, key >> 32))) == theirs.tolist()


# ---- addresses --------------------------------

EDGES = {
    "step": [0, 1, 2**32 - 1, 2**32, 2**32 + 1, 2**47, rng.STEP_LIMIT - 1],
    "particle": [0, 1, 2**32 - 1, 2**32, 2**32 + 1, 2**47, rng.PARTICLE_LIMIT - 1],
    "stream": [*Stream],
    "draw": [0, 1, 2, 2**19, rng.DRAW_LIMIT - 1],
    "attempt": [0, 1, 2, rng_integers.ATTEMPTS - 1],
}


def counters(monkeypatch, addresses, seed=0):
    """The counters and keys that the text of `words_at` hands to Philox."""
    monkeypatch.setattr(rng, "philox", lambda *words: tuple(int(word) for word in words))
    text = interpreted(rng.words_at)
    return [text(*u64(seed, *address)) for address in addresses]


@pytest.mark.interpreted
def test_distinct_addresses_have_distinct_counters(monkeypatch):
    addresses = list(itertools.product(*EDGES.values()))
    found = counters(monkeypatch, addresses)
    assert all(0 <= word < 2**32 for counter in found for word in counter)
    assert len(set(found)) == len(addresses)


@pytest.mark.interpreted
def test_a_counter_says_its_address(monkeypatch):
    """The layout in the docstring, read backwards."""
    addresses = list(itertools.product(*EDGES.values()))[::7]
    for address, counter in zip(addresses, counters(monkeypatch, addresses, SEED), strict=True):
        c0, c1, c2, c3, k0, k1 = counter
        step, particle = c0 + ((c2 & 0xFFFF) << 32), c1 + ((c2 >> 16) << 32)
        assert address == (step, particle, c3 >> 26, c3 & 0xFFFFF, (c3 >> 20) & 63)
        assert k0 + (k1 << 32) == SEED


@pytest.mark.interpreted
@pytest.mark.parametrize("name", EDGES)
def test_one_past_the_limit_would_repeat_a_counter(monkeypatch, name):
    """The twin: why `simulate` refuses such runs."""
    limits = {"step": rng.STEP_LIMIT, "particle": rng.PARTICLE_LIMIT, "stream": 64}
    limits |= {"draw": rng.DRAW_LIMIT, "attempt": rng_integers.ATTEMPTS}
    past = [limits[name] if other == name else 0 for other in EDGES]
    everywhere = itertools.product([0, 1, 2**32], [0, 1, 2**32], [0, 1], [0, 1], [0, 1])
    assert counters(monkeypatch, [past])[0] in counters(monkeypatch, everywhere)


@pytest.mark.interpreted
@pytest.mark.parametrize(
    "address", [(0, 0, 0, 0, 0), (STEP, PARTICLE, 63, 2**20 - 1, 63), (2**32, 2**32, 3, 5, 1)]
)
def test_words_at_an_address_are_those_of_the_text(address):
    assert rng.words_at(*u64(SEED, *address)) == interpreted(rng.words_at)(*u64(SEED, *address))


# ---- filling groups --------------------------------


def words(particle, stream, draw, attempt=0, step=STEP):
    return rng.words_at(*u64(SEED, step, particle, stream, draw, attempt))


def filled(fill, count, groups, *, stream=1, draw=3, particle=PARTICLE, step=STEP, below=()):
    """(particles, count) numbers; rows beyond `count` must stay untouched, an odd row of normals or
    uniforms excepted.
    """
    rows = count + 3
    array = np.full((groups, rows, WIDTH), -7, np.int64 if below else np.float64)
    address = Address._make(u64(SEED, step, particle, stream, draw))
    fill(array.reshape(-1), Places(0, rows * WIDTH, count, groups), address, *u64(*below))
    assert np.all(array[:, count + (0 if below else count % 2) :] == -7)
    return array[:, :count].transpose(0, 2, 1).reshape(groups * WIDTH, count)


def scalar_normal(particle, k):
    return normal_pair(*words(particle, 1, 3 + k // 2))[k % 2]


def scalar_uniform(particle, k):
    return uniform(*words(particle, 1, 3 + k // 2)[2 * (k % 2) : 2 * (k % 2) + 2])


def scalar_integer(particle, k, below):
    return rng_integers.integer_at(*u64(SEED, STEP, particle, 1, 4 * 3 + k, below))


FILLS = [
    (rng.fill_normals, scalar_normal, ()),
    (rng.fill_uniforms, scalar_uniform, ()),
    (rng_integers.fill_integers, scalar_integer, (3 * 2**29,)),  # one of four is rejected
    (rng_integers.fill_integers, scalar_integer, (100_000_007,)),  # one of 45: in some rows none
]


@pytest.mark.interpreted
@pytest.mark.parametrize(("fill", "scalar", "below"), FILLS)
def test_a_group_holds_the_numbers_of_its_addresses(fill, scalar, below):
    found = filled(fill, 5, 2, below=below)
    for i, k in itertools.product(range(2 * WIDTH), range(5)):
        assert found[i, k] == scalar(PARTICLE + i, k, *below)


@pytest.mark.interpreted
@pytest.mark.parametrize(("fill", "scalar", "below"), FILLS)
def test_numbers_do_not_depend_on_how_groups_are_filled(fill, scalar, below):
    """All at once, group by group, and fewer rows; over the border where the particle number needs
    its 33rd bit.
    """
    first = 2**32 - 2 * WIDTH
    at_once = filled(fill, 6, 4, below=below, particle=first)
    each = [filled(fill, 6, 1, below=below, particle=first + k * WIDTH) for k in range(4)]
    assert np.concatenate(each).tobytes() == at_once.tobytes()
    fewer = filled(fill, 3, 4, below=below, particle=first)
    assert fewer.tobytes() == at_once[:, :3].tobytes()
    assert len(np.unique(at_once)) == at_once.size


@pytest.mark.interpreted
def test_the_ends_of_the_normal():
    low, high = u64(0, 2**32 - 1)
    largest = np.sqrt(2 * 52 * np.log(2))  # 8.49
    assert normal_pair(high, high, low, low)[0] == pytest.approx(largest, rel=1e-15)
    assert normal_pair(low, low, low, low) == (0.0, 0.0)


def largest_error(scale):
    """Largest relative error of `scale` times the normals of 2,000 random pairs, of the ends and of
    where a reduction jumps.
    """
    random = np.random.default_rng(0)
    jumps = np.nextafter(1 + np.arange(1, 8) / 8, [[0], [2]]).ravel()
    u = [1 + random.random(1000), 2 - np.exp(-36 * random.random(1000))]
    u = np.concatenate([*u, 2 - np.sqrt(0.5) * (1 - 1e-8 * jumps)])
    v = np.concatenate([1 + random.random(1000), 1 + np.exp(-36 * random.random(1000)), jumps])
    largest = 0.0
    with mpmath.workdps(40):
        for a, b in zip(u, v, strict=True):
            radius, turns = mpmath.sqrt(-2 * mpmath.log(2 - mpmath.mpf(a))), 2 * mpmath.mpf(b)
            exact = radius * mpmath.cospi(turns), radius * mpmath.sinpi(turns)
            pairs = zip(rng.box_muller(a, b), exact, strict=True)
            errors = [abs(scale * x / y - 1) for x, y in pairs if y != 0]
            largest = max(largest, *map(float, errors))
    return largest


def test_a_pair_of_normals_is_exact_to_its_stated_error():
    assert largest_error(1.0) < 8e-16
    assert largest_error(1.0 + 1e-15) > 8e-16


# ---- laws --------------------------------

GROUPS = 4096
MOMENTS = {1: (0.0, 1.0), 2: (1.0, 2.0), 3: (0.0, 15.0), 4: (3.0, 96.0)}  # E z^k and Var z^k


def worst_moment(z):
    laws = MOMENTS.items()
    return max(abs((z**k).mean() - mean) / np.sqrt(var / z.size) for k, (mean, var) in laws)


@compiled_only
def test_moments_of_the_normals():
    z = filled(rng.fill_normals, 16, GROUPS)  # 1,048,576 numbers
    assert worst_moment(z) < 4
    assert worst_moment(z[:, 0::2]) < 4 and worst_moment(z[:, 1::2]) < 4
    assert worst_moment(1.01 * z) > 4 and worst_moment(z + 0.01) > 4  # the twins


def chi2(values, bins):
    """Excess of chi-squared over its mean, in its standard deviations; values are bin numbers."""
    counts = np.bincount(values.ravel(), minlength=bins)
    expected = values.size / bins
    assert counts.size == bins
    return (((counts - expected) ** 2).sum() / expected - (bins - 1)) / np.sqrt(2 * (bins - 1))


@compiled_only
def test_uniforms_fill_the_unit_interval():
    u = filled(rng.fill_uniforms, 16, GROUPS)
    assert u.min() >= 0 and u.max() < 1
    assert abs(chi2((1000 * u).astype(int), 1000)) < 4
    assert abs(chi2((2.0**44 * u % 1 * 256).astype(int), 256)) < 4  # the last eight bits
    assert chi2((1000 * u**1.02).astype(int), 1000) > 4


@compiled_only
@pytest.mark.parametrize("below", [1, 2, 3, 10, 569, 4096])
def test_integers_are_uniform(below):
    found = filled(rng_integers.fill_integers, 16, GROUPS // 4, below=(below,))
    assert found.min() >= 0 and found.max() < below
    assert below == 1 or abs(chi2(found, below)) < 4
    assert below < 3 or chi2(found // 2 * 2, below) > 4  # the twin: no odd numbers


@compiled_only
def test_integers_below_a_large_number_are_unbiased():
    """2^32 = (8/3) 3 2^29: without rejection, of three neighbours two would own 3 words each and
    one only 2.
    """
    below = 3 * 2**29
    found = filled(rng_integers.fill_integers, 8, 512, below=(below,))
    assert abs(chi2(found % 3, 3)) < 4 and abs(chi2(found // (below // 64), 64)) < 4
    first = [words(PARTICLE + i, 1, 3 + k // 4)[k % 4] for i in range(512) for k in range(8)]
    plain = np.array([int(word) * below >> 32 for word in first])
    assert chi2(plain % 3, 3) > 10  # the twin
    redrawn = np.mean(plain != found[:512].ravel())
    assert abs(redrawn - 0.25) < 4 * np.sqrt(0.25 * 0.75 / plain.size)  # 2^32 mod below = 2^30


NEIGHBOURS = {
    "particle": {"particle": PARTICLE + WIDTH},
    "step": {"step": STEP + 1},
    "step, high bits": {"step": STEP + 2**32},
    "particle, high bits": {"particle": PARTICLE + 2**32},
    "stream": {"stream": 2},
    "draw": {"draw": 3 + 8},
}


def worst_correlation(a, b):
    """Of a and b, and of their squares, in standard errors."""
    return max(
        abs(np.corrcoef(a.ravel() ** k, b.ravel() ** k)[0, 1]) * np.sqrt(a.size) for k in (1, 2)
    )


@compiled_only
@pytest.mark.parametrize("shift", NEIGHBOURS)
def test_neighbouring_addresses_are_uncorrelated(shift):
    here, there = (filled(rng.fill_normals, 16, 1024, **at) for at in ({}, NEIGHBOURS[shift]))
    assert worst_correlation(here, there) < 4
    assert worst_correlation(here, here + 50 * there) > 4  # the twin: a correlation of 0.02
    assert worst_correlation(here[:, 0::2], here[:, 1::2]) < 4  # the two of a pair
