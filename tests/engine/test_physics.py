"""Simulations against exact values that were computed elsewhere: 100,000 particles, |z| < 5.

Each has its twin: with the noise off by sqrt(2) the same comparison fails."""

import numpy as np
import pytest
import z_scores
from oracle_cases import CASES, of_group
from z_scores import worst

import langevin_sgd as ls

QUADRATIC = of_group("01")
PARTICLES, SEED = 100_000, 2024
NESTEROV = {"sgd": None, "hb": None, "nesterov": "lookahead", "torch": "torch"}


def final(model, dynamics, noise, steps, x0=None):
    """Positions, and velocities or None, after the burn-in from the exact mean (x0 = None: the
    origin).

    From elsewhere 1e-3 of the way would be left when the second moments have settled to 1e-6: four
    standard errors in one case."""
    run = ls.simulate(model, dynamics, noise, particles=PARTICLES, steps=steps, seed=SEED, x0=x0)
    assert not run.status.any()
    return run.x[-1].values, run.v[-1].values if "v" in run else None


def quadratic_scores(name, excess):
    """z of S, V and E[theta v'], whatever of it the case gives; `excess` multiplies the variance of
    the noise.
    """
    case, exact = CASES[name]["inputs"], CASES[name]["expected"]
    dynamics = ls.dynamics.sgd(case["eta"], case["B"], case["mu"], NESTEROV[case["kind"]])
    noise = ls.noise.gaussian(excess * np.array(case["Sigma"]))
    x, v = final(ls.potentials.quadratic(case["H"]), dynamics, noise, CASES[name]["burn_in_steps"])
    spread = np.diag(exact["S"])
    yield z_scores.of_gaussian_products(x, x, exact["S"], spread, spread)
    if "V" in exact:
        speed = np.diag(exact["V"])
        yield z_scores.of_gaussian_products(v, v, exact["V"], speed, speed)
        yield z_scores.of_gaussian_products(x, v, exact["E_theta_vT"], spread, speed)


@pytest.mark.parametrize("name", QUADRATIC)
def test_sgd_on_a_quadratic(name):
    assert worst(quadratic_scores(name, 1)) < 5
    assert worst(quadratic_scores(name, 2)) > 5


def overdamped_scores(name, method, excess):
    case, exact = CASES[name]["inputs"], CASES[name]["expected"]
    dynamics = ls.dynamics.langevin(excess * case["T"], case["dt"], method=method)
    x, _ = final(
        ls.potentials.quadratic([[case["h"]]]), dynamics, None, 100
    )  # (1 - h dt)^200 < 1e-60
    variance = exact["EM_var" if method == "euler_maruyama" else "LM_var"]
    yield z_scores.of_gaussian_products(x, x, [[variance]], [variance], [variance])


@pytest.mark.parametrize("method", ["euler_maruyama", "leimkuhler_matthews"])
@pytest.mark.parametrize("name", ["integrators_a", "integrators_b"])
def test_overdamped_langevin_on_a_quadratic(name, method):
    assert worst(overdamped_scores(name, method, 1)) < 5
    assert worst(overdamped_scores(name, method, 2)) > 5


def splitting_scores(name, method, excess):
    case = CASES[name]["inputs"]
    exact = CASES[name]["expected"]["SGHMC_semi" if method == "sghmc" else method.upper()]
    heat = excess * case["T"], case["gamma"], case["dt"]
    dynamics = ls.dynamics.underdamped_langevin(*heat, method=method)
    # second moments: below e^-40 of the start
    x, v = final(ls.potentials.quadratic([case["h"]]), dynamics, None, 100)
    qq, pp, qp = ([[exact[key]]] for key in ("qq", "pp", "qp"))
    yield z_scores.of_gaussian_products(x, x, qq, qq[0], qq[0])
    yield z_scores.of_gaussian_products(v, v, pp, pp[0], pp[0])
    yield z_scores.of_gaussian_products(x, v, qp, qq[0], pp[0])


@pytest.mark.parametrize("method", ["baoab", "aboba", "obabo", "oabao", "sghmc"])
@pytest.mark.parametrize("name", ["integrators_a", "integrators_b"])
def test_second_moments_of_splittings(name, method):
    assert worst(splitting_scores(name, method, 1)) < 5
    assert worst(splitting_scores(name, method, 1.5)) > 5


def stochastic_gradient_scores(of_table, excess):
    """Minibatches of the two examples +-1 have the case's variance, h^2 = 4 of one example."""
    case, variance = CASES["sgld"]["inputs"], CASES["sgld"]["expected"]["var"]
    batch = case["B"] * excess if of_table else case["B"]
    dynamics = ls.dynamics.langevin(case["T"], case["eps"], batch)
    model, noise = ls.potentials.quadratic([case["h"]]), ls.noise.gaussian([excess * case["sig2"]])
    if of_table:
        model = ls.losses.quadratic_centers([case["h"]], [[1.0], [-1.0]])
        noise = ls.noise.minibatch()
    x, _ = final(model, dynamics, noise, 100)  # (1 - h eps)^200 < 1e-9
    yield z_scores.of_products(x, x, [[variance]])


@pytest.mark.parametrize("of_table", [False, True])
def test_langevin_with_gradient_noise_is_hotter(of_table):
    assert worst(stochastic_gradient_scores(of_table, 1)) < 5
    assert worst(stochastic_gradient_scores(of_table, 2)) > 5


SAMPLED = "without_replacement", "reshuffle", "single_shuffle"


def sampled_scores(sampling, steps):
    """Tables of 12 tilts, batches of 2: the variance of Langevin dynamics at the start of an epoch
    against T/h and what they add, and against what they would add if they were drawn."""
    tilts, rate, heat = np.linspace(-4, 4, 12)[:, None], 0.2, 0.3
    model = ls.losses.quadratic_centers([1.0], tilts)
    dynamics = ls.dynamics.langevin(heat, rate, 2, "leimkuhler_matthews")
    x, _ = final(model, dynamics, ls.noise.minibatch(sampling), steps)
    about = 1.0, (tilts**2).mean(), rate, 2
    added = [float(ls.theory.stationary_covariance(*about)[0, 0])]
    if sampling == "reshuffle":
        added.append(ls.theory.epoch_covariance(*about, 12)[0, 0, 0])
    elif sampling == "single_shuffle":
        added.append(ls.theory.single_shuffle_covariance(*about, 12)[0, 0])
    else:
        added.append(added[0] * 10 / 11)
    return [z_scores.of_products(x, x, [[heat + more]]) for more in added[::-1]]


@pytest.mark.slow
@pytest.mark.parametrize("sampling", SAMPLED)
def test_batches_of_a_table_add_their_exact_variance_to_langevin_dynamics(sampling):
    exact, as_if_drawn = sampled_scores(sampling, 120)
    assert worst([exact]) < 5
    assert worst([as_if_drawn]) > 5


def double_well_scores(name, excess):
    """The noise of a step, eta^2 Sigma, has the covariance 2 eta D."""
    case, exact = CASES[name]["inputs"], CASES[name]["expected"]
    well = ls.potentials.double_well(dim=2, barrier=0.25, stiffness=1.0, coupling=0.8)
    noise = ls.noise.gaussian(excess * 2 * np.array(case["D"]) / case["eta"])
    x, _ = final(well, ls.dynamics.sgd(case["eta"]), noise, CASES[name]["burn_in_steps"])
    along, across = x.T
    energy = (along**2 - 1) ** 2 / 4 + (across - 0.8 * along) ** 2 / 2
    moments = {
        "x2": along**2,
        "xy": along * across,
        "y2": across**2,
        "x4": along**4,
        "mean_x": along,
        "mean_y": across,
        "mean_U": energy,
    }
    yield from (z_scores.of_means(samples, exact[key]) for key, samples in moments.items())


@pytest.mark.parametrize("name", ["dw2d_aniso", "dw2d_iso"])
def test_sgd_in_a_coupled_double_well(name):
    assert worst(double_well_scores(name, 1)) < 5
    assert worst(double_well_scores(name, 2)) > 5


def table_scores(name, larger=1):
    """z of mean and covariance under minibatches with replacement; `larger` batches have less
    noise.
    """
    case, exact = CASES[name]["inputs"], CASES[name]["expected"]
    if "H" in case:
        loss, mean, covariance = (
            ls.losses.quadratic_centers(case["H"], case["X"]),
            exact["theta_mean"],
            exact["S_with_replacement"],
        )
    else:
        loss, law = ls.losses.linear_regression(case["X"], case["y"]), exact["with_replacement"]
        mean, covariance = law["mean"], law["cov"]
    dynamics = ls.dynamics.sgd(case["eta"], larger * case["B"], case["mu"])
    x, _ = final(loss, dynamics, ls.noise.minibatch(), CASES[name]["burn_in_steps"], mean)
    yield z_scores.of_means(x, mean)
    yield z_scores.of_products(x - mean, x - mean, covariance)


@pytest.mark.parametrize(
    "name", ["epoch_1d", "epoch_1d_hb", "epoch_2d", "ls_finite_6x2", "ls_finite_5x2_hb"]
)
def test_minibatches_with_replacement(name):
    assert worst(table_scores(name)) < 5
    assert worst(table_scores(name, 2)) > 5
