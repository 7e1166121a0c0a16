"""Planted bugs, each with the test of the default suite that must turn red.

Run:  python tests/mutations.py [number ...]
Plants the bugs of these numbers, or all, each in a copy of the tree; the exit code is 1 if one goes
unseen. Number 0 plants nothing: the tests that the table names must be green.
"""

import os
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = "numpy", "numba", "xarray", "scipy.stats", "scipy.sparse.linalg"
AT_A_TIME = 2


class Mutation(NamedTuple):
    """A text that stands once in a file of the package, what it becomes, and who must see it."""

    file: str
    text: str
    becomes: str
    test: str


# FILE by TEST, then for each bug its text => what it becomes, with \n for the end of a line.
TABLE = r"""
models/langevin.py by
models/test_dynamics.py::test_constants_of_the_thermal_noise_in_one_step_from_the_minimum
    sqrt(2.0 * p.temperature * p.step_size) => sqrt(p.temperature * p.step_size)
    sqrt(0.5 * p.temperature * p.step_size) => sqrt(p.temperature * p.step_size)
models/langevin.py by models/test_dynamics.py::test_with_the_same_noise[sghmc]
    2.0 * p.friction * p.temperature => p.friction * p.temperature
models/langevin.py by engine/test_walls.py::test_mirrors_leave_the_uniform_law[leimkuhler_matthews]
    _leimkuhler_matthews, params, normals=1, memory="hidden", vectors=1
        => _leimkuhler_matthews, params, normals=1, memory="hidden", vectors=0
models/langevin.py by test_defaults.py
    step_size, mass=1.0, batch_size=1, method="baoab"
        => step_size, mass=2.0, batch_size=1, method="baoab"
    step_size, batch_size=1, method="euler_maruyama"
        => step_size, batch_size=1, method="leimkuhler_matthews"
models/noise_laws.py by
models/test_noise.py::test_gaussian_noise_has_the_stated_covariance[diagonal]
    {"scale": np.sqrt(covariance)} => {"scale": np.sqrt(2 * covariance)}
models/noise_laws.py by models/test_noise_laws.py::test_mean_and_covariance[online_regression]
    "label_deviation": math.sqrt(label_noise) => "label_deviation": label_noise
models/noise_laws.py by models/test_noise_laws.py::test_mean_and_covariance[two_point]
    out[k * d + k] = p.scale[k] * p.scale[k] => out[k * d + k] = p.scale[k]
models/noise_laws.py by models/test_noise_laws.py::test_mean_and_covariance[student_t]
    (p.dof - 2.0) * expm1 => p.dof * expm1
models/noise_laws.py by
models/test_noise_laws.py::test_cumulants_to_order_four_in_six_directions[student_t-1]
    -2.0 / (p.dof + 2.0 * k), growth => -2.0 / p.dof, growth
models/noise_laws.py by
models/test_noise_laws.py::test_alpha_stable_noise_has_its_characteristic_function[1.5-1]
    other = sin(_PI * (0.5 - abs((1.0 - p.alpha) * turn))) => other = sin(_PI * (0.5 - abs(turn)))
models/disk.py by models/test_disk.py
    out[3] = 0.25 * p.radius => out[3] = 0.5 * p.radius
    distance = p.radius * sqrt(z[1]) => distance = p.radius * z[1]
models/label_noise.py by models/test_landscapes.py
    out[0] = -p.scale * z[0] * x[1] => out[0] = p.scale * z[0] * x[1]
models/swirl_noise.py by models/test_landscapes.py
    (2.0 * batch_size / learning_rate) ** 0.5 => (2.0 / learning_rate) ** 0.5
models/adaptive.py by engine/test_walls.py::test_mirrors_leave_the_uniform_law[adam]
    state_size=4, vectors=1 => state_size=4, vectors=0
models/adaptive.py by test_defaults.py
    beta1=0.9, beta2=0.999 => beta1=0.9, beta2=0.99
models/adaptive.py by models/test_torch.py
    + (1.0 - p.beta2)\n => + (1.0 - p.beta1)\n
models/descent.py by engine/test_walls.py::test_mirrors_leave_the_uniform_law[outside]
    memory="velocity" if rate_inside else "hidden",\n        vectors=1
        => memory="velocity" if rate_inside else "hidden",\n        vectors=0
models/descent.py by engine/test_walls.py::test_mirrors_leave_the_uniform_law[running average]
    "sgd_running_average", update, params, memory="hidden", vectors=1
        => "sgd_running_average", update, params, memory="hidden", vectors=0
models/schedules.py by models/test_schedules.py
    _geometric(start, factor, k // every) => _geometric(start, factor, (k + 1) // every)
    values = np.full(len(k), end) => values = np.full(len(k), start)
    start / (1.0 + k / time) => start / (1.0 + np.minimum(k, 1000) / time)
models/forces.py by
engine/test_batches_float32.py::test_a_batch_is_a_mean_of_independent_draws[matrix-4]
    1.0 / sqrt(np.float64(now.batch)) => 1.0 / now.batch
models/forces.py by
engine/test_batches_float32.py::test_a_batch_is_a_mean_of_independent_draws[own-4]
    draw = np.uint64(number * normal_draws) => draw = np.uint64(number // 2 * normal_draws)
models/forces.py by
engine/test_batches_float32.py::test_a_batch_is_a_mean_of_independent_draws[population-4]
    draw = np.uint64(number * normal_draws) => draw = np.uint64(number // 2 * normal_draws)
models/forces.py by
engine/test_batches_float32.py::test_a_batch_is_a_mean_of_independent_draws[disk-4]
    draw = np.uint64(number * uniform_draws) => draw = np.uint64(number // 2 * uniform_draws)
models/forces.py by
engine/test_batches_float32.py::test_a_batch_is_a_mean_of_independent_draws[own-4]
    scale(out, dim, 1.0 / now.batch) => scale(out, dim, 1.0 / sqrt(np.float64(now.batch)))
models/table_gaussian.py by
engine/test_batches_float32.py::test_a_batch_is_a_mean_of_independent_draws[table_gaussian-1]
    draw = np.uint64(start // each) => draw = np.uint64(0)
models/sampling/permuted.py by
analysis/test_temperature_budget.py::
test_every_noise_brings_the_covariance_of_its_batches[without replacement]
    (examples - batch_size) / max(1, examples - 1) => 1.0
models/sampling/independent.py by
engine/test_batches_float32.py::test_a_batch_is_a_mean_of_independent_draws[weighted-16]
    _UNIFORM, np.uint64(number)) => _UNIFORM, ZERO)
models/sampling/independent.py by
engine/test_batches_float32.py::test_shared_batches_are_the_same_for_all_particles_with_weights_too
    _nobody if shared else ids_from => ids_from
    uniforms[0 if shared else lane] => uniforms[lane]
models/sampling/independent.py by
analysis/test_temperature_budget.py::
test_every_noise_brings_the_covariance_of_its_batches[importance weights]
    loss, x, noise.params.weight) / batch_size => loss, x) / batch_size
models/sampling/independent.py by
analysis/test_temperature_budget.py::
test_every_noise_brings_the_covariance_of_its_batches[with replacement]
    example_covariance(loss, x) / batch_size => example_covariance(loss, x)
models/sampling/mode.py by
engine/test_sampling.py::test_importance_weights_keep_the_mean_and_give_their_covariance
    forces.scale(one, dim, like(weight, one[0])) => forces.scale(one, dim, like(1.0, one[0]))
models/example_moments.py by
analysis/test_temperature_budget.py::
test_every_noise_brings_the_covariance_of_its_batches[importance weights]
    g = out[k] * weight => g = out[k]
models/populations.py by models/test_populations.py
    fma(p.label_scale, z[normals] => fma(p.label_scale * p.label_scale, z[normals]
models/evaluate.py by models/test_derivative_checks.py
    out[...] = np.nan => pass
models/derivative_checks.py by models/test_derivative_checks.py
    if hessian is not None and dim * dim <= LARGEST_MATRIX => if False
    lowest < -tolerance * dim => False
models/records.py by models/test_records.py
    changes = isinstance(value, (list, dict)) or hasattr(value, "__array__") => changes = False
kernels/elementary.py by kernels/test_rng.py
    radius = sqrt(fma(s, => radius = sqrt(0.5 * fma(s,
kernels/rehearsal.py by engine/test_bad_functions.py
    if not np.array_equal(one.numbers[k], other.numbers[k], equal_nan=True) => if False
    if missing and all(run.ended for run in runs) => if False
    if not -length <= k < length => if False
kernels/functions.py by kernels/test_compile_key.py
    function.__kwdefaults__, tuple(found.items()) => function.__kwdefaults__
    function.__code__, function.__defaults__, => function.__code__,
    value = held[name] => value = MISSING
kernels/functions.py by kernels/test_functions.py
    value.dtype.str, value.shape, sha256(np.ascontiguousarray(value)).digest()
        => value.dtype.str, value.shape
kernels/compile_cache.py by kernels/test_compile_cache.py
    if head == _head(place.name, content) else None => if head else None
engine/step.py by
engine/test_first_passage.py::
test_every_particle_goes_the_way_of_the_run_that_stores_its_path[walls]
    prepare = draws.fill_normals(), force.prepare
        => prepare, THERMAL = draws.fill_normals(), force.prepare, np.uint64(draws != Draws())
engine/first_passage.py by
engine/test_first_passage.py::
test_the_component_is_the_one_that_was_asked_for_and_steps_are_rounded_up
    x[int(p.component)] >= p.level => x[0] >= p.level
    x[int(p.component)] <= p.level => x[0] <= p.level
engine/passage.py by
engine/test_first_passage.py::
test_the_component_is_the_one_that_was_asked_for_and_steps_are_rounded_up
    np.where(n < 0, n, -(-n // substeps)) => np.where(n < 0, n, n // substeps)
engine/stationary.py by engine/test_stationary.py::test_the_rule_asks_for_two_standard_errors_more
    + 2 * found.difference_standard_error =>
    + 2 * found.group_difference_standard_error =>
engine/timetable.py by models/test_dynamics.py::test_a_schedule_of_the_learning_rate
    np.arange(first, first + count) // self.substeps
        => (1 + np.arange(first, first + count)) // self.substeps
engine/timetable.py by
engine/test_timetable.py::test_rows_are_the_values_of_the_rule_over_the_borders_of_blocks
    if known != first: => if known is None:
engine/chunks.py by
engine/test_checkpoint.py::test_a_resumed_run_has_the_bits_of_one_left_alone[reshuffled heavy ball]
    stored, done, count)\n
        => stored, done, count)._replace(numbers=problem.table.rows(done - first, count)[0])\n
engine/checkpoint.py by
engine/test_checkpoint.py::test_a_resumed_run_has_the_bits_of_one_left_alone[diverging, reducers]
    target[...] = found => target[...] = found if name != "acc" else 0
engine/problem.py by
engine/test_divergence.py::test_particles_that_leave_a_saddle_stop_inside_the_radius[2.5]
    return float(escape_radius) ** 2 => return float(escape_radius)
engine/grid.py by engine/test_sweep.py::test_every_point_is_the_simulation_of_its_parameters[common]
    given[role][axis.argument] = values[axis.name] => given[role][axis.argument] = axis.values[0]
engine/grid.py by engine/test_sweep.py::test_a_finished_record_is_made_again_by_its_function
    return maker.recipe.made(**given) => return maker
engine/reducers/record.py by engine/test_reducers.py::test_moments
    (step > self.start) & => (step >= self.start) &
    (step - self.start) % self.every == 0 => (step - self.start) % self.every == 1 % self.every
    np.maximum(np.asarray(step) - self.start, 0) // self.every
        => np.maximum(np.asarray(step) - self.start, 0) // self.every + 1
engine/reducers/virial.py by
engine/test_reducers.py::test_weight_decay_is_in_every_factor_of_the_virial
    other = g[j] + p.weight_decay * before[j] => other = g[j]
    a, pull = before[i], g[i] + p.weight_decay * before[i] => a, pull = before[i], g[i]
engine/reducers/virial.py by engine/test_reducers.py::test_virial_and_budget
    acc[row + 3] += speed * xi[j] => acc[row + 3] += 0.0 * xi[j]
engine/reducers/grid.py by
engine/test_reducers.py::test_a_bin_holds_its_lower_edge_and_not_its_upper_one
    (place - p.lower[k]) * p.per_length[k] + 1.0 => (place - p.lower[k]) * p.per_length[k] + 0.99999
engine/reducers/histogram.py by
engine/test_reducers.py::test_components_are_those_that_were_asked_for[1]
    x[int(p.component[k])] => x[k]
engine/reducers/currents.py by
engine/test_reducers.py::test_components_are_those_that_were_asked_for[components1]
    before[int(p.component[k])], x[int(p.component[k])] => before[k], x[k]
engine/reducers/gradient_noise.py by
engine/test_reducers.py::test_gradient_noise_of_a_table_is_divided_by_its_rows
    sample[row] * share - sample => sample[row] / (examples - 1) - sample
engine/reducers/moments.py by engine/test_reducers.py::test_moments
    central.variance() ** 2 - 3.0 => central.variance() ** 2
    center = reducer.params.center => center = 0.0 * reducer.params.center
    a * (x[k] - p.center[k]) => a * x[k]
engine/reducers/autocovariance.py by
engine/test_reducers.py::test_autocovariance_at_lags_in_any_order
    ((number - lag) % length) => ((number - lag + 1) % length)
    return products - then * now => return products
engine/reducers/displacement.py by engine/test_displacement.py
    acc[k] += moved - whole_periods(p, k, moved) => acc[k] += moved
engine/reducers/kernel.py by
engine/test_reducers.py::test_a_bin_holds_its_lower_edge_and_not_its_upper_one
    into.counts[cell] += 1 => into.counts[cell] += 2
engine/reducers/readings.py by engine/test_reducers.py::test_moments
    (n - 1) / n * tree_sum => tree_sum
theory/virial.py by theory/test_virial.py
    learning_rate / (2 * kept) => learning_rate / kept
    rate * products.xi_xi => 2 * rate * products.xi_xi
theory/circle.py by theory/test_circle.py
    np.sqrt(noise_covariance / batch_size) => np.sqrt(noise_covariance)
theory/confinement.py by theory/test_ito_1d.py
    gradient - evaluate(potential, x, "drift") => gradient
theory/confinement.py by theory/test_boltzmann.py
    walls_of(potential),\n => \n
theory/ito_1d.py by theory/test_ito_1d.py
    walls_of(potential),\n => \n
theory/fokker_planck_generator.py by theory/test_fokker_planck.py
    np.broadcast_to(total + own, x.shape) => np.broadcast_to(total, x.shape)
theory/leaving_region.py by theory/test_leaving_region.py
    y = points @ step.rotation => y = points + 0.0
theory/finite_rate.py by theory/test_finite_rate.py
    learning_rate / 4 => learning_rate / 2
theory/heavy_ball_operator.py by theory/test_heavy_ball_operator.py
    (2 * batch_size * (1 - momentum)) => (2 * batch_size * 100 * (1 - momentum))
    sd = learning_rate * np.sqrt(noise_covariance / batch_size)
        => sd = learning_rate * np.sqrt(noise_covariance)
analysis/boltzmann_test.py by analysis/test_boltzmann_test.py
    + weight_decay_of(run) * model.dim =>
    level=0.05 => level=0.5
    tolerance=0.02 => tolerance=0.2
analysis/particles.py by analysis/test_equipartition.py
    + weight_decay_of(run) * x =>
analysis/temperature_budget.py by
analysis/test_temperature_budget.py::test_a_drift_is_part_of_the_force
    gradient = gradient - evaluate(mean_model, x, "drift") => pass
analysis/temperature_budget.py by analysis/test_temperature_budget.py
    "noise_covariance", d) / numbers.batch_size => "noise_covariance", d)
analysis/equipartition.py by analysis/test_equipartition.py
    x - x.mean(axis=-2, keepdims=True)\n    gradient = gradient - gradient.mean(
        => x\n    gradient = gradient - 0 * gradient.mean(
    return mean * n / (n - 1) => return mean
storage/manifest.py by storage/test_manifest.py
    integer(record.rows(), "number of stored steps", 0, most) => pass
storage/manifest.py by storage/test_damage.py::test_a_damaged_line_of_the_manifest_is_named
    return record if whole else None => return record
models/sampling/permuted.py by
analysis/test_temperature_budget.py::test_batches_that_remember_are_refused[reshuffle]
    "reshuffle", _EVERY_EPOCH, no_covariance_at_a_place
        => "reshuffle", _EVERY_EPOCH, _covariance_of_a_subset
models/modified_loss.py by models/test_modified_loss.py
    loss + rate / 4 * sum => loss + rate / 2 * sum
    content(energy), model.dim => "", model.dim
models/forgotten.py by models/test_forgotten.py
    BIAS = 8 => BIAS = 800
    batch_size != 1: => batch_size < 1:
kernels/compiling.py by kernels/test_functions.py
    key = content(function, special=_in_this_process) => key = function.__qualname__
kernels/rng.py by kernels/test_rng.py
    word = ((step >> WORD_BITS) + => word = (np.uint64(0) +
kernels/rng_float32.py by kernels/test_rng_float32.py
    sqrt(-2.0 * log_unit_single => sqrt(-1.0 * log_unit_single
engine/reducers/of_run.py by engine/test_reducers.py::test_moments
    np.arange(first + 1, first + count + 1) => np.arange(first, first + count)
analysis/kl.py by analysis/test_kl.py
    + fitted / (2 * n) => + 0 * fitted
    _jackknife(c, q, plug_in) + => plug_in +
    outside=int(histogram["outside"]) => outside=0
analysis/density.py by analysis/test_density.py
    count / (n * volume) => count / (count.sum() * volume)
analysis/significance.py by analysis/test_significance.py
    2 * len(z) * ndtr => 2 * ndtr
    values > 1e-10 => values > -1.0
analysis/boltzmann_test.py by analysis/test_equipartition.py
    matrix = x.T @ gradient / (n - 1) => matrix = x.T @ gradient / n
analysis/boltzmann_test.py by analysis/test_boltzmann_test.py
    -ndtri(level / (2 * len(effect))) => -ndtri(level / 2)
analysis/temperature_budget.py by analysis/test_equipartition.py
    (x - x.mean(axis=0)) * (n / (n - 1)) => (x - x.mean(axis=0))
storage/run_files.py by storage/test_damage.py
    trouble is None and hashlib.sha256(image).hexdigest() != record.sha256 => False
    if size != record.bytes: => if False:
storage/content.py by storage/test_content.py
    head = [name, *layout, _attributes(variable.attrs)] => head = [name, *layout]
    total.update(json.dumps(_attributes(kept)).encode()) => pass
theory/cumulants.py by theory/test_cumulants.py
    fourth - 3 * second**2 => fourth
    batch ** (order - 1) => batch**order
theory/batch_noise.py by theory/test_batch_noise.py
    np.maximum(dataset_size - 1, 1) => np.maximum(dataset_size, 1)
    -noise_covariance / (dataset_size - 1) => -noise_covariance / dataset_size
theory/epochs.py by theory/test_epochs.py
    m * (1 - m / batches) => m
theory/online_regression.py by theory/test_online_regression.py
    (batch * (1 - mu) * np.where => ((1 - mu) * np.where
"""


def mutations():
    """The rows of the table."""
    rows, file, test = [], "", ""
    joined = TABLE.replace(" by\n", " by ").replace("::\n", "::").replace("\n        =>", " =>")
    for line in filter(None, joined.splitlines()):
        if line.startswith(" "):
            text, becomes = (part.strip().replace(r"\n", "\n") for part in line.split(" =>"))
            rows.append(Mutation(file, text, becomes, test))
        else:
            file, test = line.split(" by ")
    return rows


def copy_of_the_tree(folder):
    """A copy of the tree in a folder."""
    tree, ignored = Path(folder) / "tree", (".git", ".venv", "__pycache__", "data")
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*ignored))
    return tree


def tested(tests, mutation=None):
    """Exit code of tests in a copy of the tree, with a bug planted there; in a process of its
    own."""
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as nowhere:
        tree = copy_of_the_tree(folder)
        if mutation:
            source = (tree / "langevin_sgd" / mutation.file).read_text(encoding="utf-8")
            if source.count(mutation.text) != 1:
                raise ValueError(f"{mutation.file} must hold {mutation.text!r} once.")
            planted = source.replace(mutation.text, mutation.becomes)
            (tree / "langevin_sgd" / mutation.file).write_text(planted, encoding="utf-8")
        os.chdir(tree)
        os.environ["PYTHONPATH"] = str(tree)
        sys.path[:0] = [str(tree)]
        paths = [f"tests/{test}" for test in tests]
        with redirect_stdout(nowhere):
            return int(pytest.main(["-q", "-x", "-p", "no:cacheprovider", *paths]))


def main(numbers):
    """Plant the mutations of these numbers, or all."""
    table, unseen = mutations(), 0
    numbers = numbers or range(len(table) + 1)
    context = get_context("forkserver")  # processes that have imported the libraries already
    context.set_forkserver_preload(LIBRARIES)
    with ProcessPoolExecutor(AT_A_TIME, context, max_tasks_per_child=1) as pool:
        all_tests = sorted({mutation.test for mutation in table})
        futures = [
            pool.submit(tested, [table[n - 1].test], table[n - 1])
            if n
            else pool.submit(tested, all_tests)
            for n in numbers
        ]
        for number, future in zip(numbers, futures, strict=True):
            code = future.result()
            if number == 0:
                unseen += code != 0
                print("  0", "green" if code == 0 else "RED", "with nothing planted", flush=True)
                continue
            mutation = table[number - 1]
            unseen += code != 1  # a test that cannot be collected has seen nothing
            seen = "caught" if code == 1 else "UNSEEN"
            change = f"{mutation.file}: {mutation.text!r} -> {mutation.becomes!r}"
            print(f"{number:3d} {seen} {change} by {mutation.test}", flush=True)
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main([int(word) for word in sys.argv[1:]]))
