"""What all commands share: parsers with examples, text that fits, errors of one line."""

import argparse
import shutil
import textwrap
from itertools import groupby

from ..arguments import nearest

LEAST_WIDTH_OF_TEXT = 80
WIDEST_WORD = 28


class NotUnderstood(ValueError):
    """A word of the command that means nothing here: exit code 2."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, and whose examples stay as they are written."""

    def __init__(self, **options):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def parse_args(self, args=None, namespace=None):
        """As argparse has it, but the first word that means nothing is told the nearest option."""
        given, rest = self.parse_known_args(args, namespace)
        if rest:
            self.refuse(rest[0])
        return given

    def refuse(self, word):
        """Leave with code 2: the word means nothing to this parser."""
        options = self.format_usage().replace("[", " ").replace("]", " ").split()
        self.error(f"{word!r} means nothing here.{nearest(word, options)}")

    def error(self, message):
        """Leave with code 2."""
        end = "" if message.endswith(("?", ".")) else "."
        self.exit(2, f"{self.prog}: {message}{end} See {self.prog} --help\n")


def add_command(commands, name, summary, examples, act):
    """The parser of a new command, done by `act(its arguments)`, which returns the exit code.

    `examples` are lines of (command without the program's name, what it does)."""
    lines = [
        f"  langevin-sgd {words}\n"
        + textwrap.indent(textwrap.fill(text, LEAST_WIDTH_OF_TEXT - 6), " " * 6)
        for words, text in examples
    ]
    parser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog="\n".join(["examples:", *lines]),
    )
    parser.set_defaults(act=act, parser=parser)
    return parser


def whole_number(words):
    """A whole number, as argparse's `type`."""
    try:
        return int(words)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, got {words!r}") from None


def existing(path):
    """`path`, or a FileNotFoundError that names what is there instead."""
    if path.exists():
        return path
    beside = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
    raise FileNotFoundError(f"there is no {str(path)!r}.{nearest(path.name, beside)}")


def width_of_text():
    """Columns of the terminal, at least 80; 80 where the output is no terminal."""
    return max(LEAST_WIDTH_OF_TEXT, shutil.get_terminal_size().columns)


def printable(text):
    """Text of a file without what would move the cursor of a terminal."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in str(text))


def print_table(rows):
    """Print (word, text) pairs: the words in one column, the texts in another, as many lines as
    they need."""
    rows = [(printable(word), printable(text)) for word, text in rows]
    column = min(max((len(word) for word, _ in rows), default=0), WIDEST_WORD)
    room = width_of_text() - column - 4
    for word, text in rows:
        lines = [line for part in text.split("\n") for line in textwrap.wrap(part, room) or [""]]
        if len(word) > column:
            print(
                textwrap.fill(word, width_of_text(), initial_indent="  ", subsequent_indent=" " * 6)
            )
            word = ""
        for line in lines:
            print(f"  {word:{column}}  {line}".rstrip())
            word = ""


def refilled(text, indent=0):
    """Indented text whose paragraphs are broken anew where a line does not fit; formulas and tables
    that fit stay as they are."""
    room, lines = width_of_text() - indent, []
    for margin, group in groupby(text.splitlines(), _margin):
        paragraph = list(group)
        if any(len(line) > room for line in paragraph):
            words = " ".join(line.strip() for line in paragraph)
            paragraph = textwrap.wrap(words, room, initial_indent=margin, subsequent_indent=margin)
        lines += paragraph
    return textwrap.indent("\n".join(lines), " " * indent)


def _margin(line):
    """The blanks before the words of a line; None where there are no words."""
    return line[: len(line) - len(line.lstrip())] if line.strip() else None
