"""All commands, and what becomes of their errors."""

import contextlib
import os
import sys

import langevin_sgd as ls

from .. import doctor
from ..arguments import nearest
from .folders import add_merge, add_resume
from .listing import add_list
from .measuring import add_bench
from .pictures import add_plot
from .results import add_info
from .studies import add_run
from .words import NotUnderstood, Parser, add_command

FAILED, NOT_UNDERSTOOD, STOPPED = 1, 2, 130
EXAMPLES = """\
examples:
  langevin-sgd list                              studies, each with its question
  langevin-sgd list double_well                  what a potential takes
  langevin-sgd run boltzmann_departure --quick   a study, small
  langevin-sgd info data/escape.nc               what a result is
  langevin-sgd plot data/escape.nc               its picture
  langevin-sgd COMMAND --help                    more examples of each

exit code: 0; 1 if a file is missing or damaged, or a claim of a study fails;
2 for a command that is not understood; 130 after Ctrl-C"""


def main(arguments=None):
    """Run the command line; returns the exit code."""
    with contextlib.suppress(AttributeError):  # a stream of somebody's own
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        try:
            return _act(sys.argv[1:] if arguments is None else list(arguments))
        finally:
            print(end="", flush=True)
    except BrokenPipeError:  # whoever reads has seen enough: nothing more is to be written
        _drop_output()
        return 0
    except KeyboardInterrupt:
        print("stopped by Ctrl-C", file=sys.stderr)
        return STOPPED
    except NotUnderstood as error:
        print(error, file=sys.stderr)
        return NOT_UNDERSTOOD
    except (TypeError, ValueError, OSError, RuntimeError, ImportError, MemoryError) as error:
        print(error or type(error).__name__, file=sys.stderr)
        return FAILED


def _act(words):
    parser, commands = _parsers()
    named = next((word for word in words if not word.startswith("-")), None)
    if named is not None and named not in commands.choices:
        parser.error(f"there is no command {named!r}.{nearest(named, commands.choices)}")
    given, rest = parser.parse_known_args(words)
    if given.command is None:
        parser.error("name a command")
    if rest and given.command == "run":
        given.parser.error(f"{rest[0]!r} belongs after the study: langevin-sgd run STUDY {rest[0]}")
    if rest:
        given.parser.refuse(rest[0])
    return given.act(given)


def _parsers():
    parser = Parser(
        prog="langevin-sgd",
        description="Where SGD stops being Langevin dynamics.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--version", action="version", version=ls.__version__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for add in (add_list, add_run, add_info, add_plot, add_resume, add_merge):
        add(commands)
    summary = "say what is installed, and which targets work"
    add_command(
        *(commands, "doctor", summary),
        [("doctor", "exit code 0 if runs on the CPU work")],
        lambda given: doctor.examine(sys.stdout),
    )
    add_bench(commands)
    return parser, commands


def _drop_output():
    """Let nothing be written when the process ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
