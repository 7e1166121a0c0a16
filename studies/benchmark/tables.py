"""What throughput.py measured, printed, and as parts of its dataset."""

import numpy as np
import xarray as xr

from benchmark.parts import FUNCTIONS, REGISTERS

OURS = "langevin_sgd"
DIMS, BATCHES = (2, 3, 4, 8, 16, 32, 64), (4, 16)
NS = {"units": "ns"}


def by_program(rates, missing):
    """The table of (a), printed, and its part of the dataset."""
    print(f"{'program':26s} {'M particle-steps/s':>19s} {'ns':>8s} {OURS + ' is':>16s}  variant")
    for name, (rate, variant) in rates.items():
        print(
            f"{name:26s} {rate / 1e6:19.1f} {1e9 / rate:8.2f} {rates[OURS][0] / rate:15.1f}x  "
            f"{variant}"
        )
    for name, reason in missing.items():
        print(f"{name:26s} {'none':>19s}: {reason}")
    names = [*rates, *missing]
    labels = {
        "long_name": "particle-steps per second, nan where there is a reason instead",
        "units": "1 / s",
    }
    values = [rates[name][0] if name in rates else np.nan for name in names]
    notes = [rates[name][1] if name in rates else missing[name] for name in names]
    text = {"long_name": "fastest variant, or the reason for no number", "units": "1"}
    return xr.Dataset(
        {"rate": ("program", values, labels)},
        {"program": names, "variant": ("program", notes, text)},
    )


def by_part(times, counts, step):
    """The table of (b), printed, and its part of the dataset; `step` is the whole step in ns."""
    print(
        f"\n{'part of a 2-D step, 1 thread':30s} {'ns':>7s}   instructions with "
        f"{', '.join(REGISTERS)} registers"
    )
    for name, time_of in times.items():
        print(f"{name:30s} {time_of:7.3f}   {counts[name]}")
    print(f"{'whole step':30s} {step:7.3f}")
    number = {
        "long_name": "vector instructions of the compiled loop, by the widest register",
        "units": "1",
    }
    return xr.Dataset(
        {
            "part_time": (
                "part",
                list(times.values()),
                {"long_name": "time of a part per particle-step", **NS},
            ),
            "instructions": (("part", "register"), list(counts.values()), number),
            "step_time": (
                (),
                step,
                {"long_name": "time of a whole step per particle, 1 thread", **NS},
            ),
        },
        {"part": list(times), "register": list(REGISTERS)},
    )


def by_dimension(seconds):
    """The table of (c), printed, and its part of the dataset."""
    rate = np.array([d / seconds["diagonal", d] for d in DIMS])
    matrix, fill = 1e9 * seconds["matrix", 8], 1e9 * seconds["fill", 8]
    print(
        "\nquadratic, 1 thread: M coordinate-steps/s",
        ", ".join(f"d = {d}: {r / 1e6:.0f}" for d, r in zip(DIMS, rate, strict=True)),
    )
    print(f"matrix H at d = 8: {matrix:.2f} ns per particle-step, its noise {fill:.2f} ns")
    label = {
        "long_name": "coordinate-steps per second on a quadratic with diagonal hessian, 1 thread",
        "units": "1 / s",
    }
    values = {"coordinate_rate": ("dim", rate, label)}
    values["matrix_time"] = (
        (),
        matrix,
        {"long_name": "time per particle-step with an 8 x 8 hessian, 1 thread", **NS},
    )
    values["matrix_fill_time"] = (), fill, {"long_name": "time of the normals of that step", **NS}
    return xr.Dataset(values, {"dim": list(DIMS)})


def by_batch(times):
    """The table of (d), printed, and its part of the dataset."""
    print(
        f"\n{'linear regression':34s} ns per example gradient at batch size {BATCHES[0]} and "
        f"{BATCHES[1]}"
    )
    for name, (values, variants) in times.items():
        print(
            f"{name:34s} {values[0]:8.2f} {values[1]:8.2f}   "
            f"{', '.join(filter(None, dict.fromkeys(variants)))}"
        )
    label = {"long_name": "time per example gradient", **NS}
    values = {
        "example_time": (("method", "batch_size"), [values for values, _ in times.values()], label)
    }
    return xr.Dataset(values, {"method": list(times), "batch_size": list(BATCHES)})


def by_function(times):
    """The table of (e), printed, and its part of the dataset."""
    print(f"\n{'function':10s} {'lanes, ns':>10s} {'math, ns':>10s}")
    for name, (lanes, scalar) in zip(FUNCTIONS, times, strict=True):
        print(f"{name:10s} {lanes:10.2f} {scalar:10.2f}  {scalar / lanes:.1f}x")
    values = {
        "function_time": (
            ("function", "form"),
            times,
            {"long_name": "time of one function value, 1 thread", **NS},
        )
    }
    return xr.Dataset(values, {"function": list(FUNCTIONS), "form": ["lanes", "math"]})
