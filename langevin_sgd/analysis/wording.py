"""The result of a test in plain words."""

import numpy as np

LISTED = 6  # more directions than this are given by their lowest and highest temperature


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
    decision : {"departs", "consistent within tolerance", "undecided"}
    directions : list of str
    measured : tuple
        Temperatures along the directions, their errors, one temperature and its error.
    deviations : dict
        Test name to deviations, errors and p-value.
    tolerance : float

    Returns
    -------
    str
    """
    who = (
        "SGD"
        if name.startswith("sgd")
        else "Langevin dynamics"
        if "langevin" in name
        else "the run"
    )
    along, errors, temperature, error = measured
    p_value = min(1.0, len(deviations) * min(p for _, _, p in deviations.values()))
    evidence = [
        _temperatures(directions, along, errors),
        f"one temperature {'would be' if decision == 'departs' else 'is'} "
        f"{shorthand(temperature, error)}",
    ]
    effect, spread, _ = deviations.get("cross_terms", (np.zeros(1), np.zeros(1), 1.0))
    worst = np.abs(effect).argmax()
    if np.abs(effect[worst]) > tolerance and decision == "departs":
        evidence.append(
            "cross terms <x_i dU/dx_j> reach "
            f"{shorthand(100 * effect[worst], 100 * spread[worst])} % of it, not 0"
        )
    effect, spread, _ = deviations.get("curvature", (np.zeros(1), np.zeros(1), 1.0))
    if np.abs(effect[0]) > tolerance and decision == "departs":
        implied = temperature / (1 + effect[0])
        evidence.append(
            f"the curvature implies {shorthand(implied, implied * spread[0] / abs(1 + effect[0]))}"
        )
    chance = "p < 1e-300" if p_value < 1e-300 else f"p = {p_value:.2g}"
    verdicts = {
        "departs": f"{who} departs from Boltzmann: ",
        "consistent within tolerance": f"{who} is consistent with Boltzmann within "
        f"{100 * tolerance:g} %: ",
        "undecided": f"undecided whether {who} departs from Boltzmann by over {100 * tolerance:g} "
        "% (try more particles): ",
    }
    return verdicts[decision] + "; ".join([*evidence, chance])


def _temperatures(directions, along, errors):
    if len(along) == 1:
        return f"the temperature from the virial is {shorthand(along[0], errors[0])}"
    if len(along) <= LISTED:
        values = ", ".join(
            shorthand(value, error) for value, error in zip(along, errors, strict=True)
        )
        return f"temperatures along {', '.join(directions)} are {values}"
    low, high = int(np.argmin(along)), int(np.argmax(along))
    ends = [f"{shorthand(along[k], errors[k])} along {directions[k]}" for k in (low, high)]
    return f"temperatures along {len(along)} directions range from {ends[0]} to {ends[1]}"
