"""What three_tails.py claims of its numbers."""

import numpy as np
from _runner import Claim, agreement, agrees
from _tail_laws import MANY, TABLE_RATE, TABLES, bounded_share, half_bounded

NAMES = "Kesten", "diffusion", "decoupled"


def rejected(law):
    """That both diffusions are off at P = 1e-4."""
    share, error = (float(law[name][2]) for name in ("share", "share_standard_error"))
    off = law.theory_share.values[:, 2]
    words = [f"{name} {each / share:.3g}" for name, each in zip(NAMES[1:], off, strict=True)]
    return Claim(
        f"eta = {float(law.rate):g}: both are rejected at t = {float(law.distance[2]):.2f}",
        bool((np.abs(off - share) > 8 * error).all()),
        f"{', '.join(words)} times the measured one, interval",
        (share - 4 * error, share + 4 * error),
    )


def crowned(law, theory):
    """Which theory a straight line through log P chooses."""
    slope, error, known = float(law.line), float(law.line_standard_error), law.exponent.values
    return Claim(
        f"eta = {float(law.rate):g}: a fit from P = 1e-3 on is nearest to {NAMES[theory]}",
        bool(np.abs(slope - known).argmin() == theory),
        f"{slope:.2f} +- {error:.2f}, exactly {float(law.exact_line):.2f}, of "
        f"{known.round(2).tolist()}; for good right below P = {float(law.first_right):.1g}",
        (slope - 4 * error, slope + 4 * error),
    )


def claims_of(dataset):
    claims = []
    for rate in dataset.rate.values:
        law = dataset.sel(rate=rate)
        text = f"eta = {rate}: {float(law.readings):.3g} readings: "
        claims.append(agrees(law, "share", f"{text}P(|w - w*| > t) is exact"))
        claims.append(agrees(law, "hill", f"{text}Hill finds what it must at finite P"))
        claims.append(rejected(law))
    for rate, theory in ((0.1, 1), (0.3, 0)):
        if rate in dataset.rate:
            claims.append(crowned(dataset.sel(rate=rate), theory))
    return claims + claims_of_tables(dataset)


def claims_of_tables(dataset):
    reached, seen, cut = (dataset[f"table_{name}"].values for name in ("reach", "seen", "cut"))
    expected = bounded_share(dataset.rows.values, TABLE_RATE)
    spread = np.sqrt(sum(expected * (1 - expected) / TABLES))
    text = f"tables: half are bounded at {half_bounded(TABLE_RATE):.0f} rows, eta = {TABLE_RATE}"
    claims = [agreement(text, float(dataset.bounded.sum()), expected.sum(), spread)]
    ratio = (reached / seen)[np.isfinite(reached)]
    words = f"{len(ratio)} of them reach {ratio.min():.2g} to {ratio.max():.2g} times what is seen"
    claims.append(Claim("tables: no reading beyond a bound, none near it", ratio.min() > 1, words))
    online = dataset.table_edge, dataset.table_online
    parts = np.interp(np.quantile(cut, [0.75, 0.5, 0.25], axis=1), *online)
    parts *= dataset.rows.values
    words = "; ".join(f"{row[1]:.2g} [{row[0]:.2g}, {row[2]:.2g}]" for row in parts.T)
    text = "tables: N rows cut the online tail at P from 0.03/N to 10/N (median, quartiles)"
    claims.append(Claim(text, bool(((parts[1] > 0.03) & (parts[1] < 10)).all()), words))
    middle = np.median(dataset.many_exponent, axis=1)
    pairs = zip(middle, dataset.exponent[:, 0].values, strict=True)
    words = ", ".join(f"{found:.3g} for {online:.3g}" for found, online in pairs)
    holds = middle[0] > 25 and np.all(np.abs(middle / dataset.exponent[:, 0].values - 1)[1:] < 0.1)
    claims.append(Claim(f"tables of {MANY} rows: median exponents", bool(holds), words))
    return claims
