"""What a call is refused with, as text: "ValueError: every must be >= 1, got 0."."""


def refusal(function, *args, **kwargs):
    """The kind of the error and its message; empty if there is none."""
    try:
        function(*args, **kwargs)
    except (TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return ""
