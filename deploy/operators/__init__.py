"""Operators of the MONAI Deploy application: thin steps over the bundle's own code."""
