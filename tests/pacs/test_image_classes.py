from __future__ import annotations

import pytest

pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from pydicom import uid

from scripts.pacs.image_classes import CONTEXTS, FETCHED_CLASSES, IMAGE_CLASSES


def test_an_association_has_room_for_all_of_them_beside_the_query():
    assert len(CONTEXTS) + 1 <= 128
    assert {sop_class for sop_class, _ in CONTEXTS} == set(FETCHED_CLASSES)


def test_images_are_fetched_and_spectra_are_not():
    assert uid.MRImageStorage in IMAGE_CLASSES
    assert uid.MRSpectroscopyStorage not in IMAGE_CLASSES and uid.RawDataStorage not in IMAGE_CLASSES
