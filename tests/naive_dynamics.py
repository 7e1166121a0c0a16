"""The slow, obvious twin of every dynamics, and a table of them: name -> our record and its twin on
the same landscape.

A twin moves arrays of particles: `step(state, gradient, xi, z) -> state`, with state = (x, v, ...)
and whatever else it remembers after them. xi (n, d) is the noise of the gradient, z (n, 2 d) are
thermal normals; most twins use the first d of them."""

import naive
import numpy as np

import langevin_sgd as ls

HESSIAN, SIGMA = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([[2.0, 0.6], [0.6, 0.5]])
TWIN = naive.quadratic(HESSIAN)
WARM, COLD = {"temperature": 0.7, "step_size": 0.1}, {"temperature": 0.0, "step_size": 0.1}
# A long step: beside the heat bath the gradient noise grows with it.
INERT = {"friction": 0.8, "mass": 2.5, "step_size": 0.4}


def first(z):
    return z[:, : z.shape[1] // 2]


def sgd(**parameters):
    return lambda state, gradient, xi, z: naive.sgd(state[0], state[1], gradient, xi, **parameters)


def rate_outside(learning_rate, momentum, nesterov=None, weight_decay=0.0):
    """PyTorch: b' = mu b + g; x' = x - eta b', or x - eta (g + mu b'). Look-ahead: g at x - eta mu
    b.
    """

    def step(state, gradient, xi, z):
        x, v, b = (*state, 0.0)[:3]
        place = x - learning_rate * momentum * b if nesterov == "lookahead" else x
        force = gradient(place) + xi + weight_decay * place
        b = momentum * b + force
        return x - learning_rate * (force + momentum * b if nesterov == "torch" else b), v, b

    return step


def running_average(learning_rate, momentum):
    """N eta times the running average of the gradient over N = 1/(1 - mu) steps."""
    window = 1 / (1 - momentum)

    def step(state, gradient, xi, z):
        x, v, average = (*state, 0.0)[:3]
        average = (1 - 1 / window) * average + (gradient(x) + xi) / window
        return x - window * learning_rate * average, v, average

    return step


def averaged(learning_rate, weight_decay=0.0):
    """Every iterate is kept, and their mean reported."""

    def step(state, gradient, xi, z):
        mean, v, iterates = (*state, [state[0]])[:3]
        last = iterates[-1]
        force = gradient(last) + xi + weight_decay * last
        iterates = [*iterates, last - learning_rate * force]
        return np.mean(iterates[1:], axis=0), v, iterates

    return step


def clipped(learning_rate, momentum, max_norm, weight_decay):
    def step(state, gradient, xi, z):
        x, v = state
        force = gradient(x) + xi
        norm = np.linalg.norm(force, axis=1, keepdims=True)
        v = momentum * v + learning_rate * (
            force * np.minimum(1, max_norm / norm) + weight_decay * x
        )
        return x - v, v

    return step


def adam(learning_rate, beta1, beta2, epsilon, weight_decay=0.0):
    def step(state, gradient, xi, z):
        x, v, mean, square, count = (*state, 0.0, 0.0, 0)[:5] if len(state) == 2 else state
        force, count = gradient(x) + xi + weight_decay * x, count + 1
        mean, square = beta1 * mean + (1 - beta1) * force, beta2 * square + (1 - beta2) * force**2
        move = mean / (1 - beta1**count) / (np.sqrt(square / (1 - beta2**count)) + epsilon)
        return x - learning_rate * move, v, mean, square, count

    return step


def rmsprop(learning_rate, beta2, epsilon, weight_decay=0.0):
    def step(state, gradient, xi, z):
        x, v, square = (*state, 0.0)[:3]
        force = gradient(x) + xi + weight_decay * x
        square = beta2 * square + (1 - beta2) * force**2
        return x - learning_rate * force / (np.sqrt(square) + epsilon), v, square

    return step


def diffusion(learning_rate, substeps):
    """One update: time eta/m, noise of the variance (eta/m) eta Sigma/B."""
    time = learning_rate / substeps
    return lambda state, gradient, xi, z: (
        state[0] - time * gradient(state[0]) - np.sqrt(time * learning_rate) * xi,
        state[1],
    )


def euler_maruyama(**parameters):
    return lambda state, gradient, xi, z: (
        naive.euler_maruyama(state[0], gradient, xi, first(z), **parameters),
        state[1],
    )


def leimkuhler_matthews(**parameters):
    def step(state, gradient, xi, z):
        x, v, last_z = (*state, 0.0)[:3]
        return (
            naive.leimkuhler_matthews(x, gradient, xi, first(z), last_z, **parameters),
            v,
            first(z),
        )

    return step


def splitting(letters, temperature, friction, step_size, mass):
    """The letters one by one, each for its share of the step. A gradient carries the noise that was
    drawn where it was evaluated, the last step's before the first drift."""
    share = {letter: step_size / letters.count(letter) for letter in letters}

    def step(state, gradient, xi, z):
        x, v, last_xi = (*state, 0.0)[:3]
        normals, noise = [first(z), z[:, x.shape[1] :]], last_xi
        for letter in letters:
            if letter == "A":
                x, noise = x + share["A"] * v, xi
            elif letter == "B":
                v = v - share["B"] / mass * (gradient(x) + noise)
            else:
                decay = np.exp(-friction * share["O"])
                v = decay * v + np.sqrt((1 - decay**2) * temperature / mass) * normals.pop(0)
        return x, v, xi

    return step


def sghmc(temperature, friction, step_size, mass):
    def step(state, gradient, xi, z):
        x, v = state
        force = -(gradient(x) + xi) - friction * mass * v
        v = (
            v
            + step_size * force / mass
            + np.sqrt(2 * friction * temperature * step_size / mass) * first(z)
        )
        return x + step_size * v, v

    return step


def descent_pair(ours, twin, **parameters):
    return lambda cold, batch: (
        getattr(ls.dynamics, ours)(batch_size=batch, **parameters),
        twin(**parameters),
    )


def outside_pair(**parameters):
    return lambda cold, batch: (
        ls.dynamics.sgd(batch_size=batch, rate_inside=False, **parameters),
        rate_outside(**parameters),
    )


def langevin_pair(method, twin):
    def pair(cold, batch):
        setting = COLD if cold else WARM
        return ls.dynamics.langevin(**setting, batch_size=batch, method=method), twin(**setting)

    return pair


def underdamped_pair(method):
    def pair(cold, batch):
        setting = (COLD if cold else WARM) | INERT
        twin = sghmc(**setting) if method == "sghmc" else splitting(method.upper(), **setting)
        return ls.dynamics.underdamped_langevin(**setting, batch_size=batch, method=method), twin

    return pair


HEAVY = {"learning_rate": 0.1, "momentum": 0.8}
# name -> (cold, batch_size) -> (our dynamics, its twin)
PAIRS = {
    "plain": descent_pair("sgd", sgd, learning_rate=0.1),
    "weight_decay": descent_pair("sgd", sgd, learning_rate=0.1, weight_decay=0.3),
    "heavy_ball": descent_pair("sgd", sgd, **HEAVY, weight_decay=0.3),
    "torch": descent_pair("sgd", sgd, **HEAVY, nesterov="torch", weight_decay=0.3),
    "lookahead": descent_pair("sgd", sgd, **HEAVY, nesterov="lookahead", weight_decay=0.3),
    "outside": outside_pair(**HEAVY, weight_decay=0.3),
    "torch_outside": outside_pair(**HEAVY, nesterov="torch", weight_decay=0.3),
    "lookahead_outside": outside_pair(**HEAVY, nesterov="lookahead", weight_decay=0.3),
    "running_average": descent_pair("sgd_running_average", running_average, **HEAVY),
    "averaged": descent_pair("averaged_sgd", averaged, learning_rate=0.3, weight_decay=0.3),
    "diffusion": descent_pair("sgd_diffusion", diffusion, learning_rate=0.4, substeps=4),
    "euler_maruyama": langevin_pair("euler_maruyama", euler_maruyama),
    "leimkuhler_matthews": langevin_pair("leimkuhler_matthews", leimkuhler_matthews),
    **{
        method: underdamped_pair(method) for method in ("baoab", "aboba", "obabo", "oabao", "sghmc")
    },
}
# what these do with their noise is not linear: their law is no Gaussian
NONLINEAR = {
    "clipped": descent_pair("clipped_sgd", clipped, **HEAVY, max_norm=1.5, weight_decay=0.3),
    "adam": descent_pair(
        "adam", adam, learning_rate=0.1, beta1=0.8, beta2=0.95, epsilon=0.01, weight_decay=0.3
    ),
    "rmsprop": descent_pair(
        "rmsprop", rmsprop, learning_rate=0.1, beta2=0.9, epsilon=0.01, weight_decay=0.3
    ),
}
