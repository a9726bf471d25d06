"""Transforms: one step from a patient record to network input, and back, a file."""
