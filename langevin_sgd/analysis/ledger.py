"""The ledger of causes: from Boltzmann's law to SGD by a chain of systems, one cause at a time."""

from functools import partial
from typing import NamedTuple

import numpy as np
import xarray as xr

from ..arguments import checked, finite_array, flag, one_of, optional, whole
from ..engine.description import described
from ..engine.reducers.readings import labelled, with_error
from ..models.evaluate import landscape
from ..models.minibatches import minibatch
from .ledger_quadratic import is_quadratic, mean_covariance, second_moment, steps_response
from .ledger_solutions import (
    Moved,
    Plan,
    boltzmann_symptoms,
    exact_rungs,
    make_ruler,
    simulated,
)
from .ledger_symptoms import symptoms_of
from .ledger_systems import CORNER, RUNGS, Absent, Simulated, Update, make_frame, systems
from .temperature_budget import DYNAMICS, NOISE

LEFT_OUT = 64
UNIT_OF = {"kl": "nat", "w2": "1", "occupation": "1", "rotation": "length^2/time"}
UNIT_OF |= {"weighted": "length^2/time", "temperature": "energy", "energy": "energy"}
SPREAD = "contribution of anisotropy taken first less that taken second"
THERE = Absent("", same=False)  # of a rung that is there
NOT_STATIONARY = 4.5  # standard errors by which the energy may change in the second half of a run


class Solved(NamedTuple):
    """Rungs by name: ``symptoms``, a dict name -> array (1 + groups,) or an exact number; ``how``
    each was solved; ``absent``, those that are not there; ``drift`` in standard errors."""

    symptoms: dict
    how: dict
    absent: dict
    drift: dict


@checked(
    model=landscape,
    dynamics=DYNAMICS,
    noise=NOISE,
    particles=whole(LEFT_OUT),
    steps=optional(whole(2)),
    seed=whole(0, 2**64),
    x0=optional(finite_array),
    reference=one_of("minimum", "average"),
    reference_point=optional(partial(finite_array, ndim=1)),
    substeps=optional(whole(1)),
    exact=flag,
    bins=whole(2, 200),
)
def ledger(
    model,
    dynamics,
    noise,
    *,
    particles=65_536,
    steps=None,
    seed=1,
    x0=None,
    reference="minimum",
    reference_point=None,
    substeps=None,
    exact=True,
    bins=16,
):
    """The departure of SGD from Boltzmann's law, cause by cause: what each adds to each symptom.

    A chain of systems, of which each differs from the one before by one cause:

    =================  =========================================================================
    rung               system
    =================  =========================================================================
    boltzmann          exp(-U/T), T = eta tr C / (2 d (1 - mu)) with C a batch's covariance at
                       the reference point
    anisotropy         the overdamped diffusion with the constant noise C
    state_dependence   the overdamped diffusion with C(x), in the sense of Ito
    inertia            the underdamped diffusion of `theory.underdamped_limit` with C(x)
    finite_rate        the steps themselves, with Gaussian noise of covariance C(x)
    batch_law          independent batches, drawn with replacement
    finite_population  batches without replacement, a fresh subset in each step
    reshuffling        epochs, reshuffled or of one order for ever
    =================  =========================================================================

    Parameters
    ----------
    model : Potential or Loss
        U, in units of energy, on an open domain.
    dynamics : Dynamics
        `dynamics.sgd`, with constant numbers, no weight decay and momentum None or heavy ball.
    noise : GradientNoise, Minibatch or TableGaussian
        Of a covariance that is known at each x.
    particles : int
        Of every rung that is simulated: the same particles with the same addresses of random
        numbers.
    steps : int, optional
        Of SGD until the law is stationary; diffusions run for the same time. Needed for rungs that
        have no exact solution.
    seed : int
        Of the random numbers.
    x0 : (d,) or (particles, d) array, optional
        Start, as in `simulate`.
    reference : {"minimum", "average"}
        Where the constant C is taken: at the reference point, or its mean in the law of SGD.
    reference_point : (d,) array, optional
        A minimum of U; default the lowest one below the first 16 starts.
    substeps : int, optional
        Of a step, in diffusions; the overdamped ones run with as many and with twice as many, and
        their symptoms are extrapolated. Default: time steps of 0.05 over the largest curvature at
        the minimum, and of 0.2 over the largest frequency.
    exact : bool
        Solve exactly what second moments solve: a quadratic whose noise has a covariance that is a
        quadratic function of x. False: simulate all rungs but Boltzmann's law.
    bins : int
        Along each component, for KL in one or two dimensions.

    Returns
    -------
    xarray.Dataset
        ``value`` and ``contribution`` (rung, symptom), the value less that of the last rung that
        has one, and ``total`` (symptom), their sum: the departure of SGD, nan where SGD has no
        stationary law. ``corner`` (symptom): the
        overdamped diffusion with isotropic noise of the power of C(x); with it ``shapley`` (cause,
        symptom) of anisotropy and state dependence over both orders, and ``order_spread``
        (symptom), the contribution of anisotropy taken first less that taken second. All with
        ``NAME_standard_error``. ``how`` (rung): "exact", "simulated" or "absent"; ``reason``
        (rung), why it is not there: its cause is no part of the system, which adds 0, or it has no
        stationary law, nan; ``drift`` (rung), the change of the mean energy in the second
        half of the run over its standard error; ``words`` (rung). Coordinate ``unit`` (symptom).

        Symptoms, along the eigenvectors of H at the reference point by increasing curvature:
        temperature_i_j, the symmetric part of E[(x - E x) grad U'], on a quadratic about the
        minimum instead of E x; energy, E U less that of the minimum; occupation_k of basins by
        increasing energy; rotation_i_j, E[x_i dx_j - x_j dx_i] per time t = eta * steps, and
        weighted_rotation_i_j with exp(-x' H x/T), of rungs that are diffusions; kl from exp(-U/T),
        on a quadratic that of the Gaussian law of the same moments with its parts kl_temperature,
        kl_direction and kl_rotation, infinite where noise does not reach all directions (what later
        rungs add is then nan); else in one or two dimensions that on the bins (all outside is one
        bin) with kl_temperature, what a better T takes away, and kl_shape; w2_squared, on a
        quadratic that is simulated and beyond two dimensions: the mean over the modes of W2^2
        between whitened marginals and those of Boltzmann's law, by 400 quantiles.

    Raises
    ------
    TypeError, ValueError
        For another dynamics, noise without a known covariance or that vanishes at the minimum, a
        minimum with a flat direction, `steps` that are needed and not given, or where particles
        leave in each rung.

    Notes
    -----
    Contributions telescope: their sum is `total` whatever the errors are. Errors: a jackknife of
    all that is computed over 64 groups of particles, the same ones at all rungs; zero where all is
    exact. Gaussian and batch rungs have different numbers at the same addresses. A contribution may
    be negative: it cancels what others add. State dependence and the law of batches are invisible
    to second moments of some rungs by construction, so that 0 there does not mean no effect.
    Overdamped rungs are extrapolated from two time steps (error of second order), the underdamped
    one has a symmetric splitting. Derived; KL parts: `ledger_quadratic.gaussian_symptoms`.

    Examples
    --------
    In the stiff direction the finite rate adds eta sigma^2/(2 - eta a) - eta sigma^2/2 = 0.0125:

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> found = ls.analysis.ledger(well, ls.dynamics.sgd(0.1), noise)
    >>> added = found.contribution.sel(symptom="temperature_1_1")
    >>> print(f"{added.sel(rung='finite_rate'):.4f} of {added.sum():.4f}")
    0.0125 of 0.0125
    """
    update = _update(dynamics)
    for name, place in ("x0", x0), ("reference_point", reference_point):
        if place is not None and place.shape[-1:] != (model.dim,):
            raise ValueError(
                f"{name} must have {model.dim} components, those of the model, got the shape "
                f"{place.shape}."
            )
    noise.check(model, dynamics)
    covariance = _covariance_at(model, noise, update)
    mean_model = model.expected(None)
    starts = np.zeros((1, model.dim)) if x0 is None else np.atleast_2d(x0)
    frame = make_frame(mean_model, covariance, update, reference_point, starts)
    quadratic = is_quadratic(frame)
    law = mean_covariance(frame, covariance) if quadratic and exact else None
    plan = Plan(model, particles, steps, seed, x0)
    examples = 1 if model.data is None else len(model.data)
    rungs = systems(frame, update, noise, covariance, examples, substeps)
    if reference == "average":
        mean = _average_covariance(plan, frame, update, rungs, law, covariance)
        frame = frame._replace(covariance=mean, temperature=update.temperature(mean))
        rungs = systems(frame, update, noise, covariance, examples, substeps)
    known = {} if law is None else exact_rungs(frame, update, rungs, law, examples)
    solved = _solve_rungs(plan, frame, update, rungs, known, quadratic, bins)
    attrs = {"temperature": frame.temperature, "reference": reference, "seed": seed}
    attrs |= {"model": model.name, "dynamics": described(dynamics), "noise": described(noise)}
    return _dataset(solved, frame, attrs)


def _update(dynamics):
    params, name = dynamics.params, dynamics.name
    if name not in ("sgd", "sgd_momentum"):
        raise ValueError(
            f"dynamics must be dynamics.sgd, plain or heavy ball, got {name!r}: the chain of "
            "diffusions is that of its limits."
        )
    if dynamics.schedules():
        raise ValueError("dynamics must have constant numbers: a schedule has no stationary law.")
    if params.weight_decay:
        raise ValueError(
            f"dynamics has weight_decay = {params.weight_decay:g}: put (weight_decay/2) |x|^2 into "
            "the energy instead, the same dynamics."
        )
    return Update(params.learning_rate, params.momentum, int(params.batch_size))


def _covariance_at(model, noise, update):
    """That of independent batches, as a function of points (n, d)."""
    if getattr(noise, "sampling", None) in ("population", "given", "svag"):
        raise ValueError(
            f"noise must draw batches of a table, got sampling={noise.sampling!r}. For fresh "
            "examples use a potential with noise.online_regression or a GradientNoise."
        )
    drawn = noise if noise.adds else minibatch("with_replacement")
    if not noise.adds and "weight" in noise.params._fields:
        raise ValueError("noise must draw all examples alike: importance weights are refused.")
    if model.domain is not None or model.drift is not None:
        raise ValueError(f"model must have an open domain and no drift, got {model.name!r}.")
    return lambda x: drawn.batch_covariance(model, x, update.batch_size)


def _average_covariance(plan, frame, update, rungs, law, covariance):
    """Mean of C(x) in the law of SGD, (d, d)."""
    if law is not None:
        mean = law.at(second_moment(steps_response(frame.curvature, update), law))
        return frame.basis @ mean @ frame.basis.T
    _need_steps(plan)
    last = [name for name in RUNGS if not isinstance(rungs[name], Absent)][-1]
    run = simulated(plan, frame, update, rungs[last])
    if isinstance(run, Absent):
        raise ValueError(f"SGD has no stationary law to average over: {run.reason}")
    return covariance(run.look.x).mean(axis=0)


def _need_steps(plan):
    if plan.steps is None:
        raise ValueError("steps must be given: not all rungs have an exact solution here.")


def _solve_rungs(plan, frame, update, rungs, known, quadratic, bins):
    runs, found = {}, Solved({}, {}, {}, {})
    closed_form = quadratic or len(frame.minimum) <= 2
    for name, rung in (rungs | known).items():
        found.how[name] = "exact"
        if isinstance(rung, dict):
            found.symptoms[name] = rung
        elif isinstance(rung, Simulated) and not (name == "boltzmann" and closed_form):
            _need_steps(plan)
            rung = simulated(plan, frame, update, rung)
        if isinstance(rung, Moved):
            runs[name], found.how[name], found.drift[name] = rung, "simulated", rung.drift
        if isinstance(rung, Absent):
            found.how[name], found.absent[name] = "absent", rung
    if not runs and "boltzmann" not in found.symptoms:
        raise ValueError(
            "dynamics must have a learning rate at which some rung keeps its particles, but all "
            f"lose some, the first as {found.absent['anisotropy'].reason}. Lower learning_rate."
        )
    if runs:
        ruler = make_ruler(frame, quadratic, {name: run.look.x for name, run in runs.items()}, bins)
        for name, run in runs.items():
            found.symptoms[name] = _extrapolated(ruler, run)
        for name in ("boltzmann", "anisotropy") if known else ():
            found.symptoms[name]["w2_squared"] = 0.0  # of exact rungs those that are Gaussian
        if "boltzmann" not in found.symptoms:
            names = [name for symptoms in found.symptoms.values() for name in symptoms]
            found.symptoms["boltzmann"] = boltzmann_symptoms(ruler, names)
    return found


def _extrapolated(ruler, run):
    fine = symptoms_of(ruler, run.look)
    if run.coarse is None:
        return fine
    coarse = symptoms_of(ruler, run.coarse)
    return {name: 2 * values - coarse[name] for name, values in fine.items()}


# ---- the dataset ---------------------------------------------------------------------------------


def _dataset(solved, frame, attrs):
    names = list(dict.fromkeys(key for found in solved.symptoms.values() for key in found))
    solved.symptoms.setdefault(CORNER, solved.symptoms["boltzmann"])  # where C is constant
    table = np.array([_symptom_row(solved, rung, names) for rung in [*RUNGS, CORNER]])
    values, corner = table[:-1], table[-1]
    contributions, last, before = np.zeros_like(values), values[0], values[0]
    absent = [solved.absent.get(rung, THERE) for rung in RUNGS]
    for k in range(1, len(RUNGS)):
        if absent[k].same:
            values[k] = before
        there = ~np.isnan(values[k])
        contributions[k] = _less(values[k], last)
        last = np.where(there, values[k], last)
        before = values[k] if there.any() else before
    there = [rung for rung, why in zip(RUNGS, absent, strict=True) if not why.same]
    total = last - values[0] + (0.0 if there[-1] in solved.symptoms else np.nan)
    none, anisotropic, both = values[:3]
    anisotropy = anisotropic - none, _less(both, corner)
    dependence = _less(both, anisotropic), corner - none
    shapley = np.array([sum(anisotropy), sum(dependence)]) / 2
    grid, one = ("rung", "symptom"), ("symptom",)
    estimates = {
        "value": (grid, values, "symptom"),
        "contribution": (grid, contributions, "what a cause adds to the symptom"),
        "total": (one, total, "departure from Boltzmann's law"),
        "corner": (one, corner, "symptom of isotropic noise of the power of C(x)"),
        "shapley": (("cause", "symptom"), shapley, "mean of what a cause adds over both orders"),
        "order_spread": (one, _less(*anisotropy), SPREAD),
    }
    variables = {}
    for name, (dims, table, text) in estimates.items():
        variables |= with_error(name, dims, _jackknife(table), text)
    variables["how"] = labelled("rung", [solved.how[rung] for rung in RUNGS], "how it was solved")
    reasons = [why.reason for why in absent]
    variables["reason"] = labelled("rung", reasons, "why the rung is not there")
    drift = [solved.drift.get(rung, 0.0) for rung in RUNGS]
    text = "change of the mean energy in the second half of the run, in standard errors"
    variables["drift"] = labelled("rung", drift, text)
    variables["reference_point"] = labelled("component", frame.minimum, "minimum", "length")
    variables["curvature"] = labelled("mode", frame.curvature, "curvature", "energy/length^2")
    units = [UNIT_OF[name.split("_")[0]] for name in names]
    coords = {"rung": list(RUNGS), "symptom": names, "cause": list(RUNGS[1:3])}
    coords["unit"] = labelled("symptom", units, "unit of a symptom")
    data = xr.Dataset(variables, coords, attrs)
    data["words"] = labelled("rung", _sentences(data), "the rung in words")
    return data


def _less(a, b):
    """a - b, nan where both are infinite."""
    return np.subtract(a, b, out=np.full_like(a, np.nan), where=~(np.isinf(a) & np.isinf(b)))


def _symptom_row(solved, rung, names):
    """The symptoms of a rung, (symptoms, 1 + groups), nan where it has none."""
    found = solved.symptoms.get(rung, {})
    return np.array([np.broadcast_to(found.get(name, np.nan), 1 + LEFT_OUT) for name in names])


def _jackknife(table):
    """Values, less their bias of order 1/n, and standard errors, from (..., 1 + groups): all
    particles, then all but one group."""
    everything = table[..., 0]
    finite = ~np.isinf(everything)[..., None]
    moved = np.zeros_like(table[..., 1:])  # exactly 0 where all is exact
    np.subtract(table[..., 1:], everything[..., None], out=moved, where=finite)
    mean = moved.mean(axis=-1)
    square = ((moved - mean[..., None]) ** 2).sum(axis=-1)
    return everything - (LEFT_OUT - 1) * mean, np.sqrt((LEFT_OUT - 1) / LEFT_OUT * square)


def _sentences(data):
    """A sentence for each rung."""
    has_kl = "kl" in data.symptom and not np.isinf(data.total.sel(symptom="kl"))
    symptom = "kl" if has_kl else "energy"
    part, sentences = data.sel(symptom=symptom), []
    total, unit = float(part.total), str(part.unit.values)
    columns = "how", "reason", "contribution", "contribution_standard_error", "drift"
    rows = zip(data.rung.values, *(part[name].values for name in columns), strict=True)
    for rung, how, reason, share, error, drift in rows:
        if how == "absent":
            sentences.append(f"{rung}: not there, {reason}.")
            continue
        number = f"{symptom} {share:+.4g}" + (f" +- {error:.2g}" if error else "") + f" {unit}"
        cancels = ", cancels" if share * total < 0 and abs(share) > 2 * error else ""
        moving = f"; not stationary, the energy changes by {drift:.1f} errors"
        warning = moving if abs(drift) > NOT_STATIONARY else ""
        sentences.append(f"{rung} ({how}): {number}{cancels}{warning}.")
    return sentences
