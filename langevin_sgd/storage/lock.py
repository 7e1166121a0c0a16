"""One writer a folder: a lock that the operating system takes back when its holder dies, however it
dies.
"""

import contextlib
import os
import platform
from pathlib import Path

NAME = "lock"


def take_lock(folder):
    """Lock a run folder for this process.

    The lock is the kernel's (flock) on the file ``lock``: it ends with the process, SIGKILL
    included, so a file left behind means nothing and must not be deleted. On a network drive it
    holds between machines where the drive forwards flock, as NFS on Linux does.

    Parameters
    ----------
    folder : path-like
        A folder that exists.

    Returns
    -------
    file object
        Closing it gives the lock back.

    Raises
    ------
    RuntimeError
        If the folder is locked, by another process or by this one; the message names process and
        host.
    OSError
        If the folder cannot be written, or its drive or system has no such locks.
    """
    path = Path(folder) / NAME
    try:
        import fcntl
    except ImportError as error:
        raise OSError(
            f"{str(path)!r} cannot be locked: this system has no flock; run on Linux or macOS"
        ) from error
    try:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", buffering=0)
    except OSError as error:
        raise OSError(
            error.errno,
            f"cannot write {str(path)!r}: {error.strerror}; use a folder that can be written",
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _sign(file)
    except BlockingIOError as error:
        holder = (
            file.read(200).decode(errors="replace").strip() or "a process that has not signed yet"
        )
        file.close()
        raise RuntimeError(
            f"the folder {str(folder)!r} is being written by {holder}; wait until it ends or stop "
            "it, or use another folder"
        ) from error
    except OSError as error:
        file.close()
        raise OSError(
            error.errno,
            f"cannot lock {str(path)!r}: {error.strerror}; use a folder on a local drive",
        ) from error
    return file


def _sign(file):
    file.truncate(0)
    with contextlib.suppress(
        OSError
    ):  # a full disk: the name is a courtesy, the lock holds without it
        file.write(f"process {os.getpid()} on host {platform.node()}\n".encode())
