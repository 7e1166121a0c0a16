"""The rungs of a ledger on a quadratic, from second moments alone: exact where the covariance of
the gradient noise is a quadratic function of x, as for additive noise and for least squares.

In the eigenbasis of H each pair of modes answers to its own entry of the noise: S = response *
E[C], entry by entry, and E[C] = constant + slope S closes the equation."""

from typing import NamedTuple

import numpy as np

from ..models.evaluate import evaluate
from ..theory.momentum import underdamped_limit
from ..theory.quadratic_sgd import stationary_covariance
from .ledger_systems import AWAY

MOST_COMPONENTS = 24
POLYNOMIAL = 1e-8  # of the largest value at points, by which a function is known to be a polynomial


class MeanCovariance(NamedTuple):
    """E[C] = constant (d, d) + slope (d, d, d, d) E[y y'] of a batch, in the eigenbasis y of H
    about the minimum; the slope is zero for additive noise."""

    constant: np.ndarray
    slope: np.ndarray

    def at(self, second_moment):
        """E[C] in a law of this second moment."""
        return self.constant + np.einsum("ijkl,kl", self.slope, second_moment)

    def isotropic(self):
        """Noise of the same power at each point, the same in all directions."""
        share = np.eye(len(self.constant)) / len(self.constant)
        slope = np.multiply.outer(share, np.trace(self.slope))
        return MeanCovariance(np.trace(self.constant) * share, slope)


def is_quadratic(frame):
    """Whether the gradient is linear, at points up to 30 standard deviations away."""
    away = frame.directions() * AWAY
    gradient = evaluate(frame.landscape, frame.minimum + away @ frame.basis.T, "gradient")
    excess = gradient @ frame.basis - away * frame.curvature
    return bool(np.abs(excess).max() <= POLYNOMIAL * np.abs(gradient).max())


def mean_covariance(frame, covariance):
    """The `MeanCovariance` of `covariance` (n, d) -> (n, d, d), that of a batch; None where it is
    no quadratic function of x, or d is above 24."""
    d = len(frame.minimum)
    if d > MOST_COMPONENTS:
        return None

    away, unit = frame.directions(), np.diag(frame.spread)
    pairs = (unit[:, None] + unit).reshape(-1, d)
    parts = np.zeros((1, d)), away, 2 * away, 3 * away, unit, -unit, pairs, -pairs
    points = frame.minimum + np.concatenate(parts) @ frame.basis.T
    found = frame.basis.T @ covariance(points) @ frame.basis  # in one call, which costs most
    found = np.split(found, np.cumsum([len(part) for part in parts])[:-1])
    constant, (once, twice, far) = found[0][0], found[1:4]
    third = far - 3 * twice + 3 * once - constant
    if not np.abs(third).max() <= POLYNOMIAL * np.abs(far).max():
        return None
    own, crossed = ((found[k] + found[k + 1]) / 2 - constant for k in (4, 6))
    crossed = crossed.reshape(d, d, d, d) - own[:, None] - own
    crossed = crossed / 2
    slope = np.moveaxis(crossed, (0, 1), (2, 3)) / np.multiply.outer(frame.spread, frame.spread)
    felt = np.abs(slope) * frame.temperature / frame.curvature[0]
    slope[felt < POLYNOMIAL * constant.max()] = 0.0
    return MeanCovariance(constant, slope)


def overdamped_response(curvature, update):
    """S_ij over the constant C_ij that causes it in the overdamped diffusion, (d, d): eta / ((1 -
    mu)(h_i + h_j))."""
    return update.learning_rate / ((1 - update.momentum) * np.add.outer(curvature, curvature))


def underdamped_response(curvature, update):
    """The same of dx = v dt, dv = -(h/m) x dt - f v dt + sqrt(eta C)/m dW, f and m those of
    `underdamped_limit`: eta / [(h_i - h_j)^2/(2 f) + f m (h_i + h_j)] from stationarity of E[x x'],
    E[x v'] and E[v v'] (derived)."""
    friction, mass = underdamped_limit(update.learning_rate, update.momentum)
    apart, sums = np.subtract.outer(curvature, curvature), np.add.outer(curvature, curvature)
    return update.learning_rate / (apart**2 / (2 * friction) + friction * mass * sums)


def steps_response(curvature, update):
    """The same of the steps of SGD. ValueError if they are unstable."""
    every_pair = np.ones((len(curvature), len(curvature)))
    rate, momentum = update.learning_rate, update.momentum
    return stationary_covariance(np.diag(curvature), every_pair, rate, 1, momentum)


def second_moment(response, noise):
    """S = response * E[C] with E[C] that of the law itself, (d, d). ValueError if it is infinite:
    the spectral radius of S -> response * (slope S) is then one or more."""
    d = len(response)
    gain = (response[..., None, None] * noise.slope).reshape(d * d, d * d)
    radius = np.abs(np.linalg.eigvals(gain)).max()
    if radius >= 1:
        raise ValueError(
            f"second moments are infinite: noise that grows with the distance feeds itself, with a "
            f"gain of {radius:.3g}"
        )
    found = np.linalg.solve(np.eye(d * d) - gain, (response * noise.constant).ravel())
    return found.reshape(d, d)


def gaussian_symptoms(second, curvature, temperature):
    """Symptoms of second moments (..., d, d) about the minimum in the eigenbasis of H, a dict name
    -> (...): temperature matrix, energy, and KL of the Gaussian law from exp(-U/T), with its
    Pythagorean parts.

    The families exp(-U/T'), exp(-sum_k U_k/T_k) and all Gaussians are nested, so that KL is the sum
    of KL between their laws of the same moments: temperature, direction, rotation (derived);
    infinite for a law that does not fill all directions."""
    variance = np.diagonal(second, axis1=-2, axis2=-1)
    ratio = curvature * variance / temperature  # temperature of each direction
    mean = ratio.mean(axis=-1)
    found = matrix_symptoms(
        "temperature", second * np.add.outer(curvature, curvature) / 2, diagonal=0
    )
    found["energy"] = temperature * ratio.sum(axis=-1) / 2
    scale, d = np.sqrt(variance), len(curvature)
    scales = scale[..., :, None] * scale[..., None, :]  # 0 where nothing moves
    correlation = np.divide(second, scales, out=np.eye(d) + 0 * second, where=scales > 0)
    with np.errstate(divide="ignore"):
        logs = np.log(ratio)
    parts = {
        "kl_temperature": d / 2 * (mean - 1 - np.log(mean)),
        "kl_direction": (np.log(mean)[..., None] - logs).sum(axis=-1) / 2,
        "kl_rotation": -np.linalg.slogdet(correlation)[1] / 2,
    }
    return found | {"kl": sum(parts.values())} | parts


def matrix_symptoms(name, matrix, diagonal):
    """The entries (...) on and above a diagonal of matrices (..., d, d), by name."""
    rows, columns = np.triu_indices(matrix.shape[-1], diagonal)
    pairs = zip(rows, columns, strict=True)
    return {f"{name}_{i}_{j}": matrix[..., i, j] for i, j in pairs}
