"""The virial along the path, and the temperature budget of SGD."""

from collections import namedtuple
from functools import cache, partial

from ...arguments import checked
from ...kernels.views import part
from ...models.records import recorded
from .epochs import epoch_of, in_whole_epochs
from .full_gradient import NOTHING, FullGradient, full_gradient
from .readings import MATRIX, Estimate, variables_of
from .record import Reducer, to_be_fitted

# Products of the vectors before a step, in the order of the accumulators.
PAIRS = ("x", "g"), ("x", "xi"), ("v", "g"), ("v", "xi"), ("g", "g"), ("g", "xi"), ("xi", "xi")
NOT_NEEDED = FullGradient(None, NOTHING, 1)
_Params = namedtuple("Params", "weight_decay ahead model table")


@cache
def _observe_virial(write_gradient, dim, room):
    """A function: means of x, g and xi, then the seven products a_i b_j, all before the step;
    without a velocity its products stay 0. x is where the gradient is taken, and g what
    `write_gradient` writes there, if it is given; xi is then the rest of what moved the particle.
    """
    sums, own = 3 * dim + 7 * dim * dim, write_gradient is not None
    write_gradient = write_gradient or _write_nothing

    def observe(p, acc, step, before, x, v, g, xi):
        row, has_velocity = 3 * dim, len(v) == dim
        place, pull = part(acc, sums, dim), part(acc, sums + dim, dim)
        drawn, one = part(acc, sums + 2 * dim, dim), part(acc, sums + 3 * dim, room)
        for i in range(dim):
            place[i] = before[i]
            if has_velocity:
                place[i] = before[i] - p.ahead * before[dim + i]
            pull[i] = g[i]
        if own:
            write_gradient(p, place, pull, one)
        for i in range(dim):
            drawn[i] = xi[i]
            if own:
                drawn[i] = xi[i] + (g[i] - pull[i])
            pull[i] += p.weight_decay * place[i]
        for i in range(dim):
            speed = before[dim + i] if has_velocity else 0.0 * place[i]
            acc[i] += place[i]
            acc[dim + i] += pull[i]
            acc[2 * dim + i] += drawn[i]
            for j in range(dim):
                acc[row] += place[i] * pull[j]
                acc[row + 1] += place[i] * drawn[j]
                acc[row + 2] += speed * pull[j]
                acc[row + 3] += speed * drawn[j]
                acc[row + 4] += pull[i] * pull[j]
                acc[row + 5] += pull[i] * drawn[j]
                acc[row + 6] += drawn[i] * drawn[j]
                row += 7

    return observe


def _write_nothing(p, x, out, one):
    pass


@recorded
@checked
def virial(every=None, start=0, name="virial"):
    """The virial along the path, and for SGD the whole temperature budget.

    A stationary run must close the budget.

    (1/2)<x g>  =  step  +  noise  +  inertia  +  memory,  where <a b> = E[a b'] + E[b a'] over the
    readings and

    | term    | is                                                                                |
    |---------|-----------------------------------------------------------------------------------|
    | step    | learning_rate E[g g'] / (2 (1 - momentum))                                        |
    | noise   | learning_rate E[xi xi'] / (2 (1 - momentum))                                      |
    | inertia | momentum <v g> / (2 (1 - momentum))                                               |
    | memory  | ((momentum <v xi> + learning_rate <g xi>) / (1 - momentum) - <x xi>) / 2,         |
    |         | 0 for fresh noise                                                                 |

    with g the FULL gradient (weight decay included), also of minibatches, and xi the rest of what
    moved the particle. Under Boltzmann's law the virial is T times the identity. For both forms of
    Nesterov's momentum x is the point where g is taken, and momentum^2 stands before <v .>.

    Parameters
    ----------
    every : int, optional
        As in `moments`; by default 1. Under minibatches a reading takes the gradients of all N
        examples, so that readings cost N/(every batch_size) of the gradients of the run; by default
        every is about 4 N/batch_size, and they cost a quarter. A run of shuffled epochs of M = N //
        batch_size steps reads each position equally often, which takes every M steps and an `every`
        that shares no factor with M; in a run shorter than 4 M^2 steps the default is smaller.
    start, name
        As in `moments`.

    Returns
    -------
    Reducer
        Adds ``virial`` (component, component_j) in units of energy, and for SGD with constant
        parameters ``virial_step``, ``virial_noise``, ``virial_inertia``, ``virial_memory`` and
        ``virial_residual`` (virial less the terms), each with ``_standard_error``; nan after
        Ctrl-C between whole epochs.

    Raises
    ------
    ValueError
        In a run on a domain with walls, where x' = x - v' does not hold; where some positions of an
        epoch would not be read.

    Notes
    -----
    Exact in the stationary state for any learning rate, potential and noise, whether or not fresh
    (memory). Under shuffled epochs E[x xi'] is not 0, and the batch gradient in place of g has the
    virial of the noise on top. Derived in `theory.virial.virial_terms`; x is centred, since
    E[g + xi] = 0. Another family of dynamics gets the virial only. Fresh rows of a population whose
    mean loss is not known have the gradient of the batch for g, and xi = 0: for them <x g> is the
    same, and step and noise come as one.

    Examples
    --------
    From step 1000 on, when the run is stationary:

    >>> budget = ls.reducers.virial(every=2, start=1000)
    >>> int(budget.readings_until(1000)), int(budget.readings_until(2000))
    (0, 500)
    """

    def complete(reducer, model, dynamics, noise):
        from ...theory.virial import STORES_ITERATE

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
        looks_ahead = dynamics.name == STORES_ITERATE and not dynamics.schedules()
        ahead = dynamics.params.momentum if looks_ahead else 0.0
        landscape = _own_landscape(model, dynamics, noise, looks_ahead)
        of = full_gradient(landscape) if landscape else NOT_NEEDED
        examples = len(landscape.data) if landscape and landscape.data is not None else 1
        reducer = in_whole_epochs(reducer, model, dynamics, noise, examples)
        params, size = _Params(decay, ahead, *of.params), 6 * d + 7 * d * d + of.room
        finish = partial(_finish_virial, epoch=epoch_of(model, dynamics, noise))
        observe = _observe_virial(of.write, d, of.room)
        return reducer.fitted(params, size, observe)._with(finish=finish)

    return Reducer(
        name, to_be_fitted, None, 1, every, start, finish=_finish_virial, complete=complete
    )


def _own_landscape(model, dynamics, noise, looks_ahead):
    """The model whose gradient is to be taken, where g is that of a batch or at another point; None
    where g will do."""
    if noise is not None and not noise.adds:
        try:
            return model.expected(noise.sampling)
        except ValueError:
            return None
    return model if dynamics.advance and not looks_ahead else None


def _finish_virial(reducer, readings, epoch=1):
    # Here, for all of `theory` comes with it, which takes longer to import than the package.
    from ...theory.virial import DESCENTS, LONG_NAMES, Products, symmetric_product, virial_terms

    model, dynamics, _ = readings.records
    d, params = model.dim, dynamics.params
    whole = int(readings.observations.max(initial=0)) % epoch == 0
    readings = readings._replace(independent=readings.independent and whole)

    def products_of(means):
        flat = means[..., : 3 * d].reshape(*means.shape[:-1], 3, d)
        mean = {name: flat[..., k, :] for k, name in enumerate(("x", "g", "xi"))}
        pairs = means[..., 3 * d : 3 * d + 7 * d * d].reshape(*means.shape[:-1], d, d, len(PAIRS))
        found = {}
        for k, (a, b) in enumerate(PAIRS):
            product = (pairs[..., k] + pairs[..., k].swapaxes(-1, -2)) / 2
            if a == "x":
                product = product - symmetric_product(mean["x"], mean[b])
            found[f"{a}_{b}"] = product
        return Products(**found)

    def terms_of(means):
        ahead = DESCENTS[dynamics.name]
        return virial_terms(products_of(means), params.learning_rate, params.momentum, ahead)

    def term(field):
        return lambda means: getattr(terms_of(means), field)

    estimates = [Estimate("", MATRIX, "virial", "energy", lambda means: products_of(means).x_g)]
    if dynamics.name in DESCENTS and not dynamics.schedules():
        fields = [field for field in LONG_NAMES if field != "virial"]
        estimates += [
            Estimate(f.removesuffix("_term"), MATRIX, LONG_NAMES[f], "energy", term(f))
            for f in fields
        ]
    return variables_of(reducer.name, estimates, readings)
