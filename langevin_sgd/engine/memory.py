"""How much memory this process may have."""

import os
from pathlib import Path

V2, V1 = "memory.max", "memory.limit_in_bytes"  # files of the two versions of cgroups


def cgroup_limits(groups="/proc/self/cgroup", root="/sys/fs/cgroup"):
    """The limits in bytes that Linux sets to this process and to the groups that hold it."""
    try:
        lines = Path(groups).read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        is_v1 = "memory" in controllers.split(",")
        if controllers and not is_v1:
            continue
        top = Path(root) / ("memory" if is_v1 else "")
        inner = top / path.strip("/")
        for folder in [inner, *inner.parents]:
            try:
                limit = (folder / (V1 if is_v1 else V2)).read_text().strip()
            except OSError:  # the top group has no limit, and a container may not see its own
                limit = "max"
            if limit.isdigit():
                yield int(limit)
            if folder == top:
                break


def available_memory():
    """Bytes that this process may have: of the machine, or of the container that it runs in."""
    if not hasattr(os, "sysconf"):
        return 2**40
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(machine, *cgroup_limits(), machine)
