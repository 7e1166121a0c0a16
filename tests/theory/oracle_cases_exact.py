"""What `langevin_sgd.theory` computes for each oracle case with an exact answer: group or case id
-> function(inputs) -> values.

The keys of a returned dict are those of the case's ``expected``; a quantity that is missing there
makes the walk fail."""

import numpy as np

from langevin_sgd import theory

FORMS = {"sgd": None, "hb": None, "nesterov": "lookahead", "torch": "torch"}


def quadratic(case):
    form = FORMS[case["kind"]]
    setting = case["H"], case["Sigma"], case["eta"], case["B"], case["mu"]
    covariance = theory.stationary_covariance(*setting, form)
    blocks = theory.stationary_blocks(theory.linear_sgd(*setting, form))
    return {
        "S": covariance,
        "V": blocks.velocity,
        "E_theta_vT": blocks.position_velocity,
        "eta_threshold": theory.stability_threshold(case["H"], case["mu"], form),
        "mean_loss": np.trace(np.array(case["H"]) @ covariance) / 2,
        "S_small_eta": theory.small_step_covariance(*setting),
    }


def current(case):
    process = theory.linear_sgd(case["H"], case["Sigma"], case["eta"], case["B"])
    diffusion = case["eta"] * np.array(case["Sigma"]) / (2 * case["B"])
    limit = theory.ornstein_uhlenbeck(case["H"], diffusion)
    area = theory.area_per_step(process)
    return {
        "S_cont": limit.covariance,
        "Q": limit.circulation,
        "Omega": limit.current_velocity,
        "epr_cont_per_time": limit.entropy_production,
        "area_rate_per_time": limit.circulation,
        "S_finite": theory.stationary_covariance(case["H"], case["Sigma"], case["eta"], case["B"]),
        "area_per_step": area,
        "epr_per_step": theory.entropy_per_step(process),
        "angular_momentum_per_step": 2 * area[0, 1],
        "area_single_pair_variance": {"ij": [0, 1], "value": theory.area_variance(process, 0, 1)},
    }


def heavy_ball_current(case):
    process = theory.linear_sgd(case["H"], case["Sigma"], case["eta"], case["B"], case["mu"])
    covariance, lagged = theory.autocovariance(process, 1)
    return {"S": covariance, "lag1": lagged, "area_per_step": theory.area_per_step(process)}


def sampling(case):
    batch, count = case["B"], len(case["per_example_gradients"])
    mean, covariance = theory.gradient_moments(case["per_example_gradients"])
    return {
        "G_T": mean,
        "Sigma": covariance,
        "trace": np.trace(covariance),
        "eigenvalues": np.linalg.eigvalsh(covariance),
        "cov_with_replacement": theory.batch_covariance(covariance, batch),
        "cov_without_replacement": theory.batch_covariance(covariance, batch, count),
        "cross_cov_same_epoch": theory.epoch_cross_covariance(covariance, count),
        "E_norm2_single": theory.expected_squared_norm(mean, covariance),
        "E_norm2_batch_wr": theory.expected_squared_norm(mean, covariance, batch),
        "E_norm2_batch_wor": theory.expected_squared_norm(mean, covariance, batch, count),
        "noise_scale_trSigma_over_G2": theory.simple_noise_scale(mean, covariance),
    }


def epoch(case):
    hessian, centres = np.array(case["H"]), np.array(case["X"])
    count, batch, eta, mu = len(centres), case["B"], case["eta"], case["mu"]
    noise = theory.gradient_moments(-centres @ hessian).covariance
    positions = theory.epoch_covariance(hessian, noise, eta, batch, count, mu)
    fresh = theory.batch_covariance(noise, batch, count)
    orders = theory.single_shuffle_covariance(hessian, noise, eta, batch, count, mu)
    return {
        "theta_mean": centres.mean(axis=0),
        "Sigma": noise,
        "S_epoch_shuffle_by_position": positions,
        "S_epoch_shuffle_time_avg": positions.mean(axis=0),
        "S_with_replacement": theory.stationary_covariance(hessian, noise, eta, batch, mu),
        "S_without_replacement_independent_batches": theory.stationary_covariance(
            hessian, fresh, eta, 1, mu
        ),
        "var_single_fixed_order_over_random_orders_epoch_boundary": orders[0, 0],
    }


def least_squares(case):
    def moments(mode):
        setting = case["X"], case["y"], case["eta"], case["B"], case["mu"]
        mean, covariance, radius = theory.least_squares_moments(*setting, sampling=mode)
        if mode == "reshuffle":
            mean, covariance = mean[0], covariance[0]
        return {"mean": mean, "cov": covariance, "second_moment_spectral_radius": radius}

    return {
        "with_replacement": moments("with_replacement"),
        "without_replacement": moments("without_replacement"),
        "epoch_boundary": moments("reshuffle"),
        "ols": moments("with_replacement")["mean"],
    }


def linear_regression(case):
    setting = case["A"], case["sig2"], case["eta"], case["B"], case["mu"]
    blocks = theory.regression_covariance(*setting)
    risk = theory.regression_excess_risk(*setting)
    return {
        "S": blocks.position,
        "V": blocks.velocity,
        "excess_risk": risk,
        "tau_tr_AS": 2 * risk,
        "second_moment_spectral_radius": theory.regression_second_moment_radius(
            case["A"], *setting[2:]
        ),
        "eta_threshold_mean_square": theory.regression_threshold(case["A"], case["B"], case["mu"]),
        "additive_noise_prediction": theory.stationary_covariance(
            case["A"], case["sig2"] * np.array(case["A"]), *setting[2:]
        ),
    }


def kesten(case):
    exponents = theory.tail_exponents(case["a"], case["eta"], case["B"])
    second, fourth = theory.regression_moments_1d(case["a"], case["sig2"], case["eta"], case["B"])
    return {
        "kappa": exponents.exact,
        "kappa_sde": exponents.diffusion,
        "E_delta2": second,
        "E_delta4": fourth,
        "kurtosis": fourth / second**2,
    }


def weak_error(case):
    h, c, start, time = case["h"], case["c"], case["theta0"], case["T"]
    rows = []
    for eta in case["etas"]:
        steps = round(time / eta)
        mean, variance = theory.sgd_moments(h, c, eta, steps, start)
        flow = theory.diffusion_moments(theory.DriftNoise(h, 0.0), eta, time, start)[0]
        first = theory.diffusion_moments(theory.modified_equation(h, c, eta), eta, time, start)
        better = theory.modified_equation(h, c, eta, order=2)
        second = theory.diffusion_moments(better, eta, time, start)
        exact, both = theory.interpolating_ou(h, c, eta), ((mean, variance), first, second)
        square, first_square, second_square = (m**2 + v for m, v in both)
        row = {"eta": eta, "steps": steps, "sgd_mean": mean, "sgd_var": variance, "sgd_x2": square}
        row |= {"sme1_x2": first_square, "sme2_mean": second[0], "sme2_x2": second_square}
        row |= {"flow_mean": flow, "err_mean_flow": mean - flow}
        row |= {"err_x2_sme1": square - first_square, "err_x2_sme2": square - second_square}
        rows.append(row | {"exact_ou_h": exact.rate, "exact_ou_c": exact.variance})
    return {"rows": rows, "leading_err_mean_over_eta": theory.flow_error(h, eta, time, start) / eta}


def momentum_rule(case):
    h, variance, base, batch = case["h"], case["sig2"], case["eta0"], case["B"]
    rows = []
    for mu in case["mus"]:
        eta = theory.momentum_learning_rate(base, batch, mu)
        process = theory.linear_sgd(h, variance, eta, batch, mu)
        blocks = theory.stationary_blocks(process)
        temperature = theory.sgd_temperature(variance, eta, batch, mu)
        position = blocks.position[0, 0]
        row = {"mu": mu, "eta": eta, "var_theta": position, "var_v": blocks.velocity[0, 0]}
        row |= {"T_eff_boltzmann": temperature}
        rows.append(row | {"ratio_to_boltzmann": position * h / temperature})
    long_run = theory.time_average_covariance(process)[0, 0]
    return {"rows": rows, "long_run_variance_of_time_average_per_step": long_run}


def moving_average(case):
    setting = case["gradients"], case["eta"], case["mu"], case["theta0"]
    position, velocity = theory.heavy_ball_path(*setting)
    average = theory.gradient_average(case["gradients"], case["mu"])
    return {"v": velocity, "theta": position, "ema": average}


def annealing(rates):
    def compute(case):
        schedule = case["etas"] or rates(case)
        process = theory.linear_sgd(case["H"], case["C"], schedule, 1, case["mu"])
        means, covariances = theory.evolve(process, case["theta0"], case["S0"])
        return {
            "marks": [{"step": k, "mean": means[k], "cov": covariances[k]} for k in case["marks"]]
        }

    return compute


def inverse_time(case):
    return 1 / (case["H"][0][0] * np.arange(1, max(case["marks"]) + 1))


def step_decay(case):
    return np.repeat([0.3, 0.03, 0.003], 50)


def integrators(case):
    setting = case["h"], case["T"], case["dt"]

    def blocks(method):
        process = theory.langevin_process(*setting, method, case["gamma"])
        position, cross, velocity = theory.stationary_blocks(process)
        return {"qq": position[0, 0], "pp": velocity[0, 0], "qp": cross[0, 0]}

    def variance(method):
        return theory.state_covariance(theory.langevin_process(*setting, method))[0, 0]

    splittings = {name.upper(): blocks(name) for name in ("baoab", "aboba", "obabo", "oabao")}
    return splittings | {
        "boltzmann_q": case["T"] / case["h"],
        "EM_var": variance("euler_maruyama"),
        "LM_var": variance("leimkuhler_matthews"),
        "SGHMC_semi": blocks("semi_implicit"),
        "EM_underdamped": blocks("underdamped_euler_maruyama"),
        "unstable": [],  # every block above raises if its scheme is unstable
    }


def sgld(case):
    noise = theory.batch_covariance(case["sig2"], case["B"], case["N"])
    process = theory.langevin_process(case["h"], case["T"], case["eps"], batch_covariance=noise)
    variance = theory.state_covariance(process)[0, 0]
    return {"var": variance, "var_over_boltzmann": variance * case["h"] / case["T"]}


CASES = {
    "01_quadratic_additive": quadratic,
    "02_ness_current": current,
    "ness_2d_hb": heavy_ball_current,
    "sampling_8x2": sampling,
    "04_linreg_multiplicative": linear_regression,
    "04_kesten_tail": kesten,
    "07_weak_error": weak_error,
    "mom_rule": momentum_rule,
    "ema_equiv": moving_average,
    "anneal_1_over_k": annealing(inverse_time),
    "anneal_step_decay": annealing(step_decay),
    "anneal_cosine": annealing(None),
    "sgld": sgld,
}
CASES |= dict.fromkeys(("epoch_1d", "epoch_1d_hb", "epoch_2d"), epoch)
CASES |= dict.fromkeys(("ls_finite_6x2", "ls_finite_5x2_hb"), least_squares)
CASES |= dict.fromkeys(("integrators_a", "integrators_b"), integrators)
