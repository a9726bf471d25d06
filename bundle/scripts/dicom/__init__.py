"""DICOM studies in, derived series out. Needs the packages of requirements-clinic.txt."""
