"""What `langevin_sgd.theory` computes for each oracle case that needs a grid: group or case id ->
function(inputs) -> values.

The noise of these cases has the variance 2 eta D per step, so Sigma = 2 D/eta at batch size one."""

import numpy as np
from theory.landscapes import pendulum
from theory.oracle_cases_laws import fields

from langevin_sgd import theory
from langevin_sgd.models.potentials import double_well, quadratic

QUARTIC = "(x^2-1)^2/4"
COUPLED = "(x^2-1)^2/4+(y-0.8x)^2/2"


def potential(text):
    """The few potentials that the oracle names by their formula."""
    return {
        QUARTIC: double_well,
        QUARTIC + "+0.1x": lambda: double_well(tilt=0.1),
        COUPLED: lambda: double_well(dim=2, coupling=0.8),
        "x^2": lambda: quadratic([2.0]),
        "-cos(x)": pendulum,
    }[text]()


def diffusion(case):
    """D as a number, a matrix or a function of x."""
    if isinstance(case.get("D"), list):
        return np.array(case["D"])
    return case["T"] if "T" in case else lambda x: case["T0"] * (1 + x * x)


def noise(case, eta):
    """The covariance of one example's gradient, 2 D/eta."""
    spread = diffusion(case)
    return (lambda x: 2 * spread(x) / eta) if callable(spread) else 2 * spread / eta


def sde(case, bounds=None):
    """Stationary law of the SDE, with zero as the edge of a panel."""
    law = theory.sde_law(potential(case["U"]), diffusion(case), bounds=bounds or (-4.0, 4.0))
    return law, float((law.density * law.weight).where(law.axis_0 > 0, 0).sum())


def multiplicative(case):
    law, right = sde(case)
    spread = diffusion(case)
    anchor = law.isel(axis_0=law.sizes["axis_0"] // 2)

    def density(x):
        exponent = theory.barrier_exponent(potential(case["U"]), spread, anchor.axis_0.item(), x)
        return anchor.density.item() * spread(anchor.axis_0.item()) / spread(x) * np.exp(-exponent)

    return {
        **fields(law.squeeze(), "mean mean_position, x2 second_moment, mean_U mean_energy"),
        "P_right": right,
        "density_at": [[x, density(x)] for x in (-1.0, 0.0, 0.5, 1.0)],
        "identity_E_xdU_minus_D": law.virial.item() - law.mean_diffusion.item(),
    }


def escape(case):
    well, spread = potential(case["U"]), diffusion(case)
    start, top, other = case["x_a"], case["x_top"], case["x_other"]
    kramers = theory.kramers_time(well, spread, start, top)
    ends = [spread(start), spread(top)] if callable(spread) else [1.0, 1.0]
    discrete = []
    for eta in case["etas"]:
        setting, row = (well, noise(case, eta), eta), {"eta": eta}
        for name, end in (("top", top), ("other", other)):
            region = {"start": start, "inside": [(-np.inf, end)]}
            steps = theory.mean_first_passage_steps(*setting, **region).mean_steps.item()
            row |= {f"mean_steps_to_{name}": steps, f"mean_time_to_{name}": eta * steps}
        discrete.append(row)
    times = [theory.mean_first_passage_time(well, spread, start, end) for end in (top, other)]
    return {
        "tau_to_top_sde": times[0].mean_time.item(),
        "tau_to_other_sde": times[1].mean_time.item(),
        "kramers_ito_to_other": kramers,
        "prefactor_variant_sqrt_Da_over_Db": kramers * ends[0] / ends[1],
        "delta_Phi": theory.barrier_exponent(well, spread, start, top),
        "discrete": discrete,
    }


def escape_2d(case):
    region = {"start": case["start"], "inside": [(-np.inf, 0.0), (-np.inf, np.inf)]}
    setting = potential(case["U"]), np.diag(noise(case, case["eta"])), case["eta"]
    steps = theory.mean_first_passage_steps(*setting, **region).mean_steps.item()
    return {"mean_steps": steps, "mean_time": case["eta"] * steps}


def line(case):
    eta = case["eta"]
    law = theory.transfer_operator(potential(case["U"]), noise(case, eta), eta)
    limit, right = sde(case)
    points = (0.0, 0.5, 1.0) if case["U"] == "x^2" else (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5)
    tails = {"x^2": (1.0,)}.get(case["U"], (1.5,) if case.get("T") == 0.1 else (1.5, 2.0))

    def beyond(low, high):
        return theory.bin_probabilities(law, [np.array([low, high])]).item()

    of_both = "mean mean_position, x2 second_moment, mean_U mean_energy"
    named = ", x4 fourth_moment, mean_xdU virial, mean_dU mean_gradient, "
    named += "mean_dU2 gradient_second_moment, lambda2 relaxation_eigenvalue"
    at_limit = theory.stationary_density(law, limit.axis_0.values)
    return {
        **fields(law.squeeze(), of_both + named),
        "mean_D": eta * law.mean_batch_covariance.item() / 2,
        "P_right_of_0": beyond(0.0, np.inf),
        "density": [[x, theory.stationary_density(law, x).item()] for x in points],
        "tails": [[z, beyond(z, np.inf), beyond(-np.inf, -z)] for z in tails],
        "lambda1_minus_1": law.survival.item() - 1,
        "lag1_autocov": law.lag_one_moment.item() - law.mean_position.item() ** 2,
        "sde_limit": fields(limit.squeeze(), of_both) | {"P_right_of_0": right},
        "KL_to_sde_limit": theory.density_kl(at_limit, limit.density, limit.weight),
        "finite_eta_virial_residual_2E[xU']-eta E[U'^2]-2E[D]": law.virial_residual.item(),
    }


def plane(case):
    well = potential(case["U"])
    law = theory.transfer_operator(well, noise(case, case["eta"]), case["eta"])
    best = theory.best_boltzmann(law, well)
    moment, virial = law.second_moment.values, law.virial.values
    named = "mean_U mean_energy, dU2 gradient_second_moment, lambda2 relaxation_eigenvalue"
    return {
        **fields(law.squeeze(), named + ", differential_entropy entropy"),
        **fields(best, "T_match temperature, KL_to_best_boltzmann kl"),
        **dict(zip(("x2", "xy", "y2"), moment[[0, 0, 1], [0, 1, 1]], strict=True)),
        **{f"virial_{'xy'[i]}{'xy'[j]}": virial[i, j] for i in (0, 1) for j in (0, 1)},
        **dict(zip(("mean_x", "mean_y"), law.mean_position.values, strict=True)),
        "x4": law.fourth_moment.values[0],
        "area_per_step": law.area_per_step.values[0, 1],
        "lambda1_minus_1": law.survival.item() - 1,
    }


def circle(case):
    particle, force = potential(case["U"]), case["F"]
    setting = particle, noise(case, case["eta"]), case["eta"]
    law = theory.transfer_operator_circle(*setting, force=force)
    limit = theory.sde_law_circle(particle, diffusion(case), force=force)

    def mean(of, function):
        return float((of.density * of.weight * function(of.axis_0)).sum())

    at_pi = law.density.values[law.sizes["axis_0"] // 2]
    return {
        "cos": mean(law, np.cos),
        "sin": mean(law, np.sin),
        "cos2": mean(law, lambda x: np.cos(2 * x)),
        "mean_drift_velocity": law.mean_velocity.item(),
        "mean_U": float((law.density * law.weight * law.energy).sum()),
        "density0": law.density.values[0],
        "density_pi": at_pi,
        "sde": {
            "cos": mean(limit, np.cos),
            "mean_drift_velocity": limit.mean_velocity.item(),
            "epr_per_time": limit.entropy_production.item(),
        },
    }


def heavy_ball(case):
    sigma2 = case["noise_var_per_step"] / case["eta"] ** 2
    setting = potential(case["U"]), sigma2, case["eta"]
    law = theory.transfer_operator_heavy_ball(*setting, momentum=case["mu"])
    named = "x2 second_moment, x4 fourth_moment, mean_x mean_position, mean_U mean_energy, "
    named += "v2 velocity_second_moment, v4 velocity_fourth_moment, mean_xdU virial, "
    named += "E_theta_v position_velocity, lambda2 relaxation_eigenvalue"
    return fields(law.squeeze(), named) | {"lambda1_minus_1": law.survival.item() - 1}


def killed(case):
    setting = potential(case["U"]), noise(case, case["eta"]), case["eta"]
    region = [(-case["b"], case["b"])]
    law = theory.quasi_stationary_law(*setting, inside=region)
    exit_from_1 = theory.mean_first_passage_steps(*setting, start=1.0, inside=region)
    named = "survival_per_step survival, one_minus_survival exit_probability, "
    named += "qsd_x2 second_moment, qsd_x4 fourth_moment"
    return fields(law.squeeze(), named) | {
        "mean_steps_to_exit_from_1": exit_from_1.mean_steps.item()
    }


CASES = {
    "dw_multiplicative": multiplicative,
    "06_escape": escape,
    "06_escape_2d": escape_2d,
    "12_nystrom_1d": line,
    "12_nystrom_2d": plane,
    "12_nystrom_circle": circle,
    "12_nystrom_heavy_ball": heavy_ball,
    "12_nystrom_1d_killed": killed,
}
