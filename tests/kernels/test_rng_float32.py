"""Random numbers in single precision: their words, their functions' errors, the laws of what is
drawn.
"""

from math import erfc, sqrt

import numpy as np
import pytest

from langevin_sgd.kernels import rng, rng_float32
from langevin_sgd.kernels.bits import JIT, float_bits, kernel
from langevin_sgd.kernels.functions import interpreted
from langevin_sgd.kernels.lanes import WIDTH
from langevin_sgd.kernels.rng import Address, Places
from langevin_sgd.kernels.views import empty_groups, flat, view

compiled_only = pytest.mark.skipif(not JIT, reason="millions of interpreted draws")
SEED, STEP, PARTICLE = 2**63 + 12345, 2**40 + 7, 2**41 + 16  # high bits everywhere
STREAM, DRAW = 1, 5
ADDRESS = Address._make(np.uint64(number) for number in (SEED, STEP, PARTICLE, STREAM, DRAW))


@kernel
def fill(z, place, address):
    rng_float32.fill_normals_single(flat(z), place, address)


@kernel
def anywhere(z, place, address, steps, particles):
    own = Address(address.seed, flat(steps), flat(particles), address.stream, address.draw)
    rng_float32.fill_normals_single(flat(z), place, own)


@kernel
def fill_uniforms(z, place, address):
    rng_float32.fill_uniforms_single(flat(z), place, address)


@kernel
def logarithms(u, out):
    for i in range(0, u.size, WIDTH):
        view(out, i, 1)[0] = rng_float32.log_unit_single(view(u, i, 1)[0])


@kernel
def circle(w, s, c):
    for i in range(0, w.size, WIDTH):
        sine, cosine = rng_float32.sincos_word(float_bits(view(w, i, 1)[0]))
        view(s, i, 1)[0] = sine
        view(c, i, 1)[0] = cosine


def words(particle, draw):
    """The four words of a draw as int32."""
    address = ADDRESS._replace(particle=np.uint64(particle), draw=np.uint64(DRAW + draw))
    found = rng.words_at(*address, np.uint64(0))
    return np.array(found, np.uint64).astype(np.uint32).view(np.int32)


def pairs_of_words(particle, count):
    """The words behind the rows of a particle: two of each of its draws, or those of the draw that
    it shares.
    """
    pairs = (count + 1) // 2
    own = [words(particle, draw).reshape(2, 2) for draw in range(pairs // 2)]
    shared = [
        words(particle // 32 * 16 + particle % 16, pairs // 2).reshape(2, 2)[[particle // 16 % 2]]
    ] * (pairs % 2)
    return np.concatenate(own + shared)


# ---- addresses --------------------------------


@pytest.mark.interpreted
@pytest.mark.parametrize("count", [1, 4, 5, 7])
def test_a_draw_fills_four_rows_or_two_of_two_particles(count):
    """Cosine first; compiled and interpreted bits agree. The first group is without its partner,
    the others have theirs.
    """
    rows = count + count % 2
    z = np.full((3, rows + 1, WIDTH), 9.0, np.float32)
    with np.errstate(all="ignore"):
        fill(z, Places(WIDTH, (rows + 1) * WIDTH, count, 3), ADDRESS)
        text = interpreted(rng_float32.box_muller_single)
        for place in (0, 1, WIDTH, 3 * WIDTH - 1):
            expected = [text(*pair) for pair in pairs_of_words(PARTICLE + place, count)]
            found = z[place // WIDTH, 1:, place % WIDTH]
            assert found.tolist() == [float(normal) for pair in expected for normal in pair]
    assert np.all(z[:, 0] == 9.0)


@pytest.mark.interpreted
@pytest.mark.parametrize("count", [6, 7])
def test_uniforms_are_the_upper_24_bits_of_the_words(count):
    z = np.empty((2, 8, WIDTH), np.float32)
    with np.errstate(all="ignore"):
        fill_uniforms(z, Places(0, 8 * WIDTH, count, 2), ADDRESS)
        for place in (0, 2 * WIDTH - 1):
            upper = pairs_of_words(PARTICLE + place, count).reshape(-1).view(np.uint32) >> 8
            assert (
                z[place // WIDTH, : upper.size, place % WIDTH].tolist()
                == (upper * 2.0**-24).tolist()
            )


@pytest.mark.interpreted
def test_extreme_words_give_the_stated_extreme_numbers():
    text = interpreted(rng_float32.box_muller_single)

    def normals(*pair):
        with np.errstate(all="ignore"):
            return [float(value) for value in text(*np.array(pair, np.uint32).view(np.int32))]

    assert normals(0, 0) == pytest.approx([6.6604, 0.0], abs=1e-4)
    assert normals(0, 2**30) == pytest.approx([0.0, 6.6604], abs=1e-4)
    assert normals(0, 2**31) == pytest.approx([-6.6604, 0.0], abs=1e-4)
    assert normals(1, 2**32 - 1) == pytest.approx([6.6604, 0.0], abs=1e-4)
    assert normals(2**32 - 1, 2**29) == [0.0, 0.0]
    assert normals(2**32 - 256, 0) == pytest.approx([3.45e-4, 0.0], abs=1e-6)


# ---- errors --------------------------------


def largest_error(found, exact):
    """In ulp of float32."""
    with np.errstate(under="ignore"):
        return np.max(np.abs(found - exact) / np.spacing(np.abs(exact).astype(np.float32)))


def octave(exponent, every=1):
    """Every `every`-th float32 in [2^exponent, 2^(exponent + 1))."""
    return (np.arange(0, 1 << 23, every, dtype=np.int32) + np.int32((exponent + 127) << 23)).view(
        np.float32
    )


def error_of_logarithms(octaves):
    worst = 0.0
    for u in octaves:
        out = np.empty_like(u)
        logarithms(u, out)
        worst = max(worst, largest_error(out, np.log(u.astype(float))))
    return worst


@compiled_only
def test_logarithm_of_every_number_in_the_worst_octave():
    assert error_of_logarithms([octave(-1)]) < 1.03
    assert error_of_logarithms(octave(exponent, 64) for exponent in range(-32, -1)) < 0.9
    one = np.ones(WIDTH, np.float32)
    logarithms(one.copy(), one)
    assert np.all(one == 0.0)


@pytest.mark.slow
@compiled_only
def test_logarithm_of_every_number():
    assert error_of_logarithms(octave(exponent) for exponent in range(-32, 0)) < 1.03


@compiled_only
def test_sine_and_cosine_of_words():
    """On a lattice, next to the multiples of an eighth of a turn, and at random."""
    lattice = np.arange(1 << 20) * (1 << 12) + 1
    edges = np.concatenate([np.arange(-(1 << 16), 1 << 16) + (k << 29) for k in range(8)])
    random = np.random.default_rng(6).integers(0, 1 << 32, 1 << 20)
    w = np.concatenate([lattice, edges, random]).astype(np.uint32).view(np.int32)
    s, c = np.empty(w.size, np.float32), np.empty(w.size, np.float32)
    circle(w.view(np.float32), s, c)
    quarter = (w.astype(np.int64) + 2**29) >> 30
    angle = (w - (quarter << 30)) * (2 * np.pi / 2**32)
    sines = np.array([np.sin(angle), np.cos(angle), -np.sin(angle), -np.cos(angle)])
    exact_s, exact_c = (np.take_along_axis(sines, ((quarter + k) & 3)[None], 0)[0] for k in (0, 1))
    assert largest_error(s, exact_s) < 1.4 and largest_error(c, exact_c) < 1.4


# ---- laws --------------------------------

DRAWN = 10_000_000


def moments_off(z):
    """Largest deviation of the first four moments and of the tails beyond 1 ... 5 from the normal
    law, in standard errors.
    """
    n = z.size
    square = z * z
    exact = {1: (0, 1), 2: (1, 2), 3: (0, 15), 4: (3, 96)}  # order: moment, variance of z^order
    powers = {1: z, 2: square, 3: square * z, 4: square * square}
    off = [
        (powers[order].mean() - mean) / sqrt(variance / n)
        for order, (mean, variance) in exact.items()
    ]
    for limit in range(1, 6):
        p = 0.5 * erfc(limit / sqrt(2))
        off += [
            (np.count_nonzero(side > limit) - n * p) / sqrt(n * p * (1 - p)) for side in (z, -z)
        ]
    return np.max(np.abs(off))


def drawn(text, rows=4):
    groups = DRAWN // (rows * WIDTH)
    z = empty_groups(groups, rows, np.float32)
    address = Address._make(np.uint64(number) for number in (7, 0, 0, 0, 0))
    text(z, Places(0, rows * WIDTH, rows, groups), address)
    return z.astype(float)


@compiled_only
@pytest.mark.parametrize("rows", [4, 2])
def test_ten_million_normals_follow_the_normal_law(rows):
    """Those of one draw are independent: four of one particle, or two of each of two particles."""
    z = drawn(fill, rows)
    assert moments_off(z) < 4
    of_draw = z.swapaxes(0, 1) if rows == 4 else z.reshape(-1, 4, WIDTH).swapaxes(0, 1)
    for i, j in ((0, 1), (0, 2), (1, 2), (2, 3)):
        a, b = of_draw[i].ravel(), of_draw[j].ravel()
        assert abs(np.mean(a * b)) < 4 / sqrt(a.size)
        assert abs(np.mean((a * a - 1) * (b * b - 1))) < 4 * 2 / sqrt(a.size)


@compiled_only
def test_the_sum_of_twelve_uniforms_does_not():
    """The twin: mean, variance and skewness are right, the fourth moment and the tails are not."""
    z = drawn(fill_uniforms, 12).sum(axis=1) - 6
    assert moments_off(z) > 4


@compiled_only
def test_a_particle_has_its_numbers_wherever_it_is():
    """In groups that begin elsewhere, and on lanes that each have a particle and a step of their
    own.
    """
    z, rows = np.empty((3, 6, WIDTH), np.float32), Places(0, 6 * WIDTH, 6, 3)
    fill(z, rows, ADDRESS)
    expected = z.swapaxes(1, 2).reshape(-1, 6)
    fill(z, rows, ADDRESS._replace(particle=np.uint64(PARTICLE + 3)))
    np.testing.assert_array_equal(z.swapaxes(1, 2).reshape(-1, 6)[:-3], expected[3:])
    places = np.random.default_rng(7).permutation(3 * WIDTH)
    anywhere(z, rows, ADDRESS, np.full(3 * WIDTH, STEP), PARTICLE + places)
    np.testing.assert_array_equal(z.swapaxes(1, 2).reshape(-1, 6), expected[places])
