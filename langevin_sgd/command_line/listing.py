"""list: what there is: studies, what a run is made of, and one of them in full."""

import inspect
import re
import textwrap

import langevin_sgd as ls

from ..arguments import nearest
from .studies import SOURCE_TREE, own_studies, text_of_study
from .words import NotUnderstood, add_command, print_table, refilled, width_of_text

PARTS_OF_RUNS = ("potentials", "losses", "noise", "dynamics", "schedules", "reducers")
MORE_TO_LIST = ("analysis", "theory", "plots")
SECTIONS = re.compile(r"\n(?:Returns|Raises|Warns|Notes|References|See Also|Examples)\n-+\n")


def add_list(commands):
    """The command and its arguments."""
    examples = [
        ("list", "the studies, each with its question"),
        ("list potentials", f"what there is of a kind: {', '.join(PARTS_OF_RUNS + MORE_TO_LIST)}"),
        ("list double_well", "one of them: arguments, formula, parameters"),
        ("list boltzmann_departure", "one study: what it asks, and how"),
        ("list models", "all that a run is made of, with arguments and formulas"),
    ]
    parser = add_command(commands, "list", "print what there is", examples, _list_what_is_wanted)
    parser.add_argument(
        "what", nargs="?", default="studies", help="studies (default), a kind, models, or a name"
    )


def entries(module):
    """What a module of the package offers for use: name -> function."""
    functions = {name: getattr(module, name) for name in sorted(module.__all__)}
    return {
        name: function
        for name, function in functions.items()
        if inspect.isfunction(function) and hasattr(function, "__wrapped__")
    }


def _list_what_is_wanted(given):
    what = given.what
    if what == "studies":
        _list_studies()
    elif what in PARTS_OF_RUNS or what in MORE_TO_LIST:
        _list_kind(what)
    elif what == "models":
        for kind in PARTS_OF_RUNS:
            print(f"ls.{kind}\n")
            for name, function in entries(getattr(ls, kind)).items():
                _print_in_full(name, function, with_parameters=False)
    else:
        _list_by_name(what)
    return 0


def _list_studies():
    studies = own_studies()
    if studies:
        print("Studies, each with its question:")
        print_table((name, text_of_study(name).splitlines()[0]) for name in studies)
        print("\nRun one:       langevin-sgd run NAME --quick")
    else:
        print(refilled(f"no studies: {SOURCE_TREE}"))
    print(f"More to list:  {', '.join(PARTS_OF_RUNS)},")
    print(f"               {', '.join(MORE_TO_LIST)}; or one by its name")


def _list_kind(kind):
    print(f"ls.{kind}:")
    print_table(
        (name, inspect.cleandoc(function.__doc__).splitlines()[0])
        for name, function in entries(getattr(ls, kind)).items()
    )
    print("\nOne of them in full:  langevin-sgd list NAME")


def _list_by_name(name):
    found = [(kind, entries(getattr(ls, kind))) for kind in (*PARTS_OF_RUNS, *MORE_TO_LIST)]
    found.append(("", {key: getattr(ls, key) for key in ls.__all__ if callable(getattr(ls, key))}))
    there = [(kind, functions[name]) for kind, functions in found if name in functions]
    for kind, function in there:
        _print_in_full(".".join(filter(None, ["ls", kind, name])), function)
    if name in own_studies():
        print(f"study {name}\n")
        print(refilled(text_of_study(name), 2))
        print(f"\n  langevin-sgd run {name} --quick")
    elif not there:
        known = [key for _, functions in found for key in functions]
        words = [*own_studies(), *known, *PARTS_OF_RUNS, *MORE_TO_LIST, "models", "studies"]
        raise NotUnderstood(f"there is nothing called {name!r} to list.{nearest(name, words)}")


def _print_in_full(name, function, with_parameters=True):
    """Signature and docstring, without what it returns and raises."""
    print(_signature(name, function))
    text = SECTIONS.split(inspect.cleandoc(function.__doc__))[0]
    if not with_parameters:
        text = text.split("\nParameters\n")[0]
    print(refilled(text.strip(), 4) + "\n")


def _signature(name, function):
    """The call without types, its arguments below each other's beginning where one line does not
    hold them."""
    signature = inspect.signature(function)
    untyped = [each.replace(annotation=each.empty) for each in signature.parameters.values()]
    return textwrap.fill(
        f"{name}{signature.replace(parameters=untyped, return_annotation=signature.empty)}",
        width_of_text(),
        initial_indent="  ",
        subsequent_indent=" " * min(len(name) + 3, 30),
        break_on_hyphens=False,
    )
