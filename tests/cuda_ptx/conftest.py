"""These tests compile for CUDA without a GPU or driver. numba-cuda takes over the name numba.cuda,
so that it has an environment of its own: pip install -e ".[ptx,symbolic]" pytest, then python -m
pytest tests/cuda_ptx. Elsewhere they are not collected."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("numba_cuda") else ["test_*.py"]
