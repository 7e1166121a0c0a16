"""Stop-watch of throughput.py: what is compared runs in turns, so that a warm or busy processor
slows all of it alike.
"""

import time
from concurrent.futures import ThreadPoolExecutor

# lets the threads of the last call go to sleep: some libraries leave theirs spinning for a while
PAUSE = 0.02


def best_seconds(calls, rounds):
    """Shortest time of each call, over `rounds` rounds in each of which every call runs once.

    Parameters
    ----------
    calls : dict
        Name -> function without arguments. A first round compiles and does not count.
    rounds : int

    Returns
    -------
    dict
        Name -> seconds.
    """
    for call in calls.values():
        call()
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            time.sleep(PAUSE)
            begun = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - begun)
    return best


def in_threads(share, threads):
    """`build(particles, steps)` of a call in which each thread moves its share: share(particles,
    steps, seed).
    """

    def build(particles, steps):
        def call():
            with ThreadPoolExecutor(threads) as pool:
                list(
                    pool.map(lambda seed: share(particles // threads, steps, seed), range(threads))
                )

        return call

    return build


def side_by_side(call, threads):
    """A call that runs `call` in each of so many threads: what the processors reach when nothing is
    shared out.
    """

    def together():
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda _: call(), range(threads)))

    return together
