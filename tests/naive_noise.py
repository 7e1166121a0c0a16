"""The slow obvious twins of the noise laws, in plain numpy: z (n, normals) standard normals, u (n,
uniforms) uniform numbers.

Each returns the noise (n, d) of one example at the point x (d,).
"""

import numpy as np

from langevin_sgd.kernels.rng import box_muller


def uniform(high, low):
    """52 bits of two words of 32, in [0, 1)."""
    return (int(high) * 2**20 + int(low) // 2**12) / 2**52


def normal_pair(a, b, c, d):
    """Two independent standard normals from four words."""
    return box_muller(1.0 + uniform(a, b), 1.0 + uniform(c, d))


def gaussian_field(factor, x, z):
    """xi = F(x) z."""
    return z @ factor(x).T


def two_point(scale, u):
    """Minus the scale below 1/2, plus the scale above."""
    return np.where(u < 0.5, -1.0, 1.0) * scale


def student_t(dof, factor, z, u):
    """F n/|n| |t| sqrt((dof - 2)/dof), |t| = sqrt(dof (1/W - 1)), W = prod_k U_k^(2/(dof + 2k))
    with U = 1 - u.
    """
    beta = np.prod((1 - u) ** (2 / (dof + 2 * np.arange(u.shape[1]))), axis=1)
    radius = np.sqrt((dof - 2) * (1 / beta - 1))
    direction = z / np.linalg.norm(z, axis=1, keepdims=True)
    return radius[:, None] * direction[:, : factor.shape[1]] @ factor.T


def alpha_stable(alpha, scale, u):
    """sin(alpha V)/cos(V)^(1/alpha) [cos((1 - alpha) V)/W]^((1 - alpha)/alpha)."""
    angle, waiting = np.pi * (u[:, ::2] - 0.5), -np.log(1 - u[:, 1::2])
    first = np.sin(alpha * angle) / np.cos(angle) ** (1 / alpha)
    return scale * first * (np.cos((1 - alpha) * angle) / waiting) ** ((1 - alpha) / alpha)


def online_regression(input_covariance, label_noise, factor, x, z):
    """Gradient a (a . x - e) of a fresh example, less its mean A x."""
    inputs, errors = z[:, :-1] @ factor.T, np.sqrt(label_noise) * z[:, -1]
    return inputs * (inputs @ x - errors)[:, None] - input_covariance @ x
