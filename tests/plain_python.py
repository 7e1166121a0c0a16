"""What a file of the tests, run as a script, prints as JSON in plain Python."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import langevin_sgd


@contextmanager
def printed_by(script):
    """A function that waits for what `script` prints, run in a process of its own meanwhile."""
    folders = Path(langevin_sgd.__file__).parents[1], Path(__file__).parent
    path = os.pathsep.join(map(str, folders))
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": path}
    options = {"env": environment, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, script], **options) as process:
        try:
            yield cache(lambda: json.loads(process.communicate(timeout=600)[0]))
        finally:
            process.kill()
