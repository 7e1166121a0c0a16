"""From the arrays of a run to its dataset."""

import numpy as np
import xarray as xr

from ..kernels.views import unpack
from ..models.evaluate import evaluate
from ..models.parameters import described
from ..storage.schema import global_attributes
from .freezing import NOT_FINITE, RUNNING
from .terminal import tell

STATUS_VALUES = np.arange(3, dtype=np.int8)
TEMPERATURE_CONVENTION = (
    "T is in units of the energy U; sgd_temperature = learning_rate tr(Sigma) / (2 batch_size d "
    "(1 - momentum)) with Sigma the "
    "covariance of one example's gradient; Boltzmann's law is exp(-U/T)"
)


def assemble(problem, rows, ensemble, done):
    """The dataset of a problem of which `done` steps are done; the rows, `chunks.Stored`, are
    written up to there.
    """
    particles, stored = problem.particles, problem.stored_steps()
    x, v = rows
    if done < stored[-1]:  # the last step done takes the first row that was not written
        count = int(np.searchsorted(stored, done))
        x[count], v[count] = unpack(ensemble.x, particles), unpack(ensemble.v, particles)
        x, v, stored = x[: count + 1], v[: count + 1], np.append(stored[:count], done)
    path = along_steps(problem, x, v, stored)
    return path.assign(at_the_end(problem, ensemble)).assign_attrs(attributes_of_run(problem, done))


def along_steps(problem, x, v, steps):
    """What is stored after each of `steps`, (steps, particles, components)."""
    model, dynamics, _ = problem.records
    where = ("step", "particle", "component")
    variables = {"x": (where, x, {"long_name": "position", "units": "length"})}
    if dynamics.memory == "velocity":
        units = "length" if "learning_rate" in dynamics.params._fields else "length / time"
        variables["v"] = (
            (*where[:2], "component" if v.shape[2] == model.dim else "memory"),
            v,
            {"long_name": "velocity", "units": units},
        )
    if problem.loss:
        energy = np.array([evaluate(model, at, "energy") for at in x]).reshape(x.shape[:2])
        variables["loss"] = (
            where[:2],
            energy,
            {"long_name": "energy" if model.data is None else "loss", "units": "energy"},
        )
    return xr.Dataset(
        variables, {"step": ("step", steps, {"long_name": "number of steps done", "units": "1"})}
    )


def at_the_end(problem, ensemble):
    """Which particles left, and when: variables name -> (dims, values, attributes)."""
    particles, substeps = problem.particles, problem.dynamics.substeps
    meanings = {"flag_values": STATUS_VALUES, "flag_meanings": "running not_finite escaped"}
    status = {"long_name": "state of the particle", "units": "1", **meanings}
    stopped = {"long_name": "step in which the particle left, -1 if it did not", "units": "1"}
    update = ensemble.stopped_at_step[:particles]
    return {
        "status": ("particle", ensemble.status[:particles], status),
        "stopped_at_step": (
            "particle",
            np.where(update < 0, update, -(-update // substeps)),
            stopped,
        ),
    }


def tell_who_left(problem, dataset):
    """Warn of particles that are not finite, and of what reducers hold of any that left."""
    status, said = dataset["status"].values, []
    left, lost = int((status != RUNNING).sum()), int((status == NOT_FINITE).sum())
    if left and any(not reducer.ends_particles for reducer in problem.reducers):
        said.append("the reducers hold what they did until then, which biases a time average.")
    if lost:
        said.append(
            f"{lost} diverged and stay where they were last finite, see status and "
            "stopped_at_step. Take a smaller learning_rate or step_size, or an escape_radius if "
            "particles may leave."
        )
    if said:
        tell(f"{left} of {problem.particles} particles left: {' '.join(said)}")


def attributes_of_run(problem, done):
    """The attributes of the dataset of a problem of which `done` steps are done."""
    model, dynamics, noise = problem.records
    return {
        "model": described(model),
        "dynamics": described(dynamics),
        "noise": described(noise) if noise else "null",
        "seed": str(problem.seed),
        "precision": problem.precision,
        "particles": problem.particles,
        "steps": done - problem.first_step,
        "interrupted": int(done < problem.last_step),
        "independent_particles": int(getattr(noise, "independent", True)),
        "temperature_convention": TEMPERATURE_CONVENTION,
        **global_attributes(
            f"{problem.particles} particles of {dynamics.name} on {model.name}",
            "langevin_sgd.simulate(...)",
        ),
    }
