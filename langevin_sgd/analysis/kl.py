"""Kullback-Leibler divergence of a histogram from a reference law on the same bins."""

import numpy as np
import xarray as xr

from ..arguments import checked, finite_array, optional, whole, within
from ..engine.reducers.readings import labelled, with_error
from ..models.evaluate import evaluate, landscape
from ..theory.boltzmann import best_fit_temperature, boltzmann_bin_probabilities, boltzmann_density
from .density import density, edges_of
from .particles import AT_STEP, at_step, attributes, landscape_of, weight_decay_of

SUM_TOLERANCE = 1e-6  # how far probabilities may sum above one: quadrature error
LEAST_MASS = 1e-9  # less reference mass than this outside the bins is quadrature error


@checked(counts=finite_array, probabilities=finite_array, outside=whole(0), fitted=whole(0))
def kl_to_probabilities(counts, probabilities, *, outside=0, fitted=0):
    """KL(p || q) of the law p behind a histogram from given bin probabilities q, in nats, with bias
    correction and error.

    Parameters
    ----------
    counts : array of whole numbers, any shape
        Independent particles in each bin.
    probabilities : array of the same shape
        Reference q of each bin; what their sum leaves to 1 belongs to one more bin, everything
        outside.
    outside : int
        Particles outside all bins.
    fitted : int
        How many parameters of q were fitted to the same particles.

    Returns
    -------
    xarray.Dataset
        ``kl`` = ``plug_in`` - ``bias``, and ``standard_error``, in nats; ``occupied_bins``;
        ``sparse_bias``, in nats: the size of the bias that bins of few particles may still add to
        ``kl``. Where it is not small against the error, take wider bins.

    Raises
    ------
    TypeError, ValueError
        If the shapes differ, the probabilities are negative or sum to more than one, there are
        fewer than two particles, or a bin of probability zero holds particles: KL is infinite.

    Notes
    -----
    plug_in = sum_k (c_k/n) log(c_k/(n q_k)). Its bias is (K - 1)/(2n) + O(n^-2) whatever p and q
    are, with K the number of bins that p can reach (Miller 1955, Paninski 2003; derived: with
    p_hat = p + delta, plug_in = KL + sum delta log(p/q) + sum delta^2/(2p) + ..., E
    delta_k^2 = p_k (1 - p_k)/n). It is removed by the jackknife, n D - (n - 1) mean(D without one
    particle), which needs no K: on 40 x 40 bins of a double well, 20,000 particles, it left 0.001
    to 0.003 of a bias of 0.022, where (occupied bins - 1)/(2n) left 0.004 to 0.005. No correction
    sees bins that expect less than one particle; sparse_bias, bins of one particle over 2n, was 0.9
    to 2.1 times what was left there and on 100 x 100 bins. A parameter fitted to the same particles
    takes 1/(2n) off if q can match p. The variance is that of the mean of L = log(p/q) (delta
    method), less the upward bias (K - 1)/n^2 of its own plug-in, plus the (K - 1)/(2 n^2) of the
    second order, which is what remains for p = q, where 2 n plug_in has the chi-squared law of K -
    1 degrees; K is here the number of occupied bins."""
    q = probabilities
    _check_histogram(counts, q, outside)
    rest = 1.0 - q.sum()
    if outside and rest < LEAST_MASS:
        raise ValueError(
            f"{outside} particles lie outside bins that hold all the reference's probability (to "
            f"{LEAST_MASS:g}). Widen the bins."
        )
    counts, q = np.append(counts.ravel(), outside), np.append(q.ravel(), max(rest, 0.0))
    occupied = counts > 0
    if np.any(q[occupied] == 0):
        raise ValueError(
            "KL is infinite: a bin of probability 0 holds particles. Merge it with a neighbour, "
            "or widen the bins."
        )
    c, q = counts[occupied].astype(float), q[occupied]
    n, ratio = c.sum(), np.log(c / c.sum() / q)
    plug_in = c @ ratio / n
    kl = _jackknife(c, q, plug_in) + fitted / (2 * n)
    freedom = max(len(c) - 1 - fitted, 0)
    first_order = c @ (ratio - plug_in) ** 2 / n**2
    variance = max(first_order - freedom / n**2, 0.0) + freedom / (2 * n**2)
    sparse = (c == 1).sum() / (2 * n)
    return xr.Dataset(
        {
            "kl": labelled((), kl, "KL divergence, bias corrected", "nat"),
            "standard_error": labelled(
                (), np.sqrt(variance), "standard error of the KL divergence", "nat"
            ),
            "plug_in": labelled((), plug_in, "KL divergence of the raw histogram", "nat"),
            "bias": labelled((), plug_in - kl, "bias that was removed", "nat"),
            "sparse_bias": labelled(
                (), sparse, "size of the bias that sparse bins may still add", "nat"
            ),
            "occupied_bins": labelled(
                (), len(c), "bins with particles, the outside counted as one"
            ),
        }
    )


def _jackknife(c, q, plug_in):
    """n D - (n - 1) mean(D without one particle): the particles of a bin all give the same D, so
    this is a sum over bins.

    D = (sum c log c - sum c log q)/n - log n, in which one particle less in a bin changes c log c
    and c log q of that bin."""
    from scipy.special import xlogy

    n, own = c.sum(), xlogy(c, c)
    whole = own.sum() - c @ np.log(q)
    without = (whole - own + xlogy(c - 1, c - 1) + np.log(q)) / (n - 1) - np.log(n - 1)
    return n * plug_in - (n - 1) * (c @ without) / n


def _check_histogram(counts, q, outside):
    if counts.shape != q.shape:
        raise ValueError(
            f"probabilities must have the shape of counts, {counts.shape}, got {q.shape}."
        )
    if np.any(counts < 0) or np.any(counts != np.round(counts)):
        raise ValueError("counts must be whole numbers >= 0: numbers of particles, not densities.")
    if not np.all(q >= 0) or q.sum() > 1 + SUM_TOLERANCE:
        smallest = q.min() if q.size else 0.0
        raise ValueError(
            f"probabilities must be >= 0 with a sum of at most 1; the smallest is {smallest:g}, "
            f"the sum {q.sum():.9g}."
        )
    if counts.sum() + outside < 2:
        raise ValueError(
            f"counts must hold at least 2 particles, got {int(counts.sum() + outside)}."
        )


@checked(potential=landscape, temperature=optional(within(above=0)), **AT_STEP)
def kl_to_boltzmann(
    run, potential, temperature=None, *, bins=50, range=None, step=None, on_diverged="raise"
):
    """KL(p || exp(-U/T)/Z) of the law p of the particles, in nats, on stated bins, with bias
    correction and standard error.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate`; uses ``x``, in units of length.
    potential : Potential or Loss
        The landscape U in one or two dimensions, in units of energy; integrals go over its domain.
    temperature : float, optional
        T in units of energy; default the one whose Boltzmann law is closest to p in KL: that of
        equal mean energy.
    bins, range, step, on_diverged
        As in `density`. Everything outside the bins counts as one more bin.

    Returns
    -------
    xarray.Dataset
        What `kl_to_probabilities` returns, ``temperature`` and ``temperature_standard_error`` (0 if
        it was given), and, on the bins, ``count`` and the reference's ``probability``, with the
        coordinates of `density`.

    Raises
    ------
    TypeError, ValueError
        As `density`, `boltzmann_bin_probabilities` and `kl_to_probabilities`; also if the run has a
        weight decay, or drew from a population whose mean loss is not known.

    Notes
    -----
    Coarse bins hide structure: KL on bins is a lower bound of KL of the densities and grows when
    bins are split. Compare with an exact law on the same bins (`theory.bin_probabilities` of a
    `theory.transfer_operator` law). Since KL is least at the fitted T, the error of T changes it in
    second order only; that shift is corrected as one fitted parameter. Its error is T^2 sd(U) /
    (n^1/2 Var_T(U)), from d<U>_T/dT = Var_T(U)/T^2."""
    if weight_decay_of(run):
        raise ValueError(
            f"run has weight_decay = {weight_decay_of(run):g}, which belongs to Boltzmann's "
            "energy. Put (weight_decay/2) |x|^2 "
            "into the energy of the potential, and simulate without weight_decay: the same "
            "dynamics."
        )
    particles = at_step(run, step, on_diverged)
    potential = landscape_of(run, potential, particles.x.shape[1], "potential", walls=True)
    if potential.dim > 2:
        raise ValueError(
            f"potential must have dim 1 or 2 for a histogram, got {potential.dim} for "
            f"{potential.name!r}. Use boltzmann_test, or hold a marginal (`density` with "
            "components=) against theory.boltzmann_density."
        )
    histogram = density(run, bins=bins, range=range, step=step, on_diverged=on_diverged)
    fitted, error = int(temperature is None), 0.0
    if fitted:
        energy = evaluate(potential, particles.x, "energy")
        temperature = best_fit_temperature(potential, energy.mean())
        spread = float(boltzmann_density(potential, temperature).energy_variance)
        error = temperature**2 / spread * energy.std(ddof=1) / np.sqrt(len(energy))
    probability = boltzmann_bin_probabilities(potential, temperature, edges_of(histogram))
    count = histogram["count"]
    result = kl_to_probabilities(
        count.values, probability, outside=int(histogram["outside"]), fitted=fitted
    )
    pair, text = (float(temperature), error), "temperature of the reference"
    result = result.assign(with_error("temperature", (), pair, text, "energy") | {"count": count})
    result["probability"] = labelled(
        count.dims, probability, "probability of the bin under the reference"
    )
    edges = {f"{name}_edge": histogram[f"{name}_edge"] for name in count.dims}
    return result.assign_coords(edges).assign_attrs(attributes(run, particles))
