"""The command line `langevin-sgd`, which is also `python -m langevin_sgd`: one command a module.

The exit code is 0; 1 if a file or folder is missing or damaged, a claim of a study fails, or the
doctor finds that runs on the CPU do not work; 2 for a command that cannot be understood; 130 after
Ctrl-C. Nothing that a file or folder names is imported or run, but for a study of this package."""
