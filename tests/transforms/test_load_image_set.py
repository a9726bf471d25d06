import nibabel as nib
import numpy as np
import pytest
import torch
from PIL import Image

from scripts.data.errors import BadInputError
from scripts.transforms.load_image_set import LoadImageSet
from sidecars import write_sidecar

THICK_AXIAL = np.diag([-1.0, -1.0, 5.0, 1.0])
SHAPE = (6, 7, 4)


def nifti(path, values, affine=THICK_AXIAL, slope=None, inter=0.0):
    image = nib.Nifti1Image(values, affine)
    if slope:
        image.header.set_slope_inter(slope, inter)
    nib.save(image, path)
    return str(path)


def png(path, levels):
    Image.fromarray(levels).save(path)
    return str(path)


def record(fused, sources, decomposed=()):
    names = ("a", "b")
    return {
        "patient": "P",
        "fused": fused,
        "sources": dict(zip(names, sources, strict=True)),
        "decomposed": dict(zip(names, decomposed, strict=False)),
    }


@pytest.fixture
def scanner(tmp_path):
    """A fused image in [0, 1] and two sources in scanner units, each slice of another range."""
    rng = np.random.default_rng(0)
    fused = rng.random(SHAPE).astype(np.float32)
    sources = [(rng.random(SHAPE) * 900 * (1 + np.arange(4))).astype(np.int16) for _ in range(2)]
    files = [nifti(tmp_path / f"{name}.nii.gz", source) for name, source in zip("ab", sources, strict=True)]
    return nifti(tmp_path / "P_fused.nii.gz", fused), files, fused, sources


class TestPictures:
    def test_levels_count_as_they_are(self, tmp_path):
        levels = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
        deep = (levels.astype(np.uint16) * 257)[::-1].copy()
        files = [png(tmp_path / "a.png", levels), png(tmp_path / "b.png", deep)]
        data = LoadImageSet()(record(png(tmp_path / "f.png", levels), files))
        assert data["normalisation"] == "none" and data["slice_axis"] == 2 and data["decomposed"] is None
        assert data["fused"].shape == (1, 3, 4, 1) and data["sources"].shape == (2, 3, 4, 1)
        assert (data["sources"][0, ..., 0] * 255).round().tolist() == levels.tolist()
        torch.testing.assert_close(data["sources"][1, ..., 0].flip(0), data["fused"][0, ..., 0])

    def test_a_range_of_levels_can_be_given(self, tmp_path):
        levels = np.array([[0, 4095, 8190]], dtype=np.uint16)
        file = png(tmp_path / "f.png", levels)
        data = LoadImageSet(value_range=[0, 4095])(record(file, [file, file]))
        np.testing.assert_allclose(data["fused"].flatten(), [0, 1, 1], atol=1e-6)

    def test_what_is_coloured_is_reported(self, tmp_path):
        Image.new("RGB", (4, 3), (255, 0, 0)).save(tmp_path / "c.png")
        grey = png(tmp_path / "g.png", np.zeros((3, 4), np.uint8))
        data = LoadImageSet()(record(grey, [grey, str(tmp_path / "c.png")]))
        assert data["coloured"] == [str(tmp_path / "c.png")]
        assert data["sources"][1].numpy() == pytest.approx(0.299)


class TestFusedValues:
    @pytest.mark.parametrize(
        ("values", "slope", "expected"),
        [
            (np.array([0, 51, 255], np.uint8), None, [0, 0.2, 1]),
            (np.array([0, 51, 255], np.int16), None, [0, 0.2, 1]),
            (np.array([0, 13107, 65535], np.uint16), None, [0, 0.2, 1]),
            (np.array([0, 13107, 65535], np.uint16), 1 / 65535, [0, 0.2, 1]),
            (np.array([0, 13107, 32767], np.int16), 1 / 32767, [0, 13107 / 32767, 1]),
            (np.array([-0.2, 0.2, 1.3], np.float32), None, [0, 0.2, 1]),
        ],
    )
    def test_what_means_one_follows_from_type_and_scale_factor(self, tmp_path, values, slope, expected):
        file = nifti(tmp_path / "f.nii.gz", values.reshape(1, 3, 1), slope=slope)
        data = LoadImageSet("none")(record(file, [file, file]))
        np.testing.assert_allclose(data["fused"].flatten(), expected, atol=1e-6)
        assert torch.equal(data["sources"][0], data["fused"][0])

    @pytest.mark.parametrize("values", [np.array([0, 300, 900], np.int16), np.array([0, 100, 255], np.float32)])
    def test_a_range_that_is_unknown_is_asked_for(self, tmp_path, values):
        file = nifti(tmp_path / "f.nii.gz", values.reshape(1, 3, 1))
        with pytest.raises(BadInputError, match=r"f\.nii\.gz has values from 0 to .*--value_range"):
            LoadImageSet()(record(file, [file, file]))

    def test_a_range_that_is_given_counts(self, tmp_path):
        file = nifti(tmp_path / "f.nii.gz", np.array([[[0], [100], [250]]], np.float32))
        data = LoadImageSet("none", value_range=[0, 200])(record(file, [file, file]))
        np.testing.assert_allclose(data["fused"].flatten(), [0, 0.5, 1])

    def test_each_slice_can_be_scaled_by_its_own_range(self, scanner):
        _, files, *_ = scanner
        data = LoadImageSet(value_range="minmax")(record(files[0], files))
        assert torch.equal(data["fused"][0], data["sources"][0])


class TestSources:
    def test_scanner_units_are_scaled_slice_by_slice(self, scanner):
        fused, files, *_ = scanner
        data = LoadImageSet()(record(fused, files))
        assert data["normalisation"] == "slice"
        assert (data["sources"].amax(dim=(1, 2)) == 1).all() and (data["sources"].amin(dim=(1, 2)) == 0).all()

    def test_uint8_counts_as_it_is(self, tmp_path, scanner):
        files = [nifti(tmp_path / f"{name}8.nii", np.full(SHAPE, 51, np.uint8)) for name in "ab"]
        data = LoadImageSet()(record(scanner[0], files))
        assert data["normalisation"] == "none"
        assert data["sources"].numpy() == pytest.approx(0.2)

    def test_the_sidecar_of_this_bundle_says_how_they_were_scaled(self, tmp_path, scanner):
        fused, files, *_ = scanner
        scale = {"mode": "volume", "slice_axis": 1, "offset": [[0.0], [0.0]], "factor": [[1.0], [1.0]]}
        write_sidecar(
            tmp_path / "P_fused.json",
            sources=dict(zip("ab", files, strict=True)),
            intensity_scale=scale,
            stored_dtype="float32",
            checkpoint_sha256="0" * 64,
            fused_sha256="0" * 64,
        )
        data = LoadImageSet()(record(fused, files))
        assert (data["normalisation"], data["slice_axis"]) == ("volume", 1)
        assert (data["sources"].amax(dim=(1, 2)) < 1).any()
        assert LoadImageSet("slice")(record(fused, files))["normalisation"] == "slice"

    def test_a_json_file_of_another_program_says_nothing(self, tmp_path, scanner):
        fused, files, *_ = scanner
        (tmp_path / "P_fused.json").write_text('{"EchoTime": 0.1}')
        assert LoadImageSet()(record(fused, files))["normalisation"] == "slice"


class TestDecomposed:
    def test_decomposed_images_in_the_sources_units_go_through_the_sources_scale(self, tmp_path, scanner):
        fused, files, _, sources = scanner
        half = [
            nifti(tmp_path / f"{n}_half.nii", (s * 0.5).astype(np.float32)) for n, s in zip("ab", sources, strict=True)
        ]
        data = LoadImageSet()(record(fused, files, half))
        low = torch.tensor(np.stack(sources).min(axis=(1, 2), keepdims=True)).float()
        high = torch.tensor(np.stack(sources).max(axis=(1, 2), keepdims=True)).float()
        expected = (torch.tensor(np.stack(sources) * 0.5).float() - low) / (high - low)
        torch.testing.assert_close(data["decomposed"], expected.clamp(0, 1), atol=1e-5, rtol=0)

    def test_decomposed_images_that_are_the_sources_equal_them(self, scanner):
        fused, files, *_ = scanner
        data = LoadImageSet()(record(fused, files, files))
        assert torch.equal(data["decomposed"], data["sources"])

    def test_decomposed_images_in_0_to_1_with_sources_in_scanner_units_are_noticed(self, scanner):
        fused, files, *_ = scanner
        with pytest.raises(BadInputError, match="--decomposed_units unit"):
            LoadImageSet()(record(fused, files, [fused, fused]))
        data = LoadImageSet(decomposed_units="unit")(record(fused, files, [fused, fused]))
        assert torch.equal(data["decomposed"][1], data["fused"][0])


class TestSliceAxis:
    @pytest.mark.parametrize(
        ("shape", "affine", "expected"),
        [
            (SHAPE, THICK_AXIAL, 2),
            (SHAPE, np.diag([5.0, 1, 1, 1]), 0),
            (SHAPE, np.eye(4), 2),
            ((6, 1, 4), THICK_AXIAL, 1),
            ((6, 7), THICK_AXIAL, 2),
        ],
    )
    def test_slices_lie_across_the_thick_or_single_axis(self, tmp_path, shape, affine, expected):
        file = nifti(tmp_path / "f.nii", np.zeros(shape, np.uint8), affine)
        assert LoadImageSet()(record(file, [file, file]))["slice_axis"] == expected

    def test_the_axis_can_be_given(self, scanner):
        assert LoadImageSet(slice_axis=0)(record(scanner[0], scanner[1]))["slice_axis"] == 0


class TestBadInput:
    def test_the_problem_of_a_record_is_reported(self):
        with pytest.raises(BadInputError, match="no partner"):
            LoadImageSet()({"patient": "P", "problem": "no partner"})

    def test_sizes_that_differ_are_reported_with_both_files(self, tmp_path):
        files = [png(tmp_path / f"{n}.png", np.zeros((3, n), np.uint8)) for n in (4, 5)]
        with pytest.raises(BadInputError, match=r"4 x 3 in .*4\.png, 5 x 3 in .*5\.png"):
            LoadImageSet()(record(files[0], files))

    def test_volumes_that_lie_apart_are_refused(self, tmp_path, scanner):
        fused, files, _, sources = scanner
        moved = THICK_AXIAL.copy()
        moved[0, 3] = 4
        other = nifti(tmp_path / "moved.nii", sources[0], moved)
        with pytest.raises(BadInputError, match=r"up to 4 mm apart"):
            LoadImageSet()(record(fused, [files[0], other]))

    def test_a_file_without_a_known_affine_goes_with_all(self, tmp_path, scanner):
        _, files, values, _ = scanner
        fused = nifti(tmp_path / "lost.nii", values, np.eye(4))
        assert LoadImageSet()(record(fused, files))["slice_axis"] == 2

    def test_a_picture_and_a_volume_are_not_compared(self, tmp_path, scanner):
        picture = png(tmp_path / "f.png", np.zeros((6, 7), np.uint8))
        with pytest.raises(BadInputError, match="different formats"):
            LoadImageSet()(record(picture, scanner[1]))

    @pytest.mark.parametrize(
        "settings",
        [
            {"normalisation": "zscore"},
            {"value_range": "[0;1]"},
            {"value_range": [1, 0]},
            {"value_range": [0, 1, 2]},
            {"decomposed_units": "mm"},
            {"slice_axis": 3},
        ],
    )
    def test_an_unknown_setting_is_reported(self, settings):
        with pytest.raises(BadInputError, match=next(iter(settings))):
            LoadImageSet(**settings)
