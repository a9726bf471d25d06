"""Evaluate methods: similarity in the slice, brain and lesion, and tables of results."""
