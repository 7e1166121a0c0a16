"""The result of a test in plain words."""

from typing import NamedTuple

import numpy as np

from .particles import dynamics_of

LONG = 1e8  # longer numbers, also behind the point, are given by their power of ten
LISTED = 6  # more directions than this are given by their lowest and highest temperature


class Temperatures(NamedTuple):
    """Temperatures along the directions and one for all, each a pair with its standard error."""

    along: tuple
    one: tuple


def shorthand(value, error):
    """A number with its error in the last digit, as 0.296(2); four digits if the error is 0."""
    if not error > 0:
        return f"{value:.4g}"
    if max(abs(value), error) >= LONG or error < 1 / LONG:
        return f"{value:.3g} +- {error:.1g}"
    decimals = max(0, -int(np.floor(np.log10(error))))
    if round(error, decimals) >= 10.0 ** (1 - decimals):  # 0.098 rounds to 0.1
        decimals = max(0, decimals - 1)
    return f"{value:.{decimals}f}({round(error * 10**decimals)})"


class Evidence(NamedTuple):
    """What a verdict rests on: names of the directions, `Temperatures`, name of a test ->
    `Deviation`, name -> why it was not tested, and a particle far from all others, in words."""

    directions: list
    measured: Temperatures
    tested: dict
    not_tested: dict
    lonely: str


def wording(run, particles, decision, evidence, tolerance):
    """The decision of `boltzmann_test` in words: its evidence, what was tested and what was not.

    Parameters
    ----------
    run : xarray.Dataset
    particles : Particles
    decision : Decision
    evidence : Evidence
    tolerance : float
    """
    name, limit = dynamics_of(run)["name"], f"{100 * tolerance:g} %"
    who = "Langevin dynamics" if "langevin" in name else "the run"
    who = "SGD" if name.startswith("sgd") else who
    verdicts = {
        "departs": f"{who} departs from Boltzmann: ",
        "consistent within tolerance": f"{who} is consistent with Boltzmann within {limit}: ",
        "undecided": f"undecided whether {who} departs from Boltzmann by over {limit} "
        f"({_particles_needed(decision, len(particles.x))}): ",
    }
    measured, p_value = evidence.measured, decision.family_p_value
    verb = "would be" if decision.word == "departs" else "is"
    said = []
    if "bounded" not in evidence.tested:
        said.append(_temperatures_in_words(evidence.directions, *measured.along))
    said += [
        f"one temperature {verb} {shorthand(*measured.one)}",
        *_large_deviations(evidence.tested, tolerance),
        *([evidence.lonely] if evidence.lonely else []),
        "p < 1e-300" if p_value < 1e-300 else f"p = {p_value:.2g}",
    ]
    about = [f"Tested: {', '.join(_name_in_words(name) for name in evidence.tested)}."]
    about += [_not_tested(evidence.not_tested)] if evidence.not_tested else []
    about.append(_stationarity(run))
    about += [f"{particles.dropped} particles were dropped."] if particles.dropped else []
    return " ".join([verdicts[decision.word] + "; ".join(said) + ".", *about])


def _name_in_words(name):
    return name.replace("_", " ")


def _not_tested(reasons):
    """Names of tests, those of one reason together."""
    named = {}
    for name, reason in reasons.items():
        named.setdefault(reason, []).append(_name_in_words(name))
    parts = [f"{', '.join(names)} ({reason})" for reason, names in named.items()]
    return f"Not tested: {'; '.join(parts)}."


def _particles_needed(decision, particles):
    if not np.isfinite(decision.more):
        return "no number of particles is in sight that decides"
    return f"about {particles * decision.more:.1g} particles would decide"


def _stationarity(run):
    checked = run.attrs.get("stationary")
    if checked is None:
        return "Stationarity: not checked."
    return f"Stationarity: {'checked' if checked else 'checked, and not reached'}."


def _large_deviations(tested, tolerance):
    """The deviations beyond the tolerance, in percent."""
    for name, deviation in tested.items():
        effect, error = deviation.largest()
        if abs(effect) > tolerance and abs(effect) > 2 * error:
            yield f"{_name_in_words(name)} off by {shorthand(100 * effect, 100 * error)} %"


def _temperatures_in_words(directions, temperatures, errors):
    values = [shorthand(*pair) for pair in zip(temperatures, errors, strict=True)]
    if len(values) == 1:
        return f"the temperature from the virial is {values[0]}"
    if len(values) <= LISTED:
        return f"temperatures along {', '.join(directions)} are {', '.join(values)}"
    ends = int(np.argmin(temperatures)), int(np.argmax(temperatures))
    low, high = (f"{values[k]} along {directions[k]}" for k in ends)
    return f"temperatures along {len(values)} directions range from {low} to {high}"
