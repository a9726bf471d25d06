"""Choosing slices by tumour or by brain area."""

from __future__ import annotations

import pytest
import torch

from scripts.data.errors import BadInputError
from scripts.data.slices import TUMOUR_LABELS, brain_mask, choose_slices


def head(shape=(2, 10, 10, 8)):
    """A cone-shaped head: slice z has brain on (z + 1)² of 100 pixels, the first source only."""
    image = torch.zeros(shape)
    for z in range(shape[3]):
        image[0, : z + 1, 1 : z + 2, z] = 100
    return image


def tumour(**labels_of_slice):
    """A segmentation that holds the given labels in slices s0, s1, ..."""
    seg = torch.zeros(1, 10, 10, 8)
    for name, labels in labels_of_slice.items():
        for i, label in enumerate(labels):
            seg[0, i, 5, int(name[1:])] = label
    return seg


class TestByTumour:
    def test_brats_2018_needs_core_and_oedema_and_no_enhancement(self):
        seg = tumour(s1=[1], s2=[1, 2], s3=[1, 2, 4], s4=[2, 4], s5=[4])
        assert choose_slices(head(), seg, axis=2) == [2, 3]

    def test_brats_2023_needs_core_and_oedema(self):
        seg = tumour(s1=[1, 3], s2=[1, 2, 3], s3=[2, 3])
        assert choose_slices(head(), seg, axis=2) == [2]

    def test_other_labels_can_be_asked_for(self):
        seg = tumour(s1=[1, 2], s2=[1, 2, 4])
        assert choose_slices(head(), seg, axis=2, labels=(1, 2, 4)) == [2]

    @pytest.mark.parametrize("axis", [0, 1, 2])
    def test_every_axis_can_be_cut(self, axis):
        image = head((2, 10, 10, 10))
        seg = torch.zeros(1, 10, 10, 10)
        plane = seg.movedim(axis + 1, 0)[4]
        plane[0, 3, 3] = 1
        plane[0, 3, 4] = 2
        assert choose_slices(image, seg, axis) == [4]

    def test_no_slice_may_hold_all_labels(self):
        seg = tumour(s1=[1], s2=[2])
        assert choose_slices(head(), seg, axis=2) == []

    def test_tumour_asked_for_without_segmentation_is_refused(self):
        with pytest.raises(BadInputError, match='criterion is "tumour", but the patient has no segm'):
            choose_slices(head(), None, axis=2, criterion="tumour")

    def test_two_labels_mean_all_of_the_paper_s_tissues(self):
        assert TUMOUR_LABELS == (1, 2)


class TestByBrain:
    def test_slices_need_more_brain_than_the_fraction(self):
        assert choose_slices(head(), None, axis=2) == [3, 4, 5, 6, 7]
        assert choose_slices(head(), None, axis=2, min_brain_fraction=0.49) == [7]
        assert choose_slices(head(), None, axis=2, min_brain_fraction=0) == list(range(8))

    def test_a_lesion_mask_of_one_label_counts_as_no_tumour(self):
        assert choose_slices(head(), tumour(s1=[1]), axis=2) == [3, 4, 5, 6, 7]
        assert choose_slices(head(), tumour(s1=[1]), axis=2, criterion="tumour") == []

    def test_brain_can_be_asked_for_in_spite_of_a_tumour(self):
        assert choose_slices(head(), tumour(s1=[1, 2]), axis=2, criterion="brain") == ([3, 4, 5, 6, 7])

    def test_an_unknown_criterion_is_refused(self):
        with pytest.raises(BadInputError, match='criterion is "lesion", expected one of'):
            choose_slices(head(), None, axis=2, criterion="lesion")


class TestBrainMask:
    def test_any_source_counts(self):
        image = head()
        image[1, 9, 9, 0] = 1
        mask = brain_mask(image)
        assert (mask.shape, mask.dtype) == ((1, 10, 10, 8), torch.bool)
        # the corner is occupied, so the second source falls back to "above 0"
        assert mask[0, 9, 9, 0]
        assert mask[0, 0, 1, 0]
        assert not mask[0, 5, 9, 0]

    @pytest.mark.parametrize("background", [-1000.0, 0.0, 3.0])
    def test_any_background_value_works(self, background):
        image = head()
        expected = brain_mask(image)
        assert torch.equal(brain_mask(image - 50 * (image == 100) + background), expected)

    def test_a_z_scored_brain_keeps_its_dark_voxels(self):
        image = torch.zeros(1, 6, 6, 6)
        image[0, 2:4, 2:4, 2:4] = torch.tensor([-2.0, 2.0])
        assert brain_mask(image).sum() == 8

    def test_a_volume_of_one_slice_works(self):
        assert brain_mask(head()[..., 7:8]).sum() == 64


def test_slices_of_a_real_patient_are_those_with_brain(shared_data):
    from scripts.data.discovery import find_patients
    from scripts.transforms.load_sources import LoadSourcesd

    data = LoadSourcesd()(find_patients(shared_data / "open" / "TCGA-FG-6692")[0])
    chosen = choose_slices(data["image"], data.get("seg"), axis=2)
    assert chosen == list(range(chosen[0], chosen[-1] + 1))
    assert 90 < len(chosen) < 130
