"""Student laws against quadrature, SciPy, the Fokker-Planck equation and the finite-rate chain."""

import numpy as np
from pytest import approx
from scipy.integrate import quad
from scipy.stats import multivariate_t

from langevin_sgd import theory

HESSIAN, LINE = np.array([[2.0, 0.5], [0.5, 0.7]]), (1.5, 0.4, 0.3)


def density(x):
    return float(theory.student_density(x, *LINE))


def test_the_density_is_normalised_and_solves_the_fokker_planck_equation():
    curvature, slope, offset = LINE
    assert 2 * quad(density, 0, np.inf, epsabs=1e-12)[0] == approx(1, abs=1e-9)
    second = 2 * quad(lambda x: x * x * density(x), 0, np.inf, epsabs=1e-12)[0]
    assert second == approx(theory.student_law(*LINE).covariance[0, 0], rel=1e-6)
    x, step = np.linspace(-2, 2, 9), 1e-5  # no current: U' p + (D p)' = 0
    flux = [
        slope * (curvature * y**2 / 2 + offset) * theory.student_density(y, *LINE)
        for y in (x + step, x - step)
    ]
    drift = curvature * x * theory.student_density(x, *LINE)
    np.testing.assert_allclose(drift + (flux[0] - flux[1]) / (2 * step), 0, atol=1e-8)


def test_two_dimensions_agree_with_scipy():
    law = theory.student_law(HESSIAN, 0.3, 0.4)
    points = np.array([[0.1, -0.4], [1.0, 2.0], [0.0, 0.0]])
    expected = multivariate_t(shape=law.scale, df=law.dof).pdf(points)
    found = theory.student_density(points, HESSIAN, 0.3, 0.4)
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    np.testing.assert_allclose(law.covariance, law.scale * law.dof / (law.dof - 2), rtol=1e-12)


def test_the_chain_tends_to_the_diffusion_at_first_order():
    limit = theory.student_law(HESSIAN, 0.3, 0.4).covariance
    errors = [
        np.abs(theory.student_covariance(HESSIAN, 0.3, 0.4, rate) - limit).max()
        for rate in (0.002, 0.001)
    ]
    assert errors[0] / errors[1] == approx(2, rel=0.02)


def test_heavy_tails_have_no_covariance():
    assert theory.student_law(1.0, 3.0, 1.0).covariance[0, 0] == np.inf
