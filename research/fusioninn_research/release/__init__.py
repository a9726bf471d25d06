"""A release: everything that depends on the shipped weights is remade and written into the documents."""
