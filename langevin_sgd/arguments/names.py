"""What a wrong name of an argument, or a wrong word, is answered."""

from difflib import SequenceMatcher, get_close_matches

LIKE = 0.5  # the likeness of two names, from 0 to 1, from which on one may be meant
# Names of other libraries and dynamics, too far from ours for a guess by likeness.
_RATES = "learning_rate", "step_size"
_ELSEWHERE = {
    "lr": _RATES,
    "eta": _RATES,
    "dt": _RATES,
    "learning_rate": _RATES,
    "step_size": _RATES,
    "model": ("potential", "loss"),
    "potential": ("model", "loss"),
    "loss": ("model", "potential"),
    "table": ("data",),
    "parameters": ("params",),
    "step": ("steps",),
    "n_steps": ("steps",),
    "n": ("particles",),
    "mu": ("momentum",),
    "beta": ("momentum",),
    "bs": ("batch_size",),
    "gamma": ("friction",),
    "t": ("temperature",),
    "kt": ("temperature",),
    "cov": ("covariance",),
    "d": ("dim",),
    "dims": ("dim",),
    "rng": ("seed",),
    "random_state": ("seed",),
}


def misfit(reason, signature, owner, kwargs):
    """Why the arguments of a call of `owner` do not fit its signature, which Python has for this
    `reason`: names the argument, and the nearest one for a name that `owner` does not have."""
    parameters = signature.parameters.values()
    names = [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    takes_any = any(p.kind == p.VAR_KEYWORD for p in parameters)
    others = [name for name in kwargs if name not in names]
    takes = f"it takes {', '.join(names)}." + (meant(others[0], names) if others else "")
    if others and not takes_any:
        return f"{owner}() has no argument {others[0]!r}; {takes}"
    by_name = [p.name for p in parameters if p.kind == p.KEYWORD_ONLY]
    if by_name and "positional" in reason:
        takes = f"these are given by name: {', '.join(by_name)}."
    return f"{owner}(): {reason}; {takes}"


def meant(name, names):
    """The question "Did you mean ...?" for a name that is none of `names`, or ""."""
    same = [one for one in _ELSEWHERE.get(name.lower(), ()) if one in names]
    return f" Did you mean {same[0]!r}?" if same else nearest(name, names)


def nearest(value, known):
    """The question "Did you mean ...?" where `value` is text and nearly one of `known`, or ""."""
    near = get_close_matches(value.lower(), known, 3, LIKE) if isinstance(value, str) else ()
    near = [one for one in near if _begin_alike(value.lower(), one)]
    return f" Did you mean {near[0]!r}?" if near else ""


def _begin_alike(one, other):
    """Whether two names are alike before the words that both end in: a `_rate` in common does not
    make a `decay_rate` of a `learning_rate`."""
    words, others = one.split("_"), other.split("_")
    while words and others and words[-1] == others[-1]:
        del words[-1], others[-1]
    own, others_own = "_".join(words), "_".join(others)
    return not (own and others_own) or SequenceMatcher(None, own, others_own).ratio() >= LIKE
