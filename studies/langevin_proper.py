"""What is Langevin dynamics, and what of it are momentum and minibatches?

The seed: "In statistical mechanics, we often write down continuous time stochastic differential
equations to describe the motion of a particle diffusing through a viscous medium at non-zero
temperature. m dv/dt = xi(t) - gamma v(t), where there is a stochastic parameter defined by a
stationary distribution." That equation has no force, and xi no strength: it is white noise of
strength 2 gamma T, which makes <v^2> = T/m and D = T/gamma. Here it runs as it stands, as a free
particle; with a force, by each integrator of the package, against the exact law of its chain; as
SGD's heavy ball, which is Langevin dynamics with the friction 2 (1 - mu)/(eta (1 + mu)) per time
and oscillates from eta h = (1 - sqrt mu)^2 on, in three regimes; and with minibatches, under four
ways of sampling, of which those that reshuffle add an error of the order of the step squared.

Run:  python studies/langevin_proper.py [--quick]
(writes out/langevin_proper.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _langevin_figure import plot
from _langevin_of_sgd import MOMENTA, REGIMES, SAMPLINGS, batch_bias, onset, regime
from _langevin_parts import METHODS, OVERDAMPED, Numbers, free, integrator
from _runner import Claim, agreement, in_memory, main

from langevin_sgd.storage.provenance import provenance

ERROR = "_standard_error"
VELOCITY = ["velocity", "velocity_standard_error", "exact_velocity"]
UNITS = {"lag": "steps", "time": "time", "rate": "length^2/energy"}


def agrees(text, law, *names):
    """The claim that measured numbers are the exact ones."""
    parts = [(law[k], law[f"exact_{k}"], law[k + ERROR]) for k in names]
    value, exact, error = np.concatenate(
        [np.array([np.ravel(entry) for entry in part]) for part in parts], axis=1
    )
    there = np.isfinite(value * exact * error)
    return agreement(text, value[there], exact[there], error[there])


def order_of(text, law, name, exact):
    """A fitted order with its interval, beside that of exact laws at the same steps."""
    value, error = float(law[name]), float(law[name + ERROR])
    z, wide = (value - exact) / error, (value - 4 * error, value + 4 * error)
    number = f"{value:.3f} +- {error:.3f}, exact laws {exact:.3f}"
    return Claim(text, abs(z) < 4, number, wide, z)


def claims_of(law):
    claims = []
    for method in law.integrator.values:
        own = law.sel(integrator=method)
        claims.append(agrees(f"{method}: <x^2> and energies are exact", own, "position", "bias"))
        if "small_step_order" in own:
            order, expected = float(own.small_step_order), 1 if method == "euler_maruyama" else 2
            text = f"{method}: order at small steps"
            claims.append(Claim(text, abs(order - expected) < 0.1, f"{order:.3f}, exact law"))
        text = f"{method}: order over the steps taken"
        claims.append(order_of(text, own, "order", float(own.exact_order)))
    claims.append(agrees("underdamped: <v^2> is exact", law, "velocity"))
    for name in law.regime.values:
        own, text = law.sel(regime=name), f"heavy ball, {name}: autocorrelation, a^2 + 4 b"
        claims.append(agrees(text, own, "correlation", "discriminant"))
    claims.append(agrees("heavy ball: oscillates from (1 - sqrt mu)^2 on", law, "onset"))
    first = law.isel(momentum=0)
    apart = float((first.onset - first.langevin_onset) / first["onset" + ERROR])
    text = f"heavy ball at mu = {MOMENTA[0]}: not from where Langevin dynamics does"
    claims.append(Claim(text, apart > 4, f"{apart:.1f} standard errors away", z=apart))
    text = "free particle: squared displacement is the exact one"
    claims.append(agrees(text, law, "mean_square"))
    for name, text in (("heat", "<v^2> m / T"), ("diffusion", "D m f / T")):
        pair = float(law[name]), 1.0, float(law[name + ERROR])
        claims.append(agreement(f"free particle: {text} = 1", *pair))
    for name in law.sampling.values:
        own = law.sel(sampling=name)
        text = f"minibatches, {name}: what they add to <x^2> in a bowl"
        claims.append(agrees(text, own.sel(landscape="bowl"), "batch_bias"))
        for place in law.landscape.values:
            text, exact = f"minibatches, {name}, {place}: order", 1 + ("shuffle" in name)
            value, error = (float(own.sel(landscape=place)["batch_order" + e]) for e in ("", ERROR))
            wide = value - 4 * error, value + 4 * error
            number = f"{value:.3f} +- {error:.3f}, {exact} at small steps"
            claims.append(Claim(text, abs(value - exact) < 0.2 + 4 * error, number, wide))
    return claims


def run(quick, seed, threads, plant, each=in_memory):
    numbers = Numbers(10_000 if quick else 100_000, seed, threads, 1.0 + plant, quick)
    methods = ["euler_maruyama", "baoab"] if quick else METHODS
    samplings = ["with_replacement", "reshuffle"] if quick else SAMPLINGS
    parts = {method: partial(integrator, method, numbers) for method in methods}
    parts |= {name: partial(regime, name, numbers) for name in REGIMES}
    momenta = MOMENTA[::2] if quick else MOMENTA
    parts |= {f"mu = {mu}": partial(onset, mu, numbers) for mu in momenta}
    parts |= {"free particle": partial(free, numbers)}
    places = {"bowl": 0.0, "quartic": 1.0}
    for name in samplings:
        for place, quartic in places.items():
            parts[f"{name} {place}"] = partial(batch_bias, name, quartic, numbers)
    done = each(parts)
    names = {
        "integrator": methods,
        "regime": list(REGIMES),
        "momentum": [f"mu = {mu}" for mu in momenta],
    }
    tables = [done["free particle"]]
    tables += [xr.concat([done[k] for k in rows], dim) for dim, rows in names.items()]
    inertial = [method for method in methods if method not in OVERDAMPED]
    tables[1], velocities = tables[1].drop_vars(VELOCITY), [done[m][VELOCITY] for m in inertial]
    tables.append(xr.concat(velocities, "inertial"))
    for place in places:
        own = xr.concat([done[f"{name} {place}"] for name in samplings], "sampling")
        tables.append(own.expand_dims(landscape=[place]))
    dataset = xr.merge(tables, join="outer", compat="no_conflicts")
    names |= {"landscape": list(places), "inertial": inertial}
    dataset = dataset.assign_coords(names | {"momentum": momenta, "sampling": samplings})
    for name in dataset.coords:
        dataset[name].attrs = {"long_name": name, "units": UNITS.get(name, "1")}
    return dataset.assign_attrs(provenance()), claims_of(dataset)


WORDS = {  # what is in the file, in words
    "point": "number of the step size, from 0",
    "step_size": "size of a step of the integrator",
    "time": "time since the free particle's start",
    "lag": "steps between the two positions of the autocorrelation",
    "rate": "step size of Langevin dynamics with minibatches",
    "momentum": "momentum mu of the heavy ball",
    "integrator": "method of integration",
    "inertial": "method of integration with velocities",
    "regime": "regime of the heavy ball",
}


if __name__ == "__main__":
    main("langevin_proper", run, plot, WORDS)
