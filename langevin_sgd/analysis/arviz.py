"""Runs for ArviZ: one call to its conventions, for its effective sample sizes, R-hat and plots."""

import numpy as np
import xarray as xr

from ..arguments import checked
from .time_series import SERIES, time_series


@checked(**SERIES)
def to_arviz(run, warmup=0, on_diverged="raise"):
    """A run as the tree of datasets that ArviZ works on: a particle is a chain, a stored step a
    draw.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate` with ``every=``: x (step, particle, component), at least one step of it
        after `warmup`. ArviZ itself asks for four draws a chain.
    warmup : int
        In steps: what is stored up to and including this step goes to the group
        ``warmup_posterior``. The start, step 0, is no draw and always goes there.
    on_diverged : {"raise", "drop"}
        What to do with particles that were frozen: a chain that stands still would be taken for one
        that mixes badly.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior`` and, if anything is stored at or before `warmup`, ``warmup_posterior``.
        Each holds every variable of the run that has a value for each particle and step (``x``,
        ``v``, ``loss``) as (chain, draw, ...), with the coordinates ``chain`` (the particle's id),
        ``draw`` (the step) and the attributes of the run.

    Raises
    ------
    ImportError
        If the extra ``arviz`` is not installed.
    TypeError, ValueError
        If `run` is no run, has no step dimension, no step after `warmup`, diverged or dependent
        particles, or fewer than two.

    Notes
    -----
    ArviZ's numbers hold for chains that are stationary and independent of each other: particles
    that share batches are refused. Its effective sample size counts all particles together: k draws
    of P independent particles have at most about k P."""
    try:
        import arviz_base
    except ImportError as error:
        raise ImportError(
            f'to_arviz needs the extra arviz ({error}): pip install "langevin_sgd[arviz]"'
        ) from error
    if "particle" not in run.coords:
        run = run.assign_coords(particle=np.arange(run.sizes["particle"]))
    late, _ = time_series(run, warmup, on_diverged, fewest=2)
    early = run.isel(step=run["step"].values <= warmup).sel(particle=late["particle"])
    parts = {"posterior": late, "warmup_posterior": early}
    groups = {name: _chains(part) for name, part in parts.items() if part.sizes["step"]}
    return arviz_base.convert_to_datatree(xr.DataTree.from_dict(groups))


def _chains(part):
    """The variables that have a value for each particle and step, as (chain, draw, ...)."""
    both = {"step", "particle"}
    names = [name for name, variable in part.data_vars.items() if both <= set(variable.dims)]
    return part[names].rename(particle="chain", step="draw").transpose("chain", "draw", ...)
