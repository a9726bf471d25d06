"""DDFM: fusion by sampling, from its parts and from the configuration files."""

from __future__ import annotations

import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow

from fusioninn_research.config_paths import config_path
from fusioninn_research.methods import DDFM
from scripts.command_line.plain_errors import plain_cause
from scripts.data.errors import BadInputError

TINY = {"prior_channels": [16, 16], "steps": 3}


pytestmark = pytest.mark.usefixtures("process_as_it_was")


def network(**arguments):
    """A small prior that predicts something."""
    torch.manual_seed(1)
    built = DDFM(**{"channels": (16, 16), "steps": 5, **arguments}).eval()
    torch.nn.init.normal_(built.prior.unet.out[-1].conv.weight, std=0.02)
    return built


def layered(*names):
    return [config_path(f"{name}.json") for name in names]


class TestFusion:
    @pytest.mark.parametrize("size", [(16, 16), (13, 10), (3, 1), (33, 4)])
    def test_every_size_is_fused_into_its_range(self, size):
        fused = network()(torch.rand(2, 2, *size))
        assert fused.shape == (2, 1, *size)
        assert fused.min() >= 0
        assert fused.max() <= 1
        assert not fused.requires_grad

    def test_the_same_seed_gives_the_same_image_whatever_else_was_drawn(self):
        image = torch.rand(1, 2, 12, 12)
        first, _, second = network(seed=3)(image), torch.rand(7), network(seed=3)(image)
        assert torch.equal(first, second)
        assert not torch.equal(first, network(seed=4)(image))

    def test_an_image_is_fused_alike_alone_and_in_a_batch(self):
        image = torch.rand(3, 2, 12, 12)
        fuse = network()
        assert torch.allclose(fuse(image)[2:], fuse(image[2:]), atol=1e-5)

    def test_two_equal_sources_give_that_image(self):
        image = torch.rand(1, 1, 16, 16).expand(-1, 2, -1, -1)
        assert torch.allclose(network(steps=20)(image), image[:, :1], atol=0.01)

    def test_the_fused_image_lies_between_the_sources(self):
        image = torch.rand(1, 2, 16, 16)
        fused = network(steps=20)(image)
        assert (fused <= image.amax(1, keepdim=True) + 0.05).all()
        assert (fused >= image.amin(1, keepdim=True) - 0.05).all()

    @pytest.mark.parametrize("choice", ["exchanged", "shared_scale"])
    def test_what_the_command_line_calls_false_is_false(self, choice):
        image = torch.rand(1, 2, 8, 8)
        fused = [network(**{choice: given})(image) for given in (True, False, "false")]
        assert not torch.equal(fused[0], fused[1])
        assert torch.equal(fused[1], fused[2])

    def test_more_steps_change_the_image(self):
        image = torch.rand(1, 2, 8, 8)
        assert not torch.equal(network(steps=1)(image), network(steps=10)(image))


class TestPrior:
    def test_with_timesteps_the_prior_answers(self):
        built = network()
        noisy, timesteps = torch.randn(2, 1, 8, 8), torch.tensor([3, 700])
        assert torch.equal(built(noisy, timesteps), built.prior(noisy, timesteps))

    def test_the_weights_are_those_of_the_prior(self):
        built = network()
        assert list(built.state_dict()) == [f"prior.{name}" for name in built.prior.state_dict()]

    def test_without_a_trained_prior_nothing_is_fused_and_the_remedy_is_told(self):
        with pytest.raises(BadInputError, match=r"no trained prior.*--ckpt_path.*methods/ddfm.json"):
            DDFM(channels=(16,))(torch.rand(1, 2, 8, 8))


class TestArguments:
    def test_it_fuses_two_sources(self):
        with pytest.raises(ValueError, match="two sources, got in_channels 3"):
            DDFM(in_channels=3)

    @pytest.mark.parametrize("steps", [0, 1001])
    def test_steps_are_of_the_schedule(self, steps):
        with pytest.raises(ValueError, match="between 1 and 1000"):
            DDFM(steps=steps)


class TestConfiguration:
    def test_a_prior_is_trained_and_then_fuses(self, tmp_path, write_patient):
        for name in ("P1", "P2"):
            write_patient(tmp_path / "data", name, shape=(32, 32, 4))
        given = TINY | {"epochs": 1, "batch_size": 3, "image_size": [16, 16], "device": "$torch.device('cpu')"}
        given |= {"dataset_dir": str(tmp_path / "data"), "output_dir": str(tmp_path / "run")}
        files = layered("train", "research/methods/ddfm", "crops", "research/small")
        workflow = ConfigWorkflow(files, logging_file=False, workflow_type="train", **given)
        workflow.initialize()
        workflow.run()
        metrics = workflow.parser.get_parsed_content("validate#evaluator").state.metrics
        workflow.finalize()
        assert set(metrics) == {"loss", "noise_l2_t1gd", "noise_l2_flair"}
        assert 0 < metrics["loss"] < 2

        evaluation = ConfigParser()
        evaluation.read_config(layered("evaluate", "research/methods/ddfm"))
        evaluation.update(TINY | {"ckpt_path": str(tmp_path / "run" / "model.pt"), "device": "cpu"})
        fused = evaluation.get_parsed_content("network")(torch.rand(1, 2, 20, 20))
        assert fused.shape == (1, 1, 20, 20)

    @pytest.mark.parametrize("given", [None, "prior.pt"])
    def test_a_missing_prior_is_told(self, tmp_path, given):
        path = given and str(tmp_path / given)
        evaluation = ConfigParser()
        evaluation.read_config(layered("evaluate", "research/methods/ddfm"))
        evaluation.update(TINY | {"ckpt_path": path, "device": "cpu"})
        with pytest.raises(RuntimeError) as raised:
            evaluation.get_parsed_content("network")
        cause = plain_cause(raised.value)
        assert isinstance(cause, BadInputError)
        assert (path or "DDFM has weights, and none were given") in str(cause)
        assert "train" in str(cause)
