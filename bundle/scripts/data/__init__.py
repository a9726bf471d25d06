"""Find, read, split and name the data of patients."""
