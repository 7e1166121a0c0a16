"""The same bits on four processors (SSE2 and SSE4.2 without fma, AVX2 with it, AVX-512) and in
plain Python.

`NUMBA_CPU_NAME=haswell NUMBA_CPU_FEATURES= python tests/test_portable_bits.py` prints the digests
and the registers used."""

import json
import os
import platform
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from llvmlite.binding import get_host_cpu_features

import langevin_sgd as ls
from langevin_sgd.kernels import elementary as el
from langevin_sgd.kernels import rng_integers
from langevin_sgd.kernels.bits import JIT, kernel
from langevin_sgd.kernels.lanes import WIDTH
from langevin_sgd.kernels.rng import Address, Places
from langevin_sgd.kernels.views import view

# processor: (features of the host that it needs, what its code must and must not contain). Numba
# would add the host's features to those of the named processor, unless NUMBA_CPU_FEATURES says
# otherwise: then all four would run the same code and prove nothing.
PROCESSORS = {
    "generic": ((), {"ymm": False, "zmm": False, "vfmadd": False}),
    "nehalem": (("sse4.2",), {"ymm": False, "zmm": False, "vfmadd": False, "xmm": True}),
    "haswell": (("avx2", "fma", "bmi2"), {"ymm": True, "zmm": False, "vfmadd": True}),
    "skylake-avx512": (
        ("avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512cd"),
        {"zmm": True, "vfmadd": True},
    ),
}


@kernel
def texts(x):
    sine, cosine = el.sincos_turn(abs(x) - el.where(abs(x) > 1.0, abs(x), 0.0))
    return (
        *(el.exp(x), el.expm1(x), el.log(x), el.log1p(x), el.sin(x), el.cos(x), el.tanh(x)),
        *(el.sigmoid(x), el.softplus(x), el.sqrt(x), el.powi(x, 5), el.fma(x, x, -0.1)),
        *(sine, cosine, 1.0 / x),
    )


@kernel
def in_lanes(x, out):
    for i in range(0, x.size, WIDTH):
        results = texts(view(x, i, 1)[0])
        for k in range(len(results)):
            view(out, k * x.size + i, 1)[0] = results[k]


def elementary_functions():
    random = np.random.default_rng(0)
    x = np.concatenate(
        [
            random.normal(size=200),
            random.uniform(-700, 700, 195),
            [0.0, -0.0, np.inf, np.nan, 5e-324],
        ]
    )
    out = np.empty((15, x.size))
    with np.errstate(all="ignore"):
        in_lanes(x, out.reshape(-1))
    # The sign and payload of a nan are the hardware's choice.
    return np.where(np.isnan(out), np.nan, out)


def integers(rows=6, particles=64):
    groups = particles // WIDTH
    found = np.zeros((groups, rows, WIDTH), np.int64)
    address = Address._make(np.uint64(word) for word in (2**63 + 1, 2**35, 2**34, 1, 7))
    place = Places(0, rows * WIDTH, rows, groups)
    rng_integers.fill_integers(found.reshape(-1), place, address, np.uint64(3 * 2**29))
    return found.swapaxes(1, 2).reshape(particles, rows)


def simulation():
    """Normal numbers, momentum, and a full covariance, whose factor LAPACK would round in its own
    way.
    """
    start = np.random.default_rng(1).normal(size=(21, 2))
    well = ls.potentials.double_well(2, 0.5, 2.0, coupling=0.5, tilt=0.1)
    noise = ls.noise.gaussian([[1.0, 0.3], [0.3, 0.5]])
    given = {"particles": 21, "steps": 30, "x0": start, "seed": 3, "every": 10}
    return ls.simulate(well, ls.dynamics.sgd(0.1, momentum=0.5), noise, **given)


def report():
    run = simulation()
    arrays = {"elementary": elementary_functions(), "integers": integers(), "x": run.x, "v": run.v}
    digests = {
        name: sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
        for name, array in arrays.items()
    }
    code = "".join(in_lanes.inspect_asm().values()) if JIT else ""
    return {
        "digests": digests,
        "code": {word: word in code for word in ("xmm", "ymm", "zmm", "vfmadd")},
    }


@pytest.fixture(scope="module")
def reports():
    """All processes at once: half of the time goes into starting Python."""
    features = get_host_cpu_features()
    possible = [
        name
        for name, (needed, _) in PROCESSORS.items()
        if all(features.get(feature) for feature in needed)
    ]
    settings = {name: {"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": ""} for name in possible}
    settings["plain Python"] = {"NUMBA_DISABLE_JIT": "1"}
    common = {**os.environ, "PYTHONPATH": str(Path(ls.__file__).parents[1])}
    options = {"stdout": subprocess.PIPE, "text": True}
    runs = {
        name: subprocess.Popen([sys.executable, __file__], env=common | own, **options)
        for name, own in settings.items()
    }
    return {name: json.loads(run.communicate(timeout=300)[0]) for name, run in runs.items()}


@pytest.mark.slow
@pytest.mark.skipif(
    not JIT or platform.machine() not in ("x86_64", "AMD64"),
    reason="these are processors of the x86 family",
)
@pytest.mark.parametrize("name", PROCESSORS)
def test_every_processor_gives_the_bits_of_plain_python(name, reports):
    if name not in reports:
        pytest.skip(f"this machine cannot run the code of {name}")
    assert reports[name]["digests"] == reports["plain Python"]["digests"]
    assert {word: reports[name]["code"][word] for word in PROCESSORS[name][1]} == PROCESSORS[name][
        1
    ]


@pytest.mark.slow
def test_digests_see_the_last_bit(reports):
    """The twin: the digest of plain Python belongs to these numbers and no others."""
    found = integers()
    assert reports["plain Python"]["digests"]["integers"] == sha256(found.tobytes()).hexdigest()
    found[-1, -1] ^= 1
    assert reports["plain Python"]["digests"]["integers"] != sha256(found.tobytes()).hexdigest()


if __name__ == "__main__":
    print(json.dumps(report()))
