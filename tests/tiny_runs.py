"""A run without physics: three chaotic numbers, so that one wrong bit in a state shows in every
later segment.
"""

import numpy as np
import xarray as xr

from langevin_sgd.storage import create, reopen

SEGMENTS, LENGTH = 6, 4
DESCRIPTION = {
    "dynamics": {"name": "logistic", "params": {"rate": 3.9}},
    "steps": SEGMENTS * LENGTH,
    "seed": "1",
}
ATTRIBUTES = {"model": "tiny", "schema_version": 1, "created": "today"}


def start():
    return {
        "x": np.array([[0.1], [0.2], [0.3]]),
        "count": np.zeros(3, np.int64),
        "alive": np.array([True, True, False]),
    }


def next_segment(state, step, length=LENGTH):
    """The segment that follows a state, and the state after it."""
    x, stored = state["x"], []
    for _ in range(length):
        x = 3.9 * x * (1 - x)
        stored.append(x)
    path, steps = np.array(stored).reshape(length, 3, 1), step + 1 + np.arange(length)
    variables = {
        "x": (("step", "particle", "component"), path, {"units": "length"}),
        "status": ("particle", np.full(3, step % 100, np.int8), {"units": "1"}),
    }
    coordinates = {"step": ("step", steps, {"units": "1"}), "name": ("component", ["u"])}
    after = state | {"x": x, "count": state["count"] + length}
    return xr.Dataset(variables, coordinates), after


def begin(folder):
    return create(folder, DESCRIPTION, start(), ATTRIBUTES)


def go_on(run, segments=SEGMENTS, told=None):
    """Append until there are `segments` segments; `told(number)` hears of each that is safe."""
    state = run.state()
    while run.segments < segments:
        segment, state = next_segment(state, run.step)
        run.append(segment, state, run.step + LENGTH)
        if told:
            told(run.segments)


def finish(run):
    run.finish(xr.Dataset({"count": ("particle", run.state()["count"])}, attrs={"verdict": "done"}))


def whole_run(folder, segments=SEGMENTS):
    with begin(folder) as run:
        go_on(run, segments)
        finish(run)
    return folder


def resumed(folder):
    """Resume whatever is in the folder, to the end."""
    with reopen(folder, DESCRIPTION) as run:
        if not run.finished:
            go_on(run)
            finish(run)
    return folder


def segment_bytes(folder):
    return {path.name: path.read_bytes() for path in folder.glob("segment-*.nc")}
