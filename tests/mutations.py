"""Planted bugs, most of them a factor of 2, each with the test file that must turn red.

Run:  python tests/mutations.py [number ...]      Each row is planted in a copy of the tree; exit code 1 if one goes unseen.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROWS = [
    # file, text, its mutation, test file
    (
        "models/langevin.py",
        "sqrt(2.0 * p.temperature * p.step_size)",
        "sqrt(p.temperature * p.step_size)",
        "models/test_dynamics.py",
    ),
    (
        "models/langevin.py",
        "sqrt(0.5 * p.temperature * p.step_size)",
        "sqrt(p.temperature * p.step_size)",
        "models/test_dynamics.py",
    ),
    (
        "models/noise_laws.py",
        '"scale": np.sqrt(covariance)',
        '"scale": np.sqrt(2 * covariance)',
        "models/test_noise.py",
    ),
    (
        "models/forces.py",
        "dim, 1.0 / sqrt(np.float64(now.batch))",
        "dim, 1.0 / np.float64(now.batch)",
        "models/test_noise.py",
    ),
    (
        "models/table_gaussian.py",
        "(noise[k] - mean * out[k]) * factor",
        "noise[k] * factor",
        "models/test_noise.py",
    ),
    (
        "models/sampling/permuted.py",
        "epoch = now.step // steps_of_epoch if",
        "epoch = now.step if",
        "engine/test_sampling.py",
    ),
    (
        "models/sampling/permuted.py",
        "(now.step % steps_of_epoch) * np.uint64(batch)",
        "(now.step % steps_of_epoch)",
        "engine/test_sampling.py",
    ),
    (
        "kernels/elementary.py",
        "radius = sqrt(fma(s,",
        "radius = sqrt(0.5 * fma(s,",
        "kernels/test_rng.py",
    ),
    ("models/noise_laws.py", "(p.dof - 2.0) * expm1", "p.dof * expm1", "models/test_noise_laws.py"),
    (
        "models/langevin.py",
        "2.0 * p.friction * p.temperature",
        "p.friction * p.temperature",
        "engine/test_physics.py",
    ),
    (
        "theory/virial.py",
        "rate * products.xi_xi",
        "2 * rate * products.xi_xi",
        "engine/test_reducers.py",
    ),
    (
        "engine/reducers/readings.py",
        "(n - 1) / n * tree_sum",
        "tree_sum",
        "engine/test_reducers.py",
    ),
    (
        "engine/reducers/kernel.py",
        "into.counts[cell] += 1",
        "into.counts[cell] += 2",
        "engine/test_reducers.py",
    ),
    ("kernels/rng_float32.py", "-2.0", "-1.0", "kernels/test_rng_float32.py"),
    (
        "theory/circle.py",
        "np.sqrt(noise_covariance / batch_size)",
        "np.sqrt(noise_covariance)",
        "theory/test_circle.py",
    ),
    (
        "theory/confinement.py",
        'gradient - evaluate(potential, x, "drift")',
        "gradient",
        "theory/test_ito_1d.py",
    ),
    ("theory/confinement.py", "        walls_of(potential),\n", "", "theory/test_boltzmann.py"),
    ("theory/ito_1d.py", "        walls_of(potential),\n", "", "theory/test_ito_1d.py"),
    (
        "theory/fokker_planck_generator.py",
        "np.broadcast_to(total + own, x.shape)",
        "np.broadcast_to(total, x.shape)",
        "theory/test_fokker_planck.py",
    ),
    (
        "theory/leaving_region.py",
        "y = points @ step.rotation",
        "y = points + 0.0",
        "theory/test_leaving_region.py",
    ),
    (
        "theory/finite_rate.py",
        "learning_rate / 4",
        "learning_rate / 2",
        "theory/test_finite_rate.py",
    ),
    (
        "theory/heavy_ball_operator.py",
        "(2 * batch_size * (1 - momentum))",
        "(2 * batch_size * 100 * (1 - momentum))",
        "theory/test_heavy_ball_operator.py",
    ),
    (
        "models/forces.py",
        "np.uint64(number * normal_draws)",
        "np.uint64(number // 2 * normal_draws)",
        "engine/test_batches_float32.py",
    ),
    (
        "models/table_gaussian.py",
        "np.uint64(start // each)",
        "np.uint64(0)",
        "engine/test_batches_float32.py",
    ),
    (
        "models/sampling/independent.py",
        "_UNIFORM, np.uint64(number)",
        "_UNIFORM, _ZERO",
        "engine/test_batches_float32.py",
    ),
    (
        "models/sampling/independent.py",
        "uniforms[0 if shared else lane]",
        "uniforms[lane]",
        "engine/test_batches_float32.py",
    ),
    ("models/disk.py", "p.radius * sqrt(z[1])", "p.radius * z[1]", "models/test_disk.py"),
    (
        "models/sign_descent.py",
        "p.learning_rate * _sign(v[k])",
        "p.learning_rate * _sign(g[k] + xi[k])",
        "models/test_sign_descent.py",
    ),
    ("engine/domain.py", "-v[number], v[number]", "v[number], v[number]", "engine/test_walls.py"),
    (
        "models/adaptive.py",
        "state_size=4, vectors=1",
        "state_size=4, vectors=0",
        "engine/test_walls.py",
    ),
    ("models/descent.py", "factor * push", "push", "models/test_dynamics.py"),
]


def survives(row):
    """True if no test turns red with the bug of `row` planted; a file that cannot even be collected
    does not count as red.
    """
    file, text, mutation, test = row
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        shutil.copytree(
            ROOT, tree, ignore=shutil.ignore_patterns(".git", ".venv", "__pycache__", "data")
        )
        target = tree / "langevin_sgd" / file
        source = target.read_text()
        if source.count(text) == 0:
            raise ValueError(f"{file} no longer holds {text!r}: bring this table up to date.")
        target.write_text(source.replace(text, mutation))
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "-p",
            "no:cacheprovider",
            f"tests/{test}",
        ]
        return (
            subprocess.run(
                command, cwd=tree, env={"PYTHONPATH": str(tree)}, capture_output=True
            ).returncode
            != 1
        )


def main():
    """Plant the rows named on the command line, or all."""
    numbers = [int(word) for word in sys.argv[1:]] or range(1, len(ROWS) + 1)
    unseen = 0
    for number in numbers:
        file, text, mutation, test = ROWS[number - 1]
        alive = survives(ROWS[number - 1])
        unseen += alive
        print(
            f"{number:2d}  {'UNSEEN' if alive else 'caught':6s}  {file}: {text}  ->  {mutation}   "
            f"by tests/{test}",
            flush=True,
        )
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main())
