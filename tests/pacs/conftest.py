"""Studies in a real PACS (Orthanc)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pacs_fixtures import certificates, cut, orthanc, write_small_study

if TYPE_CHECKING:
    from scripts.pacs.archive import Archive


@pytest.fixture(scope="session")
def study(orthanc, write_small_study, tmp_path_factory) -> tuple[str, Path]:
    """UID and files of a study that is in the PACS."""
    folder = tmp_path_factory.mktemp("study")
    uid = write_small_study(folder)
    assert orthanc.connect("dicomweb").send(folder, new_study=True) == 13
    return uid, folder


@pytest.fixture(params=["dicomweb", "c-get", "c-move"])
def way(request) -> str:
    return request.param


@pytest.fixture
def archive(orthanc, way) -> Archive:
    """The PACS, spoken to in each way."""
    return orthanc.connect(way)


@pytest.fixture
def derive() -> Callable[[Path, Path], str]:
    """Return a function that writes a new series of the same study and returns its UID."""
    from pydicom import dcmread
    from pydicom.uid import generate_uid

    def write(source: Path, target: Path) -> str:
        series = generate_uid()
        target.mkdir(parents=True)
        for file in sorted(source.glob("*.dcm")):
            instance = dcmread(file)
            instance.SeriesInstanceUID = series
            instance.SOPInstanceUID = instance.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            instance.ImageType = ["DERIVED", "SECONDARY"]
            instance.save_as(target / file.name)
        return series

    return write
