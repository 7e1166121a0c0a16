"""The first part of step_and_start.py: departures from Boltzmann's law against the rate, at one
temperature."""

import numpy as np
from _runner import described, mean_and_error, with_error

import langevin_sgd as ls

T0, CURVATURE = 0.2, np.array([1.0, 0.2])
LANDSCAPES = {
    "quadratic": ls.potentials.quadratic(CURVATURE),
    "double well": ls.potentials.double_well(dim=2, barrier=0.25, stiffness=1.0, coupling=0.8),
}
NOISES = {"anisotropic": np.array([1.5, 0.5]), "isotropic": np.array([1.0, 1.0])}  # D / T0
SYMPTOMS = ["mean energy", "mean square"]
AXIS = {"quadratic": 0, "double well": 1}  # of the mean square
UNIT = {"quadratic": 0.05, "double well": 0.025}  # learning rate over batch size
SIZES = {"quadratic": np.array([1, 2, 4, 8]), "double well": np.array([1, 2, 4, 6])}
FEW = np.array([4, 6, 8])  # sizes of a first look
BURN_IN, SPACING, LOOKS = 40, 3, 20  # units of time, and looks at each particle
BOTH, UNITS = ("rate_number", "symptom"), "energy/length^2"


def boltzmann(name):
    """Mean energy and mean square at T0."""
    if name == "quadratic":
        return np.array([T0, T0 / CURVATURE[0]])
    law = ls.theory.boltzmann_density(LANDSCAPES[name], T0)
    return np.array([float(law.mean_energy), law.second_moment.values[1, 1]])


def of_law(name, law, ends=""):
    moment = law[f"second_moment{ends}"].values
    return np.array([float(law[f"mean_energy{ends}"]), moment[AXIS[name], AXIS[name]]])


def exact_at(name, noise, rates):
    """Both readings of the stationary law at each rate."""
    sigma = np.diag(2 * T0 / UNIT[name] * NOISES[noise])
    found = []
    for rate in rates:
        if name == "quadratic":
            law = ls.theory.stationary_covariance(
                np.diag(CURVATURE), sigma, rate, rate / UNIT[name]
            )
            found.append([CURVATURE @ np.diag(law) / 2, law[0, 0]])
        else:
            law = ls.theory.transfer_operator(LANDSCAPES[name], sigma * UNIT[name] / rate, rate)
            found.append(of_law(name, law))
    return np.array(found)


def exact_limit(name, noise):
    """Both readings of the diffusion, and their errors."""
    diffusion = np.diag(T0 * NOISES[noise])
    if name == "quadratic":
        law = ls.theory.small_step_covariance(np.diag(CURVATURE), 2 * diffusion, 1.0)
        return np.array([CURVATURE @ np.diag(law) / 2, law[0, 0]]), np.zeros(2)
    law = ls.theory.fokker_planck(LANDSCAPES[name], diffusion)
    return of_law(name, law), of_law(name, law, "_error")


def exact_slope(name):
    """What isotropic noise adds per rate, to first order, relative to Boltzmann's law."""
    law = ls.theory.finite_rate_density(LANDSCAPES[name], T0, 1e-3)
    return (of_law(name, law) / boltzmann(name) - 1) / 1e-3


def measured_at(name, noise, sizes, particles, seed, threads, plant):
    """Means and standard errors (rate, symptom), of several looks at each particle. Planted noise
    is too weak: with too strong a noise particles leave the well."""
    sigma = np.diag(2 * T0 / UNIT[name] * NOISES[noise]) * (0.5 if plant else 1)
    model, rows = LANDSCAPES[name], []
    for k, size in enumerate(sizes):
        apart = round(SPACING / (size * UNIT[name]))
        first = -(-BURN_IN // SPACING)
        start = np.where(np.arange(particles)[:, None] % 2, [1.0, 0.8], [-1.0, -0.8])
        given = {"particles": particles, "x0": start, "seed": seed + k, "threads": threads}
        moves = ls.dynamics.sgd(size * UNIT[name], int(size))
        given |= {"steps": apart * (first + LOOKS), "every": apart}
        run = ls.simulate(model, moves, ls.noise.gaussian(sigma), loss=True, **given)
        late = run.isel(step=slice(1 + first, None))
        square = late.x.values[:, :, AXIS[name]] ** 2
        rows.append(mean_and_error(np.stack([late.loss.values.mean(0), square.mean(0)], axis=1)))
    return np.moveaxis(rows, 1, 0)


def at_zero(rates, values, errors, degree):
    """Of each column: value at rate 0 of a polynomial by least squares, and its standard error."""
    found = []
    for value, error in zip(values.T, errors.T, strict=True):
        design = np.vander(rates, degree + 1, increasing=True) / error[:, None]
        inverse = np.linalg.inv(design.T @ design)
        found.append([(inverse @ design.T @ (value / error))[0], np.sqrt(inverse[0, 0])])
    return np.transpose(found)


def at_rates(name, noise, particles, quick, seed, threads, plant):
    """Departures from Boltzmann's law, relative to it, and their extrapolation to rate 0, by a
    polynomial through all rates; what it leaves out is what it makes of exact values."""
    sizes, reference = FEW if quick else SIZES[name], boltzmann(name)
    rates, degree = sizes * UNIT[name], len(sizes) - 1
    pair = measured_at(name, noise, sizes, particles, seed, threads, plant)
    value, error = pair[0] / reference - 1, pair[1] / reference
    exact = exact_at(name, noise, rates) / reference - 1
    limit, limit_error = (each / reference for each in exact_limit(name, noise))
    ends = at_zero(rates, value, error, degree)
    left_out = at_zero(rates, exact, error, degree)[0] - (limit - 1)
    found = {
        "learning_rate": (("rate_number",), rates, "length^2/energy", "learning rate"),
        "exact": (BOTH, exact, "1", "exact departure from Boltzmann's value at the same T0"),
        "limit_exact": (("symptom",), limit - 1, "1", "departure of the diffusion"),
        "limit_exact_error": (("symptom",), limit_error, "1", "error of that"),
        "limit_left_out": (("symptom",), left_out, "1", "what the polynomial leaves out"),
    }
    words = "relative departure from Boltzmann's value at the same T0"
    found |= with_error("departure", BOTH, (value, error), "1", words)
    words = "departure extrapolated to rate 0"
    found |= with_error("limit", ("symptom",), ends, "1", words)
    if noise == "isotropic":  # which has no departure at rate 0: the slope, from there on
        per, slope = 1 / rates[:, None], exact_slope(name)
        words = "departure per learning rate, extrapolated to rate 0"
        ends = at_zero(rates, value * per, error * per, degree - 1)
        found |= with_error("slope", ("symptom",), ends, UNITS, words)
        left_out = at_zero(rates, exact * per, error * per, degree - 1)[0] - slope
        found["slope_exact"] = ("symptom",), slope, UNITS, "slope of first order"
        found["slope_left_out"] = ("symptom",), left_out, UNITS, "what the polynomial leaves out"
    return described(found).assign_coords(symptom=SYMPTOMS)
