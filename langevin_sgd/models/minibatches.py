"""True minibatches of a `Loss`; how examples are picked is in the modes of `sampling`."""

from typing import Any, NamedTuple

import numpy as np

from ..arguments import choice, finite_array, flag, integer, number, one_of
from ..kernels.rng_integers import INTEGER_LIMIT
from .noise_record import Noise
from .parameters import parameters
from .records import Recipe, record, recorded
from .sampling import MODES, Batches
from .table_gaussian import need_a_table

SAMPLING = tuple(dict.fromkeys(mode.name for mode in MODES))


@record(Noise, sampling=one_of(*SAMPLING), shared=flag)
class Minibatch(NamedTuple):
    """Noise of true minibatches of a `Loss`, as `minibatch` makes it; it is not made by hand.

    Parameters
    ----------
    name : str
        How messages and datasets call it.
    params : dict or namedtuple
        What the sampling needs: row numbers, weights, the amplification.
    sampling : str
        How examples are picked, see `minibatch`.
    shared : bool
        All particles take the same examples.

    Examples
    --------
    >>> ls.noise.minibatch("reshuffle")
    minibatch(sampling='reshuffle')
    >>> ls.noise.minibatch(shared=True).independent  # are the particles?
    False
    """

    name: str
    params: Any
    sampling: str
    shared: bool = False
    recipe: Recipe | None = None

    def _checked(self):
        params = parameters(self.params, repr(self.name))
        if not any(mode.fits(self.sampling, params) for mode in MODES):
            raise ValueError(
                f"params of {self.name!r} do not fit sampling={self.sampling!r}, got "
                f"{', '.join(params._fields)}. Use noise.minibatch()."
            )
        for field in ("batches", "alias"):
            _check_row_numbers(getattr(params, field, np.zeros(1)), field)
        if "alias" in params._fields and params.alias.max() >= len(params.alias):
            raise ValueError(f"row numbers of {self.name!r} must be below {len(params.alias)}.")
        return self._with(params=params)

    @property
    def mode(self):
        """How examples are picked."""
        return next(mode for mode in MODES if mode.fits(self.sampling, self.params))

    @property
    def independent(self):
        """False if all particles take the same examples."""
        return self.mode.independent and not self.shared

    @property
    def own_steps(self):
        return self.mode.own_steps and not self.shared

    def check(self, model, dynamics):
        need_a_table(self, model)
        if dynamics.substeps > 1:
            raise ValueError(
                f"{dynamics.name!r} makes {dynamics.substeps} updates a step and rescales the "
                "gradient noise, which cannot be taken out of a minibatch. Use "
                "noise.table_gaussian(), which has the table's covariance."
            )

    def check_batches(self, model, largest, scheduled, steps):
        self.mode.check(self, model, Batches(largest, scheduled, steps))

    def draws(self, model, largest):
        integer(len(model.data), "number of examples", 1, INTEGER_LIMIT)
        return {"batch_size": largest // 4}

    def rows(self, model, draws):
        return self.mode.rows(model, draws)

    def batch_rows(self, largest):
        return largest

    def force(self, site):
        return self.mode.force(self, site)

    def epoch(self, model, batch_size):
        return self.mode.epoch(len(model.data), batch_size)

    def batch_covariance(self, model, x, batch_size):
        return self.mode.batch_covariance(self, model, x, batch_size)


def _check_row_numbers(rows, name):
    """Refuse what are no row numbers."""
    if rows.size == 0 or np.any(rows != np.round(rows)) or rows.min() < 0:
        raise ValueError(f"{name} must be whole numbers >= 0, got the shape {rows.shape}.")


@recorded
def minibatch(
    sampling="with_replacement", shared=False, batches=None, weights=None, amplification=None
):
    """True minibatches of a `Loss`, the batch size B being that of the dynamics.

    Parameters
    ----------
    sampling : str
        "with_replacement": B independent uniform examples in each step; covariance Sigma/B.
        "without_replacement": a fresh subset in each step; Sigma/B (N - B)/(N - 1). "reshuffle":
        each particle takes its examples in an order of its own, a new one in each epoch of N // B
        steps. If B does not divide N, the last N mod B examples of an order are left out: other
        ones in each epoch. "single_shuffle": the same with one order for ever, so that the ones
        left out never are seen. "population": fresh rows from the loss's generator. "svag":
        stochastic variance amplified gradients, see below. "given": the rows in `batches`, the same
        for all particles.
    shared : bool
        Give all particles the same examples. They are then dependent, which the dataset says
        (`independent_particles` = 0).
    batches : array_like of whole numbers, shape (steps, B), optional
        Row numbers, for "given" only.
    weights : array_like, shape (N,), optional
        Importance sampling, for "with_replacement" only: example i is drawn with probability p_i =
        weights_i / sum and counts g_i / (N p_i), so that the mean is unchanged; covariance (sum_i
        g_i g_i' / (N^2 p_i) - G G') / B.
    amplification : float, >= 1, optional
        l, for "svag" only: the first half of a batch of independent examples counts 1 + s times and
        the second 1 - s times, s = sqrt(2 l - 1); covariance 2 l Sigma/B.

    Returns
    -------
    Minibatch

    Raises
    ------
    ValueError
        If `batches`, `weights` or `amplification` do not fit `sampling`.

    Notes
    -----
    SVAG is the test whether SGD is near its diffusion. With learning_rate eta/l and batch_size 2 B,
    l steps have the drift and the noise covariance of one step of SGD with eta and B: l = 1 is SGD
    itself, and for growing l the law tends to that of dX = -grad U dt + sqrt(eta Sigma/B) dW, with
    a weak error of order 1/l. Li, Malladi and Arora 2021 (arXiv:2102.12470; their abstract and
    definition).

    Examples
    --------
    Sigma = 1, B = 2 of N = 4: the covariance 1/2, and (1/2) (4 - 2)/(4 - 1) without replacement.

    >>> table = ls.losses.quadratic_centers([1.0], [[-1.0], [1.0], [-1.0], [1.0]])
    >>> for sampling in ("with_replacement", "without_replacement"):
    ...     noise = ls.noise.minibatch(sampling)
    ...     print(f"{noise.batch_covariance(table, np.zeros((1, 1)), 2).item():.4f}")
    0.5000
    0.3333
    """
    choice(sampling, "sampling", SAMPLING)
    if (batches is None) != (sampling != "given"):
        raise ValueError(
            f"batches must be given for sampling='given', and only there; sampling is {sampling!r}."
        )
    if weights is not None and sampling != "with_replacement":
        raise ValueError(
            f"weights must be None for sampling={sampling!r}: importance sampling draws with "
            "replacement."
        )
    if (amplification is None) != (sampling != "svag"):
        raise ValueError(
            "amplification must be given for sampling='svag', and only there; sampling is "
            f"{sampling!r}."
        )
    params = None
    if amplification is not None:
        params = {"amplification": number(amplification, "amplification", at_least=1)}
    if batches is not None:
        params = {"batches": finite_array(batches, "batches", ndim=2)}
    if weights is not None:
        params = _alias_table(finite_array(weights, "weights", ndim=1))
    return Minibatch("minibatch", params, sampling, shared)


def _alias_table(weights):
    """Walker's alias method (Walker 1977, Vose 1991): row k is kept with probability keep[k], else
    alias[k] is taken."""
    if weights.size == 0 or weights.min() <= 0:
        raise ValueError(f"weights must be positive, one per example, got {weights.size} of them.")
    probability = weights / weights.sum()
    scaled, alias = probability * len(weights), np.arange(len(weights))
    keep = np.ones(len(weights))
    small, large = [k for k in alias if scaled[k] < 1], [k for k in alias if scaled[k] >= 1]
    while small and large:
        low, high = small.pop(), large.pop()
        keep[low], alias[low] = scaled[low], high
        scaled[high] -= 1 - scaled[low]
        (small if scaled[high] < 1 else large).append(high)
    return {"keep": keep, "alias": alias, "weight": 1 / (len(weights) * probability)}
