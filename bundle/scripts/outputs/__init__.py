"""What a run leaves behind: NIfTI volumes, their sidecar and the overview picture."""
