"""The authors' network: the same numbers as their FrEIA graph, and the same fault in its way back."""

from __future__ import annotations

import copy
import sys
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow
from monai.utils import set_determinism

from freia_graph import freia_graph
from fusioninn_research.config_paths import config_path
from fusioninn_research.methods import PublishedFusionINN
from scripts.losses import FusionINNLoss
from scripts.networks import FusionINN
from scripts.networks.weights import load_weights

PERMUTATIONS = {2: [1, 0], 5: [3, 6, 0, 5, 7, 1, 4, 2]}
FUSED = [
    *(0.588398, 0.690811, 0.856867, 0.999994, 0.84665, 1.0, 0.996016, 0.998702),
    *(0.995686, 1.0, 0.868745, 0.801906, 0.804496, 1.0, 0.952912, 0.999998),
]
LATENT = [
    *(-0.546831, 72.545883, 6.746151, 15.181589, 2.856383, 83.208313, 55.608681, 1.290805),
    *(-0.698149, 9.743502, 24.58531, 32.45274, 0.108759, 10.025393, 8.666239, 11.082754),
]
ESTIMATES = [
    *(0.581603, 0.552568, 0.487944, 0.523721, 0.496092, 0.523147, 0.367138, 0.520497),
    *(0.512217, 0.666227, 0.439178, 0.49106, 0.666227, 0.499218, 0.508802, 0.447567),
    *(0.428459, 0.353815, 0.3427, 0.228593, 0.375841, 0.513024, 0.25238, 0.307626),
    *(0.548263, 0.388472, 0.402919, 0.363296, 0.416005, 0.568623, 0.478454, 0.450657),
]


def authors_state(hidden):
    """Weights by a formula, under the names and in the shapes of the authors' checkpoint."""

    def numbers(*shape, phase):
        count = torch.Size(shape).numel()
        return (0.6 * torch.sin(1.7 * torch.arange(count, dtype=torch.float64) + phase)).float().view(shape)

    state = {"module_list.0.scale": torch.tensor([0.9, 0.4]).view(1, 2, 1, 1)}
    state["module_list.0.bias"] = torch.tensor([-0.7, 0.3]).view(1, 2, 1, 1)
    for number, half, width in ((1, 1, hidden), (4, 4, 2 * hidden), (7, 1, hidden)):
        for side in (1, 2):
            name, phase = f"module_list.{number}.subnet{side}", number + 0.5 * side
            state[f"{name}.0.weight"] = numbers(width, half, 3, 3, phase=phase)
            state[f"{name}.0.bias"] = numbers(width, phase=phase + 1)
            state[f"{name}.2.weight"] = numbers(2 * half, width, 3, 3, phase=phase + 2)
            state[f"{name}.2.bias"] = numbers(2 * half, phase=phase + 3)
    for number, order in PERMUTATIONS.items():
        state[f"module_list.{number}.perm"] = torch.tensor(order)
        state[f"module_list.{number}.perm_inv"] = torch.argsort(torch.tensor(order))
    for number in (3, 6):
        state[f"module_list.{number}.downsample_kernel"] = torch.eye(4).view(4, 1, 2, 2).repeat(2, 1, 1, 1)
    return state


def authors_network(hidden=2):
    network = PublishedFusionINN(hidden_channels=hidden, seed=3)
    network.load_freia(authors_state(hidden))
    return network.eval()


def small_images():
    """Sources and a latent of 4 x 4 pixels, by a formula."""
    steps = torch.arange(48, dtype=torch.float64)
    image = (0.5 + 0.5 * torch.sin(2.3 * steps[:32])).float().view(1, 2, 4, 4)
    return image, (1.5 * torch.cos(3.1 * steps[32:])).float().view(1, 1, 4, 4)


@pytest.fixture(scope="module")
def trained():
    """A network as it is after its first batch: with an ActNorm that does something."""
    torch.manual_seed(4)
    network = PublishedFusionINN(hidden_channels=8)
    with torch.no_grad():
        network(torch.rand(4, 2, 16, 16) ** 2)
    return network.eval()


class TestAgainstTheAuthorsGraph:
    def test_the_numbers_that_freia_gave(self):
        """FrEIA 0.2 with `authors_state(2)` on `small_images()`."""
        image, fresh = small_images()
        network = authors_network()
        fused, latent = network(image)
        assert fused.flatten().tolist() == pytest.approx(FUSED, abs=2e-6)
        assert latent.flatten().tolist() == pytest.approx(LATENT, rel=1e-5, abs=1e-5)
        assert network.inverse(fused, fresh).flatten().tolist() == pytest.approx(ESTIMATES, abs=2e-6)

    def test_any_image_to_the_last_bit_both_ways(self):
        graph, network = freia_graph((24, 20), 32).eval(), authors_network(32)
        graph.load_state_dict(authors_state(32))
        image, fresh = torch.rand(2, 2, 24, 20), torch.randn(2, 1, 24, 20)
        (before_sigmoid, latent), _ = graph(image)
        estimates, _ = graph([torch.sigmoid(before_sigmoid), fresh], rev=True)
        fused, own = network(image)
        assert torch.equal(fused, torch.sigmoid(before_sigmoid))
        assert torch.equal(own, latent)
        assert torch.equal(network.inverse(fused, fresh), torch.sigmoid(estimates))

    def test_the_first_batch_sets_both_alike(self):
        graph, network = freia_graph((16, 16), 4), PublishedFusionINN(hidden_channels=4)
        image = torch.rand(4, 2, 16, 16)
        graph(image)
        network(image)
        assert torch.equal(network.steps[0].scale, graph.module_list[0].scale)
        assert torch.equal(network.steps[0].bias, graph.module_list[0].bias)

    def test_it_has_as_many_weights(self):
        assert sum(parameter.numel() for parameter in PublishedFusionINN().parameters()) == 17564


class TestTheirCheckpoint:
    def test_weights_permutations_and_first_batch_are_theirs(self):
        network = authors_network()
        state = authors_state(2)
        for number, order in PERMUTATIONS.items():
            assert network.steps[number].order.tolist() == order
        assert torch.equal(network.steps[4].subnet_2.conv_1.weight, state["module_list.4.subnet2.2.weight"])
        network.train()(torch.rand(2, 2, 8, 8))
        assert torch.equal(network.steps[0].scale, state["module_list.0.scale"])

    def test_one_saved_from_several_gpus_fits_too(self):
        network = PublishedFusionINN(hidden_channels=2)
        network.load_freia({f"module.{name}": value for name, value in authors_state(2).items()})
        assert all(torch.equal(value, network.state_dict()[k]) for k, value in authors_network().state_dict().items())

    def test_that_of_another_graph_is_refused(self):
        with pytest.raises(RuntimeError, match="size mismatch"):
            PublishedFusionINN(hidden_channels=4).load_freia(authors_state(2))
        with pytest.raises(RuntimeError, match="Missing key"):
            PublishedFusionINN(hidden_channels=2).load_freia({})


class TestTheWayBack:
    def test_it_does_not_bring_the_sources_back_from_their_own_latent(self, trained):
        image = torch.rand(1, 2, 16, 16)
        assert (trained.inverse(*trained(image)) - image).abs().max() > 0.2

    def test_it_is_off_because_of_the_two_sigmoids_alone(self, trained):
        network, image = copy.deepcopy(trained).double(), torch.rand(2, 2, 16, 16, dtype=torch.float64)
        before_sigmoid, latent = network.before_sigmoid(image)
        assert torch.allclose(network.exact_inverse(before_sigmoid, latent), image, atol=1e-9)
        fused = network(image)[0]
        assert torch.allclose(torch.logit(fused), before_sigmoid, atol=1e-9)
        assert torch.equal(network.inverse(fused, latent), torch.sigmoid(network.exact_inverse(fused, latent)))

    def test_what_comes_back_lies_between_0_and_1_from_anything(self, trained):
        estimates = trained.inverse(torch.rand(1, 1, 8, 8), 100 * torch.randn(1, 1, 8, 8))
        assert estimates.min() >= 0
        assert estimates.max() <= 1

    def test_decompose_takes_a_fresh_latent_of_the_seed(self, trained):
        fused = torch.rand(2, 1, 6, 8)
        assert trained.decompose(fused).shape == (2, 2, 6, 8)
        assert torch.equal(trained.decompose(fused, "zeros"), trained.inverse(fused, torch.zeros_like(fused)))
        assert torch.equal(trained.decompose(fused, seed=5), trained.decompose(fused, seed=5))
        assert not torch.equal(trained.decompose(fused, seed=5), trained.decompose(fused, seed=9))
        alone = trained.decompose(fused[1:], seed=6)
        assert torch.allclose(trained.decompose(fused, seed=5)[1:], alone, atol=1e-6)


class TestAnyNetwork:
    @pytest.mark.parametrize("size", [(7, 5), (8, 5), (1, 1), (16, 16)])
    @pytest.mark.parametrize("sources", [2, 3])
    def test_any_size_and_number_of_sources_keeps_its_shape(self, size, sources):
        network = PublishedFusionINN(in_channels=sources, hidden_channels=4).eval()
        fused, latent = network(torch.rand(2, sources, *size))
        assert fused.shape == (2, 1, *size)
        assert latent.shape == (2, sources - 1, *size)
        assert network.decompose(fused).shape == (2, sources, *size)

    def test_volumes_are_fused_too(self):
        network = PublishedFusionINN(spatial_dims=3, hidden_channels=4)
        image = torch.rand(1, 2, 4, 5, 3)
        assert network(image)[0].shape == (1, 1, 4, 5, 3)

    @pytest.mark.parametrize("blocks", [1, 2, 3, 4])
    def test_the_chain_is_the_paper_s_with_an_act_norm_before_it(self, blocks):
        network = PublishedFusionINN(blocks=blocks, hidden_channels=4)
        paper = FusionINN(blocks=blocks, hidden_channels=4, mixing=False, haar=False, realign=False, output_relu=True)
        kinds = [type(step).__name__ for step in network.steps]
        assert kinds == ["ActNorm", *(type(step).__name__ for step in paper.steps)]
        image = torch.rand(2, 2, 8, 8)
        network(image)
        assert torch.allclose(network.exact_inverse(*network.before_sigmoid(image)), image, atol=1e-4)

    def test_bad_arguments_are_refused_as_for_fusioninn(self):
        with pytest.raises(ValueError, match="blocks must be at least 1, got 0"):
            PublishedFusionINN(blocks=0)


class TestSavedWeights:
    def test_a_loaded_network_keeps_its_act_norm(self, trained, tmp_path):
        torch.save(trained.state_dict(), tmp_path / "model.pt")
        loaded = load_weights(PublishedFusionINN(hidden_channels=8, seed=7), tmp_path / "model.pt")
        image = torch.rand(2, 2, 8, 8)
        assert torch.equal(loaded(image)[0], trained(image)[0])
        assert torch.equal(loaded.train()(image)[0], trained(image)[0])


class TestConfiguration:
    @staticmethod
    def train(patients: Path, output: Path, **settings) -> dict[str, torch.Tensor]:
        """Train as `python -m monai.bundle run` does and return the last state."""
        files = [config_path(name) for name in ("train.json", "research/methods/published.json")]
        given = {"epochs": 2, "batch_size": 4, "image_size": [32, 32], "device": "$torch.device('cpu')"} | settings
        given |= {"dataset_dir": str(patients), "output_dir": str(output)}
        workflow = ConfigWorkflow(files, logging_file=False, workflow_type="train", **given)
        workflow.initialize()
        workflow.run()
        workflow.finalize()
        return torch.load(output / "last.pt", weights_only=True)["network"]

    def test_it_is_the_authors_network_loss_and_float_image(self):
        parser = ConfigParser()
        parser.read_config([config_path(name) for name in ("train.json", "research/methods/published.json")])
        network, loss = parser.get_parsed_content("network_def"), parser.get_parsed_content("loss")
        assert isinstance(network, PublishedFusionINN)
        assert sum(parameter.numel() for parameter in network.parameters()) == 17564
        assert loss.mmd.kernel == "published"
        assert parser.get_parsed_content("inferer").storage_levels == 0

    def test_the_loss_is_twice_theirs_which_is_a_mean_over_the_sources(self):
        image, fused, decomposed = torch.rand(2, 2, 16, 16), torch.rand(2, 1, 16, 16), torch.rand(2, 2, 16, 16)
        parser = ConfigParser()
        parser.read_config([config_path(name) for name in ("train.json", "research/methods/published.json")])
        loss: FusionINNLoss = parser.get_parsed_content("loss")
        terms = loss.terms({"fused": fused, "latent": torch.randn_like(fused), "decomposed": decomposed}, image)

        def mean_over_sources(other):
            ssim = torch.stack([loss.ssim(image[:, i : i + 1], other[:, i : i + 1]).mean() for i in range(2)])
            return 0.8 * (0.5 * (1 - ssim[0]) + 0.5 * (1 - ssim[1])) + 0.2 * (image - other).square().mean()

        forward = mean_over_sources(fused.expand_as(image)) + terms["latent"]
        theirs = 0.5 * forward + 0.5 * mean_over_sources(decomposed)
        assert terms["loss"].item() == pytest.approx(2 * theirs.item(), rel=1e-5)

    def test_a_run_that_is_resumed_ends_where_an_uninterrupted_one_does(self, write_patient, tmp_path, monkeypatch):
        monkeypatch.setattr(sys, "path", list(sys.path))
        monkeypatch.setattr(sys, "excepthook", sys.excepthook)
        try:
            for name in ("P1", "P2"):
                write_patient(tmp_path / "patients", name, shape=(32, 32, 6))
            whole = self.train(tmp_path / "patients", tmp_path / "whole")
            self.train(tmp_path / "patients", tmp_path / "parts", epochs=1)
            resumed = self.train(tmp_path / "patients", tmp_path / "parts", resume="true")
        finally:
            set_determinism(seed=None)
        assert whole["steps.0.initialised"]
        assert (whole["steps.0.scale"] > 0.5).all()
        assert all(torch.equal(value, resumed[name]) for name, value in whole.items())
