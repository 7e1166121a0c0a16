"""What `langevin_sgd.theory` computes for the oracle cases about laws, gradients, estimators and
metrics.

Same shape as `oracle_cases_exact`."""

import numpy as np

from langevin_sgd import theory


def fields(record, names):
    """{name in the oracle: field of the record}, from "name field, name field"."""
    pairs = (pair.split() for pair in names.split(","))
    return {name: getattr(record, field) for name, field in pairs}


def student(case):
    from scipy.optimize import brentq

    setting = case["k"], case["c"], case["u0"]
    law = theory.student_law(*setting)
    variance = law.covariance[0, 0]
    return {
        "density_exponent_in_U": law.density_exponent,
        "tail_exponent_survival": law.dof,
        "density_at_0": theory.student_density(0.0, *setting),
        "density_at": [[x, theory.student_density(x, *setting)] for x in (0.5, 1, 2)],
        "P_abs_gt": [[x, theory.student_tail(x, *setting)] for x in (1, 2, 4)],
        "median_abs": brentq(lambda x: theory.student_tail(x, *setting) - 0.5, 0, 10, xtol=1e-15),
        "var": variance,
        "mean_U": case["k"] * variance / 2,
        "fourth_moment": 3 * variance**2 * (law.dof - 2) / (law.dof - 4),
    }


def student_2d(case):
    law = theory.student_law(case["H"], case["c"], case["u0"])
    finite = theory.student_covariance(case["H"], case["c"], case["u0"], case["eta"])
    named = "nu dof, cov_sde covariance, exponent density_exponent"
    return fields(law, named) | {"cov_finite_eta": finite}


def logistic(case):
    values = theory.logistic_statistics(case["X"], case["y"], case["theta"])
    return {
        **fields(values, "loss loss, G gradient, hessian hessian, fisher_expected fisher"),
        **fields(values, "fisher_empirical empirical_fisher, Sigma noise_covariance"),
        "trace": np.trace(values.noise_covariance),
        "eig": np.linalg.eigvalsh(values.noise_covariance),
        "E_norm2": theory.expected_squared_norm(values.gradient, values.noise_covariance),
    }


def regression_noise(case):
    values = theory.regression_statistics(case["A"], case["delta"], case["sig2"])
    named = "L loss, G gradient, H hessian, Sigma noise_covariance, fisher_nll fisher"
    return fields(values, named + ", second_moment second_moment")


def autocorrelation(case):
    a, n = case["a"], case["n"]
    inflation = theory.ar1_mean_inflation(a, n)
    return {
        "tau_int_x": theory.ar1_autocorrelation_time(a),
        "n_var_mean_over_var": inflation,
        "ess_mean": n / inflation,
        "tau_int_x2": theory.ar1_autocorrelation_time(a**2),
        "n_var_x2_over_2var2": theory.ar1_mean_inflation(a**2, n),
    }


def critical_values(case):
    levels = {"0.05": 0.05, "0.01": 0.01}
    smirnov = theory.kolmogorov_smirnov_critical
    return {
        "ks_critical": {
            str(n): {text: smirnov(level, n) for text, level in levels.items()} for n in case["ns"]
        },
        "ks_asymptotic_sqrt_n": {text: smirnov(level) for text, level in levels.items()},
        "cvm_critical_n_inf": {
            text: theory.cramer_von_mises_critical(level) for text, level in levels.items()
        },
        "normal_z": {"0.05": theory.normal_critical(0.05), "1e-6": theory.normal_critical(1e-6)},
    }


def histogram_bias(case):
    bias = theory.histogram_kl_bias(case["p"], case["n"])
    return {"E_KL_exact": bias.exact, "leading": bias.leading, "second_order": bias.second_order}


def power(case):
    test = theory.variance_test_samples(case["eps"], case["alpha"], case["beta"])
    named = "n_var_normal_approx normal_approximation, n_var_chi2_exact variance_test, "
    return fields(test, named + "sup_dF distance, n_KS_half_power kolmogorov_smirnov, KL_gauss kl")


def gaussian_metrics(case):
    first, second = (case["m"], case["S1"]), (np.zeros(len(case["m"])), case["S2"])
    return {
        "KL_1_2": theory.gaussian_kl(*first, *second),
        "KL_2_1": theory.gaussian_kl(*second, *first),
        "W2_squared": theory.gaussian_wasserstein2(*first, *second) ** 2,
        "hellinger2": theory.gaussian_hellinger(*first, *second) ** 2,
    }


def stein(case):
    discrepancy, diagonal = theory.gaussian_stein_discrepancy(case["s2"], case["l"])
    mmd = theory.gaussian_mmd(case["s2"], case["l"])
    return {"KSD2": discrepancy, "E_diag": diagonal, "MMD2": mmd}


def cumulants(case):
    law = theory.noise_cumulants(case["noise_values"], case["noise_probs"])
    shape = theory.stationary_shape(case["h"], law, case["eta"], case["B"], case["mu"])
    return fields(shape, "var variance, skew skewness, excess_kurtosis excess_kurtosis")


def uniform_law(case):
    h, eta, scale = case["h"], case["eta"], case["s"]
    shape = theory.stationary_shape(h, theory.noise_cumulants([-scale, scale]), eta)
    cdf = [[x, theory.two_point_cdf(x, h, eta, scale)] for x in (-0.5, 0.0, 0.5)]
    edge = scale / h
    assert theory.two_point_cdf([-edge - 1e-9, edge], h, eta, scale).tolist() == [0.0, 1.0]
    named = "var variance, excess_kurtosis excess_kurtosis"
    return fields(shape, named) | {"support": [-edge, edge], "cdf": cdf}


CASES = {
    "05_state_dependent_nd": student_2d,
    "fisher_logistic": logistic,
    "linreg_sigma_2LH": regression_noise,
    "null_critical": critical_values,
    "hist_kl_bias": histogram_bias,
    "gauss_metrics": gaussian_metrics,
    "uniform_law": uniform_law,
}
CASES |= dict.fromkeys(("student_c03", "student_c06"), student)
CASES |= dict.fromkeys(("act_ar1", "act_ar1_neg"), autocorrelation)
CASES |= dict.fromkeys(("power_5pct", "power_1pct"), power)
CASES |= dict.fromkeys(("ksd_gauss", "ksd_gauss_null"), stein)
CASES |= dict.fromkeys(("cumulants_rademacher", "cumulants_skewed"), cumulants)
