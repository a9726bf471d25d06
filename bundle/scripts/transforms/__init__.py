"""Transforms from a patient's record to network input and back, one per file."""
