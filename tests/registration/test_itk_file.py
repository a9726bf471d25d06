"""NRRD and MetaImage files."""

from __future__ import annotations

import gzip

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("itk", reason="no itk: pip install -r requirements-clinic.txt")

import itk

from scripts.data.errors import BadInputError
from scripts.data.nifti import DOUBTS, read_nifti
from scripts.registration.itk_file import read_itk
from scripts.registration.motion import rigid_matrix

TURN = rigid_matrix(np.array([10.0, 20.0, 30.0]), np.array([4.0, 5.0, 6.0]), np.zeros(3)) @ np.diag([1, 2, 3, 1.0])


@pytest.fixture(scope="module")
def nifti(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "a.nii.gz"
    values = np.random.default_rng(0).integers(-50, 900, (7, 6, 5)).astype(np.int16)
    nib.save(nib.Nifti1Image(values, TURN), path)
    return path


@pytest.mark.parametrize("ending", [".nrrd", ".nhdr", ".mha", ".mhd"])
def test_a_volume_lies_where_it_lies_as_nifti(nifti, ending):
    path = nifti.with_name(f"a{ending}")
    itk.imwrite(itk.imread(str(nifti)), str(path))
    read, expected = read_itk(path), read_nifti(nifti)
    assert np.array_equal(read, expected)
    assert np.allclose(read.affine, expected.affine, atol=1e-4)


def test_truncated_and_missing_files_are_refused(nifti):
    path = nifti.with_name("cut.nrrd")
    itk.imwrite(itk.imread(str(nifti)), str(path))
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(BadInputError, match=r"cut\.nrrd cannot be read"):
        read_itk(path)
    path.write_bytes(b"")
    with pytest.raises(BadInputError, match=r"cut\.nrrd is empty"):
        read_itk(path)
    with pytest.raises(BadInputError, match="does not exist"):
        read_itk(nifti.with_name("none.mha"))


def test_colours_are_refused(nifti):
    path = nifti.with_name("colour.mha")
    itk.imwrite(itk.image_from_array(np.zeros((4, 4, 4, 3), np.uint8), is_vector=True), str(path))
    with pytest.raises(BadInputError, match=r"colour\.mha holds 3 values in each voxel"):
        read_itk(path)


def test_another_format_is_refused_by_its_name(nifti):
    with pytest.raises(BadInputError, match=r"expected one of \.nii, \.nii\.gz, \.nrrd"):
        path = nifti.with_name("a.txt")
        path.write_text("x")
        read_itk(path)


SPACES = {
    "right-anterior-superior": np.diag([2.0, 3, 4, 1]),
    "LAS": np.diag([-2.0, 3, 4, 1]),
    "left-posterior-superior": np.diag([-2.0, -3, 4, 1]),
}


def write_nrrd(path, *fields, encoding="raw", flip=None, sizes="7 6 5"):
    """Write an NRRD file by hand; `flip` is a byte of its stream in which a bit is turned."""
    body = np.random.default_rng(0).integers(0, 900, 210).astype("<i2").tobytes()
    body = bytearray(gzip.compress(body, mtime=0) if encoding == "gzip" else body)
    if flip is not None:
        body[flip] ^= 4
    lines = ["NRRD0005", "type: short", "dimension: 3", f"sizes: {sizes}", "endian: little", f"encoding: {encoding}"]
    path.write_bytes("\n".join([*lines, *fields, "", ""]).encode() + body)
    return path


@pytest.mark.parametrize("space", SPACES)
def test_every_space_of_nrrd_is_read_as_ras(tmp_path, space):
    directions = "space directions: (2,0,0) (0,3,0) (0,0,4)"
    volume = read_itk(write_nrrd(tmp_path / "a.nrrd", f"space: {space}", directions))
    assert np.array_equal(volume.affine, SPACES[space])
    assert volume.meta[DOUBTS] == ()


def test_units_of_nrrd_are_converted_and_a_missing_space_is_reported(tmp_path):
    directions = "space directions: (2,0,0) (0,3,0) (0,0,4)"
    metres = write_nrrd(tmp_path / "a.nrrd", "space: RAS", directions, 'space units: "m" "m" "m"')
    assert np.array_equal(read_itk(metres).affine, np.diag([2000.0, 3000, 4000, 1]))
    nowhere = read_itk(write_nrrd(tmp_path / "b.nrrd", "spacings: 2 3 4"))
    assert nowhere.meta[DOUBTS] == (
        "its orientation is not given; its axes are assumed to run to the left, back and up",
    )


@pytest.mark.parametrize("flip", [100, 200, -8, -2])
def test_a_flipped_bit_in_compressed_nrrd_is_refused(tmp_path, flip):
    assert read_itk(write_nrrd(tmp_path / "a.nrrd", "space: RAS", encoding="gzip")).max() > 800
    with pytest.raises(BadInputError, match=r"a\.nrrd cannot be read: it is truncated or damaged"):
        read_itk(write_nrrd(tmp_path / "a.nrrd", "space: RAS", encoding="gzip", flip=flip))


@pytest.mark.parametrize("place", [150, 300, -1])
def test_a_flipped_bit_in_compressed_metaimage_is_refused(nifti, place):
    path = nifti.with_name("packed.mha")
    itk.imwrite(itk.imread(str(nifti)), str(path), compression=True)
    content = bytearray(path.read_bytes())
    start = content.index(b"LOCAL\n") + 6
    content[start + place if place > 0 else place] ^= 4
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"packed\.mha cannot be read: it is truncated or damaged"):
        read_itk(path)


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ("7 6 4", "states 336 bytes of voxels, but more are present"),
        ("7 6 6", "states 504 bytes of voxels, but 420 are present"),
        ("32767 32767 32767", "more than the limit of 1,073,741,824"),
    ],
)
def test_sizes_that_do_not_fit_the_file_are_refused(tmp_path, sizes, told):
    with pytest.raises(BadInputError, match=told):
        read_itk(write_nrrd(tmp_path / "a.nrrd", "space: RAS", sizes=sizes))


def test_a_git_lfs_pointer_is_named_as_such(tmp_path):
    (tmp_path / "a.mha").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(BadInputError, match=r"a\.mha is a Git LFS pointer.*git lfs pull"):
        read_itk(tmp_path / "a.mha")
