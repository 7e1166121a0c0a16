"""Many particles: from `simulate` to a dataset, with reducers, checkpoints and sweeps."""
