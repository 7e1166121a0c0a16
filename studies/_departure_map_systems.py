"""The systems of departure_map.py: a bowl and a double well under noise that is turned against H
and grows with the loss."""

from functools import cache

import numpy as np

import langevin_sgd as ls
from langevin_sgd.kernels.elementary import sqrt

CURVATURE, GROWTH = (1.0, 0.2), 4.0
BOWL = ls.potentials.quadratic(CURVATURE)
WELL = ls.potentials.double_well(dim=2, barrier=0.25, stiffness=1.0, coupling=0.8)
CAUSES = {"anisotropy": "anisotropy", "state_dependence": "state dependence"}
CAUSES |= {"finite_rate": "finite rate"}
PARTS = ["kl", "kl_temperature", "kl_direction", "kl_rotation"]
TEMPERATURES = ["temperature_0_0", "temperature_0_1", "temperature_1_1"]
BATCHES = (1, 16)
# of a variable with a key in its name, the first one
UNITS = dict.fromkeys(("scale", "rate", "check"), "length^2/energy")
UNITS |= {"temperature": "energy", "energy": "energy", "angle": "degree"}
UNITS |= dict.fromkeys(("contribution", "value", "chain_exact"), "nat, or energy")
UNITS |= {"swept_exact": "energy"}


def factor(p, x, out):
    energy = 0.5 * (p.curvature[0] * x[0] * x[0] + p.curvature[1] * x[1] * x[1])
    size = sqrt(1.0 + p.growth * energy)
    for k in range(4):
        out[k] = size * p.root[k]


def turned(anisotropy, angle, power=1.0):
    """Covariance (2, 2) of trace 2 power, its larger axis `angle` degrees from the stiff one."""
    axis = np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
    return power * ((1 - anisotropy) * np.eye(2) + 2 * anisotropy * np.outer(axis, axis))


def noise_of(anisotropy, angle, loudness=1.0):
    """Sigma(x) = turned(anisotropy, angle) (1 + GROWTH U(x)), times the square of the loudness."""
    values, vectors = np.linalg.eigh(turned(anisotropy, angle, loudness**2))
    root = (vectors * np.sqrt(values)).ravel()
    params = {"curvature": np.array(CURVATURE), "growth": GROWTH, "root": root}
    return ls.noise.gaussian_field(factor, params, normals=2, dim=2)


def sgd_at(scale, batch_size):
    """SGD of learning_rate / batch_size = scale."""
    return ls.dynamics.sgd(float(scale * batch_size), int(batch_size))


@cache
def exact_ledger(scale, batch_size, anisotropy, angle):
    """The ledger of the bowl, exact."""
    noise, moves = noise_of(anisotropy, angle), sgd_at(scale, batch_size)
    return ls.analysis.ledger(BOWL, moves, noise, reference_point=[0.0, 0.0])


def largest_cause(part):
    """The number of the cause of the largest contribution, of a ledger of one symptom; -1 if SGD
    has no stationary second moment."""
    values = part.contribution.sel(rung=list(CAUSES)).values
    return int(np.abs(values).argmax()) if np.isfinite(values).all() else -1


def border(batch_size, anisotropy, angle):
    """learning_rate / batch_size beyond which anisotropy is no more the largest cause of KL, exact,
    and the number of the cause that is."""
    from scipy.optimize import brentq

    def lead(log_scale):
        row = exact_ledger(float(np.exp(log_scale)), batch_size, anisotropy, angle)
        size = np.abs(row.contribution.sel(symptom="kl", rung=list(CAUSES)).values)
        return np.nan_to_num(np.log(size[1:].max() / size[0]), nan=10.0)

    scan = np.log(np.geomspace(0.03, 1.9, 8) / batch_size)
    first = next(k for k in range(1, len(scan)) if lead(scan[k]) > 0)
    root = float(np.exp(brentq(lead, scan[first - 1], scan[first], xtol=1e-4)))
    beyond = exact_ledger(1.01 * root, batch_size, anisotropy, angle).sel(symptom="kl")
    return root, largest_cause(beyond)
