"""Slices for testing exports."""

from __future__ import annotations

from monai.transforms import Compose

from fusioninn_research.real_slices import real_slices
from scripts.data.discovery import find_patients
from scripts.transforms.load_sources import LoadSourcesd
from scripts.transforms.normalize import NormalizeSourcesd


def test_they_are_whole_normalised_and_show_brain(write_patient, tmp_path):
    write_patient(tmp_path, "P1", shape=(30, 32, 9))
    read = Compose([LoadSourcesd(["t1gd", "flair"], with_seg=False), NormalizeSourcesd()])
    pages = real_slices(find_patients(str(tmp_path), ["t1gd", "flair"]), read, 3)
    assert pages.shape == (3, 2, 30, 32)
    assert pages.amin() == 0
    assert (pages.amax(dim=(2, 3)) == 1).all()
