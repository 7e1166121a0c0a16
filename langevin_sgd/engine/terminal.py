"""Between a run and whoever waits for it: warnings, and progress on stderr."""

import shutil
import sys
import time
import warnings
from pathlib import Path

from .interrupts import pressed
from .notebook import is_notebook, line_in_notebook

SHOW_SECONDS = 0.2
LINE_SECONDS = 10.0  # where no line can be written over
_OWN_FILES = str(Path(__file__).parents[1])


def tell(message):
    """A UserWarning at the line that called the package; no run is lost because nobody can read
    it."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_OWN_FILES):
        frame, level = frame.f_back, level + 1
    end_line()
    try:
        warnings.warn(message, stacklevel=level)
    except (OSError, ValueError):  # stderr is closed
        return


def is_terminal():
    """Whether somebody may be watching stderr."""
    try:
        return sys.stderr.isatty()
    except (ValueError, AttributeError):  # it is closed, or there is none
        return False


def in_words(seconds):
    """A time as one reads it: 34 s, 12 min, 3 h 20 min."""
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60:,} h {minutes % 60} min"


_is_open = [False]  # whether a line waits for the one that takes its place


def write_line(done, total, line):
    """A line on stderr; on a terminal the next one takes its place, as long as not all is done."""
    over, room = is_terminal(), shutil.get_terminal_size().columns - 1
    _is_open[0] = over and done != total
    _to_stderr(f"\r{line[:room]:<{room}s}" if over else line, end="" if _is_open[0] else "\n")


def end_line():
    """What is written next begins a line of its own."""
    if _is_open[0]:
        _is_open[0] = False
        _to_stderr("")


def _to_stderr(text, end="\n"):
    try:
        if sys.stderr is not None:
            print(text, end=end, file=sys.stderr, flush=True)
    except (OSError, ValueError):  # nobody can read it, and no run is lost for that
        return


def reporter(progress, total, what, particles=0):
    """A function of (done, seconds) that reports from time to time, and at the end; `what` is done,
    "steps" of so many `particles`."""
    last, show = [0.0], write_line
    pause = SHOW_SECONDS if progress is not True or is_terminal() else LINE_SECONDS
    if progress is True and is_notebook():
        pause, show = SHOW_SECONDS, line_in_notebook()

    def report(done, seconds):
        if not progress or (seconds - last[0] < pause and done != total):
            return
        last[0] = seconds
        if progress is not True:
            progress(done, total, seconds)
            return
        rate = done / max(seconds, 1e-9)
        left = f"{in_words((total - done) / rate)} left" if rate else "time left not known"
        speed = f"{rate:.0f}/s" if rate >= 10 else f"{rate:.2g}/s"
        if particles:
            speed = f"{rate * particles / 1e6:.1f} M particle-steps/s"
        show(done, total, f"{done:,} of {total:,} {what}, {speed}, {left}")

    return report


def counted(work, total, progress):
    """The items of `work`, with a line on stderr that says how many are done and how long the rest
    takes at this rate.

    A Ctrl-C that came when an item was as good as done is answered when it is done.
    """
    begun, keys = time.perf_counter(), pressed[0]
    report = reporter(progress, total, "points")
    for done, item in enumerate(work, 1):
        yield item
        if pressed[0] > keys:
            raise KeyboardInterrupt
        report(done, time.perf_counter() - begun)
