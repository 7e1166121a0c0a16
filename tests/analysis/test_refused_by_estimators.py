"""What each estimator refuses, and in which words: one entry changes some arguments of a call that
is right."""

import json

import numpy as np
import pytest
import xarray as xr
from refusals import refusal
from synthetic_runs import adjacent, gaussian_run, linear_run, series_run, synthetic_run

import langevin_sgd as ls
from langevin_sgd import analysis, losses, potentials
from langevin_sgd.engine.description import described

HESSIAN, DRAWS = np.array([[2.0, 0.5], [0.5, 1.0]]), np.random.default_rng(1).normal(size=(200, 2))
BOWL, LINE = potentials.quadratic(HESSIAN), potentials.quadratic([1.0])
WELL = potentials.double_well()
WALLED = BOWL._replace(domain=(("reflecting", -1.0, 1.0), None))
SGD, GAUSSIAN = ls.dynamics.sgd(0.1), ls.noise.gaussian([1.0, 1.0])
RUN = gaussian_run(np.linalg.inv(HESSIAN), 200, 1, dynamics=("sgd", {}))
RUN = RUN.assign_attrs(dynamics=described(SGD), noise=described(GAUSSIAN))
ALONE, FEW = gaussian_run([[1.0]], 200, 1), RUN.isel(particle=slice(49))
SHARED = RUN.assign_attrs(independent_particles=0)
STILL, LOCKSTEP = synthetic_run(np.ones((50, 2))), synthetic_run(np.arange(100.0)[:, None] * [1, 1])


def told(run, name, params=None, **noise):
    """The run of a dynamics, and of a noise."""
    about = {"dynamics": {"name": name, "params": params or {}}, "noise": noise or None}
    return run.assign_attrs({key: json.dumps(value) for key, value in about.items()})


THREE, ONE = gaussian_run(np.eye(3), 10, 0), {"components": 0}
DENSITY = {"run": THREE}, [
    ({}, "ValueError: components must name one or two of the 3"),
    ({"components": (0, 3)}, "ValueError: components must be one or two different numbers from 0"),
    ({"components": (1, 1)}, "ValueError: components must be one or two different numbers"),
    ({"components": 1.5}, "TypeError: components must be a whole number, got 1.5."),
    (ONE | {"bins": 0}, "ValueError: bins must be >= 1"),
    (ONE | {"bins": "many"}, "TypeError: bins must be a whole number, got 'many'."),
    (ONE | {"bins": [0.0, 0.0, 1.0]}, "ValueError: bins must be strictly increasing edges"),
    (ONE | {"bins": [[0.0], [0.0, 1.0]]}, "TypeError: bins must be a number or an array of real"),
    (ONE | {"range": (1.0, 0.0)}, "ValueError: range must be pairs (low, high), low < high, got ("),
    (ONE | {"range": (1.0, 1.0)}, "ValueError: range must be pairs (low, high), low < high, got"),
    (ONE | {"range": (1.0, 2.0, 3.0)}, "ValueError: range must be (low, high) or 1 such pairs"),
    (ONE | {"range": (0.0, np.inf)}, "ValueError: range must be finite"),
    (ONE | {"on_diverged": "dorp"}, "ValueError: on_diverged must be one of 'raise', 'drop', got"),
    (ONE | {"step": "last"}, "TypeError: step must be a whole number, got 'last'."),
    (ONE | {"run": SHARED}, "ValueError: run must have independent particles"),
    (ONE | {"run": THREE.x}, "TypeError: run must be a dataset with x (particle, component), as s"),
]  # fmt: skip

EQUIPARTITION = {"run": RUN, "potential": BOWL}, [
    ({"potential": WELL}, "ValueError: potential must have the dimension of the run"),
    ({"potential": WALLED}, "ValueError: potential must have an open domain here, but 'quadratic'"),
    ({"directions": HESSIAN}, "ValueError: directions must have orthonormal columns"),
    ({"directions": np.eye(3)}, "ValueError: directions must have the shape (2, k)"),
]  # fmt: skip

SADDLE = {
    "run": gaussian_run(np.eye(5), 100, 1),
    "potential": potentials.quadratic([1, 1, 1, 1, -1]),
}
CHAIN, VAGUE = np.cumsum(DRAWS, axis=0), gaussian_run([[1.0]], 120, 1)  # T is known to 1/8
BOLTZMANN = {"run": RUN, "potential": BOWL}, [
    ({"run": RUN.assign_attrs(model=described(WALLED))}, "potential must have an open domain here"),
    ({"temperature": -1.0}, "ValueError: temperature must be > 0, got -1.0."),
    ({"tolerance": 2}, "ValueError: tolerance must be > 0 and < 1, got 2."),
    ({"level": 0.0}, "ValueError: level must be > 0 and < 1, got 0.0."),
    ({"directions": np.eye(2)[:, :1]}, "ValueError: directions must be 2 columns"),
    ({"potential": potentials.quadratic([-1.0, -2.0])}, "ValueError: potential 'quadratic'"),
    ({"potential": potentials.quadratic([1.0, 0.0])}, "ValueError: run has no force along dir"),
    ({"run": LOCKSTEP}, "ValueError: run has no spread in some direction"),
    ({"temperature": 1e-310}, "ValueError: temperature must be on the scale of the energy, whose"),
    (SADDLE, "ValueError: potential 'quadratic' has the curvature -1 "),
    ({"potential": WALLED}, "ValueError: potential must have an open domain here, but 'quadratic'"),
    ({"potential": potentials.label_noise_valley()}, "'label_noise_valley' does not rise by 42 "),
    ({"run": ALONE, "potential": potentials.washboard(1.0, 0.2)}, "'washboard' does not rise"),
    ({"potential": 3.0}, "TypeError: potential must be a Potential or a Loss"),
    ({"run": VAGUE, "potential": LINE}, "ValueError: the fitted temperature is "),
    ({"run": FEW}, "ValueError: the tests keep their level from 100 particles on (100, and 10 per"),
    ({"run": RUN.x}, "TypeError: run must be a dataset with x (particle, component), as simulate("),
    ({"run": SHARED}, "ValueError: run must have independent"),
    ({"run": told(RUN, "sgd", sampling="reshuffle")}, "ValueError: run must draw fresh batches"),
    ({"run": synthetic_run(CHAIN)}, "ValueError: particles must be independent, but neighbours ar"),
    ({"on_diverged": "dorp"}, "ValueError: on_diverged must be one of 'raise', 'drop', got 'dorp'"),
    ({"lebel": 0.1}, "TypeError: boltzmann_test() has no argument 'lebel'"),
]  # fmt: skip

STEIN = {"run": RUN, "potential": BOWL, "temperature": 0.3}, [
    ({"run": synthetic_run(np.zeros((10_001, 2)))}, "Pass run.isel(particle=slice(10000))"),
    ({"run": synthetic_run(np.zeros((19, 2)))}, "20 to 10000 particles"),
    ({"run": LOCKSTEP}, "must have a spread in every direction"),
    ({"temperature": 1e-310}, "temperature must be larger"),
    ({"temperature": 1e-200}, "temperature must be larger"),
]  # fmt: skip

STEEP = potentials.from_expression("exp(exp(9*x*x))+y*y", ["x", "y"])
TWO_SAMPLE = {"run": RUN, "other": RUN}, [
    ({"other": RUN.isel(particle=slice(10))}, "must have 20 particles, got 200 and 10"),
    ({"other": ALONE}, "other must have the dimension of the run, 2"),
    ({"potential": STEEP}, "potential must have a finite energy"),
]  # fmt: skip

BASINS = {"run": gaussian_run([[1.0]], 4, 1), "potential": WELL}, [
    ({"potential": WELL._with(domain=[("reflecting", -2, 2)])}, "must have an open domain"),
    ({"potential": BOWL}, "potential must have the dimension"),
]  # fmt: skip

DECAYED = gaussian_run([[1.0]], 50, 0, dynamics=("sgd", {"weight_decay": 0.1}))
KL = {"run": ALONE, "potential": LINE}, [
    ({"run": DECAYED}, "ValueError: run has weight_decay = 0.1,"),
    ({"run": THREE, "potential": potentials.quadratic(np.eye(3))}, "ValueError: potential m"),
    ({"potential": 3.0}, "TypeError: potential must be a Potential or a Loss"),
    ({"run": synthetic_run(5 + DRAWS[:, :1] / 10), "potential": WELL, "temperature": 0.1},
     "the particles are elsewhere"),
]  # fmt: skip

COUNTS = {"counts": [1, 2], "probabilities": [0.5, 0.5]}, [
    ({"counts": [3, 5]}, "ValueError: counts must be of more particles: of 8 fewer than two bins"),
    ({"counts": [1, 2, 3]}, "probabilities must have the shape of counts, (3,), got (2,)"),
    ({"counts": [1.5, 2.0]}, "ValueError: counts must be whole numbers >= 0: numbers of particles"),
    ({"probabilities": [0.5, 0.6]}, "probabilities must be >= 0 with a sum of at most 1; the smal"),
    ({"probabilities": [1.5, -0.5]}, "ValueError: probabilities must be >= 0"),
    ({"probabilities": [np.nan, 0.5]}, "ValueError: probabilities must be finite"),
    ({"counts": [1, 0]}, "ValueError: counts must hold at least 2 particles, got 1"),
    ({"probabilities": [1.0, 0.0]}, "ValueError: KL is infinite"),
    ({"outside": 3}, "ValueError: 3 particles lie outside"),
]  # fmt: skip

SHORT = np.random.default_rng(4).normal(size=(400, 2, 1))
SIZE = {"run": series_run(SHORT)}, [
    ({"run": series_run(SHORT[:3])}, "ValueError: run must have at least 4 stored steps after the"),
    ({"run": series_run(SHORT[:30]), "method": "batch_means"}, "ValueError: run is worth"),
    ({"run": series_run(SHORT).isel(step=-1)}, 'ValueError: run must have the dimension "step"'),
    ({"warmup": 10**6}, "ValueError: warmup must be below the last stored step"),
    ({"method": "guess"}, "ValueError: method must be one of"),
    ({"run": series_run(np.ones((100, 3, 1)))}, "ValueError: run must move"),
    ({"run": series_run(SHORT).x}, "TypeError: run must be a dataset with x"),
]  # fmt: skip

CHAINS, NESTED = series_run(SHORT[:96].reshape(4, 24, 2)), {"method": "nested"}
RHAT = {"run": CHAINS}, [
    ({"run": CHAINS.isel(step=slice(3))}, "ValueError: run must have at least 4 stored steps"),
    ({"run": series_run(np.ones((4, 3, 1)))}, "ValueError: run must move, but mean of x0 has no v"),
    ({"method": "folded"}, "ValueError: method must be one of 'split', 'nested', got 'folded'."),
    (NESTED, "ValueError: superchains must be given: the run does not hold step 0"),
    (NESTED | {"superchains": [0, 1]}, "ValueError: superchains must name one for each of the 24"),
    (NESTED | {"superchains": [0] * 24}, "ValueError: superchains must be two or more with at lea"),
    (NESTED | {"superchains": range(24)}, "ValueError: superchains must be two or more with at le"),
    (NESTED | {"superchains": [0.5] * 24}, "TypeError: superchains must be a whole number"),
]  # fmt: skip

EIGHT, FOLDED = adjacent(DRAWS[:8], DRAWS[8:16]), adjacent(DRAWS, DRAWS, model=described(WALLED))
FOLDED.attrs["model"] = FOLDED.model.replace("reflecting", "periodic")
ROTATION = {"run": EIGHT}, [
    ({"run": synthetic_run(np.ones((50, 1)))}, "run must have at least two components"),
    ({"run": STILL}, "run must hold two adjacent steps, or the"),
    ({}, "needs at least 30 particles, got 8"),
    ({"center": np.ones(3)}, "center must be None or have the shape (2,), got (3,)."),
    ({"decays": ()}, "decays must have at least one entry, got none."),
    ({"run": FOLDED}, "walls fold the moves"),
]  # fmt: skip

LINEAR, _ = linear_run(ls.theory.linear_sgd(HESSIAN, np.eye(2), 0.1), 200, 1)
ONE_BIN, SCHEDULED = {"bins": 1, "components": 0}, {"learning_rate": {"name": "linear"}}
DRIFT = {"run": LINEAR, "time_step": 0.1}, [
    ({"time_step": None}, "time_step must be given"),
    ({"run": told(LINEAR, "sgd_momentum"), "time_step": None}, "not for 'sgd_momentum'"),
    ({"run": told(LINEAR, "sgd", SCHEDULED), "time_step": None}, "time_step must be given"),
    ({"extrapolate": True}, "steps that are 1 and 2 apart"),
    (ONE_BIN | {"bins": 9}, "bins and range must leave 100 pairs"),
    ({"lag": 5}, "steps that are 5 apart"),
    ({"run": STILL}, "two or more stored steps"),
    (ONE_BIN | {"potential": LINE}, "dimension of the run"),
    ({"run": FOLDED}, "walls fold the moves"),
]  # fmt: skip

GAUSS, RIGID = {"method": "gaussian"}, adjacent(0 * DRAWS, 0 * DRAWS)
SAME, TWINS = adjacent(DRAWS, DRAWS), adjacent(DRAWS[:, [0, 0]], DRAWS[:, [1, 1]])
ENTROPY = {"run": LINEAR}, [
    ({"run": told(LINEAR, "sgd_momentum")}, "a velocity is odd under time reversal"),
    (GAUSS | {"run": told(LINEAR, "sgd", sampling="svag")}, "a reversed step is impossible"),
    ({"run": STILL}, "run must hold two adjacent steps"),
    (GAUSS | {"run": SAME}, "run must move"),
    ({"run": SAME}, "two moving components"),
    (GAUSS | {"run": RIGID}, "run must move"),
    ({"run": RIGID}, "all are at one point"),
    (GAUSS | {"run": TWINS}, "run must move"),
    (GAUSS | {"run": adjacent(DRAWS[:29], DRAWS[100:129])}, "30 particles"),
]  # fmt: skip

PASSED = xr.Dataset({
    "x": (("particle", "component"), np.zeros((4, 1))),
    "first_passage_step": ("particle", [-1, -1, 2, 3]),
    "first_passage_watched": ("particle", [3, 3, 2, 3]),
})  # fmt: skip
LEFT, OTHER = PASSED.assign(status=("particle", [0, 1, 0, 0])), {"name": "arrival"}
SURVIVAL = {"run": PASSED}, [
    ({"limit": 0}, "ValueError: limit must be >= 1, got 0."),
    ({"limit": 5}, "ValueError: limit must be >= 1 and < 4, got 5."),
    (OTHER, "TypeError: run must be a dataset with arrival_step (particle), arrival_watched"),
    ({"run": LEFT}, "ValueError: 1 of 4 particles left before they arrived. Pass on_diverged"),
    ({"run": PASSED.assign_attrs(independent_particles=0)}, "run must have independent particles"),
    ({"run": 3.0}, "TypeError: run must be a dataset with x"),
]  # fmt: skip
ESCAPE = {"run": PASSED}, [
    ({"after": 3}, "ValueError: run must have watched particles for longer than after = 3 steps."),
    ({"level": 1.0}, "ValueError: level must be"),
    ({"after": -1}, "ValueError: after must be >= 0"),
    (OTHER, "TypeError: run must be a dataset with arrival_step (particle), "),
]  # fmt: skip

OWN, STABLE = '{"name": "my noise", "params": {}}', ls.noise.alpha_stable(1.5, [1.0, 1.0])
COOLED = ls.dynamics.sgd(ls.schedules.from_values([0.1, 0.2]))
BUDGET = {"run": RUN, "model": BOWL}, [
    ({"dynamics": ls.dynamics.clipped_sgd(0.1, momentum=0.5)}, 'dynamics must be "sgd", "sgd_mome'),
    ({"dynamics": ls.dynamics.langevin(0.1, 0.1)}, 'ValueError: dynamics must be "sgd"'),
    ({"dynamics": COOLED}, "ValueError: learning_rate, batch_size and momentum must be constant"),
    ({"dynamics": ls.dynamics.sgd(0.1, momentum=0.7)}, "run has momentum 0.7 but no velocity v"),
    ({"dynamics": 3}, "TypeError: dynamics must be a Dynamics"),
    ({"noise": 3}, "TypeError: noise must be a noise, such as"),
    ({"model": WALLED}, "ValueError: model must have an open domain here, but 'quadratic' has wal"),
    ({"model": WELL}, "ValueError: model must have the dimension of the ru"),
    ({"noise_covariance": [[1.0, 0.0], [0.5, 1.0]]}, "ValueError: noise_covariance must be symmet"),
    ({"noise_covariance": [1.0]}, "ValueError: noise_covariance must have the shape (2, 2)"),
    ({"noise_covariance": [1.0, -1.0]}, "ValueError: noise_covariance must be a covariance"),
    ({"run": RUN.assign_attrs(noise=OWN)}, "the covariance of the noise 'my noise' is not known"),
    ({"run": RUN.assign_attrs(noise=described(ls.noise.minibatch()))}, "covariance of the noise"),
    ({"run": RUN.assign_attrs(dynamics="")}, 'ValueError: dynamics must be "sgd"'),
    ({"run": 3}, "TypeError: run must be a dataset with x (particle, component), as simulate() re"),
    ({"reference_point": [0.0]}, "ValueError: reference_point must have the shape (2,), got (1,)."),
    ({"run": RUN.isel(particle=[0])}, "ValueError: run must have at least 2 particles for a stand"),
]  # fmt: skip
DEPARTURE = {"run": RUN, "model": BOWL}, [
    ({"run": BOWL}, "ValueError: model must be given with a run, and only there"),
    ({"run": BOWL, "model": None}, "ValueError: dynamics and noise must be given with a model"),
    ({"model": None}, "ValueError: model must be given with a run, and only there"),
    ({"particles": 10}, "ValueError: particles, steps and seed must be None with a run"),
    ({"run": 3}, "TypeError: run must be a dataset of simulate()"),
    ({"noise": STABLE}, "ValueError: noise must have a variance"),
    ({"dynamics": ls.dynamics.clipped_sgd(0.1)}, 'ValueError: dynamics must be "sgd"'),
    ({"run": BOWL, "model": None, "dynamics": COOLED, "noise": GAUSSIAN}, "learning_rate, batch_s"),
]  # fmt: skip

ROWS = np.ones((4, 2))
LONE = {name: ROWS[None, :1] for name in ("x", "gradients", "noise")}
ARRAYS = {"x": ROWS, "gradients": ROWS, "noise": ROWS, "learning_rate": 0.1}, [
    ({"noise": ROWS[:3]}, "noise must have the shape (rows, d) or (steps, particles, d) of x"),
    ({"x": np.ones(3)}, "x must have the shape (rows, d)"),
    ({"momentum": 0.5}, "velocity must be given with momentum 0.5"),
    ({"blocks": 5}, "blocks must be None, or at most the rows of x"),
    ({"blocks": 1}, "blocks must be >= 2"),
    (LONE, "x must have at least 2 independent rows"),
    ({"learning_rate": 0.0}, "learning_rate must be > 0"),
    ({"reference_covariance": [1.0]}, "reference_covariance must have the shape (2, 2)"),
]  # fmt: skip

REGRESSION = losses.linear_regression(np.eye(2), [1.0, 2.0])
LARGE = losses.linear_regression(np.ones((64, 884)), np.ones(64))
CURVATURE = {"loss": REGRESSION, "x": [1.0, 1.0]}, [
    ({"loss": WELL}, "TypeError: loss must be a Loss"),
    ({"x": [1.0]}, "ValueError: x must be one point of shape (2,), got (1,)"),
    ({"x": [1e200, 1.0]}, "ValueError: x must be where the matrices of 'linear_regression'"),
    ({"leading": 3}, "ValueError: leading must be <= 2 for 'linear_regression', got 3"),
    ({"loss": LARGE, "x": [0] * 884}, "ValueError: loss must ask for at most 100000000 numbers"),
    ({"resamples": 1}, "ValueError: resamples must be >= 2"),
]  # fmt: skip

WIDE, SAMPLE = np.random.default_rng(3).normal(size=(6, 9)), {"population": True}
HUGE, WIDEST = np.broadcast_to(0.0, (10**5, 10**4)), np.broadcast_to(0.0, (2, 60_000))
NAN_IN_THE_FOURTH = np.where(np.arange(6)[:, None] == 3, np.nan, WIDE)
NOT_FINITE = "ValueError: loss must be an array of finite gradients, but"
COVARIANCE = {"loss": REGRESSION}, [
    ({"loss": WELL}, "TypeError: loss must be a Loss, or an array"),
    ({"loss": {"w": WIDE}}, "TypeError: loss must be one array (N, d), got a"),
    ({"loss": [WIDE, WIDE[:, :1]]}, "TypeError: loss must be one array (N, d)"),
    ({"x": np.zeros((3, 2, 2))}, "ValueError: x must be one point of shape"),
    ({}, "ValueError: x must be one point of shape (2,)"),
    ({"x": [np.nan, np.nan]}, "ValueError: x must be finite, got [nan"),
    ({"x": [1e200, 1.0]}, "ValueError: x must be where the gradients of 'linear_regression'"),
    ({"loss": WIDE, "x": [0.4, -0.7]}, "ValueError: x must be left out where loss is an array"),
    ({"loss": WIDE[0]}, "ValueError: loss must be a Loss, or an array of gradients"),
    ({"loss": WIDE[:1]}, "ValueError: loss must have at least 2 examples"),
    ({"loss": WIDE > 0}, "TypeError: loss must be a number or an array of real"),
    ({"loss": NAN_IN_THE_FOURTH}, f"{NOT_FINITE} that of example 3 is"),
    ({"loss": np.full((3, 2), 1e200)}, f"{NOT_FINITE} their squares overflow"),
    ({"loss": WIDE, **SAMPLE}, "loss must have at least 10 examples for population=True"),
    ({"loss": DRAWS, **SAMPLE, "level": 0}, "ValueError: level must be > 0 and < 1, got 0"),
    ({"loss": DRAWS, **SAMPLE, "resamples": 10**6}, "resamples must ask for at most 100000000"),
    ({"loss": HUGE}, "ValueError: loss must be an array of at most 100000000 numbers"),
    ({"loss": WIDEST, "matrix": True}, "loss must ask for a result of at most 100000000 numbers"),
]  # fmt: skip

PAIRS = losses.quadratic_centers([1.0, 0.1], [[1.0, 0.5], [-1.0, -0.5]])
SVAG = {"model": PAIRS, "noise": ls.noise.minibatch("svag", amplification=2)}
QUARTIC = potentials.from_expression("x*x/2 + x*x*x*x/4", ["x"])
LOUD = {"model": QUARTIC, "noise": ls.noise.gaussian([4000.0]), "dynamics": ls.dynamics.sgd(0.5)}
LOUD |= {"steps": 60, "particles": 256, "substeps": 1}
LEDGER = {"model": potentials.quadratic([1.0, 0.2]), "dynamics": SGD, "noise": GAUSSIAN}, [
    ({"dynamics": ls.dynamics.adam(0.1)}, "ValueError: dynamics must be dynamics.sgd, plain"),
    ({"dynamics": ls.dynamics.sgd(0.1, weight_decay=0.1)}, "ValueError: dynamics has weight"),
    ({"noise": ls.noise.gaussian([0.0, 0.0])}, "ValueError: noise must not vanish"),
    ({"model": potentials.quadratic([1.0, 0.0])}, "ValueError: reference_point must be a"),
    ({"noise": STABLE}, "ValueError: the covariance of the"),
    ({"reference_point": [0.1, 1.0]}, "ValueError: reference_point must be a minimum, but"),
    ({"exact": False}, "ValueError: steps must be given"),
    (LOUD, "ValueError: dynamics must have a learning rate at which some rung keeps its particles"),
    (SVAG, "ValueError: noise must draw batches of a table, got sampling='svag'"),
]  # fmt: skip

REFUSED = {
    **{"density": DENSITY, "equipartition": EQUIPARTITION, "boltzmann_test": BOLTZMANN},
    **{"stein_discrepancy": STEIN, "two_sample_test": TWO_SAMPLE, "basins": BASINS},
    **{"kl_to_boltzmann": KL, "kl_to_probabilities": COUNTS, "effective_sample_size": SIZE},
    **{"rhat": RHAT, "rotation_rate": ROTATION, "drift_and_diffusion": DRIFT},
    **{"entropy_production": ENTROPY, "survival_curve": SURVIVAL, "escape_rate": ESCAPE},
    **{"temperature_budget": BUDGET, "temperature_budget_of_arrays": ARRAYS},
    **{"departure": DEPARTURE, "curvature": CURVATURE, "gradient_covariance": COVARIANCE},
    **{"ledger": LEDGER},
}
CASES = [
    pytest.param(name, base | change, message, id=f"{name}: {message}")
    for name, (base, changes) in REFUSED.items()
    for change, message in changes
]


@pytest.mark.parametrize(("name", "given", "message"), CASES)
def test_what_does_not_fit_is_refused_with_the_reason(name, given, message):
    assert message in refusal(getattr(analysis, name), **given)
