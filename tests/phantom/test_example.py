from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from scripts import BUNDLE_ROOT
from scripts.phantom.tissues import TISSUES

EXAMPLE = Path(BUNDLE_ROOT) / "example"
FOLDER = EXAMPLE / "phantom-01"
KINDS = ("t1ce", "flair", "seg", "tissue")


@pytest.fixture(scope="module")
def images():
    return {kind: nib.load(FOLDER / f"phantom-01_{kind}.nii.gz") for kind in KINDS}


@pytest.fixture(scope="module")
def volumes(images):
    return {kind: np.asarray(image.dataobj).astype(np.int32) for kind, image in images.items()}


def middle(volume, mask):
    return float(np.median(volume[mask]))


@pytest.mark.parametrize("kind", KINDS)
def test_files_are_int16_in_the_brats_frame(images, kind):
    image = images[kind]
    assert image.shape == (240, 240, 52)
    assert image.get_data_dtype() == np.int16
    assert image.header.get_zooms() == (1.0, 1.0, 3.0)
    assert image.header.get_xyzt_units()[0] == "mm"
    assert nib.aff2axcodes(image.affine) == ("L", "P", "S")
    assert np.array_equal(image.get_sform(), image.get_qform())
    assert image.get_sform(coded=True)[1] == image.get_qform(coded=True)[1] == 1


@pytest.mark.parametrize("kind", KINDS)
def test_every_header_says_that_it_is_a_phantom(images, kind):
    assert images[kind].header["descrip"].item() == b"digital phantom"


def test_all_together_are_at_most_3_megabytes():
    assert sum(path.stat().st_size for path in EXAMPLE.rglob("*") if path.is_file()) <= 3_000_000


def test_description_says_phantom_and_carries_the_notice_of_the_maps():
    description = json.loads((EXAMPLE / "dataset_description.json").read_text(encoding="utf-8"))
    assert "not a patient" in description["Warning"]
    assert "Louis Collins, McConnell Brain Imaging Centre" in description["SourceDatasets"][0]["Notice"]
    assert "Louis Collins" in (EXAMPLE / "README.md").read_text(encoding="utf-8")


def test_legend_names_every_tissue_in_the_map(volumes):
    legend = json.loads((FOLDER / "phantom-01_tissue.json").read_text(encoding="utf-8"))["Labels"]
    assert {str(label) for label in np.unique(volumes["tissue"])} <= set(legend)
    assert legend["3"] == "white_matter"


def test_background_is_exactly_zero_and_the_same_in_all(volumes):
    brain = volumes["tissue"] > 0
    assert np.array_equal(brain, volumes["t1ce"] > 0)
    assert np.array_equal(brain, volumes["flair"] > 0)
    assert 1.1e6 < 3 * brain.sum() < 1.6e6


def test_brain_lies_in_the_middle_as_in_brats(volumes):
    low, high = (edge(np.argwhere(volumes["tissue"] > 0), axis=0) for edge in (np.min, np.max))
    assert np.abs((low + high)[:2] / 2 - [118, 131]).max() < 6


def test_segmentation_has_the_labels_of_brats_2018(volumes):
    assert np.unique(volumes["seg"]).tolist() == [0, 1, 2, 4]
    assert all((volumes["seg"] == label).sum() > 1000 for label in (1, 2, 4))


def test_segmentation_agrees_with_the_contrasts(volumes):
    t1ce, flair, seg, tissue = (volumes[kind] for kind in KINDS)
    white = tissue == TISSUES["white_matter"].label
    grey = tissue == TISSUES["grey_matter"].label
    fluid = tissue == TISSUES["csf"].label
    assert middle(t1ce, seg == 4) > 1.2 * middle(t1ce, white)
    assert middle(t1ce, seg == 1) < 0.85 * middle(t1ce, white)
    assert middle(flair, seg == 2) > 1.2 * middle(flair, white)
    assert middle(flair, fluid) < 0.65 * middle(flair, white)
    assert middle(t1ce, fluid) < 0.65 * middle(t1ce, white)
    assert middle(t1ce, grey) < 0.9 * middle(t1ce, white)
    assert middle(flair, grey) > 1.05 * middle(flair, white)
