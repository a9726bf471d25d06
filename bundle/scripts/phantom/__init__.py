"""The digital brain phantom: tissue maps, a glioma, and what MR sequences show of them. Not a patient."""
