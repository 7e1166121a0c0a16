"""What numba made of a function: code that came from the cache cannot be read."""

import numba


def llvm_of(compiled):
    """LLVM's code for the one signature of a dispatcher, compiled afresh with its own flags."""
    (signature,) = compiled.signatures
    fresh = numba.jit(**compiled.targetoptions)(compiled.py_func)
    fresh.compile(signature)
    return fresh.inspect_llvm(signature)
