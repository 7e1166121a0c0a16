"""What the docstrings of the landscapes state: stationary points, curvatures, exact laws, forces
and noises.
"""

import naive_landscapes
import numpy as np
import pytest

import langevin_sgd as ls
from langevin_sgd import potentials
from langevin_sgd.kernels.functions import interpreted

RANDOM = np.random.default_rng(4)
EPSILON, RATE = 0.9, 0.005
MINIMA = {(-0.5582, 1.4417): -146.700, (0.6235, 0.0280): -108.167, (-0.0500, 0.4667): -80.768}
SADDLES = {(-0.8220, 0.6243): -40.665, (0.2125, 0.2930): -72.249}


def at(model, x, quantity):
    """`evaluate` without compiling: the interpreted texts, one point after the other."""
    x, text = np.array(x, dtype=float), interpreted(getattr(model, quantity))
    if quantity == "energy":
        values = [text(model.params, point) for point in x.reshape(-1, model.dim)]
        return np.reshape(values, x.shape[:-1])
    out = np.empty((x.size // model.dim, model.dim ** (2 if quantity == "hessian" else 1)))
    for point, place in zip(x.reshape(-1, model.dim), out, strict=True):
        text(model.params, point, place)
    return out.reshape(*x.shape[:-1], *[model.dim] * (2 if quantity == "hessian" else 1))


def noise_factor(noise, x):
    """(2, normals): what the sample text makes of each unit vector; it is linear in z."""
    columns = []
    for z in np.eye(noise.normals):
        out = np.zeros(2)
        interpreted(noise.sample)(noise.params, x, z, out)
        columns.append(out)
    return np.array(columns).T


def test_stationary_points_of_mueller_and_brown():
    surface = potentials.mueller_brown()
    for points, negative in ((MINIMA, 0), (SADDLES, 1)):
        for place, energy in points.items():
            exact = np.array(place) - np.linalg.solve(
                at(surface, place, "hessian"), at(surface, place, "gradient")
            )
            assert np.abs(at(surface, exact, "gradient")).max() < 1e-3
            np.testing.assert_allclose(exact, place, atol=6e-5)
            assert abs(at(surface, exact, "energy") - energy) < 6e-4
            assert (np.linalg.eigvalsh(at(surface, exact, "hessian")) < 0).sum() == negative


def test_rosenbrock_has_its_minimum_at_one():
    valley = potentials.rosenbrock(3, 2.0)
    assert at(valley, [1, 1, 1], "energy") == 0
    np.testing.assert_array_equal(at(valley, [1, 1, 1], "gradient"), 0)


def test_two_minima_have_the_depths_and_curvatures_asked_for():
    curvatures, energies = np.array([[1.0, 2.0], [4.0, 0.5]]), (0.0, 0.3)
    pair = potentials.two_minima(curvatures, energies, separation=3.0, smoothing=0.05)
    for side, place in enumerate([[-1.5, 0.0], [1.5, 0.0]]):
        gap = abs(energies[0] - energies[1]) + 4.5 * curvatures[1 - side, 0]
        tolerance = 20 * np.exp(-(gap - 0.6) / 0.05) / 0.05 + 1e-12
        np.testing.assert_allclose(at(pair, place, "energy"), energies[side], atol=tolerance)
        np.testing.assert_allclose(
            at(pair, place, "hessian"), np.diag(curvatures[side]), atol=tolerance
        )


def test_two_minima_at_their_own_temperature_are_a_mixture_of_normals():
    """Population of the right well, sqrt(1/4) e^-0.3/T against 1, from the density on a grid; a
    factor of 2 is seen.
    """
    x = np.linspace(-9, 9, 1001)
    pair = potentials.two_minima((1.0, 4.0), (0.0, 0.12), separation=4.0, smoothing=0.4)
    density = np.exp(-at(pair, x[:, None], "energy") / 0.4)
    ratio = np.exp(-0.12 / 0.4) / np.sqrt(4.0)
    mean = (x * density).sum() / density.sum()
    assert abs(mean - 2 * (ratio - 1) / (ratio + 1)) < 1e-9
    assert abs(mean - 2 * (2 * ratio - 1) / (2 * ratio + 1)) > 0.1


def test_a_ring_is_flat_along_the_circle_and_has_its_stiffness_across():
    ring = potentials.ring(1.5, 3.0)
    angle = RANDOM.uniform(0, 2 * np.pi, 20)
    across = np.stack([np.cos(angle), np.sin(angle)], 1)
    along = across[:, ::-1] * [-1, 1]
    assert np.abs(at(ring, 1.5 * across, "gradient")).max() < 1e-14
    hessian = at(ring, 1.5 * across, "hessian")
    np.testing.assert_allclose(np.einsum("ni,nij,nj->n", across, hessian, across), 3.0, rtol=1e-12)
    np.testing.assert_allclose(np.einsum("ni,nij->nj", along, hessian), 0.0, atol=1e-13)
    assert at(ring, [0, 0], "energy") == pytest.approx(3.0 * 1.5**2 / 8)


def test_zhu_bowls_have_the_curvatures_of_the_program_and_noise_along_them():
    bowls = potentials.zhu_bowls()
    np.testing.assert_array_equal(at(bowls, [[1, 1], [-1, -1]], "energy"), 0)
    sharp = at(bowls, [1, 1], "hessian")
    np.testing.assert_allclose(sharp @ [1, -1], [20, -20])
    np.testing.assert_allclose(sharp @ [1, 1], [200, 200])
    np.testing.assert_array_equal(at(bowls, [-1, -1], "hessian"), 2 * np.eye(2))
    turn = np.array([[1, 1], [-1, 1]]) / np.sqrt(2)  # columns along u and w
    data = turn @ np.diag([10e-4, 1e-4]) @ turn.T
    np.testing.assert_allclose(sharp @ data @ sharp, 0.02 * sharp, atol=1e-12)


def test_washboard_rests_where_the_force_is_held():
    board = potentials.washboard(2.0, 0.5)
    for rest, sign in ((np.arcsin(0.25), 1), (np.pi - np.arcsin(0.25), -1)):
        assert abs(at(board, [rest], "gradient")[0]) < 1e-15
        assert sign * at(board, [rest], "hessian")[0, 0] > 0


def settled_at_the_edge(rate, sharpening, sigma, particles, steps):
    """x_0 and d = x_1 - 2/rate of particles, in NumPy."""
    random, x, d = np.random.default_rng(8), np.zeros(particles), np.zeros(particles)
    for _ in range(steps):
        slope = x * (d + 2 / rate), x * x / 2 - sharpening
        x = x - rate * (slope[0] + sigma * random.normal(size=particles))
        d = d - rate * slope[1]
    return x, d


@pytest.mark.parametrize("double", [False, True])
def test_the_curvature_stays_below_the_edge_by_its_three_terms(double):
    """E x_0^2 and the two laws of d; twice the noise is another law, and seen."""
    rate, sharpening, sigma = 0.05, 0.05, 1.0
    x, d = settled_at_the_edge(rate, sharpening, (2 if double else 1) * sigma, 20_000, 1_200)
    place = np.column_stack([x, d + 2 / rate])[:5]
    slope = np.column_stack([x * (d + 2 / rate), x * x / 2 - sharpening])[:5]
    model = potentials.edge_of_stability(sharpening)
    np.testing.assert_allclose(at(model, place, "gradient"), slope, rtol=1e-14)
    square = x * x
    gap = sigma**2 + d * d * square + 2 * (square / 2 - sharpening) ** 2
    for sample, exact, sees in (
        (square, 2 * sharpening, False),
        ((2 * d + rate * d * d) * square, -rate * sigma**2, True),
        (d + rate * gap / (4 * sharpening), 0.0, True),
    ):
        error = sample.std() / np.sqrt(sample.size)
        assert (abs(sample.mean() - exact) < 4 * error) == (not double or not sees)


def test_rotational_drift_is_the_published_force_and_its_current_has_no_divergence():
    model = potentials.rotational_drift(0.8)

    def current(x):
        return np.exp(-at(model, x, "energy"))[:, None] * at(model, x, "drift")

    x = RANDOM.normal(size=(20, 2))
    height = at(model, x, "energy") - np.sum(x**2, axis=1) ** 2 / 4
    published = 0.8 * np.exp(height)[:, None] * x[:, ::-1] * [-1, 1]
    np.testing.assert_allclose(at(model, x, "drift"), published, rtol=1e-12)
    step = 1e-5 * np.eye(2)
    slopes = [(current(x + s) - current(x - s))[:, k] / 2e-5 for k, s in enumerate(step)]
    np.testing.assert_allclose(sum(slopes), 0.0, atol=1e-9)
    assert np.abs(slopes[0]).max() > 0.1


@pytest.mark.parametrize(("temperature", "boltzmann"), [(1.0, True), (0.5, False)])
def test_rotational_drift_keeps_boltzmanns_density_at_temperature_one_only(temperature, boltzmann):
    """On the grid of a Fokker-Planck solution; the current is there at both temperatures."""
    model = potentials.rotational_drift(3.0)
    law = ls.theory.fokker_planck(
        potentials.double_well(2),
        temperature,
        bounds=[(-4.5, 4.5), (-5.0, 5.0)],
        points=72,
        force=lambda x: ls.evaluate(model, x, "drift"),
    )
    exact = np.exp(-law.energy / temperature)
    exact = exact / (exact * law.weight).sum()
    distance = float((abs(law.density - exact) * law.weight).sum())
    assert distance < 4e-3 if boltzmann else distance > 4e-2
    assert law.entropy_production > 0.5
    if boltzmann:
        turn = (law.axis_0 * law.current[..., 1] - law.axis_1 * law.current[..., 0]) * law.weight
        normalisation = float((np.exp(-law.energy) * law.weight).sum())
        # Integral of r^3 exp(-r^4/4) = 1.
        assert float(turn.sum()) == pytest.approx(3.0 * 2 * np.pi / normalisation, rel=0.01)


def test_swirl_noise_has_the_stated_covariance():
    noise = potentials.swirl_noise(1.3, 0.02, 3)
    x = 1.5 * RANDOM.normal(size=(30, 2))
    for place, diffusion in zip(x, naive_landscapes.swirl_diffusion(x, 1.3), strict=True):
        factor = noise_factor(noise, place)
        np.testing.assert_allclose(0.02 * factor @ factor.T / (2 * 3), diffusion, atol=1e-13)


@pytest.fixture(scope="module")
def swirling():
    start = np.random.default_rng(1).normal(size=(10_000, 2))
    bowl, noise = potentials.quadratic([1.0, 1.0]), potentials.swirl_noise(EPSILON, RATE)
    options = {"particles": 10_000, "steps": 100, "every": 1, "x0": start, "seed": 3}
    run = ls.simulate(bowl, ls.dynamics.sgd(RATE), noise, **options)
    return run.x.values


def test_the_swirl_has_boltzmanns_moments(swirling):
    """Stationary from the start but for O(learning_rate): E x^2 = 1, E r^4 = 8."""
    last = swirling[-1]
    for value, exact in (
        (last[:, 0] ** 2, 1.0),
        (last[:, 0] * last[:, 1], 0.0),
        (np.sum(last**2, axis=1) ** 2, 8.0),
    ):
        assert abs(value.mean() - exact) < 4 * value.std() / np.sqrt(len(value)) + 2 * RATE * exact


def test_the_swirl_rotates(swirling):
    """Rotation weighted by exp(-r^2): exactly -strength/4 in the limit; the plain area rate is
    zero. Rates per time.
    """
    step, middle = np.diff(swirling, axis=0), (swirling[1:] + swirling[:-1]) / 2
    turn = (middle[..., 0] * step[..., 1] - middle[..., 1] * step[..., 0]) / RATE
    weighted = (np.exp(-np.sum(middle**2, axis=-1)) * turn).mean(axis=0)  # of each particle
    error = weighted.std() / np.sqrt(len(weighted))
    assert abs(weighted.mean() + EPSILON / 4) < 4 * error
    assert abs(weighted.mean()) > 20 * error
    area = turn.mean(axis=0)
    assert abs(area.mean()) < 4 * area.std() / np.sqrt(len(area))


def test_label_noise_is_the_gradient_of_a_wrong_label():
    noise, x = potentials.label_noise(0.3), np.array([0.7, -1.2])
    np.testing.assert_allclose(noise_factor(noise, x)[:, 0], [0.3 * 1.2, -0.3 * 0.7], rtol=1e-14)


def test_label_noise_balances_the_two_factors_by_an_exact_law():
    """u^2 - v^2 is multiplied by 1 - (learning_rate r)^2 in each step; r is read off the step
    itself.
    """
    valley, noise = potentials.label_noise_valley(), potentials.label_noise(0.3)
    options = {"particles": 50, "steps": 300, "every": 1, "x0": [2.0, 0.5], "seed": 2}
    run = ls.simulate(valley, ls.dynamics.sgd(0.05), noise, **options)
    u, v = run.x.values[..., 0], run.x.values[..., 1]
    pull = -np.diff(u, axis=0) / v[:-1]  # learning_rate r
    expected = (u[0] ** 2 - v[0] ** 2) * np.cumprod(1 - pull**2, axis=0)
    np.testing.assert_allclose(u[1:] ** 2 - v[1:] ** 2, expected, rtol=1e-9)
    assert np.all(u[-1] ** 2 - v[-1] ** 2 < 0.99 * (2.0**2 - 0.5**2))
