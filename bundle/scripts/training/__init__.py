"""Training: data sets of slices, handlers on Ignite events, schedules and checkpoints."""
