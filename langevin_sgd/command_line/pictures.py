"""plot: the picture that fits a result, whatever the result is."""

import math
import runpy
import sys
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr

import langevin_sgd as ls

from ..analysis.particles import component_names
from ..arguments import nearest
from ..engine.reducers.readings import MATRIX
from ..plots.style import axes, label_of, points_with_errors, symbol
from .results import ERROR, refuse_a_folder_of_results, whole_dataset
from .studies import own_studies, study_file
from .words import add_command, existing, printable, refilled

LEAST_OF_A_DENSITY = 200  # particles; the paths of fewer say more
MOST_PATHS, MOST_CURVES = 30, 10


def add_plot(commands):
    """The command and its arguments."""
    examples = [
        ("plot data/escape.nc", "a study's file: the study's own figure, into escape.png"),
        ("plot run.nc --out run.pdf", "a run: density, paths of few particles, ..."),
        ("plot run.nc --kind tails", "another picture of it"),
        ("plot run_folder", "a run that goes on, as far as it is"),
        ("plot out/mine.nc studies/mine.py", "with plot(dataset) of a study of your own"),
    ]
    summary = "draw the picture that fits a result"
    parser = add_command(commands, "plot", summary, examples, _plot)
    parser.add_argument("path", type=Path, metavar="FILE|FOLDER")
    parser.add_argument("study", nargs="?", help="whose plot(dataset) draws it; your own: its path")
    parser.add_argument("--kind", help="which picture, where several fit: it says which")
    parser.add_argument(
        "--out",
        type=Path,
        help="PNG, PDF or SVG file, or a folder; default: FILE.png or FILE_KIND.png here, if that "
        "is not there yet",
    )


def _plot(given):
    import matplotlib
    import matplotlib.pyplot as plt

    matplotlib.use("Agg")
    path, dataset = given.path, _dataset_of(given.path)
    out = _place_of_picture(path, given.kind, given.out)
    study = given.study or (None if given.kind else _study_of(dataset))
    if study:
        figure, others = _drawn_by(study, dataset, path), []
    else:
        figure, others = _fitting(dataset, path, given.kind)
    figure.savefig(out, dpi=150)
    plt.close(figure)
    print(f"wrote {out}")
    if others:
        print(refilled(f"other pictures of it, by --kind: {', '.join(others)}"))
    if "study" in dataset.attrs and not study:
        name = printable(dataset.attrs["study"])
        print(refilled(f"the study {name!r} draws it in its own way: name its file after {path}"))
    return 0


def _place_of_picture(path, kind, out):
    """The file of a picture: `out`, or of a name of its own, which no file has yet."""
    if out is not None and not out.is_dir():
        existing(out.parent)
        return out if out.suffix else out.with_suffix(".png")  # as matplotlib does
    name = "_".join([path.resolve().stem, *([kind] if kind else [])])
    file = (out or Path()) / f"{name}.png"
    if file.exists():
        raise FileExistsError(f"{file} is there already. To write over it: --out {file}")
    return file


def _dataset_of(path):
    """The dataset of a file, a run's folder, or a folder with the points of a sweep."""
    from ..storage.manifest import read_manifest

    refuse_a_folder_of_results(existing(path))
    if path.is_dir() and read_manifest(path, ["run", "sweep"]).header.kind == "sweep":
        return ls.merge(path)
    return whole_dataset(path)


def _study_of(dataset):
    """The study that a file names, if it is this package's own: nothing else is run for a file."""
    name = dataset.attrs.get("study")
    return name if name in own_studies() else None


def _drawn_by(study, dataset, path):
    file = study_file(study)
    before = sys.path
    sys.path = [str(file.resolve().parent), *sys.path]
    try:
        plot = runpy.run_path(str(file), run_name="study").get("plot")
        if plot is None:
            raise ValueError(f"the study {study!r} has no function plot(dataset).")
        return plot(dataset)
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"plot(dataset) of {study!r} cannot draw {path}: {error}") from error
    finally:
        sys.path = before


def _fitting(dataset, path, kind):
    """A figure of the first picture that fits, or of the one that is named; the names of the
    others."""
    import matplotlib.pyplot as plt

    drawings = _kinds(dataset)
    if not drawings:
        raise ValueError(
            f"{path} has no picture. There are pictures of runs, of what analysis finds, of "
            "sweeps and of the files of studies."
        )
    if kind is not None and kind not in drawings:
        near = nearest(kind, drawings)
        raise ValueError(f"{path} has no picture {kind!r}, only {', '.join(drawings)}.{near}")
    name = kind or next(iter(drawings))
    with ls.plots.style():
        drawings[name]()
    return plt.gcf(), [other for other in drawings if other != name]


def _kinds(dataset):
    """Name -> function without arguments that draws the dataset; the most telling one first."""
    found = ls.plots.pictures(dataset)
    if "x" in dataset and dataset["x"].dims == ("step", "particle", "component"):
        paths = {"paths": partial(_paths, dataset)}
        few = dataset.sizes["particle"] < LEAST_OF_A_DENSITY and dataset.sizes["step"] > 1
        found = paths | found if few else found | paths
    if not found and _names_of_curves(_one_row_a_point(dataset)):
        found = {"curves": partial(_curves, _one_row_a_point(dataset))}
    return found


def _paths(dataset):
    """The first component of some particles."""
    ax = axes(None, "ax")
    x = dataset["x"].values[:, :MOST_PATHS, 0]
    ax.plot(dataset["step"], x, color=ls.plots.COLOURS["data"], linewidth=0.8, alpha=0.6)
    ax.set_xlabel("step")
    ax.set_ylabel(f"{symbol(component_names(dataset)[0])} (length)")
    ax.set_title(f"{x.shape[1]} of {dataset.sizes['particle']:,} particles")


def _one_row_a_point(dataset):
    """The last step of each point of a sweep, and the diagonals of matrices."""
    sizes = dataset.sizes
    if "failed" in dataset and "step" in sizes:
        dataset = dataset.isel(step=-1)
    if set(MATRIX) <= set(sizes) and len({sizes[dim] for dim in MATRIX}) == 1:
        each = xr.DataArray(np.arange(sizes["component"]), dims="component")
        dataset = dataset.isel({dim: each for dim in MATRIX})
    return dataset


def _names_of_curves(dataset):
    """Numbers along one numeric coordinate, as of a sweep; there may be a few of them."""
    return [
        name
        for name, variable in dataset.data_vars.items()
        if 1 <= variable.ndim <= 2
        and variable.dtype.kind == "f"
        and not name.endswith(ERROR)
        and variable.dims[0] in dataset.coords
        and dataset[variable.dims[0]].dtype.kind in "iuf"
        and math.prod(variable.shape[1:]) <= MOST_CURVES
    ]


def _curves(dataset):
    """The first of `_names_of_curves`, with its errors where there are any."""
    import matplotlib

    ax, name = axes(None, "ax"), _names_of_curves(dataset)[0]
    values, dim = dataset[name], dataset[dataset[name].dims[0]]
    errors = dataset[f"{name}{ERROR}"] if f"{name}{ERROR}" in dataset else 0 * values
    rows = list(zip(_columns(values), _columns(errors), _names_along(values), strict=True))
    for k, (row, error, place) in enumerate(rows):
        look = {"color": matplotlib.colormaps["viridis"](0.85 * k / len(rows)), "markersize": 4}
        points_with_errors(ax, dim, row, error, fmt="o-", label=place, **look)
    ax.locator_params(axis="x", nbins=6)
    ax.set_xlabel(label_of(dim))
    ax.set_ylabel(label_of(values))
    if values.ndim > 1:
        ax.legend()


def _names_along(values):
    """What tells curves apart: the coordinate of the second dimension, if there is one."""
    if values.ndim == 1:
        return [None]
    over = values[values.dims[1]]
    before = "" if over.dtype.kind == "U" else f"{over.name} "
    return [before + printable(place) for place in over.values]


def _columns(variable):
    return variable.values.reshape(len(variable), -1).T
