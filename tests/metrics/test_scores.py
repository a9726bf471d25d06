"""All metrics against the published code's own values, against the definition, and what holds for each of them."""

from __future__ import annotations

import math

import pytest
import torch

from scripts.data.errors import BadInputError
from scripts.metrics import DECOMPOSITION_METRICS, FUSION_METRICS, decomposition_scores, fusion_scores
from scripts.metrics.grey_levels import PIXELS_AT_ONCE

TRIPLES = [
    "brain240_mean",
    "brain240_salience",
    "brain181x217_max",
    "brain96_FeqA",
    "brain96_FeqB",
    "realmr120x110_shift",
    "noise64x48_mean",
    "noise64x48_indep",
    "noise64_inverted",
    "binary63x71_max",
    "tiny21x21",
    "deg_all_zero",
    "deg_A_zero",
    "deg_F_zero",
    "deg_F_const128",
    "deg_small10x10",
]
KEYS = {"Q_SSIM": "ssim_exact", "Q_FMI": "fmi", "Q_NCIE": "ncie", "Q_XY": "qxy_full", "Q_P": "qp_full"}
OF_THE_CENTRE = {"Q_XY": "qxy_centre", "Q_P": "qp_centre"}


def agree(found, expected, tolerance=1e-12):
    return all(torch.allclose(found[name], expected[name], rtol=0, atol=tolerance) for name in found)


class TestReference:
    @pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
    @pytest.mark.parametrize("name", TRIPLES)
    def test_values_are_those_of_the_published_code(self, references, triple, name, dtype):
        known = references[name]
        for variant, keys in (("full", KEYS), ("centre", OF_THE_CENTRE)):
            keys = {metric: key for metric, key in keys.items() if known[key] is not None}
            found = fusion_scores(*triple(name, dtype), variant, list(keys))
            wrong = {
                key: found[metric].item() for metric, key in keys.items() if abs(found[metric] - known[key]) > 1e-9
            }
            assert wrong == {}

    def test_there_are_sixteen_triples(self, references):
        assert sorted(references) == sorted(TRIPLES)

    @pytest.mark.parametrize("name", ["brain96_FeqB", "binary63x71_max", "deg_F_const128"])
    def test_the_definition_in_numpy_gives_the_same(self, triple, definition, name):
        fused, sources = triple(name)
        found = fusion_scores(fused, sources)
        images = [(image * 255).round().numpy() for image in (*sources[0], fused[0, 0])]
        for metric, function in definition.ALL.items():
            assert found[metric].item() == pytest.approx(function(*images), abs=1e-9), metric

    def test_grey_levels_between_whole_ones_follow_the_definition(self, definition):
        sources = torch.rand(1, 2, 18, 22, dtype=torch.float64)
        fused = sources.mean(dim=1, keepdim=True)
        found = fusion_scores(fused, sources)
        images = [(image * 255).numpy() for image in (*sources[0], fused[0, 0])]
        for metric, function in definition.ALL.items():
            assert found[metric].item() == pytest.approx(function(*images), abs=1e-6), metric


class TestInvariance:
    @pytest.mark.parametrize("count", [1, 2, 3])
    def test_a_batch_is_scored_as_its_images_one_by_one(self, blobs, count, monkeypatch):
        monkeypatch.setitem(PIXELS_AT_ONCE, "cpu", 2 * 460)
        fused, sources = blobs(batch=5, sources=count)
        together = fusion_scores(fused, sources)
        apart = [fusion_scores(fused[i : i + 1], sources[i : i + 1]) for i in range(5)]
        assert agree(together, {name: torch.cat([part[name] for part in apart]) for name in together})

    def test_the_order_of_the_sources_matters_to_none_beyond_rounding_of_edges(self, blobs):
        fused, sources = blobs()
        assert agree(fusion_scores(fused, sources), fusion_scores(fused, sources.flip(1)), 1e-6)

    @pytest.mark.parametrize("change", [lambda x: x.flip(-1), lambda x: x.flip(-2), lambda x: x.mT])
    def test_turning_all_images_alike_changes_nothing_but_the_order_within_windows(self, blobs, change):
        fused, sources = blobs()
        names = ["Q_SSIM", "Q_NCIE", "Q_XY", "Q_P"]
        turned = fusion_scores(change(fused), change(sources), metrics=names)
        assert agree(fusion_scores(fused, sources, metrics=names), turned, 1e-9)

    def test_half_a_turn_keeps_the_mutual_information_too(self, blobs):
        fused, sources = blobs()
        turned = fusion_scores(fused.flip((-1, -2)), sources.flip((-1, -2)), metrics=["Q_FMI"])
        assert agree(fusion_scores(fused, sources, metrics=["Q_FMI"]), turned, 1e-9)

    def test_single_precision_gives_what_double_gives(self, blobs):
        fused, sources = blobs()
        assert agree(fusion_scores(fused.float(), sources.float()), fusion_scores(fused, sources))

    def test_memory_layout_and_gradients_do_not_matter(self, blobs):
        fused, sources = blobs()
        laid_out = sources.to(memory_format=torch.channels_last).requires_grad_()
        found = fusion_scores(fused, laid_out)
        assert agree(found, fusion_scores(fused, sources))
        assert not any(value.requires_grad for value in found.values())


class TestBounds:
    @pytest.mark.parametrize("sources", [1, 2, 4])
    def test_scores_are_within_their_range(self, blobs, sources):
        scores = fusion_scores(*blobs(batch=3, sources=sources))
        assert {name: value.shape for name, value in scores.items()} == dict.fromkeys(FUSION_METRICS, (3,))
        assert all(value.dtype == torch.float64 and value.isfinite().all() for value in scores.values())
        assert all((scores[name].abs() <= 1).all() for name in ("Q_SSIM", "Q_P"))
        assert ((scores["Q_XY"] > 0) & (scores["Q_XY"] <= 0.98666)).all()
        assert (scores["Q_NCIE"] >= 1 - math.log(sources + 1, 256) - 1e-12).all()
        assert (scores["Q_NCIE"] <= 1).all()

    def test_copies_of_one_image_reach_the_best_value(self, blobs):
        fused, _ = blobs()
        fused = fused.clamp_min(1 / 255)
        scores = fusion_scores(fused, fused.expand(-1, 2, -1, -1))
        assert torch.allclose(scores["Q_SSIM"], torch.ones(2, dtype=torch.float64))
        assert torch.allclose(scores["Q_FMI"], torch.ones(2, dtype=torch.float64))
        assert torch.allclose(scores["Q_P"], torch.ones(2, dtype=torch.float64))
        assert torch.allclose(scores["Q_XY"], torch.full((2,), (1 / (1 + math.exp(-5))) ** 2, dtype=torch.float64))

    @pytest.mark.parametrize("grey", [0.0, 100 / 255, 0.3, 1.0])
    def test_constant_images_have_defined_values(self, grey):
        flat = torch.full((1, 2, 16, 16), grey, dtype=torch.float64)
        texture = torch.rand(1, 2, 16, 16, dtype=torch.float64)
        for fused, sources in ((flat[:, :1], flat), (flat[:, :1], texture), (texture[:, :1], flat)):
            for variant in ("full", "centre"):
                assert all(value.isfinite().all() for value in fusion_scores(fused, sources, variant).values())
        alike = fusion_scores(flat[:, :1], flat)
        assert alike["Q_FMI"].item() == 1
        assert alike["Q_P"].item() == pytest.approx(1)
        assert alike["Q_NCIE"].item() == pytest.approx(0.80187968740985549)


class TestBadInput:
    @pytest.mark.parametrize("value", [math.nan, math.inf, -0.01, 1.01, 255.0])
    def test_values_that_are_no_grey_values_are_refused(self, blobs, value):
        fused, sources = blobs()
        sources[1, 0, 3, 4] = value
        for name in FUSION_METRICS:
            with pytest.raises(BadInputError, match=r"sources must lie in \[0, 1\]"):
                fusion_scores(fused, sources, metrics=[name])
        for name in DECOMPOSITION_METRICS:
            with pytest.raises(BadInputError, match=r"must lie in \[0, 1\]"):
                decomposition_scores(sources, torch.zeros_like(sources), [name])

    def test_what_rounding_leaves_outside_is_cut_off(self, blobs):
        fused, sources = blobs()
        assert agree(fusion_scores(fused - 5e-8, sources + 5e-8), fusion_scores(fused, sources))

    @pytest.mark.parametrize(
        ("fused", "sources"),
        [
            ((16, 16), (2, 16, 16)),
            ((1, 1, 16, 16), (1, 2, 16, 17)),
            ((2, 1, 16, 16), (1, 2, 16, 16)),
            ((1, 2, 16, 16), (1, 2, 16, 16)),
            ((1, 1, 16, 16, 16), (1, 2, 16, 16, 16)),
            ((0, 1, 16, 16), (0, 2, 16, 16)),
        ],
    )
    def test_images_that_do_not_belong_together_are_refused(self, fused, sources):
        for name in FUSION_METRICS:
            with pytest.raises(BadInputError, match=r"\(\d+, "):
                fusion_scores(torch.zeros(fused), torch.zeros(sources), metrics=[name])

    @pytest.mark.parametrize(("size", "refused"), [((10, 30), ["Q_SSIM", "Q_P"]), ((30, 2), ["Q_FMI", "Q_XY"])])
    def test_images_smaller_than_a_window_are_refused_by_those_that_have_it(self, size, refused):
        image = torch.rand(1, 2, *size)
        for name in refused:
            with pytest.raises(BadInputError, match="pixels are smaller than the"):
                fusion_scores(image[:, :1], image, metrics=[name])
        assert fusion_scores(image[:, :1], image, metrics=["Q_NCIE"])["Q_NCIE"].isfinite().all()

    def test_unknown_names_are_refused_with_those_that_there_are(self, blobs):
        with pytest.raises(BadInputError, match="Unknown metric Q_W. Known metrics: Q_SSIM, Q_FMI, Q_NCIE, Q_XY, Q_P"):
            fusion_scores(*blobs(), metrics=["Q_W"])
        with pytest.raises(BadInputError, match="Unknown metric MSE. Known metrics: SSIM"):
            decomposition_scores(*blobs(), metrics=["MSE"])
        with pytest.raises(BadInputError, match="variant must be one of full, centre, got 'center'"):
            fusion_scores(*blobs(), variant="center")
