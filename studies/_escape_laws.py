"""Which law of escape holds for which noise, in escape.py: three noises over growing barriers, and
noise as the curvature in a parabola."""

import numpy as np
from _escape_runs import kicks, mean_steps, passages
from _runner import described, mean_and_error, with_error

import langevin_sgd as ls

HEAT, STEP, OFFSET = 0.1, 0.1, 0.4  # D at the minimum; rate times H_a; loss at the minimum
WAYS, LAWS = ("constant", "Hessian", "loss"), ("Kramers", "Xie", "Mori")
BARRIERS = np.array([0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2])
SIMULATED = {"constant": 4, "Hessian": 3, "loss": 6}  # the first so many barriers
CURVATURES, EXIT, POWER, RATE = np.array([0.5, 1.0, 4.0]), 0.7, 0.1, 0.05  # POWER: rate over batch


def shape_of(way, barrier):
    """Bend and climb of the variance: none, as |U''| at the minimum and at the top, and as the loss
    U + OFFSET."""
    return {"bend": float(way == "Hessian"), "climb": barrier / OFFSET * (way == "loss")}


def spread_of(way, barrier):
    """D(x) of the three noises, HEAT at the minimum of all."""
    bend, climb = shape_of(way, barrier).values()
    return lambda x: HEAT * (1 + bend * (x * x - 1) / 2 + climb * np.minimum((x * x - 1) ** 2, 2.0))


def laws_of(well, way, barrier):
    """The three laws in units of time, and Kramers' with the true D(x). Each gets what it needs of
    its own noise: Xie's s is that at which its exponent is exact, Mori's n is 1."""
    bottom, top = 8 * barrier, 4 * barrier
    climb = ls.theory.barrier_exponent(well, spread_of("Hessian", barrier), -1.0, 0.0)
    share = 2 - climb * HEAT / barrier  # s + 2 (1 - s) = climb HEAT/barrier
    xie = ls.theory.xie_escape_time(barrier, bottom, -top, 2 * HEAT / bottom, fraction=share)
    eta = HEAT / (bottom * OFFSET)  # over B: D = (eta/B) H_a L
    mori = ls.theory.mori_escape_time(OFFSET, OFFSET + barrier, (bottom, -top), eta)
    arrhenius = ls.theory.kramers_time(well, HEAT, -1.0, 0.0)
    ito = ls.theory.kramers_time(well, spread_of(way, barrier), -1.0, 0.0)
    return [arrhenius, xie, mori, ito]


def three_noises(settings):
    """Mean steps, times rate and H_a, to the other well against the barrier, for noise that is
    constant, as the Hessian, and as the loss, with the same D at the minimum."""
    shape = (len(WAYS), len(BARRIERS))
    measured, exact, laws = np.full((2, *shape), np.nan), np.empty(shape), np.empty((4, *shape))
    for w, way in enumerate(WAYS):
        for b, barrier in enumerate(BARRIERS):
            well, rate = ls.potentials.double_well(barrier=barrier), STEP / (8 * barrier)
            exact[w, b] = STEP * mean_steps(well, spread_of(way, barrier), rate, 1.0)
            laws[:, w, b] = np.array(laws_of(well, way, barrier)) * STEP / rate
            if b >= (2 if settings.quick else SIMULATED[way]):
                continue
            noise = kicks(2 * HEAT / rate * settings.heat, **shape_of(way, barrier))
            count = 1_000 if settings.quick else 4_000
            run = passages(settings, well, rate, noise, [-1.0], count, 10 * w + b + 40, above=1.0)
            measured[:, w, b] = mean_and_error(STEP * run.first_passage_step.values)
    over, text = ("noise", "barrier"), "mean steps to the other well times rate and curvature"
    values = with_error("escape_time", over, measured, "1", text)
    values["escape_time_exact"] = over, exact, "1", f"exact {text}"
    values["published"] = ("law", *over), laws[:3], "1", f"{text}, as published"
    values["kramers"] = over, laws[3], "1", f"{text}, Kramers with the D(x) of the noise"
    return described(values).assign_coords(noise=list(WAYS), barrier=BARRIERS, law=list(LAWS))


def outside(p, x):
    return x[0] * x[0] >= EXIT * EXIT


def sharpness(settings):
    """Curvature times mean time to leave a parabola within a radius, with noise as the Hessian, at
    the same rate over batch: of the SDE, and of chains at rate 0.05, simulated at full size."""
    limit, exact, rows = [], [], []
    for k, size in enumerate(CURVATURES):
        bowl, rate = ls.potentials.quadratic([size]), RATE
        spread = POWER * size / 2
        leaving = ls.theory.mean_first_passage_time(bowl, spread, 0.0, 1.0, wall=0.0)
        limit.append(size * float(leaving.mean_time))
        sigma = [[POWER * size / rate]]
        inside = [(-EXIT, EXIT)]
        chain = ls.theory.mean_first_passage_steps(bowl, sigma, rate, start=[0.0], inside=inside)
        exact.append(size * rate * float(chain.mean_steps[0]))
        if settings.quick:
            rows.append([np.nan, np.nan])
            continue
        noise, where = ls.noise.gaussian(np.array(sigma) * settings.heat), {"reached": outside}
        run = passages(settings, bowl, rate, noise, [0.0], 10_000, 80 + k, **where)
        rows.append(mean_and_error(size * rate * run.first_passage_step.values))
    text = "curvature times mean time to leave a parabola"
    values = with_error("sharp", "curvature", np.transpose(rows), "1", text)
    values["sharp_exact"] = "curvature", exact, "1", f"exact {text}"
    values["sharp_limit"] = "curvature", limit, "1", f"{text} at 1, of the SDE"
    return described(values).assign_coords(curvature=CURVATURES)
