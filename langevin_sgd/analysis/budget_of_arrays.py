"""The temperature budget of plain arrays, such as the log of a run that another program made."""

import numpy as np
import xarray as xr

from ..arguments import checked, covariance_matrix, finite_array, flag, optional, whole, within
from .budget_terms import Descent, Path, budget_variables


@checked(
    x=finite_array,
    gradients=finite_array,
    noise=finite_array,
    learning_rate=within(above=0),
    momentum=within(at_least=0, below=1),
    velocity=optional(finite_array),
    nesterov=flag,
    blocks=optional(whole(2)),
    reference_covariance=optional(covariance_matrix),
)
def temperature_budget_of_arrays(
    x,
    gradients,
    noise,
    *,
    learning_rate,
    momentum=0.0,
    velocity=None,
    nesterov=False,
    blocks=None,
    reference_covariance=None,
):
    """The temperature budget of anybody's SGD, from plain arrays, such as a log of PyTorch.

    Parameters
    ----------
    x : (rows, d) or (steps, particles, d) array
        Parameters before a step, as they are when the gradient is taken. Rows are independent,
        unless `blocks` is given; the steps of a particle need not be.
    gradients : array of the same shape
        The full gradient there: of the mean loss, weight decay included.
    noise : array of the same shape
        xi, the gradient that moved the parameters less the full one.
    learning_rate, momentum : float
        As of `dynamics.sgd`, or of `torch.optim.SGD` without dampening.
    velocity : array of the same shape, optional
        v before the step: the learning rate times PyTorch's momentum_buffer. Needed with momentum.
    nesterov : bool
        Nesterov's momentum, x being the point where the gradient is taken, as in PyTorch.
    blocks : int, optional
        The rows are consecutive steps of one path, cut into so many pieces of the same length that
        are taken for independent: each should be longer than the path remembers. Rows that are left
        over are the first ones.
    reference_covariance : (d, d) or (d,) array, optional
        C, the covariance of the batch gradient at a reference point, to split the noise term.

    Returns
    -------
    xarray.Dataset
        As of `temperature_budget`.

    Raises
    ------
    TypeError, ValueError
        For arrays that do not fit together, fewer than two rows, or momentum without a velocity.

    Notes
    -----
    The means must be over all positions of an epoch alike, where batches are shuffled in epochs.
    Along one path the residual is what is left at its ends, of order 1/steps, whatever the noise:
    then it tests the bookkeeping, and blocks the stationarity. A log of a step in PyTorch::

        full = torch.autograd.grad(mean_loss(), parameters)      # over the whole training set
        batch = torch.autograd.grad(batch_loss(), parameters)
        x.append(flat(parameters)), gradients.append(flat(full))
        noise.append(flat(batch) - flat(full)), velocity.append(lr * flat(buffers))
        optimizer.step()

    with flat = torch.nn.utils.parameters_to_vector, buffers zero before the first step.

    Examples
    --------
    U = x^2/2 with noise of variance 1: x has the variance eta/(2 - eta), all of which is heat.

    >>> random, rate = np.random.default_rng(6), 0.1
    >>> x = random.normal(size=(10_000, 1)) * np.sqrt(rate / (2 - rate))
    >>> noise = random.normal(size=x.shape)
    >>> found = ls.analysis.temperature_budget_of_arrays(x, x, noise, learning_rate=rate)
    >>> terms = [found[name].item() for name in ("virial", "noise_term", "step_term", "z")]
    >>> print("{:.3f} is {:.3f} of noise and {:.3f} of the finite step; z = {:.1f}".format(*terms))
    0.053 is 0.051 of noise and 0.003 of the finite step; z = 0.0
    """
    arrays = {"x": x, "gradients": gradients, "noise": noise, "velocity": velocity}
    for name, array in arrays.items():
        if array is not None and (array.shape != x.shape or array.ndim not in (2, 3)):
            raise ValueError(
                f"{name} must have the shape (rows, d) or (steps, particles, d) of x, got "
                f"{array.shape}; x has {x.shape}."
            )
    if blocks is not None and (x.ndim != 2 or len(x) < blocks):
        raise ValueError(
            f"blocks must be None, or at most the rows of x (rows, d), got {blocks} for the shape "
            f"{x.shape}."
        )
    if momentum and velocity is None:
        raise ValueError(
            f"velocity must be given with momentum {momentum:g}: the learning rate times the "
            "momentum buffer before the step."
        )
    path = Path(
        *(_as_particles(arrays[name], blocks) for name in ("x", "gradients", "velocity", "noise"))
    )
    if path.x.shape[1] < 2:
        raise ValueError(
            "x must have at least 2 independent rows or particles for a standard error, got "
            f"{path.x.shape[1]}. Give blocks= for one path."
        )
    if reference_covariance is not None:
        d = x.shape[-1]
        reference_covariance = covariance_matrix(reference_covariance, "reference_covariance", d)
    descent = Descent(learning_rate, momentum, nesterov)
    variables, reason = budget_variables(path, None, descent, reference_covariance)
    counts = {"steps": len(path.x), "particles": path.x.shape[1]}
    more = {"p_value_missing": reason} if reason else {}
    return xr.Dataset(variables, attrs=counts | more)


def _as_particles(array, blocks):
    """(steps, particles, d): rows that are independent; or, cut into `blocks` pieces of consecutive
    rows, one path."""
    if array is None or array.ndim == 3:
        return array
    if blocks is None:
        return array[None]
    steps = len(array) // blocks
    return np.swapaxes(array[len(array) - steps * blocks :].reshape(blocks, steps, -1), 0, 1)
