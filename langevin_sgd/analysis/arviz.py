"""Runs for ArviZ: one call to its conventions, for its effective sample sizes, R-hat and plots."""

import numpy as np
import xarray as xr

from ..arguments import checked, whole_numbers, with_coordinates
from ..engine.reducers.readings import labelled
from .rhat import members_of, superchains_of
from .time_series import FEWEST_STEPS, SERIES, time_series

SAME_START = "start"


def _superchains(value, name):
    """A check: None, "start", or the superchain of each particle."""
    if value is None or isinstance(value, str) and value == SAME_START:
        return value
    if isinstance(value, str):
        raise ValueError(f"{name} must be None, 'start' or whole numbers, got {value!r}.")
    return whole_numbers(value, name)


@checked(superchains=_superchains, **SERIES)
def to_arviz(run, warmup=0, on_diverged="raise", superchains=None):
    """A run as the tree of datasets that ArviZ works on: a particle is a chain, a step a draw.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate` with ``every=k``, which stores each k-th step: x (step, particle,
        component), at least four steps of it after `warmup`, for ArviZ gives nan for fewer.
    warmup : int
        In steps: what is stored up to and including this step goes to the group
        ``warmup_posterior``. The start, step 0, is no draw and always goes there.
    on_diverged : {"raise", "drop"}
        What to do with particles that were frozen: a chain that stands still would be taken for one
        that mixes badly.
    superchains : "start" or (particles,) whole numbers, optional
        For nested R-hat: the superchain of each particle, or "start" for those that share a start,
        the row of x at step 0. Of each as many chains are kept as the smallest has.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior`` and, if anything is stored at or before `warmup`, ``warmup_posterior``.
        Each holds every variable of the run that has a value for each particle and step (``x``,
        ``v``, ``loss``) as (chain, draw, ...), with the coordinates ``chain`` (the particle's id),
        ``draw`` (the step) and, if asked for, ``superchain`` (chain), numbers from 0, and the
        attributes of the run.

    Raises
    ------
    ImportError
        If the extra ``arviz`` is not installed.
    TypeError, ValueError
        If `run` is no run, has no step dimension, fewer than four steps after `warmup`, diverged or
        dependent particles, or fewer than two; fewer than two superchains or two particles in one.

    Notes
    -----
    ArviZ's numbers hold for chains that are stationary and independent of each other: particles
    that share batches are refused. Its effective sample size counts all particles together: k draws
    of P independent particles have at most about k P.

    Nested R-hat compares superchains, groups of chains that begin at one place, and so judges many
    short chains (Margossian et al. 2024, arXiv:2110.13017): start groups in different places, say
    ``x0=np.repeat(places, 64, axis=0)``, and call ``arviz_stats.rhat_nested(posterior,
    superchain_ids=posterior.superchain.values)``. ``analysis.rhat(run, "nested")`` is the same
    without ranks and splits, with an error and a p-value, and takes a single step.

    Examples
    --------
    With the extra ``arviz``, of a run with ``every=``:

    >>> tree = ls.to_arviz(run)  # doctest: +SKIP
    >>> arviz_stats.ess(tree)  # doctest: +SKIP
    <xarray.DataTree>
    """
    try:
        import arviz_base
    except ImportError as error:
        raise ImportError(
            f'to_arviz needs the extra arviz ({error}): pip install "langevin_sgd[arviz]"'
        ) from error
    run = with_coordinates(run)
    if superchains is not None:
        given = None if superchains == SAME_START else superchains
        run = run.assign_coords(superchain=("particle", superchains_of(run, given)))
    late, _ = time_series(run, warmup, on_diverged, fewest=2)
    _refuse_few_draws(late, warmup)
    if superchains is not None:
        late = late.isel(particle=np.sort(members_of(late["superchain"].values), axis=None))
        numbers = np.unique(late["superchain"], return_inverse=True)[1]
        superchain = labelled("particle", numbers, "number of the superchain, from 0")
        late = late.assign_coords(superchain=superchain)
    early = run.isel(step=run["step"].values <= warmup).sel(particle=late["particle"])
    parts = {"posterior": late, "warmup_posterior": early}
    groups = {name: _chains(part) for name, part in parts.items() if part.sizes["step"]}
    return arviz_base.convert_to_datatree(xr.DataTree.from_dict(groups))


def _refuse_few_draws(late, warmup):
    """Refuse what ArviZ can say nothing of."""
    draws, last = late.sizes["step"], int(late["step"][-1])
    if draws < FEWEST_STEPS:
        rest = max(1, (last - warmup) // 100)
        raise ValueError(
            f"run must store at least {FEWEST_STEPS} steps after step {warmup}, got {draws}: ArviZ "
            "gives nan for fewer. simulate stores the start and the last step alone, and with "
            f"every=k each k-th step too, so call it again with every={rest}, say."
        )


def _chains(part):
    """The variables that have a value for each particle and step, as (chain, draw, ...)."""
    both = {"step", "particle"}
    names = [name for name, variable in part.data_vars.items() if both <= set(variable.dims)]
    return part[names].rename(particle="chain", step="draw").transpose("chain", "draw", ...)
