"""Losses of two layers of parameters: matrix factorisation and a network with one hidden layer.
Neither is convex.

Both are least squares in a prediction f(x): with the residual r = f - value and J = df/dx, the
gradient is r J, the Hessian J J' + r f'' and the Fisher matrix of value ~ N(f, 1) is J J'."""

from functools import cache

from ..arguments import optional, shown
from ..kernels.elementary import fma, tanh, where
from .linear_predictor import check_whole, with_targets
from .loss_record import Loss, table_of
from .parameters import size
from .records import recorded
from .sums import dot


def _outer_square(out, d):
    """Turn the vector J in out[:d] into the matrix J J' in out[:d*d]; J goes last, for it is the
    first row.
    """
    for k in range(d - 1, 0, -1):
        for j in range(d):
            out[d * k + j] = out[k] * out[j]
    first = out[0]
    for j in range(d):
        out[j] = first * out[j]


def _of_prediction(residual, forward, jacobian, bend):
    """The functions of the loss r^2/2, r = f(x) - value.

    `residual(x, row)` is r; `forward(x, row, out, start)` writes what derivatives need into
    out[start:] and returns r; with it `jacobian(factor, x, row, out, start)` writes factor J into
    out[:d], and `bend(r, x, row, out, start)` adds r f'' to out[:d*d]."""

    def example_loss(p, x, row):
        r = residual(x, row)
        return 0.5 * r * r

    def example_gradient(p, x, row, out):
        d = len(x)
        jacobian(forward(x, row, out, d), x, row, out, d)

    def information(x, row, out, start):
        r = forward(x, row, out, start)
        jacobian(1.0, x, row, out, start)
        _outer_square(out, len(x))
        return r

    def example_fisher(p, x, row, out):
        information(x, row, out, len(x) * len(x))

    def example_hessian(p, x, row, out):
        start = len(x) * len(x)
        bend(information(x, row, out, start), x, row, out, start)

    return example_loss, example_gradient, example_hessian, example_fisher


@cache
def _factorisation(rank):
    """The functions for factors of `rank` columns.

    Lanes may hold different examples: each picks its own u and v by comparison, for no lane can
    index by itself."""

    def picked(x, row, k):
        u, v = 0.0, 0.0
        for node in range(len(x) // rank):
            u = where(row[0] == node, x[node * rank + k], u)
            v = where(row[1] == node, x[node * rank + k], v)
        return u, v

    def residual(x, row):
        r = -row[2]
        for k in range(rank):
            u, v = picked(x, row, k)
            r = fma(u, v, r)
        return r

    def forward(x, row, out, start):
        r = -row[2]
        for k in range(rank):
            u, v = picked(x, row, k)
            out[start + k] = u
            out[start + rank + k] = v
            r = fma(u, v, r)
        return r

    def jacobian(factor, x, row, out, start):
        for k in range(rank):
            by_u, by_v = factor * out[start + rank + k], factor * out[start + k]
            for node in range(len(x) // rank):
                by_this = where(row[1] == node, by_v, 0.0)
                out[node * rank + k] = where(row[0] == node, by_u, by_this)

    def bend(r, x, row, out, start):
        d = len(x)
        for a in range(d // rank):
            for b in range(d // rank):
                pair = where(row[0] == a, where(row[1] == b, r, 0.0), 0.0)
                for k in range(rank):
                    out[d * (a * rank + k) + b * rank + k] += pair
                    out[d * (b * rank + k) + a * rank + k] += pair

    return _of_prediction(residual, forward, jacobian, bend)


def _matrix_shape(value, name):
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise TypeError(f"{name} must be (rows, columns), got {shown(value)}.")
    return tuple(size(1)(count, f"{name}[{axis}]") for axis, count in enumerate(value))


@recorded(rank=size(1), shape=optional(_matrix_shape))
def matrix_factorisation(entries, rank, shape=None):
    """Two factors of a partly known matrix: the loss of one entry is (u_i . v_j - value)^2 / 2.

    u_i and v_j are rows of U and V. U -> U A, V -> V A^-T leaves the loss as it is: a minimum with
    factors of full rank lies in a valley of rank^2 dimensions.

    Parameters
    ----------
    entries : array_like, shape (examples, 3)
        Rows (i, j, value): row and column number of a known entry, from 0, and its value.
    rank : int, >= 1
        Columns of U and of V.
    shape : (int, int), optional
        Rows and columns (m, n) of the matrix. Default: the largest numbers in entries plus one.

    Returns
    -------
    Loss
        Of x = (U row by row, V row by row), d = (m + n) rank components. Its table holds (i, m + j,
        value). One example costs O(d), because each particle picks its rows by comparison.

    Notes
    -----
    With the residual r, J = dr/dx and r'' = d^2 r/dx^2 the gradient is r J, the Hessian J J' + r
    r'' and the Fisher matrix, of value ~ N(u_i . v_j, 1), J J'; derived. Source of the model:
    Srebro and Jaakkola 2003, "Weighted low-rank approximations".

    Examples
    --------
    The entry 2 of a 1 x 1 matrix is 1 * 2 and 4 * 0.5 alike:

    >>> product = ls.losses.matrix_factorisation([[0, 0, 2.0]], rank=1)
    >>> ls.evaluate(product, [[1.0, 2.0], [4.0, 0.5], [0.0, 0.0]], "energy").tolist()
    [0.0, 0.0, 2.0]
    """
    table = table_of(entries, "entries")
    if table.shape[1] != 3:
        raise ValueError(
            f"entries must have the shape (examples, 3), rows of (i, j, value); got {table.shape}."
        )
    counts = []
    for column, name in enumerate(("row", "column")):
        numbers, name = table[:, column], f"{name} numbers of entries"
        check_whole(numbers, name)
        counts.append(int(numbers.max()) + 1 if shape is None else shape[column])
        check_whole(numbers, name, counts[column])
    table[:, 1] += counts[0]
    value, slope, hessian, fisher = _factorisation(rank)
    functions, dim = (value, slope, None, table), sum(counts) * rank
    return Loss("matrix_factorisation", *functions, dim, hessian, fisher, scratch=2 * rank)


def _residual_of_network(x, row):
    features = len(row) - 1
    hidden, residual = len(x) // (features + 1), -row[features]
    for h in range(hidden):
        residual = fma(x[h], tanh(dot(x, row, hidden + h * features, features)), residual)
    return residual


def _activations(x, row, out, start):
    """Hidden activations into out[start:]; returns the residual."""
    features = len(row) - 1
    hidden, residual = len(x) // (features + 1), -row[features]
    for h in range(hidden):
        activation = tanh(dot(x, row, hidden + h * features, features))
        out[start + h] = activation
        residual = fma(x[h], activation, residual)
    return residual


def _jacobian_of_network(factor, x, row, out, start):
    features = len(row) - 1
    hidden = len(x) // (features + 1)
    for h in range(hidden):
        activation = out[start + h]
        back = factor * x[h] * fma(-activation, activation, 1.0)
        out[h] = factor * activation
        for k in range(features):
            out[hidden + h * features + k] = back * row[k]


def _bend(residual, x, row, out, start):
    d, features = len(x), len(row) - 1
    hidden = d // (features + 1)
    for h in range(hidden):
        activation, first = out[start + h], hidden + h * features
        slope = residual * fma(-activation, activation, 1.0)
        for k in range(features):
            out[d * h + first + k] += slope * row[k]
            out[d * (first + k) + h] += slope * row[k]
            for j in range(features):
                bent = 2.0 * x[h] * activation * slope * row[k] * row[j]
                out[d * (first + k) + first + j] -= bent


_NETWORK = _of_prediction(_residual_of_network, _activations, _jacobian_of_network, _bend)


@recorded(hidden=size(1))
def tanh_network(inputs, targets, hidden):
    """A network with one hidden layer, f = sum_h a_h tanh(w_h . inputs), fitted by least squares.

    The loss of one example is (f - target)^2 / 2.

    Units may be exchanged, a_h and w_h change sign together:
    a minimum whose units differ has 2^hidden hidden! copies.

    Parameters
    ----------
    inputs : array_like, shape (examples, features)
        A column of ones gives the hidden units their biases.
    targets : array_like, shape (examples,)
        What f should be.
    hidden : int, >= 1
        Number of hidden units.

    Returns
    -------
    Loss
        Of x = (a_1 ... a_hidden, w_1, w_2, ...), d = hidden (1 + features) components. Hessian by
        back-propagation twice, Fisher matrix J J' of target ~ N(f, 1), J = df/dx.

    Notes
    -----
    A committee machine with trained output weights: Saad and Solla 1995, Physical Review E 52,
    4225, with erf for tanh. Derivatives: derived.

    Examples
    --------
    A unit may change its sign: (2 tanh 0.5)^2 / 2 twice.

    >>> network = ls.losses.tanh_network([[1.0]], [0.0], hidden=1)
    >>> ls.evaluate(network, [[2.0, 0.5], [-2.0, -0.5]], "energy").round(4).tolist()
    [0.4271, 0.4271]
    """
    table = with_targets(inputs, targets, "targets")
    value, slope, *matrices = _NETWORK
    dim = hidden * table.shape[1]
    return Loss("tanh_network", value, slope, None, table, dim, *matrices, scratch=hidden)
