"""How often does SGD leave a well, which law says so, and when does none?

The seed: "The learning rate can be interpreted as a temperature parameter ... If we run for a long
time at a large learning rate we converge to a noisy (hot) stationary distribution". Corrected: how
long is the escape time, which no temperature alone tells; bounded noise may never get there.
Kramers' law of a temperature, Xie, Sato and Sugiyama's exponential (noise as the Hessian; formula
at second hand) and Mori, Ziyin, Liu and Ueda's power law (noise as the loss) each hold for their
own noise. Rates with exact intervals, also where nobody arrived, against the exact chain. Of
papers: Xie's prefactor (2 pi/|H_s|, Ito gives 2 pi/H_a); exp[2 (B/eta) r^2 sqrt(lambda)] of
"Quasi-potential theory for escape problem" (two thirds read), where C^(1/2) stands for C; on the
bowls of Zhu et al. 2019 round noise owes its escapes to steps of eta h = 1.

Run:  python studies/escape.py [--quick]
(writes out/escape.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _breakdown import LIMIT, of_curve
from _escape_bounded import CAUGHT, STEEPEST, bounded
from _escape_figure import plot
from _escape_laws import LAWS, WAYS, sharpness, three_noises
from _escape_orientation import ROUND, orientation
from _escape_runs import COORDINATES, Settings, apart
from _escape_wells import finite_steps, starts
from _runner import Claim, agreement, exactly, in_memory, main

from langevin_sgd.storage.provenance import provenance

PARTS = (finite_steps, starts, three_noises, sharpness, orientation, bounded)


def of_steps(dataset):
    texts = {
        "other": "time to the other well = exact chain",
        "top": "time to the top = exact chain",
    }
    claims = [agreement(text, *exactly(dataset, f"time_to_{to}")) for to, text in texts.items()]
    text = f"rate, {100 * float(dataset.censored):.0f} % of the particles censored = exact chain"
    claims.append(agreement(text, *exactly(dataset, "rate")))
    off, error = 1 - dataset.time_to_other.values, dataset.time_to_other_standard_error.values
    ends = of_curve(dataset.learning_rate.values, off, error)
    at = [of_curve(dataset.fine_rate.values, 1 - row, 0)[0] for row in dataset.line.values]
    text = f"the SDE's time is {100 * LIMIT:g} % off from this rate on (curvature 2)"
    number = "exact, T = 0.1, 0.05, 0.025: " + ", ".join(f"{each:.3f}" for each in at)
    claims.append(Claim(text, ends[0] <= at[0] <= ends[1], number, interval=ends))
    late, error = dataset.time_to_top[0].item(), dataset.time_to_top_standard_error[0].item()
    text, number = "to the top it is off before that", f"{late:.3f} +- {error:.3f} times the SDE's"
    return [*claims, Claim(text, late - 4 * error > 1 + LIMIT, number)]


def of_laws(dataset):
    seen, known = dataset.escape_time.values, np.isfinite(dataset.escape_time.values)
    exact, error = dataset.escape_time_exact.values, dataset.escape_time_standard_error.values
    claims = [agreement("three noises = exact chain", seen[known], exact[known], error[known])]
    factors = dataset.published.values / exact
    worst = np.exp(np.abs(np.log(factors)).max(axis=-1))  # (law, noise)
    for k, (law, way) in enumerate(zip(LAWS, WAYS, strict=True)):
        others = ", ".join(f"{worst[k, j]:.2g} ({WAYS[j]})" for j in range(3) if j != k)
        text = f"{law}'s law holds for noise as {way}" if k else f"{law}' law holds for {way} noise"
        number = f"within a factor {worst[k, k]:.2f}; others {others}"
        holds = worst[k, k] < 2.2 and min(np.delete(worst[k], k)) > 3
        claims.append(Claim(text, bool(holds), number))
    own, ito = factors[1, 1, -1], (dataset.kramers.values / exact)[1, -1]
    middle = np.flatnonzero(known[1])[-1]
    z = (dataset.published.values[1, 1, middle] - seen[1, middle]) / error[1, middle]
    number = f"{own:.2f} of exact at the highest barrier, Ito {ito:.2f}; measured: z = {z:.0f}"
    text = "Xie's prefactor 2 pi/|H_s| (second hand) is twice Ito's"
    claims.append(Claim(text, abs(own / ito - 2) < 1e-6 and z > 4, number))
    if np.isfinite(dataset.sharp).all():
        text = "noise as the curvature in a parabola = exact chain"
        claims.append(agreement(text, *exactly(dataset, "sharp")))
    limit = dataset.sharp_limit.values
    wrong = np.exp(20 * np.ptp(np.sqrt(dataset.curvature.values)))
    number = f"h tau = {limit.mean():.2f}, spread {np.ptp(limit):.1g}; sqrt(lambda): x {wrong:.1e}"
    text = "h tau of the SDE does not depend on h (C^(1/2) for C)"
    return [*claims, Claim(text, bool(np.ptp(limit) < 1e-6 * limit[0]), number)]


def of_orientation(dataset):
    stiff = dataset.sel(angle=0.0, setting=dataset.exact_setting.values)
    given = stiff.directed.values, dataset.stiff_exact.values
    text = "noise along the stiff direction = exact chain"
    claims = [agreement(text, *given, stiff.directed_standard_error.values)]

    def ends(setting, angle):
        return dataset.directed_interval.sel(setting=setting, angle=angle).values

    own, small = partial(ends, "published"), partial(ends, "small steps")
    claims.append(apart("eta h = 1: stiff over 45 degrees off it", own(0.0), own(45.0)))
    claims.append(apart("45 degrees off over round, at equal tr(H Sigma)", own(45.0), own(ROUND)))
    claims.append(apart("round over soft", own(ROUND), own(90.0)))
    claims.append(apart("eta h = 0.1: soft over round", small(90.0), small(ROUND)))
    claims.append(apart("and stiff over 45 degrees off it", small(0.0), small(45.0)))
    if np.isfinite(dataset.directed.sel(setting="turned", angle=0.0)):
        own, small = partial(ends, "turned"), partial(ends, "turned, small steps")
        claims.append(apart("flat bowl on the soft side: stiff over soft", own(0.0), own(90.0)))
        claims.append(apart("the same, eta h = 0.1: soft over stiff", small(90.0), small(0.0)))
    return claims


def of_bounds(dataset):
    held = dataset.noise_size.values < STEEPEST
    high = dataset.bounded_interval.values[held, 1].max()
    arrivals = dataset.bounded.values[held].max()
    gaussian, reach = dataset.gaussian_exact.values[held][-1], dataset.reach.values[held].max()
    text = f"noise below the steepest slope {STEEPEST:.3f} never leaves"
    number = f"seen {arrivals:.1g}, < {high:.1e}; Gaussian {gaussian:.1e}; reaches {reach:.3f}"
    claims = [Claim(text, bool(arrivals == 0 and reach < 0 and high < gaussian), number)]
    above = exactly(dataset.isel(noise_size=~held), "bounded")
    claims.append(agreement("noise above it = exact chain", *above))
    (below, above), edge = dataset.edge_interval.values, tuple(dataset.safe_rate.values)
    text = f"the rate up to which noise of size {CAUGHT} stays"
    number = f"at 0.95 of it < {below[1]:.1e}, at 1.1 in [{above[0]:.2g}, {above[1]:.2g}] per step"
    claims.append(Claim(text, bool(below[0] == 0 and above[0] > 0), number, interval=edge))
    ends = "", "_exact", "_gaussian"
    found, exact, gaussian = (dataset[f"exponent{end}"].item() for end in ends)
    number = f"{found:.3f}; quasi-potential {exact:.3f}, Arrhenius' {gaussian:.0f}"
    holds = abs(found / exact - 1) < 0.01
    return [*claims, Claim("exponent of noise of size 0.5", bool(holds), number)]


def of_starts(dataset):
    last = dataset.isel(time=-1)
    pair = last.occupation.values, float(last.occupation_exact)
    text = f"after {float(last.time):g} relaxation times each start has the exact occupation"
    claims = [agreement(text, *pair, last.occupation_standard_error.values)]
    p, value = dataset.rhat_p_value.values, dataset.rhat.values
    number = f"p = {p[-1]:.2g}, R-hat {value[-1]:.4f}; before, R-hat {value[0]:.2f}, {value[1]:.2f}"
    text = "nested R-hat: starts agree at last, and not at first"
    return [*claims, Claim(text, bool(p[-1] > 1e-3 and p[:2].max() < 1e-6), number)]


def run(quick, seed, threads, plant, each=in_memory):
    settings = Settings(quick, seed, threads, plant)
    # neighbours share their kernels, and the starts need one that nobody else needs
    order = sorted(PARTS, key=lambda part: part is starts)
    parts = each({part.__name__: partial(part, settings) for part in order})
    dataset = xr.merge([parts[part.__name__] for part in PARTS])
    for name, text in COORDINATES.items():
        dataset[name].attrs = {"long_name": text, "units": "1"}
    about = of_steps, of_laws, of_orientation, of_bounds, of_starts
    claims = [claim for of_part in about for claim in of_part(dataset)]
    return dataset.assign_attrs(provenance()), claims


WORDS = {  # what is in the file, in words
    "learning_rate": "learning rate of SGD in the double well",
    "start": "where the particles start",
    "noise": "what the variance of the noise follows",
    "barrier": "height of the barrier",
    "curvature": "curvature of the parabola that is left",
}


if __name__ == "__main__":
    main("escape", run, plot, WORDS)
