"""The result of a test in plain words."""

from typing import NamedTuple

import numpy as np

LISTED = 6  # more directions than this are given by their lowest and highest temperature


class Temperatures(NamedTuple):
    """Temperatures along the directions and one for all, each with its standard error."""

    along: np.ndarray
    along_error: np.ndarray
    one: float
    one_error: float


def shorthand(value, error):
    """A number with its error in the last digit, as 0.296(2); four digits if the error is 0."""
    if not error > 0:
        return f"{value:.4g}"
    decimals = max(0, -int(np.floor(np.log10(error))))
    if round(error, decimals) >= 10.0 ** (1 - decimals):  # 0.098 rounds to 0.1
        decimals = max(0, decimals - 1)
    return f"{value:.{decimals}f}({round(error * 10**decimals)})"


def wording(name, decision, directions, measured, deviations, tolerance):
    """One sentence that states the decision of `boltzmann_test` and its evidence.

    Parameters
    ----------
    name : str
        Of the dynamics.
    decision : Decision
    directions : list of str
    measured : Temperatures
    deviations : dict
        Name of a test -> `Deviation`.
    tolerance : float
    """
    evidence = [_temperatures(directions, measured)]
    verb = "would be" if decision.word == "departs" else "is"
    evidence.append(f"one temperature {verb} {shorthand(measured.one, measured.one_error)}")
    if decision.word == "departs":
        evidence += _beyond_temperatures(measured, deviations, tolerance)
    p_value = decision.family_p_value
    evidence.append("p < 1e-300" if p_value < 1e-300 else f"p = {p_value:.2g}")
    who = "Langevin dynamics" if "langevin" in name else "the run"
    who, limit = "SGD" if name.startswith("sgd") else who, f"{100 * tolerance:g} %"
    verdicts = {
        "departs": f"{who} departs from Boltzmann: ",
        "consistent within tolerance": f"{who} is consistent with Boltzmann within {limit}: ",
        "undecided": f"undecided whether {who} departs from Boltzmann by over {limit} (try more "
        "particles): ",
    }
    return verdicts[decision.word] + "; ".join(evidence)


def _beyond_temperatures(measured, deviations, tolerance):
    """What cross terms and curvature say, where they deviate by more than the tolerance."""
    found = {name: deviation.largest() for name, deviation in deviations.items()}
    effect, error = found.get("cross_terms", (0.0, 0.0))
    if np.abs(effect) > tolerance:
        size = shorthand(100 * effect, 100 * error)
        yield f"cross terms <x_i dU/dx_j> reach {size} % of it, not 0"
    effect, error = found.get("curvature", (0.0, 0.0))
    if np.abs(effect) > tolerance:
        implied = measured.one / (1 + effect)
        yield f"the curvature implies {shorthand(implied, implied * error / abs(1 + effect))}"


def _temperatures(directions, measured):
    values = [shorthand(*pair) for pair in zip(measured.along, measured.along_error, strict=True)]
    if len(values) == 1:
        return f"the temperature from the virial is {values[0]}"
    if len(values) <= LISTED:
        return f"temperatures along {', '.join(directions)} are {', '.join(values)}"
    ends = int(np.argmin(measured.along)), int(np.argmax(measured.along))
    low, high = (f"{values[k]} along {directions[k]}" for k in ends)
    return f"temperatures along {len(values)} directions range from {low} to {high}"
