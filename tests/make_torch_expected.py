"""Writes torch_optimizers.json: where PyTorch's optimizers go on a logistic regression, on all its
rows and on given batches.

Run:  python tests/make_torch_expected.py      (needs torch; the package and its tests do not)
"""

import json
from pathlib import Path

import numpy as np
import torch

STEPS, L2 = 40, 0.1
random = np.random.default_rng(5)
INPUTS, START = random.normal(size=(12, 3)).round(3), [0.7, -0.4, 1.2]
LABELS = (INPUTS @ [1.0, -2.0, 0.5] + random.normal(size=12) > 0).astype(float)
DECAY = {"weight_decay": 0.3}
RUNS = {  # ours, ours' arguments, torch's optimizer, its arguments
    "plain": ("sgd", {}, "SGD", {}),
    "weight_decay": ("sgd", DECAY, "SGD", DECAY),
    "momentum": ("sgd", {"momentum": 0.9}, "SGD", {"momentum": 0.9}),
    "momentum_decay": ("sgd", {"momentum": 0.8} | DECAY, "SGD", {"momentum": 0.8} | DECAY),
    "nesterov": (
        "sgd",
        {"momentum": 0.9, "nesterov": "torch"} | DECAY,
        "SGD",
        {"momentum": 0.9, "nesterov": True} | DECAY,
    ),
    "adam": ("adam", {}, "Adam", {}),
    "adam_decay": (
        "adam",
        {"beta1": 0.7, "beta2": 0.95, "epsilon": 1e-3} | DECAY,
        "Adam",
        {"betas": (0.7, 0.95), "eps": 1e-3} | DECAY,
    ),
    "rmsprop": ("rmsprop", {}, "RMSprop", {}),
    "rmsprop_decay": (
        "rmsprop",
        {"beta2": 0.9, "epsilon": 1e-3} | DECAY,
        "RMSprop",
        {"alpha": 0.9, "eps": 1e-3} | DECAY,
    ),
    "clipped": ("clipped_sgd", {"momentum": 0.5, "max_norm": 0.1}, "SGD", {"momentum": 0.5}),
}
GIVEN = ("plain", "weight_decay", "momentum", "momentum_decay", "nesterov", "adam", "adam_decay")
BATCHES = np.random.default_rng(6).integers(len(INPUTS), size=(STEPS, 3))


def path(name, rates, batches=None):
    """Positions after each step (STEPS, 3); `rates` are the learning rates of the steps, `batches`
    their rows (None: all).
    """
    _, ours, optimizer, arguments = RUNS[name]
    x = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    inputs, signs = torch.tensor(INPUTS, dtype=torch.float64), torch.tensor(2 * LABELS - 1)
    optimizer, positions = getattr(torch.optim, optimizer)([x], lr=rates[0], **arguments), []
    for step, rate in enumerate(rates):
        rows = slice(None) if batches is None else batches[step]
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = (
            torch.nn.functional.softplus(-signs[rows] * (inputs[rows] @ x)).mean()
            + L2 / 2 * (x * x).sum()
        )
        loss.backward()
        if "max_norm" in ours:  # torch's own clipping adds 1e-6 to the norm
            x.grad *= min(1.0, ours["max_norm"] / float(x.grad.norm()))
        optimizer.step()
        positions.append(x.tolist())
    return positions


def main():
    falling = (0.5 / (1 + np.arange(STEPS) / 5)).tolist()
    runs = {}
    for name, (ours, arguments, _, _) in RUNS.items():
        rate = 0.05 if ours in ("adam", "rmsprop") else 0.5
        runs[name] = {
            "dynamics": ours,
            "arguments": arguments | {"learning_rate": rate},
            "x": path(name, [rate] * STEPS)[4::5],
        }
    for name in ("momentum", "nesterov", "adam"):
        arguments = RUNS[name][1] | ({} if name == "adam" else {"rate_inside": False})
        runs[f"{name}_falling"] = {
            "dynamics": RUNS[name][0],
            "arguments": arguments,
            "rates": falling,
            "x": path(name, falling)[4::5],
        }
    problem = {
        "inputs": INPUTS.tolist(),
        "labels": LABELS.tolist(),
        "l2": L2,
        "start": START,
        "steps": STEPS,
        "every": 5,
    }
    given = {
        name: path(name, [runs[name]["arguments"]["learning_rate"]] * STEPS, BATCHES)[4::5]
        for name in GIVEN
    }
    text = {
        "made_by": "tests/make_torch_expected.py",
        "torch": torch.__version__,
        "problem": problem,
        "runs": runs,
    }
    text["given"] = {"batches": BATCHES.tolist(), "x": given}
    (Path(__file__).parent / "torch_optimizers.json").write_text(
        json.dumps(text) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
