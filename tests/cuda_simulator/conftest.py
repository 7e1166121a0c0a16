"""These tests run in numba's CUDA simulator, which must be chosen before numba is imported:
NUMBA_ENABLE_CUDASIM=1 NUMBA_DISABLE_JIT=1 python -m pytest tests/cuda_simulator. In any other run
they are not collected."""

import numba

collect_ignore_glob = (
    [] if numba.config.ENABLE_CUDASIM and numba.config.DISABLE_JIT else ["test_*.py"]
)
