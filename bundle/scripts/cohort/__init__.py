"""Patient by patient: processing a folder of patients in one run, or in several processes."""
