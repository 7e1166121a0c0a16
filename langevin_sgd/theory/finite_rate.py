"""Boltzmann's law at a finite learning rate: the first-order correction for isotropic Gaussian
noise.
"""

import numpy as np

from ..models.evaluate import evaluate
from . import inputs
from .boltzmann import boltzmann_density, check_temperature
from .grids import QUANTITIES, grid_moments, tensor_nodes, with_errors


def finite_rate_energy(potential, x, learning_rate, temperature):
    """The energy U_eta whose Boltzmann law is that of SGD to first order in the learning rate, at
    fixed temperature.

    U_eta = U - (eta/4) |grad U|^2 + (eta T/2) Laplacian U + O(eta^2).

    Parameters
    ----------
    potential : Potential
        With a Hessian; any d.
    x : (..., d) array
        Points, in units of length.
    learning_rate, temperature : float
        eta in length^2/energy and T = eta sigma^2/(2 B) in units of energy, for noise of covariance
        sigma^2 times the identity.

    Returns
    -------
    (...) array
        In units of energy.

    Notes
    -----
    The Laplacian favours flat places: that is an effect of the finite rate itself. The sign of the
    gradient term is opposite to that of the modified loss of the mean path, U + (eta/4) |grad U|^2.
    On a potential that grows faster than a quadratic exp(-U_eta/T) is not normalisable: use
    `finite_rate_density`. Source: the stationary solution of the chain's Kramers-Moyal expansion to
    first order: with p = exp(-U/T)(1 + eta f) it holds f = |grad U|^2/(4 T) - Laplacian U/2,
    derived here; exact on a quadratic to O(eta^2)."""
    rate = float(inputs.positive("learning_rate", learning_rate))
    check_temperature(temperature)
    gradient, hessian = evaluate(potential, x, "gradient"), evaluate(potential, x, "hessian")
    laplacian = np.trace(hessian, axis1=-2, axis2=-1)
    return (
        evaluate(potential, x, "energy")
        - rate / 4 * (gradient**2).sum(axis=-1)
        + rate * temperature / 2 * laplacian
    )


def finite_rate_density(potential, temperature, learning_rate, *, bounds=None):
    """Stationary density of SGD to first order in the learning rate: exp(-U/T)/Z * (1 + eta (f -
    <f>)).

    f = |grad U|^2/(4 T) - Laplacian U/2, and <f> is its Boltzmann mean, so that the law stays
    normalised.

    Parameters
    ----------
    potential : Potential
        With a Hessian, d <= 3.
    temperature, bounds
        As in `boltzmann_density`; T = eta sigma^2/(2 B) for noise of covariance sigma^2 times the
        identity.
    learning_rate : float
        eta > 0, in length^2/energy.

    Returns
    -------
    xarray.Dataset
        ``density``, ``weight``, ``energy`` on the grid of `boltzmann_density`, and
        ``mean_position``, ``second_moment``, ``fourth_moment``, ``mean_energy``,
        ``energy_variance``, ``entropy``. Each ``NAME_error`` is |first order|^2/|Boltzmann value|
        for the moments that the correction moves by a relative r: an estimate r^2 of the neglected
        second order.

    Raises
    ------
    ValueError
        If the linearised density is negative somewhere with a weight above 1e-6: the learning rate
        is too large for it.

    Notes
    -----
    Quartic well, T = 0.2, eta = 0.05: E x^2 = 0.82313, the exact one 0.82276, Boltzmann 0.83090; KL
    from the exact law 1.9e-5, that of the exponential form on |x| < 2.2 4.6e-6, Boltzmann's 1.1e-3.
    Source: as `finite_rate_energy`."""
    rate = float(inputs.positive("learning_rate", learning_rate))
    law = boltzmann_density(potential, temperature, bounds=bounds)
    nodes = tensor_nodes([law[dim].values for dim in law.density.dims])
    probability, energy = (law.density * law.weight).values, law.energy.values
    factor = (energy - finite_rate_energy(potential, nodes, rate, temperature)) / temperature
    factor = 1 + factor - (factor * probability).sum()
    lost = -(probability * np.minimum(factor, 0)).sum()
    if lost > 1e-6:
        raise ValueError(
            f"learning_rate {rate:g} is too large for the linearised density: it is negative with "
            f"weight {lost:.2g}; use "
            "transfer_operator, which is exact"
        )
    density = law.density.values * np.maximum(factor, 0)
    moments = grid_moments(nodes, density * law.weight.values, energy, density)
    base = {name: law[name].values for name in QUANTITIES}
    neglected = {}
    for name, value in moments.items():
        scale = np.where(np.abs(base[name]) > 1e-12, base[name], np.inf)
        neglected[name] = value + (value - base[name]) ** 2 / np.abs(scale)
    fields = {
        "density": (
            density,
            (),
            "density to first order in the learning rate",
            f"length^-{potential.dim}",
        ),
        "weight": (
            law.weight.values,
            (),
            "quadrature weight of the node",
            f"length^{potential.dim}",
        ),
        "energy": (energy, (), "potential energy", "energy"),
    }
    axes = [law[dim].values for dim in law.density.dims]
    return with_errors(axes, fields, moments, neglected, QUANTITIES).assign_attrs(
        law.attrs, learning_rate=rate
    )
