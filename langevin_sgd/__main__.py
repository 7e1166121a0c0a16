"""The command line: python -m langevin_sgd list models."""

import argparse
import inspect
import sys
import textwrap

import langevin_sgd as ls

CATALOGUE = {
    "potentials": ls.potentials,
    "losses": ls.losses,
    "noise": ls.noise,
    "dynamics": ls.dynamics,
    "schedules": ls.schedules,
}


def entries(module):
    """The functions of a module of models that make a record: name -> function."""
    names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    functions = {name: getattr(module, name) for name in names}
    return {
        name: function
        for name, function in sorted(functions.items())
        if inspect.isfunction(function)
        and function.__module__.startswith("langevin_sgd.models")
        and "Returns" in (function.__doc__ or "")
    }


def summary(function):
    """The text of a docstring before its parameters: what it is, and its formula."""
    return inspect.cleandoc(function.__doc__).split("\nParameters\n")[0].split("\nReturns\n")[0].strip()


def list_models(out):
    """Write every potential, loss, noise, dynamics and schedule with its arguments and its formula to `out`."""
    for title, module in CATALOGUE.items():
        print(f"ls.{title}\n", file=out)
        for name, function in entries(module).items():
            print(textwrap.indent(f"{name}{inspect.signature(function)}", "  "), file=out)
            print(textwrap.indent(summary(function), "      ") + "\n", file=out)


def main(arguments=None):
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m langevin_sgd", description="Where SGD stops being Langevin dynamics.")
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="print what there is")
    listing.add_argument("what", choices=["models"])
    parser.parse_args(arguments)
    list_models(sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
