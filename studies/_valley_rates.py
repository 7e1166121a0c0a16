"""Runs of label_noise_valley.py: the rate at which the factors are balanced, over that of the
formula, (eta/(1 - mu))^2 sigma^2/B a step."""

import numpy as np
from _epoch_laws import noise_spectrum, response
from _runner import described, mean_and_error, with_error
from _valley import LABELS, VALLEY, conserved, curvature, on_floor, table_of_labels

import langevin_sgd as ls

RATES = np.array([0.05, 0.1, 0.15, 0.2, 0.4])  # learning rate times curvature over 1 + momentum
CASES = {  # momentum, batch size; batches of 8 are drawn from a table of two labels, 1 +- sigma
    "momentum 0, normal labels": (0.0, 1),
    "momentum 0.9, normal labels": (0.9, 1),
    "momentum 0, batches of 8 of two labels": (0.0, 8),
}
EPOCHS, MOMENTA = np.array([4, 16, 64]), (0.0, 0.9)  # labels that each epoch shows once
TRAVEL, START, SLOW = 0.01, 1.5, 0.01  # fall of log q by the formula; q; rate of reshuffled labels


def shrinking(records, momentum, settle, steps, numbers, seed=0):
    """Rate over that of the formula, its error, and the curvature meanwhile."""
    before = numbers.simulate(*records, x0=on_floor(START), steps=settle, seed=seed)
    q = []
    for run in (before, ls.extend(before, steps, records[0])):
        last = run.isel(step=-1)
        velocity = last.v.values if momentum else np.zeros_like(last.x.values)
        q.append(conserved(last.x.values, velocity, momentum))
    shrunk, error = mean_and_error(q[1] / q[0].mean())
    at = curvature(np.sqrt(q[0].mean() * q[1].mean()))
    return -np.log(shrunk) / TRAVEL, error / shrunk / TRAVEL, at


def chosen(rate, momentum, batch, steps):
    """Learning rate at START, and sigma with which log q falls by TRAVEL."""
    eta = rate * (1 + momentum) / curvature(START)
    return eta, np.sqrt(TRAVEL * batch / steps) * (1 - momentum) / eta


def balancing(case, numbers):
    """Labels drawn afresh, at RATES."""
    (momentum, batch), found = CASES[case], []
    for k, rate in enumerate(RATES):
        steps, settle = round(600 / (1 - momentum)), round(10 / (1 - momentum) + 12 / rate)
        eta, sigma = chosen(rate, momentum, batch, steps)
        dynamics = ls.dynamics.sgd(eta, batch_size=batch, momentum=momentum)
        records = VALLEY, dynamics, LABELS(sigma * numbers.noisy)
        if batch > 1:
            records = table_of_labels(sigma * numbers.noisy), dynamics, ls.noise.minibatch()
        value, error, at = shrinking(records, momentum, settle, steps, numbers, seed=k)
        found.append((value, error, eta * at / (1 + momentum)))
    table = np.transpose(found)
    text = "rate of balancing over that of the formula"
    values = with_error("factor", "rate", table[:2], "1", text)
    values["factor_exact"] = "rate", 1 / (1 - table[2] / 2), "1", f"exact: {text}"
    values["at"] = "rate", table[2], "1", "learning rate times curvature over 1 + momentum"
    return described(values)


def exact_in_epochs(batches, momentum, rate, points=2**14):
    """(1 - mu^2) E p^2/eta^2 of the heavy ball across the valley, whose noise has the spectrum of
    reshuffled labels; rate = eta H/(1 + mu)."""
    f = np.fft.fftfreq(points)
    steps = np.abs(np.exp(2j * np.pi * f) - 1) ** 2
    power = steps * response(f, 1.0, rate * (1 + momentum), momentum)
    return (1 - momentum**2) * np.mean(power * noise_spectrum(f, batches))


def reshuffled(momentum, numbers):
    """Labels reshuffled every epoch, one a step, for EPOCHS."""
    found = []
    for k, batches in enumerate(EPOCHS):
        steps = batches * round(600 / (1 - momentum) / batches)
        eta, sigma = chosen(SLOW, momentum, 1, steps)
        records = (
            table_of_labels(sigma * numbers.noisy, batches),
            ls.dynamics.sgd(eta, momentum=momentum),
            ls.noise.minibatch(sampling="reshuffle"),
        )
        value, error, at = shrinking(records, momentum, 4 * 64, steps, numbers, seed=k)
        rate = eta * at / (1 + momentum)
        found.append((value, error, exact_in_epochs(batches, momentum, rate)))
    table = np.transpose(found)
    text = "rate of balancing with reshuffled labels over that of the formula"
    values = with_error("in_epochs", "epoch", table[:2], "1", text)
    values["in_epochs_exact"] = "epoch", table[2], "1", f"exact: {text}"
    return described(values)
