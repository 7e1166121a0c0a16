"""Slow obvious twins of the landscapes: their formulas, differentiated by sympy and evaluated by
numpy.
"""

import naive
import numpy as np
import sympy


def landscape(formula, dim):
    """Twin of the potential whose energy is `formula(x)`, for a tuple x of d symbols."""
    x = sympy.symbols(f"x:{dim}", real=True)
    energy = sympy.sympify(formula(x))
    gradient = [sympy.diff(energy, each) for each in x]
    hessian = [[sympy.diff(slope, each) for each in x] for slope in gradient]

    def values(expression):
        return sympy.lambdify(x, expression, "numpy")

    def table(expressions):
        functions = [values(each) for each in np.ravel(expressions)]
        return lambda at: np.column_stack(
            [np.broadcast_to(f(*at.T), len(at)) for f in functions]
        ).reshape(len(at), *np.shape(expressions))

    return naive.Landscape(
        lambda at: values(energy)(*at.T) + np.zeros(len(at)), table(gradient), table(hessian)
    )


def mueller_brown():
    """Four terms A exp(a u^2 + b u w + c w^2)."""
    terms = [
        (-200, -1, 0, -10, 1, 0),
        (-100, -1, 0, -10, 0, 0.5),
        (-170, -6.5, 11, -6.5, -0.5, 1.5),
        (15, 0.7, 0.6, 0.7, -1, 1),
    ]
    return landscape(
        lambda x: sum(
            height
            * sympy.exp(a * (x[0] - u) ** 2 + b * (x[0] - u) * (x[1] - w) + c * (x[1] - w) ** 2)
            for height, a, b, c, u, w in terms
        ),
        2,
    )


def rosenbrock(dim, stiffness):
    """sum stiffness (x_{k+1} - x_k^2)^2 + (1 - x_k)^2."""
    return landscape(
        lambda x: sum(
            stiffness * (x[k + 1] - x[k] ** 2) ** 2 + (1 - x[k]) ** 2 for k in range(dim - 1)
        ),
        dim,
    )


def washboard(amplitude, force):
    """amplitude (1 - cos x) - force x."""
    return landscape(lambda x: amplitude * (1 - sympy.cos(x[0])) - force * x[0], 1)


def two_minima(curvatures, energies, separation, smoothing):
    """-s log(sum_i exp(-U_i/s)) of two parabolas U_i."""

    def parabola(x, i):
        center = [(2 * i - 1) * separation / 2] + [0] * (len(x) - 1)
        return (
            energies[i]
            + sum(h * (y - c) ** 2 for h, y, c in zip(curvatures[i], x, center, strict=True)) / 2
        )

    return landscape(
        lambda x: (
            -smoothing * sympy.log(sum(sympy.exp(-parabola(x, i) / smoothing) for i in (0, 1)))
        ),
        len(curvatures[0]),
    )


def ring(radius, stiffness, dim):
    """stiffness (r^2 - R^2)^2 / (8 R^2)."""
    return landscape(
        lambda x: stiffness * (sum(y**2 for y in x) - radius**2) ** 2 / (8 * radius**2), dim
    )


def zhu_bowls():
    """min of the sharp and the flat bowl."""

    def formula(x):
        u, w = (x[0] - x[1]) / sympy.sqrt(2), (x[0] + x[1] - 2) / sympy.sqrt(2)
        sharp, flat = 10 * u**2 + 100 * w**2, (x[0] + 1) ** 2 + (x[1] + 1) ** 2
        return sympy.Piecewise((sharp, sharp < flat), (flat, True))

    return landscape(formula, 2)


def edge_of_stability(sharpening):
    """y x^2/2 - sharpening y."""
    return landscape(lambda x: x[1] * x[0] ** 2 / 2 - sharpening * x[1], 2)


def chaudhari_soatto():
    """(x_0^2 - 1)^2/4 + x_1^2/2."""
    return landscape(lambda x: (x[0] ** 2 - 1) ** 2 / 4 + x[1] ** 2 / 2, 2)


def label_noise_valley():
    """(uv - 1)^2/2."""
    return landscape(lambda x: (x[0] * x[1] - 1) ** 2 / 2, 2)


def modified_double_well(learning_rate, barrier, stiffness, coupling, tilt):
    """U + (eta/4) |grad U|^2 of the double well in 2-D."""

    def formula(x):
        well = (
            barrier * (x[0] ** 2 - 1) ** 2
            + tilt * x[0]
            + stiffness / 2 * (x[1] - coupling * x[0]) ** 2
        )
        return well + learning_rate / 4 * sum(sympy.diff(well, each) ** 2 for each in x)

    return landscape(formula, 2)


def swirl_diffusion(x, strength):
    """D = 1 + strength exp(-r^2/2) [[-2xy, x^2-y^2], [x^2-y^2, 2xy]], (n, 2, 2)."""
    u, w = x.T
    bump = strength * np.exp(-(u**2 + w**2) / 2)
    matrix = np.array(
        [[1 - 2 * u * w * bump, (u**2 - w**2) * bump], [(u**2 - w**2) * bump, 1 + 2 * u * w * bump]]
    )
    return matrix.transpose(2, 0, 1)
