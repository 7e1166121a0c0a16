"""What escape.py measures in a double well: finite steps, censored arrivals, and three starts."""

import numpy as np
from _escape_runs import kicks, mean_steps, passages
from _runner import described, mean_and_error, with_error

import langevin_sgd as ls

RATES, HEAT = np.array([0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4]), 0.1
FINE = np.linspace(0.05, 0.4, 8)
TARGETS = {"other": 1.0, "top": 0.0}
HEATS, COLD = (0.1, 0.05, 0.025), 0.05
TILT, TIMES, STARTS = 0.02, (0.25, 1, 4, 16), ("left", "right", "spread out")


def finite_steps(settings):
    """Mean time to the top and to the other well, over that of the SDE, against the rate; and the
    rate of particles of which most are censored."""
    well, values = ls.potentials.double_well(), {}
    rates = RATES[[1, 5]] if settings.quick else RATES
    for k, (target, level) in enumerate(TARGETS.items()):
        limit = ls.theory.mean_first_passage_time(well, HEAT, -1.0, level).mean_time.item()
        rows, exact = [], []
        for j, rate in enumerate(rates):
            noise = kicks(2 * HEAT / rate * settings.heat)
            count = 4_000 if settings.quick else 160_000
            run = passages(settings, well, rate, noise, [-1.0], count, 10 * k + j, above=level)
            rows.append(mean_and_error(run.first_passage_step.values * rate / limit))
            exact.append(mean_steps(well, lambda x: HEAT + 0 * x, rate, level) * rate / limit)
        text = f"mean time to the {target}, over the SDE's"
        values |= with_error(f"time_to_{target}", "learning_rate", np.transpose(rows), "1", text)
        values[f"time_to_{target}_exact"] = "learning_rate", exact, "1", f"exact {text}"
    fine = FINE[1::2] if settings.quick else FINE
    values |= finer_lines(well, fine)
    # Cold and watched for 1000 steps, of which a particle needs seven times as many.
    noise, cold = kicks(2 * COLD / 0.1 * settings.heat), [[2 * COLD / 0.1]]
    count = 4_000 if settings.quick else 40_000
    run = passages(settings, well, 0.1, noise, [-1.0], count, 30, steps=1000, above=1.0)
    found = ls.analysis.escape_rate(run, after=200)
    law = ls.theory.quasi_stationary_law(well, cold, 0.1, inside=[(-np.inf, 1.0)])
    pair = float(found.escape_rate), float(found.escape_rate_standard_error)
    values |= with_error("rate", (), pair, "1/steps", "rate of escape, most particles censored")
    values["rate_interval"] = "bound", found.escape_rate_interval.values, "1/steps", "95 % interval"
    values["rate_exact"] = (), law.exit_probability.item(), "1/steps", "exact rate of escape"
    values["censored"] = (), float((run.first_passage_step < 0).mean()), "1", "part not arrived"
    found = described(values).assign_coords(learning_rate=rates)
    return found.assign_coords(fine_rate=fine, heat=list(HEATS))


def finer_lines(well, fine):
    """Exact ratios on a fine grid of rates, to the other well, at falling temperatures."""
    rows = []
    for heat in HEATS:
        limit = ls.theory.mean_first_passage_time(well, heat, -1.0, 1.0).mean_time.item()
        steps = [mean_steps(well, lambda x, heat=heat: heat + 0 * x, rate, 1.0) for rate in fine]
        rows.append(fine * steps / limit)
    text = "exact mean time to the other well, over the SDE's"
    return {"line": (("heat", "fine_rate"), rows, "1", text)}


def starts(settings):
    """Part of the particles in the right well, of three starts, against the time in units of the
    slowest relaxation; nested R-hat of the position."""
    well, rate = ls.potentials.double_well(tilt=TILT), 0.1
    law = ls.theory.transfer_operator(well, [[2 * HEAT / rate]], rate)
    slowest = -1 / np.log(float(law.relaxation_eigenvalue))
    mass = law.density * law.weight
    right = float(mass.where(law.axis_0 > 0, 0.0).sum() / mass.sum())
    count = 3 * (2_000 if settings.quick else 15_000)
    start = np.arange(count) % 3
    x0 = np.where(start == 2, np.linspace(-2, 2, count), np.where(start == 1, 1.0, -1.0))[:, None]
    noise, rows, mixed = kicks(2 * HEAT / rate * settings.heat), [], []
    for time in TIMES:
        run = ls.simulate(
            well,
            ls.dynamics.sgd(rate),
            noise,
            particles=count,
            steps=round(time * slowest),
            x0=x0,
            seed=settings.seed + 200,
            threads=settings.threads,
        )
        there = run.x.values[-1, :, 0] > 0
        rows.append([mean_and_error(there[start == k]) for k in range(3)])
        found = ls.analysis.rhat(run, "nested", superchains=start).isel(observable=0)
        mixed.append([float(found[key]) for key in ("rhat", "rhat_standard_error", "p_value")])
    rows, mixed = np.moveaxis(np.array(rows, dtype=float), -1, 0), np.array(mixed).T
    values = with_error("occupation", ("time", "start"), rows, "1", "part in the right well")
    values["occupation_exact"] = (), right, "1", "exact stationary part in the right well"
    values |= with_error("rhat", "time", mixed[:2], "1", "nested R-hat of the three starts")
    values["rhat_p_value"] = "time", mixed[2], "1", "p-value of equal means of the three starts"
    values["slowest"] = (), slowest, "steps", "time of the slowest relaxation"
    return described(values).assign_coords(time=list(TIMES), start=list(STARTS))
