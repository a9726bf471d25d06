"""Patients: discovery, split, slice selection and the data set of slices."""
