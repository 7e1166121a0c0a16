"""Kernels for GPUs on paper: what they need, and what they could do at most.

Nothing here needs a GPU, and nothing is measured on one.

Each kernel that target="cuda" launches is compiled to PTX by NVVM and to machine code by ptxas:
registers, spilled bytes and shared memory for each architecture, the share of the threads that a
multiprocessor then holds at once, and the instructions of one particle-step (`sass.one_pass`), from
which `roofline.limit` has the particle-steps a second that an H100 or A100 allows at most.

Run:  pip install -c constraints.txt -e ".[ptx]"        (a virtual environment of its own)
      python studies/benchmark/ptxas.py [--update-data] [--only WORDS]
(--update-data writes cuda_kernels.nc beside this file.) The exit code is 1 if a kernel in at most 8
dimensions spills, or calls, or allocates, or rounds otherwise than the CPU's.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import xarray as xr

import langevin_sgd as ls
from benchmark.driverless import ARCHITECTURES, assembled, defects, machine_code, ptx
from benchmark.roofline import H100, ON_PAPER, limit, limits, occupancy
from benchmark.sass import ATOMIC, UNITS, by_unit, one_pass
from benchmark.sde import linear_sde
from langevin_sgd.engine.chunks import GPU_BLOCK
from langevin_sgd.engine.cuda import launch_of
from langevin_sgd.engine.problem import make_problem
from langevin_sgd.storage import sealed
from langevin_sgd.storage.provenance import global_attributes

KEPT = Path(__file__).resolve().parent / "cuda_kernels.nc"
FEW = 8  # dimensions in which nothing may spill
WELL, PAIR = ls.potentials.double_well(2, 0.25), ls.noise.gaussian([1.0, 0.25])
SGD, BATCH = ls.dynamics.sgd(0.02), 4
random = np.random.default_rng(0)
INPUTS, TARGETS = random.normal(size=(100, 3)), random.normal(size=100)
TURN = np.linalg.qr(random.normal(size=(8, 8)))[0]


class Kernel(NamedTuple):
    """A run whose kernel is looked at. What reads without counting in bins is seen between two
    readings."""

    model: Any
    dynamics: Any
    noise: Any
    options: dict
    through: tuple = ()  # instructions that a step must have


def _bowl(d, hessian=None, dynamics=SGD):
    curvatures = np.linspace(1.0, 2.0, d) if hessian is None else hessian
    return Kernel(ls.potentials.quadratic(curvatures), dynamics, ls.noise.gaussian(np.ones(d)), {})


def _of_well(dynamics=SGD, noise=PAIR, *reducers, **options):
    through = ATOMIC if any(reducer.bins for reducer in reducers) else ()
    return Kernel(WELL, dynamics, noise, options | {"reducers": reducers}, through)


def _of_table(loss, noise, batch=BATCH):
    return Kernel(loss, ls.dynamics.sgd(0.02, batch), noise, {})


def kernels():
    """name: Kernel."""
    of, dynamics, single = ls.reducers, ls.dynamics, {"precision": "float32"}
    line = ls.losses.linear_regression(INPUTS[:, :2], TARGETS)
    classes = ls.losses.multinomial_regression(INPUTS, np.arange(100) % 3)
    walled = WELL._replace(domain=(("reflecting", -1.5, 1.5), None))
    histogram = of.histogram(-2.0, 2.0, 64)
    found = {
        "double well": _of_well(),
        "double well, float32": _of_well(**single),
        "double well, histogram": _of_well(SGD, PAIR, histogram),
        "double well, histogram, float32": _of_well(SGD, PAIR, histogram, **single),
        "double well, 2-D histogram": _of_well(SGD, PAIR, of.histogram(-2.0, 2.0, 64, (0, 1))),
        "double well, moments": _of_well(SGD, PAIR, of.moments()),
        "double well, virial": _of_well(SGD, PAIR, of.virial()),
        "double well, heavy ball": _of_well(dynamics.sgd(0.02, momentum=0.9)),
        "double well, Adam": _of_well(dynamics.adam(0.02)),
        "double well, Langevin": _of_well(dynamics.langevin(0.5, 0.02), None),
        "double well, BAOAB": _of_well(dynamics.underdamped_langevin(0.5, 1.0, 0.02), None),
        "double well, Student's t": _of_well(SGD, ls.noise.student_t(4.5, [1.0, 0.25])),
        "double well, alpha-stable": _of_well(SGD, ls.noise.alpha_stable(1.5, [0.3, 0.3])),
        "double well, mirrors": Kernel(walled, SGD, PAIR, {}),
        "linear SDE, d = 3": Kernel(*linear_sde(), {}),
        "linear SDE, d = 3, float32": Kernel(*linear_sde(), single),
        **{f"quadratic, d = {d}": _bowl(d) for d in (1, 2, 4, 8, 16, 64)},
        "quadratic, matrix, d = 8": _bowl(8, TURN @ np.diag(np.linspace(1.0, 2.0, 8)) @ TURN.T),
        "quadratic, d = 8, Adam": _bowl(8, dynamics=dynamics.adam(0.02)),
        "linear regression": _of_table(line, ls.noise.minibatch()),
        "linear regression, reshuffled": _of_table(line, ls.noise.minibatch("reshuffle")),
        "linear regression, Gaussian noise": _of_table(line, ls.noise.table_gaussian()),
        "multinomial regression, d = 6": _of_table(classes, ls.noise.minibatch()),
        "tanh network, d = 10": _of_table(
            ls.losses.tanh_network(INPUTS, TARGETS, 2), ls.noise.minibatch()
        ),
    }
    return found


def look(kernel, architectures=ARCHITECTURES):
    """(architecture -> Assembled, what is wrong with the PTX, architecture -> counts or None)."""
    launch = launch_of(make_problem(*kernel[:3], particles=100, steps=10, seed=1, **kernel.options))
    made, wrong, counts = {}, set(), {}
    for architecture, text in ptx(launch.kernel, launch.arguments, architectures).items():
        wrong |= set(defects(text))
        made[architecture] = assembled(text, architecture)
        if architecture in ON_PAPER:
            instructions, has_loops = one_pass(
                machine_code(made[architecture].code), kernel.through
            )
            # A histogram's loop is over its axes: one pass, or none, of one axis.
            counts[architecture] = by_unit(instructions)
            counts[architecture]["loops"] = has_loops and not kernel.through
    return made, wrong, counts


def table(looks, dims):
    """The dataset of all kernels."""
    names, pair = list(looks), ("kernel", "architecture")

    def of_all(what):
        return pair, [
            [what(architecture, looks[name][0][architecture]) for architecture in ARCHITECTURES]
            for name in names
        ]

    def labelled(entry, text, units="1"):
        return *entry, {"long_name": text, "units": units}

    units = [*UNITS, "issue"]
    counts = [[[looks[n][2][a][u] for u in units] for a in ON_PAPER] for n in names]
    allowed = [[_limit(looks[n][2][a], gpu) for a, gpu in ON_PAPER.items()] for n in names]
    of_gpu = "kernel", "counted"
    loops = [[looks[n][2][a]["loops"] for a in ON_PAPER] for n in names]
    variables = {
        "registers": labelled(of_all(lambda _, made: made.registers), "registers of a thread"),
        "spilled": labelled(of_all(lambda _, made: made.spilled), "spilled", "byte"),
        "stack_frame": labelled(
            of_all(lambda _, made: made.stack), "memory of a thread that is no register", "byte"
        ),
        "shared": labelled(of_all(lambda _, made: made.shared), "shared memory", "byte"),
        "occupancy": labelled(
            of_all(lambda a, made: occupancy(a, made.registers, GPU_BLOCK)),
            f"share of the threads that a multiprocessor holds, in blocks of {GPU_BLOCK}",
        ),
        "instructions": labelled(
            ((*of_gpu, "unit"), counts),
            "instructions of a particle-step on the shortest way through the loop over steps; "
            "a loop within counts once or not at all",
        ),
        "has_inner_loops": labelled(
            (of_gpu, np.array(loops)),
            "whether a step has a loop that may be long: its length is not known",
        ),
        "most": labelled(
            (of_gpu, [[rate for _, rate in row] for row in allowed]),
            "particle-steps that the units allow at most, on paper",
            "1 / s",
        ),
        "limiting_unit": labelled(
            (of_gpu, [[unit for unit, _ in row] for row in allowed]), "unit that allows least"
        ),
        "dim": labelled(("kernel", dims), "dimension"),
    }
    coordinates = {
        "kernel": labelled(("kernel", names), "what is run"),
        "architecture": labelled(
            ("architecture", list(ARCHITECTURES)), "compute capability, times ten"
        ),
        "counted": labelled(
            ("counted", list(ON_PAPER)), "compute capability, times ten, of what is counted"
        ),
        "gpu": labelled(("counted", [gpu.name for gpu in ON_PAPER.values()]), "device, on paper"),
        "unit": labelled(("unit", units), "unit that works on an instruction"),
    }
    return xr.Dataset(variables, coordinates)


def _limit(counts, gpu):
    """As `roofline.limit`; nothing where a step has a loop of a length that is not known."""
    return ("loops", np.nan) if counts["loops"] else limit(counts, gpu)


def tell(name, made, counts):
    """One row of the printed table."""
    parts = [f"{each.registers}" + ("!" if each.spilled else "") for each in made.values()]
    of_h100 = counts[H100.architecture]
    unit, rate = _limit(of_h100, H100)
    each = limits(of_h100, H100)
    rates = [each.get("float64", np.inf), each["integer"], rate]
    print(
        f"{name:34s} {' '.join(f'{part:>4s}' for part in parts)}  {of_h100['issue']:4d} "
        f"{' '.join(f'{each:9.2g}' for each in rates)} {unit}",
        flush=True,
    )


def main():
    """Look at all kernels; the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--update-data", action="store_true", help=f"write {KEPT.name}")
    parser.add_argument("--only", default="", help="kernels whose names have these words")
    given = parser.parse_args()
    chosen = {name: each for name, each in kernels().items() if given.only in name}
    print("registers on sm_" + ", ".join(map(str, ARCHITECTURES)) + " (! spilled); H100, on paper:")
    print("instructions of a step, then particle-steps/s by float64, by integers, and the least")
    looks, is_sound = {}, True
    for name, kernel in chosen.items():
        looks[name] = look(kernel)
        made, wrong, counts = looks[name]
        tell(name, made, counts)
        spills = [a for a, each in made.items() if each.spilled and kernel.model.dim <= FEW]
        if wrong or spills:
            print(f"  NOT sound: {', '.join(sorted(wrong))} {spills}")
            is_sound = False
    if given.update_data and is_sound and not given.only:
        found = table(looks, [kernel.model.dim for kernel in chosen.values()])
        title = (__doc__ or "").splitlines()[0]
        attributes = global_attributes(title, f"python {' '.join(sys.argv)}")
        ls.save(sealed(found.assign_attrs(attributes)), KEPT)
        print(f"wrote {KEPT}")
    return int(not is_sound)


if __name__ == "__main__":
    sys.exit(main())
