"""Eq. 5 of the paper, put together from its terms."""

from __future__ import annotations

import pytest
import torch

from scripts.losses import SSIM, FusionINNLoss, MMDLoss
from scripts.losses.haar import finest_haar_bands

TERMS = {
    "loss",
    "fusion",
    "decomposition",
    "latent",
    "fusion_l2",
    "decomposition_l2",
    "detail",
    "range",
    "fused_ssim_t1gd",
    "fused_ssim_flair",
    "decomposed_ssim_t1gd",
    "decomposed_ssim_flair",
}


@pytest.fixture
def image():
    return torch.rand(3, 2, 24, 20, dtype=torch.float64)


@pytest.fixture
def prediction(image):
    return {
        "fused": (image.mean(dim=1, keepdim=True) + 0.1 * torch.randn(3, 1, 24, 20)).double(),
        "latent": 2 * torch.randn(3, 1, 24, 20, dtype=torch.float64),
        "decomposed": image + 0.2 * torch.randn(3, 2, 24, 20, dtype=torch.float64),
    }


def mean_square(x, y):
    return (x - y).square().mean()


class TestEquation5:
    @pytest.mark.parametrize(("alpha", "lam"), [(0.5, 0.8), (0.0, 0.8), (1.0, 0.3), (0.7, 0.0), (0.2, 1.0)])
    def test_it_is_the_sum_by_hand(self, image, prediction, alpha, lam):
        loss = FusionINNLoss(alpha, lam, latent_weight=0.6, detail_weight=3.0, range_weight=5.0)
        fused, latent, decomposed = (prediction[name] for name in ("fused", "latent", "decomposed"))
        fusion = decomposition = 0.0
        for i in range(2):
            source, estimate = image[:, i : i + 1], decomposed[:, i : i + 1]
            fusion += lam * (1 - SSIM()(source, fused).mean()) + (1 - lam) * mean_square(source, fused)
            decomposition += lam * (1 - SSIM()(source, estimate).mean()) + (1 - lam) * mean_square(source, estimate)
        torch.manual_seed(5)
        discrepancy = MMDLoss()(latent)
        # three bands, each of a quarter of the pixels
        difference = finest_haar_bands(fused) - finest_haar_bands(image.mean(dim=1, keepdim=True))
        detail = difference.square().sum() / difference.numel()
        excess = ((fused - 1).clamp(min=0) + fused.clamp(max=0)).square().mean()
        expected = alpha * (fusion + 0.6 * discrepancy) + (1 - alpha) * decomposition + 3 * detail + 5 * excess

        torch.manual_seed(5)
        assert loss(prediction, image).item() == pytest.approx(expected.item(), abs=1e-12)
        assert loss.reported["fusion"].item() == pytest.approx(fusion.item(), abs=1e-12)
        assert loss.reported["decomposition"].item() == pytest.approx(decomposition.item(), abs=1e-12)
        assert loss.reported["latent"].item() == pytest.approx(discrepancy.item(), abs=1e-12)
        assert loss.reported["detail"].item() == pytest.approx(detail.item(), abs=1e-12)
        assert loss.reported["range"].item() == pytest.approx(excess.item(), abs=1e-12)
        assert excess > 0

    def test_alpha_one_forgets_decomposition_and_alpha_zero_fusion(self, image, prediction):
        worse = {**prediction, "decomposed": 1 - image}
        forward_only = FusionINNLoss(alpha=1.0, latent_weight=0.0)
        assert forward_only(worse, image) == forward_only(prediction, image)
        worse = {**prediction, "fused": 1 - prediction["fused"]}
        backward_only = FusionINNLoss(alpha=0.0)
        assert backward_only(worse, image) == backward_only(prediction, image)

    def test_the_size_of_batch_and_image_does_not_weigh(self, image, prediction):
        loss = FusionINNLoss(latent_weight=0.0, detail_weight=1.0, range_weight=1.0)
        twice = {name: torch.cat((value, value)) for name, value in prediction.items()}
        once = loss(prediction, image).item()
        assert loss(twice, torch.cat((image, image))).item() == pytest.approx(once, abs=1e-12)

    def test_sources_are_summed(self, image, prediction):
        fused, source = prediction["fused"], image[:, :1]
        loss = FusionINNLoss(latent_weight=0.0)
        same = loss.terms({**prediction, "decomposed": image}, source.expand_as(image))
        assert same["fusion_l2"].item() == pytest.approx(2 * mean_square(source, fused).item(), abs=1e-12)


class TestReport:
    def test_images_that_are_not_usual_are_taken_apart_all_the_same(self, image, prediction):
        usual = torch.tensor([True, False, False])
        terms = FusionINNLoss().terms({**prediction, "usual": usual}, image)
        whole = FusionINNLoss().terms(prediction, image)
        first = FusionINNLoss().terms({name: value[:1] for name, value in prediction.items()}, image[:1])
        assert float(terms["fusion"]) == pytest.approx(float(first["fusion"]))
        assert float(terms["decomposition"]) == pytest.approx(float(whole["decomposition"]))

    def test_every_term_is_there_under_its_name(self, image, prediction):
        loss = FusionINNLoss()
        loss(prediction, image)
        assert set(loss.reported) == TERMS
        assert all(value.shape == () and value.isfinite() for value in loss.reported.values())

    def test_the_sources_have_their_own_names(self):
        image = torch.rand(2, 3, 16, 16)
        prediction = {"fused": image[:, :1], "latent": torch.randn(2, 2, 16, 16), "decomposed": image}
        loss = FusionINNLoss(sources=("ct", "pet", "mri"))
        loss(prediction, image)
        assert loss.reported["fused_ssim_ct"].item() == pytest.approx(1, abs=1e-5)
        assert loss.reported["fused_ssim_mri"] < 0.5
        assert {f"decomposed_ssim_{name}" for name in ("ct", "pet", "mri")} <= set(loss.reported)

    def test_it_is_the_value_that_is_returned(self, image, prediction):
        loss = FusionINNLoss()
        assert loss(prediction, image) == loss.reported["loss"]

    def test_it_holds_no_graph(self, image, prediction):
        loss = FusionINNLoss(detail_weight=1.0, range_weight=1.0)
        value = loss({name: tensor.requires_grad_() for name, tensor in prediction.items()}, image)
        assert value.requires_grad
        assert not any(term.requires_grad for term in loss.reported.values())

    def test_it_is_no_part_of_a_checkpoint(self):
        assert list(FusionINNLoss().state_dict()) == []


class TestGradient:
    def test_it_reaches_all_that_the_network_gives(self, image, prediction):
        tensors = {name: tensor.requires_grad_() for name, tensor in prediction.items()}
        FusionINNLoss(detail_weight=1.0, range_weight=1.0)(tensors, image).backward()
        for name, tensor in tensors.items():
            assert tensor.grad.isfinite().all(), name
            assert tensor.grad.abs().max() > 0, name

    def test_without_weight_the_latent_is_left_alone(self, image, prediction):
        latent = prediction["latent"].requires_grad_()
        loss = FusionINNLoss(latent_weight=0.0)
        loss(prediction, image)
        assert loss.reported["latent"] == 0
        assert latent.grad is None


class TestKnownValues:
    def test_a_perfect_decomposition_costs_nothing(self, image, prediction):
        loss = FusionINNLoss(alpha=0.0, range_weight=0.0)
        assert loss({**prediction, "decomposed": image}, image).item() == pytest.approx(0, abs=1e-9)

    def test_equal_sources_and_a_fused_image_like_them_cost_nothing(self):
        image = torch.rand(2, 1, 16, 16, dtype=torch.float64).expand(2, 2, 16, 16)
        prediction = {"fused": image[:, :1], "latent": torch.zeros(2, 1, 16, 16), "decomposed": image}
        loss = FusionINNLoss(latent_weight=0.0, detail_weight=1.0, range_weight=1.0)
        assert loss(prediction, image).item() == pytest.approx(0, abs=1e-9)

    def test_detail_is_that_beyond_the_mean_of_the_sources(self, image, prediction):
        mean = image.mean(dim=1, keepdim=True)
        checkerboard = torch.tensor([[1.0, -1.0], [-1.0, 1.0]], dtype=torch.float64).repeat(12, 10)
        loss = FusionINNLoss()
        assert loss.terms({**prediction, "fused": mean + 0.3}, image)["detail"].item() == pytest.approx(0, abs=1e-12)
        coded = loss.terms({**prediction, "fused": mean + 0.05 * checkerboard}, image)["detail"]
        assert coded.item() == pytest.approx((2 * 0.05) ** 2 / 3, abs=1e-12)

    def test_only_what_leaves_the_range_is_excess(self, image, prediction):
        loss = FusionINNLoss()
        for value, expected in ((0.0, 0.0), (1.0, 0.0), (1.1, 0.01), (-0.2, 0.04)):
            fused = torch.full((3, 1, 24, 20), value, dtype=torch.float64)
            assert loss.terms({**prediction, "fused": fused}, image)["range"].item() == pytest.approx(
                expected, abs=1e-12
            )

    def test_volumes_have_a_loss_too(self):
        image = torch.rand(1, 2, 12, 12, 12)
        prediction = {"fused": image[:, :1], "latent": torch.randn(1, 1, 12, 12, 12), "decomposed": image}
        assert FusionINNLoss(detail_weight=1.0)(prediction, image).isfinite()


class TestBadArguments:
    @pytest.mark.parametrize("name", ["alpha", "lam"])
    @pytest.mark.parametrize("value", [-0.01, 1.01, float("nan")])
    def test_a_weight_outside_zero_to_one_is_refused(self, name, value):
        with pytest.raises(ValueError, match=f"{name} must lie between 0 and 1, got {value}"):
            FusionINNLoss(**{name: value})

    def test_an_unknown_kernel_is_refused(self):
        with pytest.raises(ValueError, match="got 'gauss'"):
            FusionINNLoss(latent_kernel="gauss")
