"""Planted bugs, most of them a factor of 2, each with the test file that must turn red.

Run:  python tests/mutations.py [number ...]
Each is planted in a copy of the tree; exit code 1 if one goes unseen. Only the default suite is
run, not the slow one.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]


class Mutation(NamedTuple):
    """A text of a file of the package, what it becomes, and who must see it."""

    file: str
    text: str
    becomes: str
    test: str


def of(file, *rows):
    """Mutations of one file, each (text, becomes, test)."""
    return [Mutation(file, *row) for row in rows]


MUTATIONS = [
    *of(
        "models/langevin.py",
        (
            "sqrt(2.0 * p.temperature * p.step_size)",
            "sqrt(p.temperature * p.step_size)",
            "models/test_dynamics.py",
        ),
        (
            "sqrt(0.5 * p.temperature * p.step_size)",
            "sqrt(p.temperature * p.step_size)",
            "models/test_dynamics.py",
        ),
        (
            "2.0 * p.friction * p.temperature",
            "p.friction * p.temperature",
            "engine/test_more_dynamics.py",
        ),
    ),
    *of(
        "models/noise_laws.py",
        (
            '{"scale": np.sqrt(covariance)}',
            '{"scale": np.sqrt(2 * covariance)}',
            "models/test_noise.py",
        ),
        ("(p.dof - 2.0) * expm1", "p.dof * expm1", "models/test_noise_laws.py"),
    ),
    *of(
        "models/disk.py",
        ("out[3] = 0.25 * p.radius", "out[3] = 0.5 * p.radius", "models/test_disk.py"),
        ("distance = p.radius * sqrt(z[1])", "distance = p.radius * z[1]", "models/test_disk.py"),
    ),
    *of(
        "models/sign_descent.py",
        ("(1.0 - p.momentum)", "1.0", "models/test_sign_descent.py"),
    ),
    *of(
        "models/gradient_noise.py",
        ("forces.set_to(wide, dim, 0.0)", "forces.set_to(wide, 0, 0.0)", "models/test_noise.py"),
        (
            "numbers = max(self.normals + 1, self.uniforms + 1) // 2",
            "numbers = 0",
            "engine/test_bad_simulate.py",
        ),
        ("out[k * d + i] += noise[k] * noise[i]", "out[k * d + i] += noise[k]", "analysis"),
    ),
    *of(
        "models/forces.py",
        ("1.0 / sqrt(np.float64(now.batch))", "1.0 / now.batch", "engine/test_batches_float32.py"),
        ("set_to(one, dim, 0.0)\n", "set_to(one, 0, 0.0)\n", "engine/test_batches_float32.py"),
        (
            "draw = np.uint64(number * normal_draws)",
            "draw = np.uint64(number)",
            "models/test_noise.py",
        ),
        ("here.g[k] -= push[k]", "here.g[k] += push[k]", "models/test_dynamics.py"),
        ("scale(out, dim, 1.0 / now.batch)", "scale(out, dim, 1.0)", "models/test_noise.py"),
        (
            "streams = (_ROW_NORMALS, _ROW_UNIFORMS) if of_rows else (_NORMALS, _UNIFORMS)",
            "streams = (_ROW_NORMALS, _ROW_NORMALS) if of_rows else (_NORMALS, _NORMALS)",
            "models/test_noise_laws.py",
        ),
    ),
    *of(
        "models/table_gaussian.py",
        ("(noise[k] - mean * out[k]) * factor", "noise[k] * factor", "models/test_noise.py"),
        (
            "draw = np.uint64(start // each)",
            "draw = np.uint64(0)",
            "engine/test_batches_float32.py",
        ),
        ("np.float64(examples) * np.float64(now.batch)", "np.float64(examples)", "models"),
    ),
    *of(
        "models/sampling/permuted.py",
        ("now.step // steps_of_epoch if", "now.step if", "engine/test_sampling.py"),
        ("* np.uint64(batch)\n", "\n", "engine/test_sampling.py"),
        (
            "(examples - batch_size) / max(1, examples - 1)",
            "1.0",
            "analysis/test_temperature_budget.py",
        ),
    ),
    *of(
        "models/sampling/independent.py",
        ("_UNIFORM, np.uint64(number))", "_UNIFORM, _ZERO)", "engine/test_sampling.py"),
        ("_nobody if shared else ids_from", "ids_from", "engine/test_sampling.py"),
        ("uniforms[0 if shared else lane]", "uniforms[lane]", "engine/test_sampling.py"),
        ("uniforms[0 if shared else lane]", "uniforms[0]", "engine/test_sampling.py"),
        (
            "loss, x, noise.params.weight) / batch_size",
            "loss, x) / batch_size",
            "analysis/test_temperature_budget.py",
        ),
    ),
    *of(
        "models/sampling/mode.py",
        (
            "forces.scale(here.g, dim, 1.0 / now.batch)",
            "forces.scale(here.g, dim, 1.0)",
            "engine/test_sampling.py",
        ),
    ),
    *of(
        "kernels/elementary.py",
        ("radius = sqrt(fma(s,", "radius = sqrt(0.5 * fma(s,", "kernels/test_rng.py"),
    ),
    *of("kernels/rng_float32.py", ("-2.0", "-1.0", "kernels/test_rng_float32.py")),
    *of(
        "kernels/random_rows.py",
        ("return 4 if self.number", "return 2 if self.number", "engine/test_batches_float32.py"),
    ),
    *of(
        "engine/step.py",
        (
            "THERMAL, FIRST_DRAW = np.uint64(Stream.THERMAL)",
            "THERMAL, FIRST_DRAW = np.uint64(Stream.NOISE_NORMAL)",
            "engine",
        ),
        ("work.seen[group] <= step", "True", "engine/test_reducer_bits.py"),
        (
            "            fold(fixed.walls, here.x, here.v, dim, vectors)\n        act",
            "            pass\n        act",
            "engine/test_walls.py",
        ),
    ),
    *of(
        "engine/domain.py",
        (
            "v[number] = where(back, -v[number], v[number])",
            "v[number] = v[number]",
            "engine/test_walls.py",
        ),
        (
            "for part in range(vectors)",
            "for part in range(min(vectors, 1))",
            "engine/test_walls.py",
        ),
    ),
    *of(
        "engine/particle_queue.py",
        ("lanes.steps[lane] = 0\n", "lanes.steps[lane] = 1\n", "engine/test_first_passage.py"),
    ),
    *of(
        "engine/passage.py",
        (
            "rate / np.sqrt(max(arrivals, 1))",
            "rate / max(arrivals, 1)",
            "engine/test_first_passage.py",
        ),
        (
            "draw = draw_kernel(force, shape, Draws",
            "draw = draw_kernel(force, shape._replace(thermal=0), Draws",
            "engine/test_first_passage.py",
        ),
    ),
    *of(
        "engine/stationary.py",
        ("+ 2 * found.difference_standard_error", "", "engine/test_stationary.py"),
        ("+ 2 * found.group_difference_standard_error", "", "engine/test_stationary.py"),
    ),
    *of(
        "engine/reducers/virial.py",
        ("other = g[j] + p.weight_decay * before[j]", "other = g[j]", "engine"),
        (
            "a, pull = before[i], g[i] + p.weight_decay * before[i]",
            "a, pull = before[i], g[i]",
            "engine",
        ),
    ),
    *of(
        "engine/reducers/grid.py",
        (
            "(place - p.lower[k]) * p.per_length[k] + 1.0",
            "(place - p.lower[k]) * p.per_length[k] + 0.99999",
            "engine",
        ),
    ),
    *of(
        "engine/reducers/histogram.py",
        ("x[int(p.component[k])]", "x[k]", "engine"),
    ),
    *of(
        "engine/reducers/currents.py",
        ("before[int(p.component[k])], x[int(p.component[k])]", "before[k], x[k]", "engine"),
        ("middle = here + 0.5 * moved", "middle = here", "engine"),
    ),
    *of(
        "engine/reducers/gradient_noise.py",
        ("sample[row] * share - sample", "sample[row] / (examples - 1) - sample", "engine"),
    ),
    *of(
        "engine/reducers/moments.py",
        ("central.variance() ** 2 - 3.0", "central.variance() ** 2", "engine/test_reducers.py"),
    ),
    *of(
        "engine/reducers/kernel.py",
        ("counts[cell] += 1", "counts[cell] += 2", "engine/test_reducers.py"),
    ),
    *of(
        "engine/reducers/readings.py",
        ("(n - 1) / n * tree_sum", "tree_sum", "engine/test_reducers.py"),
    ),
    *of(
        "theory/virial.py",
        ("learning_rate / (2 * kept)", "learning_rate / kept", "theory/test_virial.py"),
    ),
    *of(
        "theory/circle.py",
        (
            "np.sqrt(noise_covariance / batch_size)",
            "np.sqrt(noise_covariance)",
            "theory/test_circle.py",
        ),
    ),
    *of(
        "analysis/boltzmann_test.py",
        ("+ weight_decay_of(run) * model.dim", "", "analysis/test_boltzmann_test.py"),
    ),
    *of(
        "analysis/temperature_budget.py",
        (
            'gradient = gradient - evaluate(mean_model, x, "drift")',
            "pass",
            "analysis/test_temperature_budget.py",
        ),
        (
            '"noise_covariance", d) / numbers.batch_size',
            '"noise_covariance", d)',
            "analysis/test_temperature_budget.py",
        ),
    ),
    *of(
        "analysis/equipartition.py",
        ("x = x - x.mean(axis=-2, keepdims=True)\n", "", "analysis/test_equipartition.py"),
    ),
    *of(
        "models/noise_laws.py",
        (
            '"scale": np.sqrt(covariance)',
            '"scale": np.sqrt(2 * covariance)',
            "models/test_noise.py",
        ),
    ),
    *of(
        "models/forces.py",
        (
            "dim, 1.0 / sqrt(np.float64(now.batch))",
            "dim, 1.0 / np.float64(now.batch)",
            "models/test_noise.py",
        ),
        (
            "np.uint64(number * normal_draws)",
            "np.uint64(number // 2 * normal_draws)",
            "engine/test_batches_float32.py",
        ),
    ),
    *of(
        "models/sampling/permuted.py",
        ("epoch = now.step // steps_of_epoch if", "epoch = now.step if", "engine/test_sampling.py"),
        (
            "(now.step % steps_of_epoch) * np.uint64(batch)",
            "(now.step % steps_of_epoch)",
            "engine/test_sampling.py",
        ),
    ),
    *of(
        "theory/virial.py",
        ("rate * products.xi_xi", "2 * rate * products.xi_xi", "engine/test_reducers.py"),
    ),
    *of(
        "engine/reducers/kernel.py",
        ("into.counts[cell] += 1", "into.counts[cell] += 2", "engine/test_reducers.py"),
    ),
    *of(
        "theory/confinement.py",
        ('gradient - evaluate(potential, x, "drift")', "gradient", "theory/test_ito_1d.py"),
        ("        walls_of(potential),\n", "", "theory/test_boltzmann.py"),
    ),
    *of(
        "theory/ito_1d.py",
        ("        walls_of(potential),\n", "", "theory/test_ito_1d.py"),
    ),
    *of(
        "theory/fokker_planck_generator.py",
        (
            "np.broadcast_to(total + own, x.shape)",
            "np.broadcast_to(total, x.shape)",
            "theory/test_fokker_planck.py",
        ),
    ),
    *of(
        "theory/leaving_region.py",
        ("y = points @ step.rotation", "y = points + 0.0", "theory/test_leaving_region.py"),
    ),
    *of(
        "theory/finite_rate.py",
        ("learning_rate / 4", "learning_rate / 2", "theory/test_finite_rate.py"),
    ),
    *of(
        "theory/heavy_ball_operator.py",
        (
            "(2 * batch_size * (1 - momentum))",
            "(2 * batch_size * 100 * (1 - momentum))",
            "theory/test_heavy_ball_operator.py",
        ),
    ),
    *of(
        "models/table_gaussian.py",
        ("np.uint64(start // each)", "np.uint64(0)", "engine/test_batches_float32.py"),
    ),
    *of(
        "models/sampling/independent.py",
        ("_UNIFORM, np.uint64(number)", "_UNIFORM, ZERO", "engine/test_batches_float32.py"),
    ),
    *of(
        "models/disk.py",
        ("p.radius * sqrt(z[1])", "p.radius * z[1]", "models/test_disk.py"),
    ),
    *of(
        "models/sign_descent.py",
        (
            "p.learning_rate * _sign_of(v[k])",
            "p.learning_rate * _sign_of(g[k] + xi[k])",
            "models/test_sign_descent.py",
        ),
    ),
    *of(
        "engine/domain.py",
        ("-v[number], v[number]", "v[number], v[number]", "engine/test_walls.py"),
    ),
    *of(
        "models/adaptive.py",
        ("state_size=4, vectors=1", "state_size=4, vectors=0", "engine/test_walls.py"),
    ),
    *of(
        "models/descent.py",
        ("factor * push", "push", "models/test_dynamics.py"),
    ),
]


def survives(mutation):
    """True if no test turns red with a bug planted; a file that cannot even be collected does not
    count as red."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", "data")
        shutil.copytree(ROOT, tree, ignore=ignored)
        target = tree / "langevin_sgd" / mutation.file
        source = target.read_text(encoding="utf-8")
        if source.count(mutation.text) == 0:
            raise ValueError(f"{mutation.file} no longer holds {mutation.text!r}.")
        target.write_text(source.replace(mutation.text, mutation.becomes), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
        environment = {**os.environ, "PYTHONPATH": str(tree)}
        done = subprocess.run(
            [*command, f"tests/{mutation.test}"], cwd=tree, env=environment, capture_output=True
        )
        return done.returncode != 1


def main(numbers):
    """Plant the mutations of these numbers, or all."""
    unseen = 0
    for number in numbers or range(1, len(MUTATIONS) + 1):
        mutation = MUTATIONS[number - 1]
        alive = survives(mutation)
        unseen += alive
        seen = "UNSEEN" if alive else "caught"
        change = f"{mutation.file}: {mutation.text!r} -> {mutation.becomes!r}"
        print(f"{number:2d}  {seen}  {change}  by tests/{mutation.test}", flush=True)
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main([int(word) for word in sys.argv[1:]]))
