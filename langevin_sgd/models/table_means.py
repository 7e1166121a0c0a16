"""The modified loss of a data table, printed: functions of means over its rows, with the loops."""

from itertools import product

from .symbolic import functions_of_bodies, lines_of, refuse_long


def printed_modified_loss(loss, x, label):
    """(energy, gradient, hessian) of G + (rate/4) |grad G|^2 + (rate/4) share tr Sigma, for the
    mean G of `loss` over the rows and the covariance Sigma of its gradient.

    `loss` is a sympy expression of the symbols `x`, of `p.NAME` and, for the row of the moment,
    `p.table[i, c]`; rate and share are `p.learning_rate` and `p.noise_share`."""
    import sympy

    means = {}  # an expression of a row: the symbol of its mean

    def mean(expression):
        symbol = sympy.Symbol(f"mean{len(means)}", real=True)
        return means.setdefault(expression, symbol) if expression != 0 else sympy.Integer(0)

    def slope(total, along):
        """d total / d along, through the means."""
        terms = [
            sympy.diff(total, symbol) * mean(sympy.diff(expression, along))
            for expression, symbol in list(means.items())
            if total.has(symbol)
        ]
        return sympy.Add(*terms)

    rate, share = sympy.symbols("p.learning_rate p.noise_share", real=True)
    slopes = [sympy.diff(loss, each) for each in x]
    squared = sum(mean(each) ** 2 for each in slopes)
    noise = mean(sum(each**2 for each in slopes)) - squared
    energy = mean(loss) + rate / 4 * (squared + share * noise)
    first = [slope(energy, each) for each in x]
    below = {(i, j): slope(first[i], x[j]) for i in range(len(x)) for j in range(i + 1)}
    square = [below[max(place), min(place)] for place in product(range(len(x)), repeat=2)]
    refuse_long(means, label)
    bodies = [_with_loop(each, means, label) for each in ([energy], first, square)]
    return functions_of_bodies(bodies)


def _with_loop(results, means, label):
    """Lines that compute results of means: a loop over the rows of the table, then the results."""
    used = {
        symbol: expression
        for expression, symbol in means.items()
        if any(each.has(symbol) for each in results)
    }
    if not used:
        return lines_of(results, label)
    lines = [f"    {symbol} = 0.0" for symbol in used]
    lines.append("    for i in range(p.table.shape[0]):")
    inner = lines_of(list(used.values()), label)
    for k, symbol in enumerate(used):
        inner = [line.replace(f"out[{k}] =", f"{symbol} = {symbol} +") for line in inner]
    lines += ["    " + line for line in inner]
    lines += [f"    {symbol} = {symbol} * (1.0 / p.table.shape[0])" for symbol in used]
    return lines + lines_of(results, label)
