"""One writer a folder: a lock that the operating system takes back when its holder dies, however it
dies."""

import contextlib
import os
import platform
from pathlib import Path

from .files import disk_errors

try:
    import fcntl
except ImportError:  # this system has no flock: `take_lock` says so
    fcntl = None  # type: ignore[assignment]

LOCK_NAME = "lock"


def take_lock(folder):
    """Lock a folder, which must exist, for this process; closing the file that is returned gives
    the lock back.

    The lock is the kernel's (flock) on the file ``lock``: it ends with the process, SIGKILL
    included, so a file left behind means nothing and must not be deleted. On a network drive it
    holds between machines where the drive forwards flock, as NFS on Linux does. A RuntimeError,
    naming process and host, if the folder is locked, by another process or by this one; an OSError
    if it cannot be written, or its drive or system has no such locks."""
    path = Path(folder) / LOCK_NAME
    file = _opened(path)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _sign(file)
    except BlockingIOError as error:
        holder = file.read(200).decode(errors="replace").strip()
        file.close()
        raise RuntimeError(
            f"the folder {str(folder)!r} is being written by "
            f"{holder or 'a process that has not signed yet'}; wait until it ends or stop it, or "
            "use another folder"
        ) from error
    except OSError as error:
        file.close()
        raise OSError(
            error.errno,
            f"cannot lock {str(path)!r}: {error.strerror}; use a folder on a local drive",
        ) from error
    return file


@contextlib.contextmanager
def shared_lock(folder):
    """Many processes write files of their own meanwhile, and none holds the folder alone; nothing
    is locked where that cannot be done."""
    with contextlib.ExitStack() as opened:
        with contextlib.suppress(OSError):
            fcntl.flock(opened.enter_context(_opened(Path(folder) / LOCK_NAME)), fcntl.LOCK_SH)
        yield


def _opened(path):
    if fcntl is None:
        raise OSError(
            f"{str(path)!r} cannot be locked: this system has no flock; run on Linux or macOS"
        )
    # A link in a folder from anywhere would have its target written over.
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    with disk_errors(f"cannot write {str(path)!r}", "; use a folder that can be written"):
        return os.fdopen(os.open(path, flags, 0o666), "r+b", buffering=0)


def _sign(file):
    file.truncate(0)
    # A full disk: the name is a courtesy, the lock holds without it.
    with contextlib.suppress(OSError):
        file.write(f"process {os.getpid()} on host {platform.node()}\n".encode())
