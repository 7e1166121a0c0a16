"""Noise that comes from the data table of a `Loss`: minibatches in all sampling modes, and their
Gaussian twin.
"""

from typing import Any, NamedTuple

import numpy as np

from .arrays import real_array
from .parameters import choice, parameters, record_name
from .recipes import Made, Recipe, recorded

SAMPLING = (
    "with_replacement",
    "without_replacement",
    "reshuffle",
    "single_shuffle",
    "population",
    "given",
)


class _MinibatchFields(NamedTuple):
    name: str
    params: Any
    sampling: str
    shared: bool = False
    recipe: Recipe | None = None


class Minibatch(Made, _MinibatchFields):
    """Noise of true minibatches of a `Loss`: each step takes the gradient of `batch_size` examples.
    Made by `minibatch`.
    """

    __slots__ = ()

    def __new__(cls, name, params, sampling, shared=False):
        record_name(name)
        choice(sampling, "sampling", SAMPLING)
        params, shared = (
            parameters(params, repr(name)),
            bool(choice(shared, "shared", (False, True))),
        )
        wanted = [("batches",)] if sampling == "given" else [("none",)]
        wanted += [("keep", "alias", "weight")] if sampling == "with_replacement" else []
        if params._fields not in wanted:
            raise ValueError(
                f"params of {name!r} do not fit sampling={sampling!r}, got "
                f"{', '.join(params._fields)}. Use noise.minibatch()."
            )
        return super().__new__(cls, name, params, sampling, shared)

    @property
    def weighted(self):
        """True for importance sampling."""
        return "alias" in self.params._fields

    @property
    def independent(self):
        """False if all particles take the same examples."""
        return not self.shared and self.sampling != "given"


class _TableGaussianFields(NamedTuple):
    name: str
    params: Any
    recipe: Recipe | None = None


class TableGaussian(Made, _TableGaussianFields):
    """Gaussian noise with exactly the covariance of a `Loss`'s table at each point. Made by
    `table_gaussian`.
    """

    __slots__ = ()

    def __new__(cls, name, params):
        record_name(name)
        return super().__new__(cls, name, parameters(params, repr(name)))


@recorded
def minibatch(sampling="with_replacement", shared=False, batches=None, weights=None):
    """True minibatches of a `Loss`, the batch size B being that of the dynamics.

    Parameters
    ----------
    sampling : str
        "with_replacement": B independent uniform examples in each step; covariance Sigma/B.
        "without_replacement": a fresh subset in each step; Sigma/B (N - B)/(N - 1). "reshuffle":
        each particle takes its examples in an order of its own, a new one in each epoch of N // B
        steps. If B does not divide N, the last N mod B examples of an order are left out: other
        ones in each epoch. "single_shuffle": the same with one order for ever, so that the ones
        left out never are seen. "population": fresh rows from the loss's generator. "given": the
        rows in `batches`, the same for all particles.
    shared : bool
        Give all particles the same examples. They are then dependent, which the dataset says
        (`independent_particles` = 0).
    batches : array_like of whole numbers, shape (steps, B), optional
        Row numbers, for "given" only.
    weights : array_like, shape (N,), optional
        Importance sampling, for "with_replacement" only: example i is drawn with probability p_i =
        weights_i / sum and counts g_i / (N p_i), so that the mean is unchanged; covariance (sum_i
        g_i g_i' / (N^2 p_i) - G G') / B.

    Returns
    -------
    Minibatch

    Raises
    ------
    ValueError
        For an unknown mode, or batches and weights that do not fit it.
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
    params = None
    if batches is not None:
        rows = real_array(batches, "batches")
        if rows.ndim != 2 or rows.size == 0 or np.any(rows != np.round(rows)) or rows.min() < 0:
            raise ValueError(
                "batches must be whole numbers >= 0 of the shape (steps, batch_size), got the "
                f"shape {rows.shape}."
            )
        params = {"batches": rows}
    if weights is not None:
        params = _alias_table(real_array(weights, "weights"))
    return Minibatch("minibatch", params, sampling, shared)


def _alias_table(weights):
    """Walker's alias method (Walker 1977, Vose 1991): row k is kept with probability keep[k], else
    alias[k] is taken.
    """
    if (
        weights.ndim != 1
        or weights.size == 0
        or not np.all(np.isfinite(weights))
        or weights.min() <= 0
    ):
        raise ValueError(
            "weights must be positive finite numbers, one per example, got the shape "
            f"{weights.shape}."
        )
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


@recorded
def table_gaussian():
    """The Gaussian twin of minibatch noise: covariance exactly that of the table at each x, without
    a matrix root.

    xi = sum_i (z_i - mean z) g_i / sqrt(N B) for the N example gradients g_i and N standard normals
    z_i. Derivation: the covariance of z_i - mean z is delta_ij - 1/N, so that E xi xi' = (sum_i g_i
    g_i' / N - gbar gbar') / B = Sigma / B.

    Returns
    -------
    TableGaussian
    """
    return TableGaussian("table_gaussian", None)
