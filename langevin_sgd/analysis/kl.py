"""Kullback-Leibler divergence of a histogram from a reference law on the same bins."""

import numpy as np
import xarray as xr

from ..arguments import checked, finite_array, optional, whole, within
from ..engine.reducers.readings import labelled, with_error
from ..models.evaluate import evaluate, landscape
from ..theory.boltzmann import best_fit_temperature, boltzmann_bin_probabilities, boltzmann_density
from .density import density, edges_of
from .particles import AT_STEP, at_step, attributes, landscape_of, refuse_weight_decay

SUM_TOLERANCE = 1e-6  # how far probabilities may sum above one: quadrature error
FEWEST_BINS = 3  # in which a reference must live
LEAST_SHARE = 1e-3  # of the reference's probability that the bins must hold
LEAST_MASS = 1e-9  # less reference mass than this outside the bins is quadrature error


@checked(
    counts=finite_array,
    probabilities=finite_array,
    outside=whole(0),
    fitted=whole(0),
    least_expected=within(at_least=0),
)
def kl_to_probabilities(counts, probabilities, *, outside=0, fitted=0, least_expected=5.0):
    """KL(p || q) of the law p behind a histogram from bin probabilities q, with its error.

    In nats, freed of its bias.

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
    least_expected : float
        Bins that expect fewer of n particles, n q < least_expected, are merged, those of nearly
        equal q; 0 merges none, and KL is biased upwards.

    Returns
    -------
    xarray.Dataset
        ``kl`` = ``plug_in`` - ``bias``, and ``kl_standard_error``, in nats, on the merged bins;
        ``group`` (bin_0, ...) and ``outside_group``, the number of the merged bin to which each
        belongs; ``occupied_bins``, merged ones.

    Raises
    ------
    TypeError, ValueError
        If the shapes differ, the probabilities are negative or sum to more than one, there are
        fewer than two particles or two merged bins, or a bin of probability zero holds particles:
        KL is infinite.

    Notes
    -----
    plug_in = sum_k (c_k/n) log(c_k/(n q_k)). Its bias is (K - 1)/(2n) + O(n^-2) whatever p and q
    are, with K the number of bins that p can reach (Miller 1955, Paninski 2003; derived: with p_hat
    = p + delta, plug_in = KL + sum delta log(p/q) + sum delta^2/(2p) + ..., E delta_k^2 = p_k (1 -
    p_k)/n). It is removed, without a need for K, by psi(c) - psi(n) in place of log(c/n), psi the
    digamma function: E[c psi(c)]/n = p (psi(n) + log p + R) with R = integral_0^(1-p) t^(n-1)/(1-t)
    dt, exponentially small in n p (Grassberger 1988). What remains is in bins that expect few
    particles; since q is known, they are merged, by the old rule of five of the chi-squared test.
    KL of merged bins is a lower bound of that of the bins. A parameter fitted to the same particles
    takes 1/(2n) off if q can match p. The variance is that of the mean of L = log(p/q) (delta
    method), less the upward bias (K - 1)/n^2 of its own plug-in, plus the (K - 1)/(2 n^2) of the
    second order, which is what remains for p = q, where 2 n plug_in has the chi-squared law of K -
    1 degrees; K is here the number of occupied bins.

    Examples
    --------
    Half and half where a quarter was expected: (1/2) log 2 + (1/2) log(2/3) = 0.1438.

    >>> found = ls.analysis.kl_to_probabilities([50, 50], [0.25, 0.75])
    >>> print(f"{found.plug_in:.4f} - {found.bias:.4f} = {found.kl:.4f}")
    0.1438 - 0.0050 = 0.1388
    """
    from scipy.special import psi

    q = probabilities
    _check_histogram(counts, q, outside)
    rest = 1.0 - q.sum()
    if outside and rest < LEAST_MASS:
        raise ValueError(
            f"{outside} particles lie outside bins that hold all the reference's probability (to "
            f"{LEAST_MASS:g}). Widen the bins."
        )
    dims, shape = [f"bin_{k}" for k in range(counts.ndim)], counts.shape
    counts, q = np.append(counts.ravel(), outside), np.append(q.ravel(), max(rest, 0.0))
    if np.any((q == 0) & (counts > 0)):
        raise ValueError(
            "KL is infinite: a bin of probability 0 holds particles. Merge it with a neighbour, "
            "or widen the bins."
        )
    group = _groups_of_bins(counts.sum() * q, least_expected)
    if group.max() == 0:
        raise ValueError(
            f"counts must be of more particles: of {int(counts.sum())} fewer than two bins expect "
            f"{least_expected:g}, also when those that expect less are merged."
        )
    counts, q = np.bincount(group, counts), np.bincount(group, q)
    occupied = counts > 0
    c, q = counts[occupied].astype(float), q[occupied]
    n, ratio = c.sum(), np.log(c / c.sum() / q)
    plug_in = c @ ratio / n
    kl = c @ (psi(c) - psi(n) - np.log(q)) / n + fitted / (2 * n)
    freedom = max(len(c) - 1 - fitted, 0)
    first_order = c @ (ratio - plug_in) ** 2 / n**2
    variance = max(first_order - freedom / n**2, 0.0) + freedom / (2 * n**2)
    return xr.Dataset(
        {
            "kl": labelled((), kl, "KL divergence, bias corrected", "nat"),
            "kl_standard_error": labelled(
                (), np.sqrt(variance), "standard error of the KL divergence", "nat"
            ),
            "plug_in": labelled((), plug_in, "KL divergence of the raw histogram", "nat"),
            "bias": labelled((), plug_in - kl, "bias that was removed", "nat"),
            "occupied_bins": labelled(
                (), len(c), "merged bins with particles, the outside counted as one"
            ),
            "group": labelled(dims, group[:-1].reshape(shape), "merged bin to which a bin belongs"),
            "outside_group": labelled((), group[-1], "merged bin to which the outside belongs"),
        }
    )


def _groups_of_bins(expected, least):
    """The number of the merged bin of each bin: those that expect fewer than `least` go together,
    in the order of what they expect, until it is between `least` and three times as much."""
    sparse = np.flatnonzero(expected < least)
    sparse = sparse[np.argsort(expected[sparse], kind="stable")]
    before = np.cumsum(expected[sparse]) - expected[sparse]
    group, others = np.empty(len(expected), np.int64), np.flatnonzero(expected >= least)
    total = expected[sparse].sum()
    merged = int(max(total // (2 * least), total >= least)) if len(sparse) else 0
    if merged:
        group[sparse] = np.minimum(before // (2 * least), merged - 1)
    else:  # to the bin that expects least of those that expect enough
        others = others[np.argsort(expected[others], kind="stable")]
        group[sparse] = 0
    group[others] = merged + np.arange(len(others))
    return group


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


@checked(
    potential=landscape,
    temperature=optional(within(above=0)),
    least_expected=within(at_least=0),
    **AT_STEP,
)
def kl_to_boltzmann(
    run,
    potential,
    temperature=None,
    *,
    bins=50,
    range=None,
    least_expected=5.0,
    step=None,
    on_diverged="raise",
):
    """KL(p || exp(-U/T)/Z) of the law p of the particles, on stated bins, with its error.

    In nats, freed of its bias.

    Parameters
    ----------
    run : xarray.Dataset
        Output of `simulate`; uses ``x``, in units of length.
    potential : Potential or Loss
        The landscape U in one or two dimensions, in units of energy; integrals go over its domain.
    temperature : float, optional
        T in units of energy; default the one whose Boltzmann law is closest to p in KL: that of
        equal mean energy.
    bins, range
        As in `density`. Everything outside the bins counts as one more bin.
    least_expected : float
        As in `kl_to_probabilities`: bins of fewer expected particles are merged.
    step, on_diverged
        As in `density`.

    Returns
    -------
    xarray.Dataset
        What `kl_to_probabilities` returns, ``temperature`` and ``temperature_standard_error`` (0 if
        it was given), and, on the bins, ``count``, ``group`` and the reference's ``probability``,
        with the coordinates of `density`.

    Raises
    ------
    TypeError, ValueError
        As `density`, `boltzmann_bin_probabilities` and `kl_to_probabilities`; also if the run has a
        weight decay, or drew from a population whose mean loss is not known, and if the reference
        lives in less than three bins: they are wider than the wells.

    Notes
    -----
    Coarse bins hide structure: KL on bins is a lower bound of KL of the densities and grows when
    bins are split. Compare with an exact law on the same bins (`theory.bin_probabilities` of a
    `theory.transfer_operator` law). Since KL is least at the fitted T, the error of T changes it in
    second order only; that shift is corrected as one fitted parameter. Its error is T^2 sd(U) /
    (n^1/2 Var_T(U)), from d<U>_T/dT = Var_T(U)/T^2.

    Examples
    --------
    At eta = 0.4 the temperatures are 0.25 and 1, T = 0.625 fits both, and KL is log(0.625/0.5) =
    0.223:

    >>> well, noise = ls.potentials.quadratic([1.0, 4.0]), ls.noise.gaussian([1.0, 1.0])
    >>> run = ls.simulate(well, ls.dynamics.sgd(0.4), noise, particles=20_000, steps=100, seed=1)
    >>> found = ls.analysis.kl_to_boltzmann(run, well, bins=20)
    >>> print(f"T = {found.temperature:.3f}, KL = {found.kl:.2f} +- {found.kl_standard_error:.3f}")
    T = 0.626, KL = 0.22 +- 0.004
    """
    refuse_weight_decay(run)
    particles = at_step(run, step, on_diverged)
    potential = landscape_of(run, potential, walls=True)
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
    _check_bins(probability, potential.name, temperature)
    count = histogram["count"]
    options = {"outside": int(histogram["outside"]), "fitted": fitted}
    result = kl_to_probabilities(
        count.values, probability, least_expected=least_expected, **options
    )
    bins = result["group"].dims
    result = result.drop_vars(bins).rename(dict(zip(bins, count.dims, strict=True)))
    pair, text = (float(temperature), error), "temperature of the reference"
    result = result.assign(with_error("temperature", (), pair, text, "energy") | {"count": count})
    result["probability"] = labelled(
        count.dims, probability, "probability of the bin under the reference"
    )
    edges = {f"{name}_edge": histogram[f"{name}_edge"] for name in count.dims}
    return result.assign_coords(edges).assign_attrs(attributes(run, particles))


def _check_bins(probability, name, temperature):
    """Raise if Boltzmann's law lies outside the bins, or in so few that its shape is lost."""
    from scipy.special import entr

    if probability.sum() < LEAST_SHARE:
        raise ValueError(
            f"bins hold {probability.sum():.2g} of Boltzmann's probability: the particles are "
            "elsewhere. Pass range= that holds both, or see boltzmann_test."
        )
    lives = np.exp(entr(probability).sum())
    if lives < FEWEST_BINS:
        raise ValueError(
            f"bins: {name!r} at temperature {temperature:.3g} lives in {lives:.2g} of "
            f"the {probability.size} bins (the exponential of its entropy on them): they are wider "
            "than its wells, and the shape of the law cannot be seen. Pass finer edges there."
        )
