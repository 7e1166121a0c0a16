"""The parts of throughput.py: what is timed, against what, and by which clock."""
