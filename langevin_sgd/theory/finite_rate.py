"""Boltzmann's law at a finite learning rate, to first order, for isotropic Gaussian noise."""

import numpy as np

from ..models.evaluate import evaluate
from .boltzmann import boltzmann_density
from .confinement import energy_of, one_law
from .grids import grid_moments, tensor_nodes
from .two_grids import OnGrid, law_of_two


@one_law
def finite_rate_energy(potential, x, learning_rate, temperature):
    """Energy whose Boltzmann law is that of SGD to first order in the learning rate.

    Parameters
    ----------
    potential : Potential
        With a Hessian, of any dimension d, without drift and walls.
    x : (..., d) array
        Where the energy is wanted, in units of length.
    learning_rate : float
        eta, in length^2/energy.
    temperature : float
        T = eta sigma^2/(2 B) for noise of covariance sigma^2 times the identity, held fixed; in
        units of energy.

    Returns
    -------
    (...) array
        U_eta = U - (eta/4) grad U . grad U + (eta T/2) Laplacian U + O(eta^2), in units of energy.

    Raises
    ------
    ValueError
        For a potential without a Hessian, with a drift or with walls.

    Notes
    -----
    The Laplacian favours flat places: that is an effect of the finite rate itself. The sign of the
    gradient term is opposite to that of the modified loss of the mean path,
    U + (eta/4) grad U . grad U. On a potential that grows faster than a quadratic exp(-U_eta/T) is
    not normalisable: use `finite_rate_density`. Source: the stationary solution of the chain's
    Kramers-Moyal expansion to first order: with p = exp(-U/T)(1 + eta f) it holds
    f = grad U . grad U/(4 T) - Laplacian U/2, derived here; exact on a quadratic to O(eta^2).

    Examples
    --------
    On x^2/2 it is x^2/2 - eta x^2/4 + eta T/2, whose variance T/(1 - eta/2) is that of SGD; here at
    x = 1 with eta = 0.1 and T = 0.2: 0.5 - 0.025 + 0.01.

    >>> well = ls.potentials.quadratic([1.0])
    >>> round(float(ls.theory.finite_rate_energy(well, [1.0], 0.1, 0.2)), 4)
    0.485
    """
    energy, gradient, hessian = (
        evaluate(potential, x, quantity) for quantity in ("energy", "gradient", "hessian")
    )
    slope = learning_rate / 4 * (gradient**2).sum(axis=-1)
    laplacian = np.trace(hessian, axis1=-2, axis2=-1)
    return energy - slope + learning_rate * temperature / 2 * laplacian


@one_law(potential=energy_of(1, 2, 3))
def finite_rate_density(potential, temperature, learning_rate, *, bounds=None):
    """Stationary density of SGD with isotropic Gaussian noise to first order in the learning rate.

    Parameters
    ----------
    potential : Potential
        With a Hessian, d <= 3, without drift and walls.
    temperature, learning_rate
        As in `finite_rate_energy`.
    bounds : array (d, 2), optional
        As in `boltzmann_density`.

    Returns
    -------
    xarray.Dataset
        A law on the grid of `boltzmann_density`, with ``mean_position``, ``second_moment``,
        ``fourth_moment``, ``mean_energy``, ``energy_variance``, ``entropy``. Each ``NAME_error`` is
        r^2 times the Boltzmann value for the moments that the correction moves by a relative r: an
        estimate of the neglected second order.

    Raises
    ------
    ValueError
        If the linearised density is negative somewhere with a weight above 1e-6: the learning rate
        is too large for it.

    Notes
    -----
    exp(-U/T)/Z * (1 + eta (f - <f>)) with f = grad U . grad U/(4 T) - Laplacian U/2, and <f> its
    Boltzmann mean, so that the law stays normalised. Quartic well, T = 0.2, eta = 0.05: KL from the
    exact law 1.9e-5, that of the exponential form on ``|x| < 2.2`` 4.6e-6, Boltzmann's 1.1e-3.
    Source: as `finite_rate_energy`.

    Examples
    --------
    SGD is narrower than Boltzmann's law in the quartic well; the exact variance is 0.8228.

    >>> well = ls.potentials.double_well()
    >>> first = ls.theory.finite_rate_density(well, temperature=0.2, learning_rate=0.05)
    >>> boltzmann = ls.theory.boltzmann_density(well, temperature=0.2)
    >>> round(boltzmann.second_moment.item(), 4), round(first.second_moment.item(), 4)
    (0.8309, 0.8231)
    """
    law = boltzmann_density(potential, temperature, bounds=bounds)
    axes = [law[dim].values for dim in law.density.dims]
    nodes, energy, weight = tensor_nodes(axes), law.energy.values, law.weight.values
    probability = law.density.values * weight
    shifted = finite_rate_energy(potential, nodes, learning_rate, temperature)
    factor = (energy - shifted) / temperature
    factor = 1 + factor - (factor * probability).sum()
    lost = -(probability * np.minimum(factor, 0)).sum()
    if not lost <= 1e-6:
        raise ValueError(
            f"learning_rate {learning_rate:g} is too large for the linearised density at "
            f"temperature {temperature:g}: it is negative with weight {lost:.2g}; use "
            "transfer_operator, which is exact."
        )
    density = law.density.values * np.maximum(factor, 0)
    first = OnGrid(
        axes,
        {"density": density, "weight": weight, "energy": energy},
        grid_moments(nodes, density * weight, energy, density),
    )
    neglected = {}
    for name, value in first.numbers.items():
        base = law[name].values
        scale = np.where(np.abs(base) > 1e-12, np.abs(base), np.inf)
        neglected[name] = value + (value - base) ** 2 / scale
    second = first._replace(numbers=neglected)
    return law_of_two(first, second, **law.attrs, learning_rate=learning_rate)
