"""The root of a function of a positive number, which may be of any size."""

from functools import cache


def rising_root(function, guess, missing="the function has no root.", times=1e300):
    """The root x > 0 of a function that is below zero before it and above zero after it.

    It is looked for by doubling and halving a guess, then found to the last places.

    Raises
    ------
    ValueError
        With the message `missing`, if no root lies between the guess over `times` and times it.
    """
    from scipy.optimize import brentq

    function, high = cache(function), guess
    while function(high) < 0 and high < times * guess:
        high *= 2
    low = high / 2
    while function(low) > 0 and low > guess / times:
        low, high = low / 2, low
    if not function(low) <= 0 <= function(high):
        raise ValueError(missing)
    return brentq(function, low, high, xtol=1e-300, rtol=1e-14)
