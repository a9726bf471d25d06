"""The authors' checkpoint becomes weights of this bundle."""

from __future__ import annotations

import pytest
import torch
from monai.bundle import ConfigParser
from torch import nn

from freia_graph import freia_graph
from fusioninn_research.config_paths import config_path
from fusioninn_research.methods import PublishedFusionINN
from fusioninn_research.methods.convert_published import convert_published
from scripts.data.errors import BadInputError
from scripts.networks.weights import load_weights


def run(**settings) -> None:
    """Run the command."""
    parser = ConfigParser()
    parser.read_config([config_path(f"research/{name}.json") for name in ("convert_published", "methods/published")])
    parser.update(settings)
    parser.get_parsed_content("run#1")


def test_a_checkpoint_of_the_authors_graph_gives_their_images_to_the_last_bit(tmp_path):
    torch.manual_seed(1)
    graph, size = freia_graph((24, 20), 32), (24, 20)
    # as after their training: an ActNorm initialised by the first batch, and more than weights in the file
    graph(torch.rand(4, 2, *size) ** 2)
    graph.eval()
    torch.save({"epoch": 3, "model_state_dict": graph.state_dict(), "loss": 0.1}, tmp_path / "theirs.pt")
    run(freia_path=str(tmp_path / "theirs.pt"), output_path=str(tmp_path / "ours.pt"))

    network = load_weights(PublishedFusionINN(seed=9), tmp_path / "ours.pt")
    image, fresh = torch.rand(2, 2, *size), torch.randn(2, 1, *size)
    with torch.no_grad():
        (before_sigmoid, latent), _ = graph(image)
        estimates, _ = graph([torch.sigmoid(before_sigmoid), fresh], rev=True)
        fused, own = network(image)
        assert torch.equal(fused, torch.sigmoid(before_sigmoid))
        assert torch.equal(own, latent)
        assert torch.equal(network.inverse(fused, fresh), torch.sigmoid(estimates))


def test_the_config_of_the_method_takes_what_was_written(tmp_path):
    torch.manual_seed(1)
    network = PublishedFusionINN(hidden_channels=2)
    # with the names of their graph
    state = {}
    for name, value in network.state_dict().items():
        _, number, part = ["", *name.split(".", 2)[1:]] if name.startswith("steps") else ("", "", "")
        if not part or part == "initialised":
            continue
        theirs = part.replace("subnet_", "subnet").replace(".conv_0.", ".0.").replace(".conv_1.", ".2.")
        theirs = {"order": "perm", "order_back": "perm_inv"}.get(theirs, theirs)
        state[f"module_list.{number}.{theirs}"] = value
    torch.save(state, tmp_path / "theirs.pt")
    convert_published(str(tmp_path / "theirs.pt"), PublishedFusionINN(hidden_channels=2), str(tmp_path / "ours.pt"))
    parser = ConfigParser()
    parser.read_config([config_path("inference.json"), config_path("research/methods/published.json")])
    parser.update({"network_def#hidden_channels": 2, "ckpt_path": str(tmp_path / "ours.pt"), "device": "cpu"})
    image = torch.rand(1, 2, 8, 8)
    assert torch.allclose(parser.get_parsed_content("network")(image)[0], network.eval()(image)[0], atol=1e-6)


class TestRefused:
    def test_no_file(self, tmp_path):
        with pytest.raises(BadInputError, match="Give the authors' checkpoint by --freia_path"):
            convert_published(None, PublishedFusionINN(), str(tmp_path / "ours.pt"))

    def test_a_file_that_would_run_code(self, tmp_path):
        torch.save(nn.Conv2d(1, 1, 1), tmp_path / "module.pt")
        with pytest.raises(BadInputError, match=r"tensors and plain values .*save model.state_dict\(\) alone"):
            convert_published(str(tmp_path / "module.pt"), PublishedFusionINN(), str(tmp_path / "ours.pt"))

    def test_a_file_without_weights(self, tmp_path):
        torch.save({"epoch": 3}, tmp_path / "other.pt")
        with pytest.raises(BadInputError, match="holds no state dict"):
            convert_published(str(tmp_path / "other.pt"), PublishedFusionINN(), str(tmp_path / "ours.pt"))

    def test_weights_of_another_width(self, tmp_path):
        torch.save({"module_list.0.scale": torch.zeros(1, 2, 1, 1)}, tmp_path / "other.pt")
        with pytest.raises(BadInputError, match=r"authors' graph with these settings \(.+\)\. Set --blocks"):
            convert_published(str(tmp_path / "other.pt"), PublishedFusionINN(), str(tmp_path / "ours.pt"))
        assert not (tmp_path / "ours.pt").exists()
