"""The root of a function of a positive number, which may be of any size."""


def rising_root(function, guess, missing="the function has no root."):
    """The root x > 0 of a function that is below zero before it and above zero after it.

    It is looked for by doubling and halving a guess, then found to the last places.

    Raises
    ------
    ValueError
        With the message `missing`, if no root lies between 1e-300 and 1e300.
    """
    from scipy.optimize import brentq

    high = guess
    while function(high) < 0 and high < 1e300:
        high *= 2
    low = high / 2
    while function(low) > 0 and low > 1e-300:
        low /= 2
    if not function(low) <= 0 <= function(high):
        raise ValueError(missing)
    return brentq(function, low, high, xtol=1e-300, rtol=1e-14)
