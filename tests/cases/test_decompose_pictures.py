"""Fused pictures as they are found and read again."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from scripts.cases.decompose_pictures import ReadFusedPicture, find_fused_pictures, folder_for_decomposed
from scripts.data.errors import BadInputError
from scripts.outputs.digest import picture_digest
from scripts.outputs.pictures import save_picture
from scripts.outputs.sidecar import sidecar_of
from sidecars import write_sidecar


@pytest.fixture
def fused(tmp_path):
    """Write a fused picture and return its path."""
    scale = {"mode": "slice", "slice_axis": 2, "offset": [[0.0], [0.0]], "factor": [[1.0], [1.0]]}
    levels = np.arange(48, dtype=np.uint8).reshape(6, 8)
    content = write_sidecar(
        tmp_path / "7_fused.json",
        sources={"MRI": "7.png", "PET": "7.png"},
        intensity_scale=scale,
        stored_dtype="uint8",
        checkpoint_sha256="0" * 64,
        fused_sha256=picture_digest(levels),
        extra={"Shape": [6, 8]},
    )
    path = tmp_path / "7_fused.png"
    save_picture(path, levels, "a fused picture", content)
    return path


def test_a_folder_and_a_single_file_are_found(fused, tmp_path):
    record = {"patient": "7", "fused": str(fused), "sidecar_file": str(sidecar_of(fused))}
    assert find_fused_pictures(str(tmp_path)) == [record]
    assert find_fused_pictures(str(fused)) == [record]
    other = fused.rename(tmp_path / "renamed.png")
    assert find_fused_pictures(str(other)) == [{"patient": "renamed", "fused": str(other)}]


def test_decomposed_pictures_go_beside_the_fused_ones(fused, tmp_path):
    assert folder_for_decomposed(str(tmp_path)) == folder_for_decomposed(str(fused)) == str(tmp_path / "decomposed")


def test_nothing_to_decompose_is_told(tmp_path):
    with pytest.raises(BadInputError, match="No fused picture in"):
        find_fused_pictures(str(tmp_path))
    with pytest.raises(BadInputError, match="does not exist"):
        find_fused_pictures(str(tmp_path / "none"))


def test_two_of_one_name_stop_that_name_alone(fused, tmp_path):
    (tmp_path / "more").mkdir()
    for name in ("7", "8"):
        (tmp_path / "more" / f"{name}_fused.png").write_bytes(fused.read_bytes())
    records = {record["patient"]: record for record in find_fused_pictures(str(tmp_path))}
    assert "problem" not in records["8"]
    with pytest.raises(BadInputError, match="both fused pictures of 7"):
        ReadFusedPicture()(records["7"])


def test_a_fused_picture_is_read_with_what_leads_back(fused):
    data = ReadFusedPicture()({"patient": "7", "fused": str(fused)})
    assert data["image"].shape == (1, 6, 8, 1)
    assert float(data["image"].max()) == pytest.approx(47 / 255)
    assert data["sidecar"]["SourceModalities"] == ["MRI", "PET"]


def test_a_picture_that_was_resized_is_told(fused):
    Image.open(fused).resize((16, 12)).save(fused)
    with pytest.raises(BadInputError, match="has 16 x 12 pixels, but 8 x 6 were fused"):
        ReadFusedPicture()({"patient": "7", "fused": str(fused)})
