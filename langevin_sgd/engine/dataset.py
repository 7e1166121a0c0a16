"""From the arrays of a run to its dataset."""

import json

import numpy as np
import xarray as xr

from ..kernels.views import unpack
from ..models.evaluate import evaluator
from ..models.parameters import NO_PARAMETER
from ..storage.provenance import global_attributes
from .blocks import NOT_FINITE, RUNNING
from .description import data_of, described
from .reducers.of_run import TAKEN
from .terminal import tell

RECORDS_OF_RUN = "model", "dynamics", "noise"
UNITS_OF_DYNAMICS = (
    {  # of a dynamics; of others, as the learning rate, only the function that takes them knows
        "step_size": "time",
        "friction": "1/time",
        "mass": "energy time^2/length^2",
        "temperature": "energy",
        "weight_decay": "energy/length^2",
        "max_norm": "energy/length",
        "epsilon": "energy/length",
    }
    | dict.fromkeys(("batch_size", "momentum", "beta1", "beta2", "substeps"), "1")
)
STATUS_VALUES = np.arange(3, dtype=np.int8)
OF_COMPARISON = "check", "observable", "difference", "group_difference", "allowed"
OF_SWEEP = "failed", "error", "seed"  # what it adds to the result of a point
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
        energy = np.array([*map(evaluator(model, "energy"), x)]).reshape(x.shape[:2])
        variables["loss"] = (
            where[:2],
            energy,
            {"long_name": "energy" if model.data is None else "loss", "units": "energy"},
        )
    along = {"step": ("step", steps, {"long_name": "number of steps done", "units": "1"})}
    return xr.Dataset(variables, along | parameters_of_run(problem))


def parameters_of_run(problem):
    """The parameters of dynamics, model and noise that are single numbers, as scalar coordinates.
    Where another of them, or the dataset, has the name, that of the record stands before it:
    ``model_temperature``.
    """
    found, reducers = {}, tuple(reducer.name for reducer in problem.reducers)
    for role in ("dynamics", "model", "noise"):
        record = getattr(problem, role)
        numbers = record.params._asdict() if record else {}
        for name, value in numbers.items():
            if isinstance(value, float) and name != NO_PARAMETER:
                taken = name in {*found, *TAKEN, *OF_COMPARISON, *OF_SWEEP, *RECORDS_OF_RUN}
                taken = taken or name.startswith(reducers)
                of_dynamics = role == "dynamics" and name in UNITS_OF_DYNAMICS
                labels = {
                    "long_name": f"{name.replace('_', ' ')} of the {role}",
                    "units": UNITS_OF_DYNAMICS[name] if of_dynamics else "of the parameter",
                }
                found[f"{role}_{name}" if taken else name] = (), value, labels
    return found


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
    if left and problem.readers:
        said.append("the reducers hold what they did until then, which biases a time average.")
    if lost:
        said.append(
            f"{lost} diverged and stay where they were last finite, see status and "
            "stopped_at_step. Take a smaller learning_rate or step_size, or an escape_radius if "
            "particles may leave."
        )
    if said:
        tell(f"{left} of {problem.particles} particles left: {' '.join(said)}")


def _escape_radius(problem):
    """The root of a rounded square is the number that was squared."""
    inside = problem.limit < np.finfo(problem.precision).max
    return {"escape_radius": problem.limit**0.5} if inside else {}


def attributes_of_run(problem, done):
    """The attributes of the dataset of a problem of which `done` steps are done."""
    model, dynamics, noise = problem.records
    return {
        "model": described(model),
        "dynamics": described(dynamics),
        "noise": described(noise) if noise else "null",
        "seed": str(problem.seed),
        "precision": problem.precision,
        **_escape_radius(problem),
        "records": json.dumps(
            {name: data_of(getattr(problem, name), name) for name in RECORDS_OF_RUN}
        ),
        "target": problem.target,
        "particles": problem.particles,
        "steps": done,
        "interrupted": int(done < problem.last_step),
        "independent_particles": int(getattr(noise, "independent", True)),
        "temperature_convention": TEMPERATURE_CONVENTION,
        **global_attributes(
            f"{problem.particles} particles of {dynamics.name} on {model.name}",
            "langevin_sgd.simulate(...)",
        ),
    }
