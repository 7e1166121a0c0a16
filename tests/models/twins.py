"""A model against its naive twin."""

import naive
import numpy as np

import langevin_sgd as ls


def agree(model, twin, x):
    """Energy, gradient and Hessian are those of the twin, and derivatives of each other."""
    wanted = "energy", "gradient", "hessian"
    energy, gradient, hessian = (ls.evaluate(model, x, quantity) for quantity in wanted)
    np.testing.assert_allclose(energy, twin.energy(x), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(gradient, twin.gradient(x), rtol=1e-12, atol=1e-12)
    if twin.hessian is not None:
        np.testing.assert_allclose(hessian, twin.hessian(x), rtol=1e-12, atol=1e-12)
    slopes = naive.central_differences(lambda y: ls.evaluate(model, y, "energy"), x)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-7, atol=1e-7)
    curvatures = naive.central_differences(lambda y: ls.evaluate(model, y, "gradient"), x)
    np.testing.assert_allclose(hessian, curvatures, rtol=1e-7, atol=1e-7)
