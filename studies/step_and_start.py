"""Is the departure from Boltzmann due to the finite step, or to where the particles started?

Two doubts of a referee. "That is discretisation, not physics": batch size and learning rate fall
together, B ~ eta, so that T0 = eta tr Sigma/(2 d B) stays, and the departures are extrapolated to
eta = 0 (Richardson: a polynomial in eta). With isotropic noise they vanish, in order 1, with the
exact coefficient |grad U|^2/(4 T) - Laplacian U/2; with anisotropic noise they end at the exact
values of the diffusion, Lyapunov's on a quadratic and Fokker and Planck's on a coupled double well.
"Not stationary": particles from the left well, from the right well and spread over both end in one
law, their temperature budgets close, and a run that is too short is caught.

Run:  python studies/step_and_start.py [--quick]
(writes out/step_and_start.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _runner import LARGEST_Z, Claim, agreement, in_memory, main
from _step_and_start_figure import plot
from _step_and_start_limit import LANDSCAPES, NOISES, SYMPTOMS, at_rates
from _step_and_start_mixing import from_starts

from langevin_sgd.storage.provenance import provenance


def held_against(of, name, text):
    """The claim that an extrapolated number is exact; what the polynomial leaves out, and what is
    not known of the exact value, are part of the error."""
    value, exact = float(of[name]), float(of[f"{name}_exact"])
    unknown = float(of[f"{name}_exact_error"]) if f"{name}_exact_error" in of else 0.0
    parts = float(of[f"{name}_standard_error"]), float(of[f"{name}_left_out"]), unknown
    error = np.linalg.norm(parts)
    number = f"{value:+.4f} +- {error:.4f} (left out {parts[1]:.4f}), exact {exact:+.4f}"
    wide = value - LARGEST_Z * error, value + LARGEST_Z * error
    return agreement(text, value, exact, error)._replace(number=number, interval=wide)


def claims_of(limits, starts):
    claims = []
    for name in LANDSCAPES:
        for noise in NOISES:
            of = limits[name, noise]
            text = f"{name}, {noise}: departures at each rate are exact"
            given = of.departure, of.exact, of.departure_standard_error
            claims.append(agreement(text, *(each.values for each in given)))
            for symptom in SYMPTOMS:
                one, text = of.sel(symptom=symptom), f"{name}, {noise}: {symptom}"
                claims.append(held_against(one, "limit", f"{text} at rate 0 is the diffusion's"))
                if noise == "isotropic":
                    claims.append(held_against(one, "slope", f"{text} falls with the exact slope"))
        across = limits[name, "anisotropic"].sel(symptom="mean square")
        value, wide = float(across.limit), LARGEST_Z * float(across.limit_standard_error)
        text = f"{name}: anisotropic, the mean square does not tend to Boltzmann's"
        interval, number = (value - wide, value + wide), f"{100 * value:+.1f} % at rate 0"
        claims.append(Claim(text, bool(abs(value) > wide), number, interval))
    return claims + claims_of_starts(starts)


def claims_of_starts(starts):
    claims = []
    long, short = starts.isel(time=-1), starts.isel(time=0)
    text = "all starts end in the exact law: occupation, energy, mean square"
    given = long.reading, long.reading_exact, long.reading_standard_error
    claims.append(agreement(text, *(each.values for each in given)))
    p, rhat = float(long.p_value.min()), float(long.rhat.max())
    number = f"R-hat {rhat:.4f}, least p {p:.2g}"
    claims.append(Claim("nested R-hat sees no difference between the starts", p > 1e-3, number))
    p = float(long.budget_p_value.min())
    claims.append(Claim("the budgets of all starts close", p > 1e-3, f"least p {p:.2g}"))
    p, rhat = float(short.p_value.min()), float(short.rhat.max())
    number = f"R-hat {rhat:.3f}, least p {p:.2g}"
    claims.append(Claim("too short a run is caught: R-hat", p < 1e-6, number))
    p = float(short.budget_p_value.min())
    claims.append(Claim("too short a run is caught: the budget", p < 1e-6, f"least p {p:.2g}"))
    return claims


def run(quick, seed, threads, plant, each=in_memory):
    particles = 10_000 if quick else 60_000
    given = particles, quick, seed, threads, plant
    parts = {
        f"{name}, {noise}": partial(at_rates, name, noise, *given)
        for name in LANDSCAPES
        for noise in NOISES
    }
    parts["starts"] = partial(from_starts, particles // 3, seed, threads, plant)
    done = each(parts)
    limits = {(name, noise): done[f"{name}, {noise}"] for name in LANDSCAPES for noise in NOISES}
    rows = [xr.concat([limits[name, noise] for noise in NOISES], "noise") for name in LANDSCAPES]
    dataset = xr.merge([xr.concat(rows, "landscape"), done["starts"]])
    dataset = dataset.assign_coords(landscape=list(LANDSCAPES), noise=list(NOISES))
    for name, (words, units) in DESCRIBED.items():
        dataset[name].attrs = {"long_name": words, "units": units}
    return dataset.assign_attrs(provenance()), claims_of(limits, done["starts"])


DESCRIBED = {
    "landscape": ("landscape", "1"),
    "noise": ("kind of noise", "1"),
    "symptom": ("what departs", "1"),
    "start": ("where the particles started", "1"),
    "reading_name": ("what is read", "1"),
    "time": ("steps times learning rate", "time"),
}


WORDS = {  # what is in the file, in words
    "landscape": "landscape of the limit of small rates",
    "rate_number": "number of the learning rate, from 0",
    "learning_rate": "learning rate of SGD",
    "exact": "exact relative departure from Boltzmann's value at the same T0",
}


if __name__ == "__main__":
    main("step_and_start", run, plot, WORDS)
