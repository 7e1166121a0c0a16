"""Runs for ArviZ: one call to its conventions, for its effective sample sizes, R-hat and plots."""

import numpy as np
import xarray as xr

from ..arguments import checked, whole
from .particles import AT_STEP, kept_particles


@checked(run=AT_STEP["run"], warmup=whole(0), on_diverged=AT_STEP["on_diverged"])
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
    kept, _ = kept_particles(run, on_diverged)
    if "step" not in kept.dims:
        raise ValueError('run must have the dimension "step"; do not select a step before to_arviz')
    both = {"step", "particle"}
    names = [name for name, variable in kept.data_vars.items() if both <= set(variable.dims)]
    chains = kept[names].rename(particle="chain", step="draw").transpose("chain", "draw", ...)
    late = chains["draw"].values > warmup
    if not late.any():
        raise ValueError(
            f"warmup must be below the last stored step, {int(chains['draw'][-1])}, got {warmup}: "
            "no draw is left. Simulate for longer, and store more steps with every="
        )
    groups = {"posterior": chains.isel(draw=late)}
    if not late.all():
        groups["warmup_posterior"] = chains.isel(draw=~late)
    return arviz_base.convert_to_datatree(xr.DataTree.from_dict(groups))
