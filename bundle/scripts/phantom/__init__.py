"""The digital brain phantom: tissue maps, a glioma, and simulated MR signals. Not a patient."""
