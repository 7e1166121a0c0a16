"""What can be asked of a stationary law from the transfer operator: its density anywhere, its bins,
its distance to Boltzmann."""

import numpy as np
import xarray as xr

from ..arguments import check_count, instance
from .boltzmann import best_fit_temperature, bin_rule, boltzmann_density, edges_along
from .confinement import energy_of, one_law
from .one_step_matrix import kernel_density, normal_density
from .two_grids import OnGrid, law_of_two

MOST_NODES = 2_000  # of a Gauss-Legendre rule in a bin
MOST_INTEGRALS = 2 * 10**7  # of kernels over bins; they take seconds


def transfer_law(value, name):
    """A check: what `transfer_operator` returned."""
    instance(value, name, xr.Dataset, "a dataset, from transfer_operator")
    if "image" not in value or "rotation" not in value:
        raise ValueError(
            f"{name} must come from transfer_operator: it has no one-step images of its nodes to "
            "apply the kernel to."
        )
    return value


@one_law(law=transfer_law)
def stationary_density(law, x):
    """Density of a `transfer_operator` law at any points.

    Parameters
    ----------
    law : xarray.Dataset
        From `transfer_operator`.
    x : array, shape (..., d)
        Points in the components of the potential, lengths; for d = 1 also (...).

    Returns
    -------
    array, shape (...)
        In length^-d.

    Notes
    -----
    One exact application of the kernel to the law on the grid: with its accuracy, without
    interpolation.

    Examples
    --------
    On a quadratic the law is normal with the variance eta/(2 - eta) = 1/4, and 1/sqrt(2 pi/4) high:

    >>> law = ls.theory.transfer_operator(ls.potentials.quadratic([1.0]), 1.0, learning_rate=0.4)
    >>> f"{ls.theory.stationary_density(law, 0.0):.6f} {(2 * np.pi / 4) ** -0.5:.6f}"
    '0.797885 0.797885'
    """
    rotation = law.rotation.values
    if len(rotation) == 1 and (x.ndim == 0 or x.shape[-1] != 1):
        x = x[..., None]
    y = x @ rotation
    mean, sd, probability = kernel_nodes(law)
    flat = y.reshape(-1, y.shape[-1])
    density = np.empty(len(flat))
    for start in range(0, len(flat), 512):
        part = slice(start, start + 512)
        density[part] = kernel_density(flat[part], mean, sd) @ probability
    return density.reshape(y.shape[:-1])


def kernel_nodes(law):
    """Images, step noise and probabilities of the nodes that matter: those with more than 1e-18 of
    the largest probability."""
    dim = law.sizes["axis"]
    probability = (law.density * law.weight).values.ravel()
    kept = probability > 1e-18 * probability.max()
    return (
        law.image.values.reshape(-1, dim)[kept],
        law.step_sd.values.reshape(-1, dim)[kept],
        probability[kept],
    )


@one_law(law=transfer_law)
def bin_probabilities(law, edges):
    """Probability of every bin of a rectangular histogram under a `transfer_operator` law.

    Parameters
    ----------
    law : xarray.Dataset
        From `transfer_operator`.
    edges : list of d increasing arrays
        Along each component, lengths. Edges may be infinite, but for component 0 with correlated
        noise in d = 2: a one-dimensional law gives tails P(x > z) as edges (z, inf).

    Returns
    -------
    array, shape (bins_0,) or (bins_0, bins_1)
        Integrated over the bin, with the accuracy of the law.

    Notes
    -----
    Along an axis without rotation the normal kernel is integrated in closed form (error function).
    With correlated noise in d = 2 the kernel is integrated exactly along component 1 given
    component 0, and by Gauss-Legendre along component 0.

    Examples
    --------
    On a quadratic the law is normal of standard deviation 1/2, hence 68.27 % within it:

    >>> law = ls.theory.transfer_operator(ls.potentials.quadratic([1.0]), 1.0, learning_rate=0.4)
    >>> ls.theory.bin_probabilities(law, [[-np.inf, -0.5, 0.5, np.inf]]).round(4).tolist()
    [0.1587, 0.6827, 0.1587]
    """
    edges = edges_along(edges, law.sizes["axis"])
    mean, sd, probability = kernel_nodes(law)
    for edge in edges:
        check_count(edge.size * probability.size, "edges", MOST_INTEGRALS)
    if np.all(law.rotation.values == np.eye(len(edges))):
        inside = [_normal_bins(edge, mean[:, k], sd[:, k]) for k, edge in enumerate(edges)]
        if len(edges) == 1:
            return inside[0] @ probability
        across, along = inside
        return (across * probability) @ along.T
    return _correlated_bins(law, edges, mean, sd, probability)


def _normal_bins(edge, mean, sd):
    """Probability (bins, nodes) that a normal variable falls between neighbouring edges."""
    from scipy.special import ndtr

    z = (edge[:, None] - mean) / sd
    # In the upper half the tail is used, so that a small tail is not the difference of two numbers
    # near one.
    below, above = ndtr(z), ndtr(-z)
    return np.where(z[:-1] > 0, above[:-1] - above[1:], below[1:] - below[:-1])


def _correlated_bins(law, edges, mean, sd, probability):
    """Bin probabilities in d = 2 when the noise is correlated: exact along component 1,
    Gauss-Legendre along component 0."""
    from scipy.special import ndtr

    rotation = law.rotation.values
    across, along = edges
    mean = mean @ rotation.T
    covariance = rotation @ np.diag(sd[0] ** 2) @ rotation.T
    spread = np.sqrt(covariance[0, 0])
    slope = covariance[0, 1] / covariance[0, 0]
    conditional = np.sqrt(covariance[1, 1] - slope * covariance[0, 1])
    if not np.all(np.isfinite(across)):
        raise ValueError(
            "edges[0] must be finite when the noise is correlated; edges[1] may be infinite."
        )
    order = 4 + int(np.ceil(3 * np.diff(across).max() / spread))
    if order > MOST_NODES:
        raise ValueError(f"edges[0] must be closer: a bin is {order / 3:.3g} step noises wide.")
    nodes, weights = bin_rule(across, order)
    slabs = np.empty((len(nodes), len(along) - 1))
    for row, (x, weight) in enumerate(zip(nodes, weights, strict=True)):
        near = np.abs(x - mean[:, 0]) < 8.5 * spread
        centre = mean[near, 1] + slope * (x - mean[near, 0])
        kernel = weight * probability[near] * normal_density(x - mean[near, 0], spread)
        slabs[row] = np.diff(ndtr((along[:, None] - centre) / conditional) @ kernel)
    return np.add.reduceat(slabs, np.arange(0, len(nodes), order), axis=0)


@one_law(law=transfer_law, potential=energy_of(1, 2))
def best_boltzmann(law, potential):
    """The Boltzmann law closest to a `transfer_operator` law p, and how far it is.

    Parameters
    ----------
    law : xarray.Dataset
        From `transfer_operator`.
    potential : Potential
        That of the law, in one or two dimensions.

    Returns
    -------
    xarray.Dataset
        ``temperature``, in units of U, and ``kl``, the smallest KL(p, exp(-U/T)/Z) over T in nats,
        with errors carried over from the two grids.

    Notes
    -----
    KL = -entropy(p) + E_p[U]/T + log Z(T) at the T where the mean energies agree
    (`best_fit_temperature`). Source: derived (projection on an exponential family).

    Examples
    --------
    On a quadratic SGD keeps Boltzmann's form and is only hotter, eta/(2 - eta) for eta/2:

    >>> bowl = ls.potentials.quadratic([1.0])
    >>> best = ls.theory.best_boltzmann(ls.theory.transfer_operator(bowl, 1.0, 0.4), bowl)
    >>> f"T {best.temperature:.4f}, KL {abs(best.kl):.4f}"
    'T 0.2500, KL 0.0000'
    """
    energy, error = float(law.mean_energy), float(law.mean_energy_error)
    temperature = best_fit_temperature(potential, energy)
    reference = boltzmann_density(potential, temperature)
    slope = temperature**2 / float(reference.energy_variance)
    kl = float(reference.log_normaliser) + energy / temperature - float(law.entropy)
    kl_error = float(reference.log_normaliser_error) + error / temperature
    best = OnGrid([], {}, {"temperature": temperature, "kl": kl})
    off = {"temperature": temperature + error * slope, "kl": kl + kl_error + law.entropy_error}
    return law_of_two(best, best._replace(numbers=off))
