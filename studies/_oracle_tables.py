"""Simulations of the oracle's cases of minibatches and regression: tables with and without
replacement, epochs, online regression, noise that is not Gaussian. `excess` multiplies the variance
of the noise, of tables by spreading them; 1 is the case itself."""

from functools import partial

import numpy as np
from _oracle_cases import CASES, Simulation, both, last, products
from _oracle_linear import second_moments

import langevin_sgd as ls

SETTLED = 60  # steps; 0.7^60 < 1e-9 in the slowest case of group 16


def spread_out(rows, excess):
    rows = np.array(rows, float)
    return rows.mean(axis=0) + np.sqrt(excess) * (rows - rows.mean(axis=0))


def _about(mean, covariance, run, step=-1):
    """Mean and covariance; a mean that is exact in every run has no reading."""
    x = run.x.values[step]
    return {"mean": (x, mean), "cov": products(*[x - mean] * 2, covariance)}


def _least_squares(case, exact, excess):
    """A regression whose residuals, and with them every second moment, are larger."""
    inputs, labels = np.array(case["X"]), np.array(case["y"])
    fitted = inputs @ exact["ols"]
    return ls.losses.linear_regression(inputs, fitted + np.sqrt(excess) * (labels - fitted))


def table(name, sampling="with_replacement", excess=1):
    """Independent batches of a table, from the mean on."""
    case, exact = both(name)
    if "H" in case:
        key = {"without_replacement": "S_without_replacement_independent_batches"}
        mean, covariance = exact["theta_mean"], exact[key.get(sampling, "S_with_replacement")]
        loss = ls.losses.quadratic_centers(case["H"], spread_out(case["X"], excess))
    else:
        mean, covariance = (exact[sampling][key] for key in ("mean", "cov"))
        loss = _least_squares(case, exact, excess)
    noise, moves = ls.noise.minibatch(sampling), ls.dynamics.sgd(case["eta"], case["B"], case["mu"])
    readings, steps = partial(_about, mean, covariance), CASES[name]["burn_in_steps"]
    return Simulation(loss, moves, noise, steps, readings, {"x0": mean})


def _positions(mean, covariances, run):
    count, found = len(covariances), {}
    for position, covariance in enumerate(covariances):
        here = _about(mean, covariance, run, position - count)
        found |= {f"{key} at {position}": value for key, value in here.items()}
    return found


def epochs(name, sampling="reshuffle", excess=1):
    """Covariance at each position of an epoch; of one fixed order and of least squares, at its
    start."""
    case, exact = both(name)
    mean, covariances = exact.get("theta_mean"), exact.get("S_epoch_shuffle_by_position")
    if "H" in case:
        loss = ls.losses.quadratic_centers(case["H"], spread_out(case["X"], excess))
        if sampling == "single_shuffle":
            key = "var_single_fixed_order_over_random_orders_epoch_boundary"
            covariances = [[[exact[key]]]]
    else:
        mean, covariances = exact["epoch_boundary"]["mean"], [exact["epoch_boundary"]["cov"]]
        loss = _least_squares(case, exact, excess)
    batches = len(case["X"]) // case["B"]
    steps = batches * -(-2 * CASES[name]["burn_in_steps"] // batches) + len(covariances) - 1
    moves = ls.dynamics.sgd(case["eta"], case["B"], case["mu"])
    readings = partial(_positions, mean, covariances)
    options = {"x0": mean, "every": 1}
    return Simulation(loss, moves, ls.noise.minibatch(sampling), steps, readings, options)


def regression(name, excess=1):
    """Online regression; `excess` multiplies the variance of the labels."""
    case, exact = both(name)
    noise = ls.noise.online_regression(case["A"], excess * case["sig2"])
    moves = ls.dynamics.sgd(case["eta"], case["B"], case["mu"])
    readings, steps = partial(second_moments, exact), CASES[name]["burn_in_steps"]
    return Simulation(ls.potentials.quadratic(case["A"]), moves, noise, steps, readings)


def tail(name, excess=1):
    """E d^2, and E d^4 where its own standard error exists: tail exponent above 8."""
    case, exact = both(name)
    noise = ls.noise.online_regression([case["a"]], excess * case["sig2"])
    steps = int(np.ceil(30 / (case["eta"] * case["a"])))

    def readings(run):
        x = run.x.values[-1]
        found = {"E_delta2": (x**2, [exact["E_delta2"]])}
        if exact["kappa"] > 8:
            found["E_delta4"] = x**4, [exact["E_delta4"]]
        return found

    moves = ls.dynamics.sgd(case["eta"], case["B"])
    return Simulation(ls.potentials.quadratic([case["a"]]), moves, noise, steps, readings)


def of_cumulants(x, exact):
    """The first four moments of a law with these cumulants."""
    variance = exact["var"]
    third, fourth = exact["skew"] * variance**1.5, (exact["excess_kurtosis"] + 3) * variance**2
    return x ** np.arange(1, 5), np.array([0.0, variance, third, fourth])


def _filtered(exact, run):
    x = last(run)[0]
    found = {"moments": of_cumulants(x, {"skew": 0.0} | exact)}
    if "cdf" in exact:
        places, shares = np.transpose(exact["cdf"])
        found["cdf"] = x <= places, shares
    return found


def two_point(name, excess=1):
    case, exact = both(name)
    noise = ls.noise.two_point(np.sqrt(excess) * case.get("s", 1.0))
    model, moves = ls.potentials.quadratic([case["h"]]), ls.dynamics.sgd(case["eta"])
    return Simulation(model, moves, noise, SETTLED, partial(_filtered, exact))


def skewed(excess=1):
    """A table whose gradients at 0 are the oracle's values, each as often as its probability."""
    case, exact = both("cumulants_skewed")
    often = np.round(5 * np.array(case["noise_probs"])).astype(int)
    gradients = np.sqrt(excess) * np.repeat(case["noise_values"], often)
    loss = ls.losses.quadratic_centers([case["h"]], -gradients[:, None] / case["h"])
    moves = ls.dynamics.sgd(case["eta"], case["B"])
    return Simulation(loss, moves, ls.noise.minibatch(), SETTLED, partial(_filtered, exact))
