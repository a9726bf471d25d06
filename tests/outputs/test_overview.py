from __future__ import annotations

import matplotlib.image
import nibabel as nib
import numpy as np
import pytest

from scripts.data.errors import BadInputError
from scripts.outputs.overview import draw_overview

AFFINE = np.diag([-1.0, -1.0, 2.0, 1.0])


@pytest.fixture
def patient(write_patient, tmp_path):
    record = write_patient(tmp_path / "in", "P1", shape=(60, 72, 20))
    sources = {name: nib.load(record[name]).get_fdata() for name in ("t1gd", "flair")}
    fused = sum(volume / volume.max() for volume in sources.values()) / 2
    decomposed = {name: volume * 0.97 for name, volume in sources.items()}
    return sources, fused, decomposed


def scores(**lengths) -> dict:
    return {
        name: {"fused": np.full(length, 0.9), "decomposed": np.full(length, 0.96)} for name, length in lengths.items()
    }


def draw(path, patient, **options):
    options = {"affine": AFFINE, "slice_axis": 2, "title": "P1", **options}
    draw_overview(path, *patient, **options)
    return matplotlib.image.imread(path)


def colourful(picture: np.ndarray, threshold: float = 0.25) -> np.ndarray:
    """Return where the picture is clearly coloured."""
    return np.ptp(picture[..., :3], axis=2) > threshold


class TestDrawOverview:
    def test_picture_is_crisp_and_small(self, tmp_path, patient):
        picture = draw(tmp_path / "o.png", patient, ssim=scores(t1gd=20, flair=20))
        assert picture.shape[1] == 1800
        assert (tmp_path / "o.png").stat().st_size < 1.5e6

    def test_errors_are_drawn_in_colour_and_only_there(self, tmp_path, patient):
        picture = draw(tmp_path / "o.png", patient)
        below_heading = colourful(picture)[220:-70]
        assert below_heading[:, 1300:].any()
        assert not below_heading[:, :1200].any()

    def test_without_sources_no_errors_are_drawn(self, tmp_path, patient):
        _, fused, decomposed = patient
        picture = draw(tmp_path / "o.png", (None, fused, decomposed))
        assert picture.shape[1] < 1300
        assert not colourful(picture)[220:-70].any()

    def test_the_phantom_is_called_one(self, tmp_path, patient):
        plain = draw(tmp_path / "a.png", patient)
        phantom = draw(tmp_path / "b.png", patient, phantom=True)
        different = np.flatnonzero((plain != phantom).any(axis=(1, 2)))
        assert different.size
        assert different.max() < 110, "only the heading changes"

    def test_one_number_for_the_volume_or_one_for_each_slice(self, tmp_path, patient):
        single = {name: {"fused": 0.9, "decomposed": 0.96} for name in ("t1gd", "flair")}
        by_volume = draw(tmp_path / "a.png", patient, ssim=single)
        by_slice = draw(tmp_path / "b.png", patient, ssim=scores(t1gd=20, flair=20))
        assert by_volume.shape == by_slice.shape
        assert (by_volume != by_slice).any()

    def test_slices_without_a_score_are_left_out(self, tmp_path, patient):
        known, unknown = scores(t1gd=20, flair=20), scores(t1gd=20, flair=20)
        unknown["t1gd"]["decomposed"][:] = np.nan
        unknown["flair"]["fused"][3:] = np.nan
        with_all = draw(tmp_path / "a.png", patient, ssim=known)
        with_some = draw(tmp_path / "b.png", patient, ssim=unknown)
        assert (with_some > 0.6).sum() < (with_all > 0.6).sum()

    def test_chosen_slices_set_the_height(self, tmp_path, patient):
        heights = [draw(tmp_path / "o.png", patient, slices=slices).shape[0] for slices in ([10], [8, 10], [8, 10, 12])]
        steps = np.diff(heights)
        assert abs(steps[0] - steps[1]) <= 2
        assert steps[0] > 200

    @pytest.mark.parametrize("slice_axis", [0, 1, 2])
    def test_every_plane_can_be_drawn(self, tmp_path, patient, slice_axis):
        assert draw(tmp_path / "o.png", patient, slice_axis=slice_axis).shape[1] == 1800

    def test_three_sources_fit_on_the_page(self, tmp_path, patient):
        sources, fused, decomposed = patient
        sources, decomposed = ({**d, "t2": d["flair"]} for d in (sources, decomposed))
        picture = draw(
            tmp_path / "o.png",
            (sources, fused, decomposed),
            ssim=scores(t1gd=20, flair=20, t2=20),
        )
        assert picture.shape[1] == 1800

    def test_panels_of_four_sources_stay_large_enough_to_see_something(self, tmp_path, patient):
        sources, fused, decomposed = patient
        sources, decomposed = ({**d, "t1": d["t1gd"], "t2": d["flair"]} for d in (sources, decomposed))
        names = dict.fromkeys(sources, 20)
        picture = draw(tmp_path / "o.png", (sources, fused, decomposed), ssim=scores(**names))
        assert picture.shape[1] > 13 * 140
        assert (tmp_path / "o.png").stat().st_size < 2e6

    def test_maps_make_the_page_wider_and_leave_the_panels_their_size(self, tmp_path, patient):
        _, _, decomposed = patient
        plain = draw(tmp_path / "a.png", patient)
        maps = {"contribution": decomposed, "uncertainty": {k: 0.02 * v for k, v in decomposed.items()}}
        picture = draw(tmp_path / "b.png", patient, **maps)
        assert picture.shape[0] == plain.shape[0]
        assert picture.shape[1] > 2500

    def test_the_expected_error_has_its_scale_without_sources_as_well(self, tmp_path, patient):
        _, fused, decomposed = patient
        picture = draw(tmp_path / "o.png", (None, fused, decomposed), uncertainty=decomposed)
        assert colourful(picture)[220:-70].any()

    def test_a_map_of_another_shape_is_refused(self, tmp_path, patient):
        with pytest.raises(ValueError, match="must have the same shape"):
            draw(tmp_path / "o.png", patient, uncertainty={"t1gd": np.zeros((3, 3, 3))})

    def test_volumes_of_different_shape_are_refused(self, tmp_path, patient):
        sources, fused, decomposed = patient
        with pytest.raises(ValueError, match="must have the same shape"):
            draw(tmp_path / "o.png", (sources, fused[1:], decomposed))

    def test_folder_that_cannot_be_made_names_the_file(self, tmp_path, patient):
        (tmp_path / "out").write_text("a file")
        with pytest.raises(BadInputError, match=r"o\.png cannot be written"):
            draw(tmp_path / "out" / "o.png", patient)

    def test_real_patient(self, tmp_path, shared_data):
        folder = shared_data / "open" / "openms-07"
        images = {
            "t1gd": nib.load(folder / "openms-07_t1ce.nii.gz"),
            "flair": nib.load(folder / "openms-07_flair.nii.gz"),
        }
        sources = {name: np.asarray(image.dataobj) for name, image in images.items()}
        fused = sum(volume / volume.max() for volume in sources.values()) / 2
        picture = draw(tmp_path / "o.png", (sources, fused, sources), affine=images["t1gd"].affine)
        assert picture.shape[1] == 1800
        assert (tmp_path / "o.png").stat().st_size < 1.5e6
