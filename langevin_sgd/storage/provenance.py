"""What made a dataset: the versions, the processor and the commit that a later reader needs to
repeat it.
"""

import functools
import importlib.metadata
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numba
from llvmlite import binding

from ..kernels.rng import GENERATOR

PACKAGE = __package__.partition(".")[0]
SCHEMA_VERSION = 1  # of a dataset
CONVENTIONS = "CF-1.11"
REFERENCES = "README.md of langevin_sgd: symbols and conventions"
LIBRARIES = ("numba", "llvmlite", "numpy", "xarray")


def provenance():
    """The record of this program and machine, as attributes for a dataset.

    Returns
    -------
    dict
        Text: ``langevin_sgd_version``, ``numba_version``, ``llvmlite_version``, ``numpy_version``,
        ``xarray_version``, ``python_version``, ``cpu`` (LLVM's name of the processor that kernels
        are compiled for), ``generator`` of the random words ("philox" or "threefry") and
        ``created`` (UTC, ISO 8601). Integer: ``schema_version``, which changes when the meaning of
        a stored variable does. In a git checkout also ``git_commit`` (text) and ``git_dirty`` (1 if
        a file of the package or a study differs from that commit, else 0).
    """
    return {
        **_program(),
        "schema_version": SCHEMA_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def global_attributes(title, command):
    """The global attributes of a new dataset: ``Conventions``, ``title``, ``source``, ``history``,
    ``references`` of CF, and all of `provenance`.

    `title` says what the dataset is, in one line; `command` what made it, as one would type it
    again, which becomes ``history``, behind the time.
    """
    record = provenance()
    program = f"langevin_sgd {record['langevin_sgd_version']}"
    commit = f", commit {record['git_commit']}" if "git_commit" in record else ""
    return {
        "Conventions": CONVENTIONS,
        "title": title,
        "source": f"simulation or exact theory, {program}{commit}",
        "history": f"{record['created']}: {command}",
        "references": REFERENCES,
        **record,
    }


@functools.cache  # a sweep asks thousands of times; two git calls cost 10 ms
def _program():
    versions = {library: importlib.metadata.version(library) for library in LIBRARIES}
    return {
        "langevin_sgd_version": sys.modules[PACKAGE].__version__,
        **{f"{library}_version": version for library, version in versions.items()},
        "python_version": platform.python_version(),
        "cpu": numba.config.CPU_NAME or binding.get_host_cpu_name(),
        "generator": GENERATOR,
        **_git_state(Path(__file__).resolve().parents[2]),
    }


def _git_state(root):
    """Commit and dirty flag of the checkout whose root is `root`; nothing outside a checkout or
    without git.
    """
    if not (root / ".git").exists():
        return {}
    try:
        commit = _git(root, "rev-parse", "HEAD")
        changes = _git(root, "status", "--porcelain", "--", "langevin_sgd", "studies")
    # No git on this machine, no commit yet, or a checkout that git distrusts.
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"git_commit": commit, "git_dirty": int(bool(changes))}


def _git(root, *arguments):
    done = subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=10
    )
    return done.stdout.strip()
