"""Runs that go on where an earlier one ended: with its x, v and random numbers."""

from typing import Any, NamedTuple

import numpy as np

from ..kernels.functions import interpreted


class Start(NamedTuple):
    """Where the particles begin, (particles, components), and which of them had left before."""

    x: Any
    v: Any
    status: Any = 0  # (particles,), or 0: all are running
    stopped: Any = -1  # the update in which they left, or -1
    stands_in: bool = False  # for the start of an earlier run, which is not known any more


def end_of(run, v0, first_step, seed, dynamics):
    """The `Start`, its step and its seed where a run goes on from the end of the dataset `run`:
    particles that had left stay where they are; the other arguments are those of `simulate`.
    """
    for name in ("x", "status", "stopped_at_step", "step"):
        if name not in run.variables:
            raise ValueError(
                f"x0 must be an array or a whole run of simulate, got a dataset without {name!r}."
            )
    last = run.isel(step=-1) if "step" in run.dims else run
    there, of = last.sizes["particle"], run.attrs.get("particles")
    if of not in (None, there):
        raise ValueError(
            f"x0 must be a whole run, got {there} of its {of} particles, which would go on with "
            "the random numbers of others. Pass x0=run.x[-1].values to begin a new run there."
        )
    step = int(last["step"])
    prefixes = [n.removesuffix("_fraction") for n in run.variables if n.endswith("_fraction")]
    if any(f"{prefix}_step" in run.variables for prefix in prefixes):
        raise ValueError(
            "x0 must not be a run that observed a first passage, whose particles ended at steps of "
            "their own. Pass x0=run.x[-1].values to begin a new run there."
        )
    if v0 is not None:
        raise ValueError("v0 must be None where x0 is a run, which has its own.")
    if first_step not in (0, step):
        raise ValueError(
            f"first_step must be {step}, the last step of the run in x0, or left out; got "
            f"{first_step}."
        )
    stopped = last["stopped_at_step"].values
    left = (stopped >= 0) & (stopped <= step)  # some may have left after this step
    start = Start(
        x=last["x"].values,
        v=last["v"].values if "v" in last and dynamics.memory == "velocity" else None,
        status=np.where(left, last["status"].values, 0).astype(np.int8),
        stopped=np.where(left, stopped * dynamics.substeps, -1),
    )
    return start, step, int(run.attrs["seed"]) if seed is None else seed


def check_continuing(dynamics, noise, params, dim):
    """Refuse to begin after step 0 where the state is more than the x and v of a dataset."""
    if dynamics.memory == "hidden":
        raise ValueError(
            f"first_step must be 0 for {dynamics.name!r}, whose memory no dataset holds. Make a "
            "single run of it."
        )
    if noise is not None and dynamics.advance and _advance_reads_gradient(dynamics, params, dim):
        raise ValueError(
            f"first_step must be 0 for {dynamics.name!r} with a noise: a step begins with the "
            "noisy gradient of the last one, which no dataset holds. Make a single run of it."
        )


def _advance_reads_gradient(dynamics, params, dim):
    advance = interpreted(dynamics.advance)

    def moved(gradient):
        x, v = np.full(dim, 0.5), np.full(dynamics.parts * dim, 0.25)
        advance(params, x, v, np.full(dim, gradient), np.ones(max(1, dynamics.normals * dim)))
        return np.concatenate([x, v])

    return not np.array_equal(moved(0.0), moved(1.0))
