"""The physics of one particle: potentials, losses, noises, dynamics and schedules."""
