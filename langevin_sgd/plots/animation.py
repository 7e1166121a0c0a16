"""The cloud of particles, moving."""

from typing import NamedTuple

import numpy as np

from ..analysis.density import chosen_components
from ..analysis.particles import component_names
from ..analysis.particles import run as is_run
from ..arguments import checked, optional, path, whole, whole_numbers, within
from .style import COLOURS, axes, evenly, given_axes, label_of, several_steps, symbol

MARGIN, DPI = 0.05, 80  # around the particles, in their range; of a GIF


def _gif(value, name):
    """A check: the path of a GIF in a folder that exists."""
    file = path(value, name)
    if file.suffix.lower() != ".gif" or not file.parent.is_dir():
        raise ValueError(
            f"{name} must be a path that ends in .gif, in a folder that exists, got {value!r}."
        )
    return file


@checked(
    run=is_run,
    ax=given_axes,
    components=optional(whole_numbers),
    particles=whole(1),
    frames=whole(2, 1000),
    fps=within(above=0, at_most=50),
    file=optional(_gif),
)
def animate(run, ax=None, *, components=None, particles=500, frames=50, fps=10.0, file=None):
    """The cloud of particles, moving: an animation of the stored steps, or a small GIF file of it.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate` with ``every=``: uses ``x`` (step, particle, component).
    ax : matplotlib.axes.Axes, optional
        Default those of a new figure.
    components : one or two of them, optional
        Which components; default the first two. Along one the vertical axis is the loss of each
        particle where the run has it (``loss=True``), else its number.
    particles, frames : int
        At most so many, evenly from all particles and all stored steps, the first and the last
        among them.
    fps : float
        Frames per second, at most 50.
    file : path, optional
        Of a GIF, written by Pillow, which comes with matplotlib.

    Returns
    -------
    matplotlib.animation.FuncAnimation
        Keep it while it is shown; a notebook shows ``HTML(animation.to_jshtml())``. Particles that
        left are grey, and stay where they were last inside.

    Raises
    ------
    TypeError, ValueError
        For a run that stores one step only, or a file that is no GIF.

    Examples
    --------
    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> plan = {"particles": 100, "steps": 40, "every": 10, "seed": 1}
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.1), noise, **plan)
    >>> moving = ls.plots.animate(run, file="cloud.gif", fps=5)
    >>> print(np.fromfile("cloud.gif", dtype="S3", count=1)[0].decode())
    GIF
    """
    import matplotlib.animation
    import matplotlib.pyplot

    several_steps(run["x"])
    shown, steps = _cloud(run, components, particles, frames)
    own, ax = ax is None, axes(ax, "ax")
    cloud = ax.scatter(*shown.places[0].T, s=5, linewidths=0)
    low, high = (
        np.array([f(shown.places[..., k]) for k in (0, 1)]) for f in (np.nanmin, np.nanmax)
    )
    edge = MARGIN * np.where(high > low, high - low, 1.0)
    for k, set_range in enumerate((ax.set_xlim, ax.set_ylim)):
        set_range(low[k] - edge[k], high[k] + edge[k])
    ax.set(xlabel=shown.labels[0], ylabel=shown.labels[1])

    def draw(k):
        cloud.set_offsets(shown.places[k])
        gone = (shown.stopped >= 0) & (shown.stopped <= steps[k])
        cloud.set_facecolor(np.where(gone, COLOURS["guide"], COLOURS["data"]).tolist())
        ax.set_title(f"step {steps[k]}")
        return (cloud,)

    draw(0)
    figure = ax.figure
    options = {"frames": len(steps), "interval": 1000 / fps}
    found = matplotlib.animation.FuncAnimation(figure, draw, **options)
    if file is not None:
        found.save(file, writer=matplotlib.animation.PillowWriter(fps=fps), dpi=DPI)
        if own:
            matplotlib.pyplot.close(figure)
    return found


class MovingCloud(NamedTuple):
    """What is animated: ``places`` (frames, particles, 2), what the two axes say, and the step in
    which each particle left, -1 for those that did not."""

    places: np.ndarray
    labels: tuple
    stopped: np.ndarray


def _cloud(run, components, particles, frames):
    """The `MovingCloud`, and the step of each frame."""
    x = run["x"]
    dim = x.sizes["component"]
    components = chosen_components(range(min(dim, 2)) if components is None else components, dim)
    some = {
        "step": evenly(x.sizes["step"], frames),
        "particle": evenly(x.sizes["particle"], particles),
    }
    part = run.isel(some)
    labels = [label_of(x, symbol(component_names(run)[k])) for k in components]
    columns = [part["x"].values[..., k] for k in components]
    if len(columns) == 1:
        numbered = np.broadcast_to(some["particle"], columns[0].shape)
        columns.append(part["loss"].values if "loss" in part else numbered)
        labels.append(label_of(part["loss"]) if "loss" in part else "number of the particle")
    stopped = part["stopped_at_step"].values if "stopped_at_step" in part else -np.ones(1)
    return MovingCloud(np.stack(columns, axis=-1), tuple(labels), stopped), part["step"].values
