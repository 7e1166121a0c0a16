"""What holds where nothing is said: the defaults of every public function, number by number."""

import inspect

import langevin_sgd as ls

# An argument of this name has this default wherever it has a number or a word.
ALWAYS = {
    "batch_size": 1,
    "momentum": 0.0,
    "weight_decay": 0.0,
    "l2": 0.0,
    "epsilon": 1e-8,
    "every": 1,
    "sampling": "with_replacement",
    "on_diverged": "raise",
    "floor": 1e-3,
    "length": 1.0,
    "mass": 1.0,
    "level": 0.05,
    "order": 1,
    "warmup": 0,
}
DEFAULTS = {
    "dynamics.adam": {"beta1": 0.9, "beta2": 0.999},
    "dynamics.clipped_sgd": {"max_norm": 1.0},
    "dynamics.langevin": {"method": "euler_maruyama"},
    "dynamics.rmsprop": {"beta2": 0.99},
    "dynamics.sgd": {"rate_inside": True},
    "dynamics.sgd_diffusion": {"substeps": 10},
    "dynamics.sgd_running_average": {"momentum": 0.9},
    "dynamics.underdamped_langevin": {"method": "baoab"},
    "noise.covariance_factor": {"name": "covariance"},
    "noise.minibatch": {"shared": False},
    "losses.huber_regression": {"delta": 1.0},
    "losses.linear_regression_population": {"examples": 1000, "seed": 0},
    "losses.logistic_regression_population": {"examples": 1000, "seed": 0},
    "potentials.double_well": {
        "dim": 1,
        "barrier": 0.25,
        "stiffness": 1.0,
        "coupling": 0.0,
        "tilt": 0.0,
    },
    "potentials.ring": {"radius": 1.0, "stiffness": 1.0, "dim": 2},
    "potentials.rosenbrock": {"dim": 2, "stiffness": 100.0},
    "potentials.two_minima": {
        "curvatures": (1.0, 4.0),
        "energies": (0.0, 0.0),
        "separation": 2.0,
        "smoothing": 0.1,
    },
    "reducers.autocovariance": {"start": 0},
    "reducers.currents": {"bins": 20, "components": (0, 1), "start": 0, "entropy": False},
    "reducers.displacement": {"start": 0},
    "reducers.energy": {"bins": 100, "start": 0},
    "reducers.first_passage": {"component": 0},
    "reducers.gradient_noise": {"start": 0, "windows": 10},
    "reducers.histogram": {"bins": 100, "components": 0, "start": 0},
    "reducers.rotation": {"center": 0.0, "start": 0},
    "reducers.moments": {"center": 0.0, "start": 0, "by_epoch_position": False},
    "reducers.virial": {"start": 0},
    "analysis.drift_and_diffusion": {"bins": 20, "extrapolate": False},
    "analysis.boltzmann_test": {"tolerance": 0.02, "level": 0.05, "stein": False},
    "analysis.curvature": {"resamples": 200, "seed": 0},
    "analysis.density": {"bins": 50},
    "analysis.gradient_covariance": {"population": False, "resamples": 200, "seed": 0},
    "analysis.effective_sample_size": {"method": "autocovariance"},
    "analysis.escape_rate": {"after": 0, "name": "first_passage"},
    "analysis.entropy_production": {"method": "bound"},
    "analysis.kl_to_boltzmann": {"bins": 50, "least_expected": 5.0},
    "analysis.kl_to_probabilities": {"outside": 0, "fitted": 0, "least_expected": 5.0},
    "analysis.ledger": {
        **{"particles": 65_536, "seed": 1, "reference": "minimum", "exact": True, "bins": 16}
    },
    "analysis.reference_sample": {
        **{"particles": 10_000, "max_particle_steps": 200_000_000, "seed": 104372263458597}
    },
    "analysis.rhat": {"method": "split"},
    "analysis.stein_discrepancy": {"resamples": 499, "seed": 0},
    "analysis.two_sample_test": {"permutations": 499, "seed": 0},
    "analysis.temperature_budget_of_arrays": {"nesterov": False},
    "analysis.survival_curve": {"name": "first_passage"},
    "theory.area_variance": {"i": 0, "j": 1},
    "theory.boltzmann_bin_probabilities": {"rtol": 1e-9},
    "theory.boltzmann_density": {"rtol": 1e-10},
    "theory.diffusion_moments": {"start": 1.0},
    "theory.discrete_noise_law": {"points": 20001},
    "theory.flow_error": {"start": 1.0},
    "theory.free_particle": {"mass": 1.0},
    "theory.heavy_ball_path": {"start": 0.0},
    "theory.langevin_law": {"method": "euler_maruyama", "mass": 1.0},
    "theory.langevin_process": {"method": "euler_maruyama"},
    "theory.lyapunov_edge": {"moment": 0.0},
    "theory.mori_escape_time": {"outliers": 1},
    "theory.quasi_potential": {"panel_count": 100},
    "theory.relaxation_rates": {"count": 4},
    "theory.sde_law_circle": {"force": 0.0, "points": 256},
    "theory.sgd_moments": {"start": 1.0},
    "theory.transfer_operator_circle": {"force": 0.0},
    "theory.transfer_operator_heavy_ball": {"momentum": 0.9},
    "theory.two_point_cdf": {"scale": 1.0},
    "theory.variance_test_samples": {"miss_rate": 0.2},
    "theory.weighted_rotation": {"decay": 0.0},
    "theory.xie_escape_time": {"fraction": 0.5},
    "simulate": {
        "reducers": (),
        "loss": False,
        "target": "cpu",
        "precision": "float64",
        "first_step": 0,
    },
    "run_until_stationary": {"tolerance": 0.05, "first_check": 100},
    "sweep": {"random_numbers": "common"},
}
FOLDERS = "dynamics", "noise", "losses", "potentials", "reducers", "analysis", "theory"


def functions():
    """Name -> function of all that is public and no class."""
    found = {name: getattr(ls, name) for name in ("simulate", "run_until_stationary", "sweep")}
    for folder in FOLDERS:
        names = getattr(ls, folder).__all__
        found |= {f"{folder}.{name}": getattr(getattr(ls, folder), name) for name in names}
    return {name: each for name, each in found.items() if not inspect.isclass(each)}


def defaults_of(function):
    """Those that are neither None nor the name of what is made."""
    found = {p.name: p.default for p in inspect.signature(function).parameters.values()}
    without = None, inspect.Parameter.empty, function.__name__
    return {name: value for name, value in found.items() if value not in without}


def test_defaults_are_what_the_documentation_and_all_results_so_far_mean():
    expected = {name: dict(row) for name, row in DEFAULTS.items()}
    for name, function in functions().items():
        found = defaults_of(function)
        for argument in set(found) & set(ALWAYS):
            if argument not in DEFAULTS.get(name, {}):
                expected.setdefault(name, {})[argument] = ALWAYS[argument]
        assert found == expected.pop(name, {}), name
    assert not expected
