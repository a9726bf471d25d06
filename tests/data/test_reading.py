"""What libraries say about a file is told once, with the file's name."""

from __future__ import annotations

import logging
import struct
import warnings

import nibabel as nib
import numpy as np
import pytest

from scripts.data.nifti import read_nifti
from scripts.data.reading import reading


@pytest.fixture
def odd_file(tmp_path):
    """A NIfTI file whose voxels have a negative size; nibabel mentions it each time it reads the header."""
    path = tmp_path / "P1_t1ce.nii"
    image = nib.Nifti1Image(np.arange(60, dtype=np.int16).reshape(3, 4, 5), np.eye(4))
    nib.save(image, path)
    content = bytearray(path.read_bytes())
    content[80:84] = struct.pack("<f", -1.0)
    path.write_bytes(content)
    return path


def test_several_messages_become_one_warning_that_names_the_file(capfd):
    with warnings.catch_warnings(record=True) as raised, reading("P1.nii"):
        for _ in range(3):
            warnings.warn("odd value", stacklevel=1)
            logging.getLogger("nibabel.global").warning("odd header")
            logging.getLogger("nibabel.global").info("nothing of interest")
    assert [str(warning.message) for warning in raised] == ["P1.nii: odd header; odd value"]
    assert capfd.readouterr().err == ""


def test_the_loggers_are_left_as_they_were_also_after_an_error():
    logger = logging.getLogger("nibabel.global")
    before = (list(logger.handlers), logger.propagate, logger.level)
    with pytest.raises(OSError), reading("P1.nii"):
        raise OSError
    assert (list(logger.handlers), logger.propagate, logger.level) == before


def test_a_header_is_complained_of_once(odd_file, capfd):
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        volume = read_nifti(odd_file)
    assert volume.shape == (3, 4, 5)
    assert [str(warning.message) for warning in raised] == [
        f"{odd_file}: pixdim[1,2,3] should be positive; setting to abs of pixdim values"
    ]
    assert capfd.readouterr().err == ""
