"""The virial identity of SGD: where the temperature of a stationary state comes from, term by term.

One formula for three users: exact laws (`virial_budget`), runs (`analysis.temperature_budget`) and
the reducer `reducers.virial`."""

from typing import NamedTuple

import numpy as np

from ..arguments import covariance_matrix, finite_array, instance
from .linear_process import StationaryBlocks, over_matrices
from .meanings import exact

HEAVY_BALL = "sgd", "sgd_momentum"  # names of dynamics
# For which it holds -> whether their gradient is taken at x - momentum v.
DESCENTS = dict.fromkeys(HEAVY_BALL, False)
DESCENTS |= {"sgd_torch_nesterov": True, "sgd_lookahead_nesterov": True}
STORES_ITERATE = "sgd_lookahead_nesterov"  # its x is not the point where the gradient is taken
LONG_NAMES = {
    "virial": "virial (1/2)(E[x g'] + E[g x']), the measured temperature",
    "step_term": "finite step, learning_rate E[g g'] / (2 (1 - momentum))",
    "noise_term": "gradient noise, learning_rate E[C] / (2 (1 - momentum))",
    "inertia_term": "inertia, momentum (E[v g'] + E[g v']) / (2 (1 - momentum))",
    "memory_term": "memory of the noise, 0 if it is fresh in each step",
    "residual": "virial less the other terms, 0 in a stationary state",
}


class Products(NamedTuple):
    """Symmetric parts of E[a b'], what the identity is made of; x centred, all before a step.

    `xi_xi` is C, the covariance of the batch gradient, or E[xi xi'] of what was drawn. The last
    three are zero for noise that is independent from step to step."""

    x_g: np.ndarray
    g_g: np.ndarray
    xi_xi: np.ndarray
    v_g: np.ndarray
    v_xi: np.ndarray | float = 0.0
    g_xi: np.ndarray | float = 0.0
    x_xi: np.ndarray | float = 0.0


class VirialBudget(NamedTuple):
    """Terms of the virial identity, symmetric (..., d, d) matrices in units of the loss.

    virial = step_term + noise_term + inertia_term + memory_term + residual.

    Parameters
    ----------
    virial : array
        (E[x g'] + E[g x'])/2, which is T times the identity under Boltzmann's law.
    step_term : array
        eta E[g g'] / (2 (1 - mu)), what the finite learning rate adds.
    noise_term : array
        eta E[C] / (2 (1 - mu)), the noise power.
    inertia_term : array
        mu (E[v g'] + E[g v']) / (2 (1 - mu)), with mu^2 for Nesterov's form, zero without momentum.
    residual : array
        virial less the other terms, 0 in a stationary state.
    memory_term : array
        Zero for noise that is fresh in each step.

    Examples
    --------
    The terms add up, also with momentum; at small steps the noise term alone is left.

    >>> blocks = ls.theory.stationary_blocks(ls.theory.linear_sgd(1.0, 1.0, 0.1, momentum=0.5))
    >>> budget = ls.theory.virial_budget(1.0, blocks, 1.0, learning_rate=0.1, momentum=0.5)
    >>> terms = budget.step_term, budget.noise_term, budget.inertia_term
    >>> f"{budget.virial.item():.4f} =" + "".join(f" {term.item():+.4f}" for term in terms)
    '0.1034 = +0.0103 +0.1000 -0.0069'
    """

    virial: np.ndarray
    step_term: np.ndarray
    noise_term: np.ndarray
    inertia_term: np.ndarray
    residual: np.ndarray
    memory_term: np.ndarray | float = 0.0


def virial_terms(products, learning_rate, momentum, looks_ahead=False):
    """The terms of the identity, a `VirialBudget`, from `Products`.

    Derived from the stationarity of E[x x'], E[x v'] and E[v v'] under x' = x - v', v' = mu v + eta
    (g + xi): E[x v'] + E[v x'] = -E[v v'] and E[x (g + xi)'] + E[(g + xi) x'] = (1 + mu) E[v v'] /
    eta; eliminating E[v v'] leaves it. At momentum 0, E[x x'] changes by -2 learning_rate residual
    in a step. It holds on an open domain for every potential, noise law and learning rate, fresh or
    not, if E is also a mean over the positions of an epoch.

    Nesterov's momentum (`looks_ahead`) takes g at y = x - mu v, which is then the x of the
    products: <x .> = <y .> + mu <v .> turns the weight mu of v into mu^2. PyTorch's form stores y.
    """
    kept = 1 - momentum
    rate = learning_rate / (2 * kept)
    weight = momentum**2 if looks_ahead else momentum
    memory = (weight * products.v_xi + learning_rate * products.g_xi) / kept - products.x_xi
    found = VirialBudget(
        products.x_g,
        rate * products.g_g,
        rate * products.xi_xi,
        weight / kept * products.v_g,
        0.0,
        memory,
    )
    explained = found.step_term + found.noise_term + found.inertia_term + memory
    return found._replace(residual=found.virial - explained)


def symmetric_product(a, b):
    """(a_i b_j + b_i a_j)/2 of vectors (..., d)."""
    product = a[..., :, None] * b[..., None, :]
    return (product + product.mT) / 2


def _blocks(value, name):
    instance(value, name, tuple, "the StationaryBlocks of theory.stationary_blocks")
    return StationaryBlocks(*(finite_array(block, name) for block in value[:3]))


@exact(blocks=_blocks)
def virial_budget(hessian, blocks, batch_covariance, learning_rate, momentum=0.0, nesterov=None):
    """Virial temperature of SGD on U = x' H x / 2 and what it is made of, term by term.

    The exact counterpart of `analysis.temperature_budget`, which estimates the same matrices from a
    run.

    Parameters
    ----------
    hessian : (d, d) matrix, (d,) curvatures or scalar
        H; the noise-free gradient is g = H x.
    blocks : StationaryBlocks
        E[x x'], E[x v'], E[v v'] about the minimum, from `stationary_blocks(linear_sgd(...))` or
        `regression_covariance`.
    batch_covariance : (..., d, d) matrix, (d,) variances or scalar
        C, the covariance of the BATCH gradient (Sigma / B); for noise that depends on x its mean
        over the stationary law. For online regression that is (A S A + tr(A S) A + label_noise A) /
        B.
    learning_rate : float or array > 0
        eta, in length^2 per energy; broadcasts against the leading axes of the blocks.
    momentum : float or array in [0, 1)
        mu, likewise.
    nesterov : None, "torch" or "lookahead"
        As in `linear_sgd`. The budget is that of the point where the gradient is taken: x for None
        and "torch", x - momentum v for "lookahead", whose blocks are those of x.

    Returns
    -------
    VirialBudget

    Raises
    ------
    TypeError, ValueError
        For numbers out of range, matrices that do not fit together or a batch_covariance that is
        not positive semidefinite.

    Notes
    -----
    Exact at every learning rate and for every noise law that is independent from step to step given
    x, so not for reshuffled epochs. Derived in `virial_terms`. The residual depends on the caller's
    three arguments, so it tests them.

    Examples
    --------
    Without momentum S = 0.1/1.9 = 0.0526 is the temperature: eta/2 from the noise, eta S/2 from the
    steps.

    >>> blocks = ls.theory.stationary_blocks(ls.theory.linear_sgd(1.0, 1.0, 0.1))
    >>> budget = ls.theory.virial_budget(1.0, blocks, 1.0, learning_rate=0.1)
    >>> terms = budget.virial, budget.noise_term, budget.step_term
    >>> "{:.4f} = {:.4f} + {:.4f}".format(*(term.item() for term in terms))
    '0.0526 = 0.0500 + 0.0026'
    """
    d = hessian.shape[-1]
    covariance_matrix(batch_covariance, "batch_covariance", d)
    position, position_velocity, velocity = blocks
    if position.shape[-2:] != (d, d) or position_velocity.shape[-2:] != (d, d):
        raise ValueError(
            f"blocks must hold matrices of {d} coordinates, got the shape {position.shape}. Pass "
            "those of the same problem."
        )
    eta, mu = over_matrices(learning_rate, momentum)
    if nesterov == "lookahead":
        both = position_velocity + position_velocity.mT
        position = position - mu * both + mu**2 * velocity
        position_velocity = position_velocity - mu * velocity
    x_g, v_g = position @ hessian, hessian @ position_velocity
    products = Products(
        (x_g + x_g.mT) / 2,
        hessian @ position @ hessian,
        batch_covariance,
        (v_g + v_g.mT) / 2,
    )
    shape = np.broadcast_shapes(*map(np.shape, (position, eta, mu, batch_covariance)))
    terms = virial_terms(products, eta, mu, nesterov is not None)
    return VirialBudget(*(np.broadcast_to(term, shape) for term in terms))
