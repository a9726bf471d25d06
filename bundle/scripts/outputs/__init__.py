"""Write and read results: NIfTI volumes, sidecars, pictures and tables."""
