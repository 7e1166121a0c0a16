"""The z-scores of known_answers.py: of oracle cases under either generator, and of the claims of
other studies. As a program: oracle cases under the generator that the environment names."""

import contextlib
import importlib
import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import xarray as xr
from _oracle_cases import scores
from _oracle_runs import SIMULATIONS

import langevin_sgd as ls

STUDIES = Path(__file__).parent
# Those that take at most four seconds a seed and whose errors are statistical only (those of others
# contain what an extrapolation leaves out, or leave correlations out that narrow them).
OF_STUDIES = ["epochs", "gradient_covariance_demo", "gradient_flow", "gradient_noise"]
OF_STUDIES += ["label_noise_valley", "langevin_limit", "minibatch_rule", "momentum_rule"]
OF_STUDIES += ["right_density_wrong_physics", "stability_atlas", "theory_atlas", "three_tails"]
OF_STUDIES += ["three_temperatures", "which_scalar"]


def seeds_of(place, count, seed):
    """Of the system at this place; studies use the next few seeds too."""
    return [1_000_000_000 * seed + 100_000 * place + 100 * k for k in range(count)]


def table_of(name, rows):
    """z (number, seed) of one system, named by what is read."""
    names = [f"{key}[{k}]" for key, z in rows[0].items() for k in range(z.size)]
    z = np.array([np.concatenate(list(row.values())) for row in rows]).T
    coords = {"number": names, "system": ("number", [name] * len(names))}
    return xr.Dataset({"z": (("number", "seed"), z)}, coords)


def of_cases(names, particles, count, seed, plant):
    """Of oracle cases."""
    parts = []
    for name in names:
        simulation = SIMULATIONS[name](excess=2 if plant else 1)
        places = seeds_of(list(SIMULATIONS).index(name), count, seed)
        rows = [scores(simulation, particles, place, threads=1) for place in places]
        parts.append(table_of(name, rows))
    return xr.concat(parts, "number")


def of_study(name, count, seed, plant):
    """Of all claims of a study that measured numbers are exact ones, at its small sizes. What it
    prints is not of interest here."""
    study, rows = importlib.import_module(name), []
    for place in seeds_of(len(SIMULATIONS) + OF_STUDIES.index(name), count, seed):
        with contextlib.redirect_stdout(io.StringIO()):
            _, claims = study.run(True, place, 1, bool(plant))
        with_scores = [claim for claim in claims if claim.scores is not None]
        rows.append({f"claim {k}": claim.scores for k, claim in enumerate(with_scores)})
    return table_of(name, rows)


def with_threefry(names, *numbers):
    """`of_cases` in a process of its own, with the other generator and the same seeds."""
    paths = [str(STUDIES), str(STUDIES.parent), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"LANGEVIN_SGD_GENERATOR": "threefry"}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "z.nc"
        command = [sys.executable, __file__, file, *(int(each) for each in numbers), *names]
        subprocess.run(
            [str(word) for word in command],
            env=environment | {"PYTHONPATH": os.pathsep.join(paths)},
            check=True,
        )
        return ls.load(file)


if __name__ == "__main__":
    given = (int(word) for word in sys.argv[2:6])
    ls.save(of_cases(sys.argv[6:], *given), sys.argv[1])
