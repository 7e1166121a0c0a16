"""Ctrl-C while a run goes on. Only Python's own way with it is replaced: a signal that the program
ignores or handles itself is left to it."""

import _thread
import signal
import sys
import threading
from contextlib import contextmanager

AGAIN_SECONDS = 0.01
# How often a Ctrl-C was noted in this process: one that comes when a run ends is for whoever makes
# the next one.
pressed = [0]


class _Asked(list):
    """A handler that notes Ctrl-C the first time, and raises KeyboardInterrupt the second time."""

    def __call__(self, number, frame):
        self.append(number)
        pressed[0] += 1
        if len(self) > 1:
            raise KeyboardInterrupt


def _is_ours():
    """Whether Ctrl-C is answered as Python does, so that a run may answer it instead."""
    handler, main = signal.getsignal(signal.SIGINT), threading.main_thread()
    usual = handler is signal.default_int_handler or isinstance(handler, _Asked)
    return usual and threading.current_thread() is main


@contextmanager
def interrupts():
    """A list that the first Ctrl-C fills; the second one raises. Where Ctrl-C is not ours it stays
    empty."""
    asked = _Asked()
    if not _is_ours():
        yield asked
        return
    former = signal.signal(signal.SIGINT, asked)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, former)


@contextmanager
def at_once():
    """What has nothing to keep: the first Ctrl-C raises.

    If that is in a destructor or a callback, where Python drops it, the key is pressed again a
    little later."""
    presses = []

    def again(ignored):
        if isinstance(ignored.exc_value, KeyboardInterrupt):
            presses.append(threading.Timer(AGAIN_SECONDS, _thread.interrupt_main))
            presses[-1].start()
        else:
            former(ignored)

    if not _is_ours():
        yield
        return
    with interrupts() as asked:
        asked.append(0)
        former, sys.unraisablehook = sys.unraisablehook, again
        try:
            yield
        finally:
            sys.unraisablehook = former
            for press in presses:
                press.cancel()
                press.join()
        if len(asked) > 1:
            raise KeyboardInterrupt
