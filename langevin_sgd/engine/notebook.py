"""Progress in a notebook: one line that is kept up to date, tqdm's where it and its widgets are
installed. Without widgets tqdm writes carriage returns, each of which a saved notebook keeps."""

import sys
import warnings
from importlib.util import find_spec


def is_notebook():
    """Whether a kernel of Jupyter runs this."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return "IPKernelApp" in getattr(shell, "config", ())


def line_in_notebook():
    """A function of (done, total, line) that shows how much of `total` is done, and raises nothing:
    no run is lost because a notebook has gone."""
    shown = []

    def show(done, total, line):
        try:
            if not shown:
                has_widgets = find_spec("tqdm") and find_spec("ipywidgets")
                shown.append((_bar if has_widgets else _display)(total))
            shown[0](done, line)
        except Exception:  # of libraries that are not this package's
            return

    return show


def _bar(total):
    with warnings.catch_warnings():  # tqdm.auto calls itself an experiment
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm

        bar = tqdm(total=total, bar_format="{percentage:3.0f}%|{bar}| {desc}")

    def show(done, line):
        bar.n = done
        bar.set_description_str(line)  # which draws it
        if done == total:
            bar.close()

    return show


def _display(total):
    from IPython.display import display

    handle = display({"text/plain": ""}, raw=True, display_id=True)
    return lambda done, line: handle.update({"text/plain": line}, raw=True)
