"""The virial along the path, and the temperature budget of SGD."""

from ...arguments import checked
from ...models.records import recorded
from .readings import MATRIX, Estimate, variables_of
from .record import Reducer

# Products of the vectors before a step, in the order of the accumulators.
PAIRS = ("x", "g"), ("x", "xi"), ("v", "g"), ("v", "xi"), ("g", "g"), ("g", "xi"), ("xi", "xi")


def _observe_virial(p, acc, step, before, x, v, g, xi):
    """Means of x, g and xi, then the seven products a_i b_j, all before the step; without a
    velocity its products stay 0.
    """
    d, row = len(x), 3 * len(x)
    has_velocity = len(v) == d
    for i in range(d):
        a, pull = before[i], g[i] + p.weight_decay * before[i]
        speed = before[d + i] if has_velocity else 0.0 * a
        acc[i] += a
        acc[d + i] += pull
        acc[2 * d + i] += xi[i]
        for j in range(d):
            other = g[j] + p.weight_decay * before[j]
            acc[row] += a * other
            acc[row + 1] += a * xi[j]
            acc[row + 2] += speed * other
            acc[row + 3] += speed * xi[j]
            acc[row + 4] += pull * other
            acc[row + 5] += pull * xi[j]
            acc[row + 6] += xi[i] * xi[j]
            row += 7


@recorded
@checked
def virial(every=1, start=0, name="virial"):
    """The virial along the path, and for SGD the whole temperature budget, which a stationary run
    must close.

    (1/2)<x g>  =  step  +  noise  +  inertia  +  memory,  where <a b> = E[a b'] + E[b a'] over the
    readings and

    | term    | is                                                                                |
    |---------|-----------------------------------------------------------------------------------|
    | step    | learning_rate E[g g'] / (2 (1 - momentum))                                        |
    | noise   | learning_rate E[xi xi'] / (2 (1 - momentum))                                      |
    | inertia | momentum <v g> / (2 (1 - momentum))                                               |
    | memory  | ((momentum <v xi> + learning_rate <g xi>) / (1 - momentum) - <x xi>) / 2,         |
    |         | 0 for fresh noise                                                                 |

    with g the gradient (weight decay included), xi its noise. Under Boltzmann's law the virial is T
    times the identity.

    Parameters
    ----------
    every, start, name
        As in `moments`.

    Returns
    -------
    Reducer
        Adds ``virial`` (component, component_j) in units of energy, and for plain or heavy-ball SGD
        with constant parameters ``virial_step``, ``virial_noise``, ``virial_inertia``,
        ``virial_memory`` and ``virial_residual`` (virial less the terms), each with
        ``_standard_error``. For minibatches g is the gradient of the batch and xi is 0: step and
        noise come as one, ``virial_step``, and the identity holds for any sampling.

    Raises
    ------
    ValueError
        In a run on a domain with walls, where x' = x - v' does not hold.

    Notes
    -----
    Exact in the stationary state for any learning rate, potential and noise, whether or not fresh
    (memory). Derived in `theory.virial.virial_terms`; x is centred, since E[g] = E[xi] = 0. A
    dynamics that looks ahead, or another family, gets the virial only."""

    def complete(reducer, model, dynamics, noise):
        if "weight_decay" in dynamics.schedules():
            raise ValueError(
                f"weight_decay must be constant for {name!r}: under a schedule there is no "
                "stationary state."
            )
        if getattr(model, "domain", None) is not None:
            raise ValueError(
                f"{name!r} needs an open domain, but {model.name!r} has walls, where its identity "
                "lacks their pushes. Take a histogram, and hold it against "
                "theory.boltzmann_bin_probabilities."
            )
        d, decay = model.dim, getattr(dynamics.params, "weight_decay", 0.0)
        return reducer.fitted({"weight_decay": decay}, 3 * d + 7 * d * d)

    return Reducer(
        name,
        _observe_virial,
        {"weight_decay": 0.0},
        10,
        every,
        start,
        finish=_finish_virial,
        complete=complete,
    )


def _finish_virial(reducer, readings):
    # Here, for all of `theory` comes with it, which takes longer to import than the package.
    from ...theory.virial import HEAVY_BALL, LONG_NAMES, Products, symmetric_product, virial_terms

    model, dynamics, _ = readings.records
    d, params = model.dim, dynamics.params

    def products_of(means):
        flat = means[..., : 3 * d].reshape(*means.shape[:-1], 3, d)
        mean = {name: flat[..., k, :] for k, name in enumerate(("x", "g", "xi"))}
        pairs = means[..., 3 * d :].reshape(*means.shape[:-1], d, d, len(PAIRS))
        found = {}
        for k, (a, b) in enumerate(PAIRS):
            product = (pairs[..., k] + pairs[..., k].swapaxes(-1, -2)) / 2
            if a == "x":
                product = product - symmetric_product(mean["x"], mean[b])
            found[f"{a}_{b}"] = product
        return Products(**found)

    def terms_of(means):
        return virial_terms(products_of(means), params.learning_rate, params.momentum)

    def term(field):
        return lambda means: getattr(terms_of(means), field)

    estimates = [Estimate("", MATRIX, "virial", "energy", lambda means: products_of(means).x_g)]
    if dynamics.name in HEAVY_BALL and not dynamics.schedules():
        fields = [field for field in LONG_NAMES if field != "virial"]
        estimates += [
            Estimate(f.removesuffix("_term"), MATRIX, LONG_NAMES[f], "energy", term(f))
            for f in fields
        ]
    return variables_of(reducer.name, estimates, readings)
