"""The claims of one_temperature.py."""

import numpy as np
from _runner import Claim, agreement

LEAST = 100.0  # hottest over coldest; Boltzmann's law has 1
NEAR = 0.1  # of the theory with batch Hessians, relative


def of_table(dataset, name):
    """Spans of the temperatures under each law, and whether the budgets close."""
    short, claims = name.replace(" ", "_"), []
    heat, error = (dataset[f"{short}_measured{end}"] for end in ("", "_standard_error"))
    for law in dataset.law.values:
        value, wide = heat.sel(law=law).values, 4 * error.sel(law=law).values
        hot, cold = value.argmax(), value.argmin()
        low = (value[hot] - wide[hot]) / (value[cold] + wide[cold])
        high = (value[hot] + wide[hot]) / (value[cold] - wide[cold])
        number = f"{value[hot] / value[cold]:,.0f} times, Boltzmann's law has 1"
        holds = bool(low > LEAST and value[cold] > wide[cold])
        claims.append(Claim(f"{name}, {law}: many temperatures", holds, number, (low, high)))
    closure, error = (dataset[f"{short}_closure{end}"] for end in ("", "_standard_error"))
    count = f"{len(dataset.law)} budgets of {heat.shape[1]} directions close"
    claims.append(agreement(f"{name}: {count}", closure.values, 0.0, error.values))
    near, given = (0.4 if name == "breast cancer" else NEAR), dataset[f"{short}_full"].values
    error = dataset[f"{short}_measured_standard_error"].values
    return [*claims, off_theory(heat.values, error, given, f"{name}: theory", near)]


def off_theory(value, error, theory, text, near=NEAR):
    """The claim that measured temperatures are within some share of theory."""
    off, error = value / theory - 1, error / theory
    worst = (np.abs(off) - 4 * error).argmax()
    number = f"{100 * off.flat[worst]:+.1f} +- {100 * error.flat[worst]:.1f} % at worst"
    return Claim(
        f"{text}, within {100 * near:.0f} %", bool(np.all(np.abs(off) - 4 * error < near)), number
    )


def relative(dataset, name, exact):
    """Measured over exact, 1, and the relative error: that of a small value is not too small."""
    value, error = dataset[name].values, dataset[f"{name}_standard_error"].values
    return value / exact.values, 1.0, error / value


def of_cause(dataset):
    """What makes the flattest directions warmer than frozen noise would."""
    rate = float(dataset.diabetes_rate)
    at = dataset.sel(learning_rate=rate)
    real = dataset.sel(law="reshuffled")
    drawn = dataset.sel(law="drawn")
    claims = [
        agreement(
            "diabetes, drawn: the exact law of the table",
            *relative(drawn, "diabetes_measured", drawn.diabetes_exact_drawn),
        ),
        agreement(
            "one Hessian for all examples: the exact law of epochs with frozen noise",
            *relative(at, "one_hessian", at.frozen),
        ),
    ]
    for name, words in {
        "over_orders": "reshuffled: the average over orders, without a run",
        "hot_start": "reshuffled: the same from a hot start",
        "twice_as_long": "reshuffled: the same after twice the steps",
    }.items():
        if name not in dataset:
            continue
        both = np.hypot(at[f"{name}_standard_error"], real.diabetes_measured_standard_error)
        claims.append(agreement(words, real.diabetes_measured.values, at[name].values, both.values))
    flat = at.isel(diabetes_direction=0)
    ratio = float(real.diabetes_measured[0] / flat.frozen)
    wide = 4 * float(real.diabetes_measured_standard_error[0] / flat.frozen)
    text = "diabetes, reshuffled: frozen noise is far too cold in the flattest direction"
    interval = ratio - wide, ratio + wide
    claims.append(Claim(text, ratio - wide > 3, f"{ratio:.1f} times", interval))
    given = (dataset[key].values for key in ("over_orders", "over_orders_standard_error", "full"))
    text = "theory with the Hessians of batches, at all rates and in all directions"
    claims.append(off_theory(*given, text))
    if dataset.sizes["learning_rate"] > 1:
        claims.append(_factor_of_two(dataset.isel(diabetes_direction=0)))
    return claims


def _factor_of_two(flat):
    """From which learning rate on frozen noise is too cold by a factor of two."""
    ratio, wide = (
        (flat[key] / flat.frozen).values for key in ("over_orders", "over_orders_standard_error")
    )
    rates, sides = np.log(flat.learning_rate.values), (4, 0, -4)
    found = [np.interp(2.0, ratio + side * wide, rates, left=np.nan) for side in sides]
    low, middle, high = np.exp(found)
    text = "from some learning rate on frozen noise is too cold by two in the flattest direction"
    return Claim(text, bool(np.isfinite(low)), f"from {middle:.4f} on", (low, high))


def claims_of(dataset, names):
    claims = [claim for name in names for claim in of_table(dataset, name)]
    return claims + of_cause(dataset)
