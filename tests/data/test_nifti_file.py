"""NIfTI files are read completely or not at all; damage never changes voxels or coordinates silently."""

from __future__ import annotations

import gzip
import io
import logging
import random
import warnings

import nibabel as nib
import numpy as np
import pytest

from scripts.data.errors import BadInputError
from scripts.data.nifti import one_volume, read_nifti, warn_of_doubts
from scripts.data.nifti_file import open_nifti, plain_integer, read_coordinates

SHAPE = (9, 8, 7)
PLACE = np.array([[-1.5, 0, 0, 30], [0, -2, 0, 40], [0, 0, 3, -20], [0, 0, 0, 1.0]])
MUTATIONS = 300


def content(dtype="int16", slope=None, both_forms=True) -> bytes:
    """Return an uncompressed NIfTI file."""
    values = np.random.default_rng(1).integers(0, 120, SHAPE).astype(dtype)
    image = nib.Nifti1Image(values, PLACE)
    if slope is not None:
        image.header.set_slope_inter(slope, -3)
    if both_forms:
        image.set_qform(PLACE, 1)
        image.set_sform(PLACE, 1)
    return image.to_bytes()


def refused(path, match) -> None:
    with pytest.raises(BadInputError, match=match):
        open_nifti(path)


class TestValues:
    @pytest.mark.parametrize("slope", [None, 0.37])
    @pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint16", "int32", "float32", "float64", ">i2", ">f4"])
    def test_they_are_those_of_nibabel_to_the_bit(self, tmp_path, dtype, slope):
        (tmp_path / "a.nii.gz").write_bytes(gzip.compress(content(dtype, slope)))
        expected = np.asarray(nib.load(tmp_path / "a.nii.gz").dataobj).astype(np.float32)
        opened = open_nifti(tmp_path / "a.nii.gz")
        assert np.array_equal(opened.values(), expected)
        integer = np.dtype(dtype).newbyteorder("=") if np.dtype(dtype).kind in "iu" and slope is None else None
        assert opened.plain_integer == plain_integer(tmp_path / "a.nii.gz") == integer

    def test_nifti_2_and_big_endian_files_are_read(self, tmp_path):
        values = np.arange(504, dtype=np.int16).reshape(SHAPE)
        nib.save(nib.Nifti2Image(values, PLACE), tmp_path / "a.nii.gz")
        assert np.array_equal(read_nifti(tmp_path / "a.nii.gz"), values)
        image = nib.Nifti1Image(values, PLACE, nib.Nifti1Header(endianness=">"))
        (tmp_path / "b.nii").write_bytes(image.to_bytes())
        assert np.array_equal(read_nifti(tmp_path / "b.nii"), values)
        assert np.array_equal(read_coordinates(tmp_path / "b.nii").affine, PLACE)

    def test_a_gzip_of_several_members_is_read(self, tmp_path):
        whole = content()
        (tmp_path / "a.nii.gz").write_bytes(gzip.compress(whole[:700]) + gzip.compress(whole[700:]))
        assert np.array_equal(read_nifti(tmp_path / "a.nii.gz"), nib.Nifti1Image.from_bytes(whole).get_fdata())


class TestDamage:
    def test_a_wrong_checksum_is_refused_though_the_voxels_are_all_there(self, tmp_path):
        packed = bytearray(gzip.compress(content()))
        packed[-8] ^= 1
        (tmp_path / "a.nii.gz").write_bytes(packed)
        nib.load(tmp_path / "a.nii.gz").get_fdata()  # nibabel does not look at it
        refused(tmp_path / "a.nii.gz", r"a\.nii\.gz cannot be read as NIfTI.*CRC check failed.*download")

    def test_what_follows_the_stream_is_refused(self, tmp_path):
        (tmp_path / "a.nii.gz").write_bytes(gzip.compress(content()) + b"garbage")
        refused(tmp_path / "a.nii.gz", "Not a gzipped file")
        (tmp_path / "b.nii.gz").write_bytes(gzip.compress(content() + bytes(100)))
        refused(tmp_path / "b.nii.gz", r"holds more than the 1360 bytes that its header states")
        (tmp_path / "c.nii").write_bytes(content() + b"x")
        refused(tmp_path / "c.nii", r"holds more than the 1360 bytes")

    def test_a_missing_end_is_refused(self, tmp_path):
        (tmp_path / "a.nii").write_bytes(content()[:-1])
        refused(tmp_path / "a.nii", "9 x 8 x 7 voxels, 1,360 bytes, which a file of 1,359 bytes cannot hold")
        (tmp_path / "b.nii.gz").write_bytes(gzip.compress(content()[:-1]))
        refused(tmp_path / "b.nii.gz", "states 1360 bytes, but 1359 are present")


def claiming(size: int) -> bytes:
    header = nib.Nifti1Image(np.zeros((2, 2, 2), np.int16), PLACE).header
    header["dim"][1:4] = size
    header["magic"], header["vox_offset"] = b"n+1", 352
    return header.binaryblock + bytes(4)


class TestSizes:
    def test_a_header_that_claims_more_than_the_file_can_hold_is_refused_unread(self, tmp_path):
        (tmp_path / "a.nii").write_bytes(claiming(32767) + bytes(48))
        refused(tmp_path / "a.nii", r"32767 x 32767 x 32767 voxels.*which a file of 400 bytes cannot hold")
        (tmp_path / "b.nii.gz").write_bytes(gzip.compress(claiming(32767) + bytes(48)))
        refused(tmp_path / "b.nii.gz", r"32767 x 32767 x 32767 voxels.*cannot hold")

    def test_a_bomb_is_refused_by_its_header(self, tmp_path):
        # A sparse file of 20 GB of zeros: 2200^3 voxels of 2 bytes, none of which is written or read.
        with open(tmp_path / "a.nii", "wb") as stream:
            stream.write(claiming(2200))
            stream.truncate(352 + 2 * 2200**3)
        refused(tmp_path / "a.nii", r"2200 x 2200 x 2200 voxels by its header, more than the limit of 1,073,741,824")

    def test_a_stream_that_unpacks_to_more_than_its_header_says_is_not_unpacked(self, tmp_path):
        block = gzip.compress(bytes(2**20))
        (tmp_path / "a.nii.gz").write_bytes(gzip.compress(content()) + block * 20_000)  # 20 GB
        refused(tmp_path / "a.nii.gz", "holds more than the 1360 bytes")


class TestOtherKinds:
    @pytest.mark.parametrize(
        ("name", "bytes_", "told"),
        [
            ("a.nii.gz", content(), r"is not compressed, but its name ends in \.gz\. Rename it to .*a\.nii\."),
            ("a.nii", gzip.compress(content(), mtime=0), r"compressed by gzip, but .* Rename it to .*a\.nii\.gz\."),
            (
                "a.nii.gz",
                b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
                "Git LFS pointer.*git lfs pull",
            ),
            ("a.nii.gz", b"\n<!DOCTYPE html><html>404</html>", "is a web page.*Download the file again"),
            ("a.nii.gz", b"", "is empty"),
            ("a.nii", content().replace(b"n+1\0", b"ni1\0"), "is that of the header of a pair of files.*Convert"),
            ("a.nii", b"hello" * 200, "does not begin with a NIfTI header"),
            ("a.nii.gz", gzip.compress(b"hello" * 200, mtime=0), "does not begin with a NIfTI header"),
        ],
    )
    def test_the_message_says_what_it_is_and_what_to_do(self, tmp_path, name, bytes_, told):
        (tmp_path / name).write_bytes(bytes_)
        refused(tmp_path / name, rf"{name} .*{told}")

    def test_a_folder_is_not_a_file(self, tmp_path):
        (tmp_path / "a.nii").mkdir()
        refused(tmp_path / "a.nii", "is a folder")


def outcome(path):
    """Return voxels and affine if the file is read without a warning, else None."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            content = read_nifti(path)
            warn_of_doubts(content, str(path))
            volume = one_volume(content, str(path))
        except BadInputError:
            return None
    return None if caught else (np.asarray(volume), np.asarray(volume.affine))


def by_nibabel(bytes_: bytes):
    image = nib.Nifti1Image.from_stream(io.BytesIO(bytes_))
    return np.asarray(image.dataobj).astype(np.float32), image.affine


class TestFuzz:
    def test_300_mutations_of_a_header_change_nothing_unseen(self, tmp_path, caplog):
        """A bit, a byte or a number of the header is changed.

        A plain NIfTI header has no checksum: another affine, scale factor or type of the same width makes another valid
        file, which no program can tell from the first. So what is accepted without a warning is compared with what
        nibabel reads from the same bytes: the mutation must mean to both the same.
        """
        caplog.set_level(logging.CRITICAL + 1, logger="nibabel.global")
        draw = random.Random(7)
        whole = content()
        accepted = same = 0
        with np.errstate(all="ignore"):
            for index in range(MUTATIONS):
                mutant = bytearray(whole)
                start = draw.randrange(352)
                if index % 3 == 0:
                    mutant[start] ^= 1 << draw.randrange(8)
                elif index % 3 == 1:
                    mutant[start] = draw.randrange(256)
                else:
                    mutant[start : start + 4] = draw.choice([bytes(4), b"\xff" * 4, np.float32(np.nan).tobytes()])
                (tmp_path / "a.nii").write_bytes(mutant)
                found = outcome(tmp_path / "a.nii")
                if found is None:
                    continue
                accepted += 1
                values, affine = by_nibabel(bytes(mutant))
                assert np.array_equal(found[0], values.reshape(found[0].shape), equal_nan=True), index
                assert np.allclose(found[1], affine, atol=1e-3), index
                same += np.array_equal(values, by_nibabel(whole)[0]) and np.allclose(affine, PLACE)
        assert accepted < 250
        assert same > 100

    def test_300_mutations_of_a_gzip_stream_change_no_voxel(self, tmp_path):
        draw = random.Random(8)
        whole = content()
        packed = gzip.compress(whole, mtime=0)
        values, place = by_nibabel(whole)
        accepted = []
        for index in range(MUTATIONS):
            mutant = bytearray(packed)
            start = draw.randrange(len(packed))
            if index % 3 == 0:
                mutant[start] ^= 1 << draw.randrange(8)
            elif index % 3 == 1:
                del mutant[start : start + draw.randrange(1, 9)]
            else:
                mutant[start:start] = draw.randbytes(draw.randrange(1, 9))
            (tmp_path / "a.nii.gz").write_bytes(mutant)
            found = outcome(tmp_path / "a.nii.gz")
            if found is not None:
                assert np.array_equal(found[0], values), index
                assert np.array_equal(found[1], place), index
                accepted.append(start)
        # Of a stream gzip ignores ten bytes at the start alone (time, flags, system); other mutants decode to the same.
        assert len(accepted) < 20
