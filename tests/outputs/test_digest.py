"""Checksums depend on the stored values, not on the format."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scripts.outputs.digest import picture_digest, record_id, voxel_digest
from scripts.outputs.volumes import load_fused, save_volume

VALUES = np.linspace(0, 1, 120).reshape(6, 5, 4).astype(np.float32)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float32"])
def test_what_is_read_has_the_digest_of_what_was_written(tmp_path, dtype):
    save_volume(tmp_path / "a.nii.gz", VALUES, np.eye(4), dtype)
    read, _, stored = load_fused(tmp_path / "a.nii.gz", clip=False)
    assert stored == dtype
    assert voxel_digest(read, dtype) == voxel_digest(torch.from_numpy(VALUES), dtype)
    read[2, 2, 2] += 1 / 255
    assert voxel_digest(read, dtype) != voxel_digest(VALUES, dtype)


def test_every_level_of_16_bits_survives_single_precision(tmp_path):
    levels = np.arange(65536).reshape(64, 64, 16) / 65535
    save_volume(tmp_path / "a.nii", levels, np.eye(4), "uint16")
    assert voxel_digest(load_fused(tmp_path / "a.nii", clip=False)[0], "uint16") == voxel_digest(levels, "uint16")


def test_places_and_types_count():
    digests = {
        voxel_digest(VALUES, "uint16"),
        voxel_digest(VALUES, "float32"),
        voxel_digest(VALUES[::-1], "uint16"),
        voxel_digest(VALUES.reshape(5, 6, 4), "uint16"),
    }
    assert len(digests) == 4
    assert voxel_digest(VALUES * 0, "float32") == voxel_digest(VALUES * -0.0, "float32")


def test_the_digest_is_frozen():
    assert voxel_digest(np.array([[[0.0, 0.5, 1.0]]]), "uint8").startswith("37a3d433aecf")
    assert voxel_digest(np.array([[[0.0, 0.5, 1.0]]]), "float32").startswith("e008b550c330")


def test_a_grey_picture_in_three_channels_is_the_same():
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert picture_digest(np.stack([grey] * 3, axis=-1)) == picture_digest(grey)
    assert picture_digest(grey) != picture_digest(grey.astype(np.uint16))
    assert picture_digest(np.stack([grey, grey, grey + 1], axis=-1)) != picture_digest(grey)


def test_the_id_covers_everything_but_names():
    content = {"SliceAxis": 2, "IntensityScale": {"factor": [[1.0, 2.5]]}, "SSIM": {"fused": {"t1gd": 0.9}}}
    assert record_id({**content, "Patient": "P", "Unknown": 1}) == record_id({**content, "Patient": "Q"})
    assert record_id({**content, "SliceAxis": 2.0}) == record_id(content)
    for change in ({"SliceAxis": 1}, {"SSIM": {}}, {"IntensityScale": {"factor": [[1.0, 2.4]]}}, {"FusedSHA256": "a"}):
        assert record_id({**content, **change}) != record_id(content)
