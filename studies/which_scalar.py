"""Which scalar of the gradient covariance Sigma answers which question?

The first seed: "Say we wanted to compress the covariance matrix down to a single value, which
determined how noisy the dataset is compared to." and "Trace.", broken off. tr Sigma is one of
several. Four least-squares tables share H and tr Sigma, scikit-learn's diabetes and three whose
Sigma is proportional to H, 1 and 1/H: tr Sigma sets the error of a batch gradient and the
temperature, and cannot tell them apart; tr(H Sigma) sets the rise of the loss in the first step,
and tr(H^-1 Sigma) the loss of the time average, in the opposite order (Polyak and Juditsky 1992).
"Compared to" |G_T|^2 it says when a batch gradient is as wrong as long; whether a larger batch
pays is tr(H Sigma)/(G_T' H G_T) (McCandlish et al. 2018, arXiv:1812.06162, from memory; derived for
a quadratic). Escape over a barrier is told by none: noises may have all these scalars in common,
and what counts is the noise along the way out. (Zhu et al. 2019, arXiv:1803.00195, abstract read:
"efficiency of escaping from minima", measured by tr(H Sigma); that is the rise of the loss at
first.) And G is a discrete variable: its atoms against the Gaussian twin.

Run:  python studies/which_scalar.py [--quick]
(writes out/which_scalar.nc and .png; --update-data renews data/)
"""

from functools import partial

import numpy as np
import xarray as xr
from _runner import LARGEST_Z, Claim, agreement, exactly, in_memory, main
from _scalar_answers import AVERAGED, DOUBLINGS, QUESTIONS, RATES, Settings, answers
from _scalar_contexts import BATCHES, HEAT, LARGE, POINTS, escape, law, transient
from _scalar_figure import plot
from _scalar_tables import NAMES, moments_off

from langevin_sgd.storage.provenance import provenance

LABELS = {  # dimension -> values, what it is
    "table": (NAMES, "least-squares table"),
    "question": (list(QUESTIONS), "what is measured"),
    "doubling": (np.arange(DOUBLINGS + 1), "binary logarithm of the steps"),
    "rate": (list(RATES), "learning rate"),
    "averaged": (list(AVERAGED), "positions that are averaged"),
    "point": (list(POINTS), "direction of the Hessian that G_T has"),
    "large_batch": (list(LARGE), "batch size"),
    "noise": (list(HEAT), "where the noise is hot: along the way out, or across it"),
    "law": (["twin", *(f"B = {batch}" for batch in BATCHES)], "law of the batch gradient"),
}
WORDS = {
    "heat": "temperature at two learning rates",
    "rise": "mean loss from the first step to the last",
    "average": "loss of the time average, two learning rates",
    "error": "error of the batch gradient over |G_T|^2 is the simple scale / B",
    "gain": "gain of the best step is 1/(1 + curvature scale / B) of the full gradient's",
    "escape": "steps to the top of the barrier",
    "shape": "skewness and kurtosis of the batch gradient fall as 1/sqrt(B), 1/B; twin: 0",
}


def over(measured, error, high, low):
    """measured[high]/measured[low] and its interval of LARGEST_Z standard errors."""
    ratio = measured[high] / measured[low]
    wide = LARGEST_Z * ratio * np.hypot(error[high] / measured[high], error[low] / measured[low])
    return ratio, (ratio - wide, ratio + wide)


def claims_of(dataset):
    claims = [
        agreement(f"{question} is exact ({scalar})", *exactly(dataset.isel(question=k), "answer"))
        for k, (question, scalar) in enumerate(QUESTIONS.items())
    ]
    claims += [agreement(text, *exactly(dataset, name)) for name, text in WORDS.items()]
    off = max(moments_off(name) for name in NAMES)
    text = "second moments along the run end at those of theory.least_squares_moments"
    claims.append(Claim(text, off < 1e-7, f"to {off:.0e}"))
    claims += [claim_of_order(dataset.isel(question=k)) for k in range(len(QUESTIONS))]
    claims.append(claim_of_heat(dataset.sel(table="diabetes")))
    claims += [claim_of_scale(dataset.sel(point=point)) for point in POINTS]
    ratio, interval = over(dataset.escape.values, dataset.escape_standard_error.values, 1, 0)
    text = "same tr Sigma, tr(H Sigma), lambda_max, det: escape takes 5 times as long or more"
    claims.append(Claim(text, interval[0] > 5, f"{ratio:.1f} times", interval))
    far, error = dataset.far.values, dataset.far_standard_error.values
    text = "beyond 3 s.d.: atoms and twin are exact"
    claims.append(agreement(text, far[:2], dataset.far_exact.values, error[:2]))
    wide = far[1] - LARGEST_Z * error[1], far[1] + LARGEST_Z * error[1]
    text = "one example's gradient is beyond 3 s.d. 4 times as often as its twin's or more"
    twin = dataset.far_exact.values[0]
    number = f"{far[1]:.2g} against {twin:.2g}"
    return [*claims, Claim(text, wide[0] > 4 * twin, number, wide)]


def claim_of_order(of):
    """The scalar tells by how much the answers of two tables of one tr Sigma differ."""
    measured, _, error = exactly(of, "answer")
    high, low = NAMES.index("opposed"), NAMES.index("aligned")
    ratio, interval = over(measured, error, high, low)
    said = of.scalar.values[high] / of.scalar.values[low]
    holds = interval[0] < 1.1 * said and interval[1] > said / 1.1
    text = f"{of.question.item()}: opposed over aligned noise is {said:.3f} within 10 %"
    return Claim(text, bool(holds), f"{ratio:.3f}", interval)


def claim_of_heat(of):
    """The learning rate at which the temperature is 10 % above that of tr Sigma."""
    trace, rates = float(of.scalar[0]), [0.0, *of.rate.values]
    measured, exact, error = exactly(of, "heat")

    def reached(heat):
        return float(np.interp(1.1, [1.0, *(heat / trace)], rates))

    sides = [reached(measured + side * LARGEST_Z * error) for side in (1, -1)]
    text = "diabetes: the temperature is 10 % above rate tr Sigma/(2 d B)"
    number = f"at the learning rate {reached(measured):.3f}, exactly {reached(exact):.3f}"
    return Claim(text, sides[0] < reached(exact) < sides[1], number, tuple(sides))


def claim_of_scale(of):
    """The batch size at which half of the gain is lost, from the gain at the one nearest to it."""
    exact, simple = float(of.curvature_scale), float(of.simple_scale)
    k = np.abs(np.log(of.large_batch.values / exact)).argmin()
    batch, gain, error = (float(each[k]) for each in (of.large_batch, *exactly(of, "gain")[::2]))
    half, interval = batch * (1 / gain - 1), []
    for side in (1, -1):
        interval.append(batch * (1 / (gain + side * LARGEST_Z * error) - 1))
    holds = interval[0] < exact < interval[1] and not interval[0] < simple < interval[1]
    text = f"G_T along the {of.point.item()} direction: half of the gain at B = {exact:.0f}"
    number = f"{half:.0f}; error = |G_T| at B = {simple:.0f}"
    return Claim(text, bool(holds), number, tuple(interval))


def run(quick, seed, threads, plant, each=in_memory):
    sizes = (20_000, 1_000) if quick else (400_000, 20_000)
    parts = {}
    for k, name in enumerate(NAMES):
        parts[name] = partial(answers, name, Settings(*sizes, seed + 10_000 * k, threads, plant))
    settings = Settings(*sizes, seed, threads, plant)
    contexts = {"transient": transient, "escape": escape, "law": law}
    parts |= {name: partial(measure, settings) for name, measure in contexts.items()}
    found = each(parts)
    dataset = xr.concat([found[name] for name in NAMES], "table")
    dataset = dataset.merge(xr.merge([found[name] for name in contexts]))
    labels = {"cumulant": ["skewness", "excess kurtosis"], "exact_law": ["twin", "one example"]}
    dataset = dataset.assign_coords(labels)
    for name, (values, text) in LABELS.items():
        dataset = dataset.assign_coords({name: (name, values, {"long_name": text, "units": "1"})})
    return dataset.assign_attrs(provenance()), claims_of(dataset)


LONG_NAMES = {
    "cumulant": "cumulant of the batch gradient",
    "exact_law": "law whose exact share is known",
}


if __name__ == "__main__":
    main("which_scalar", run, plot, LONG_NAMES)
