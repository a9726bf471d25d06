"""Files for other runtimes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from scripts import RESEARCH_NOTICE
from scripts.data.errors import BadInputError
from scripts.export.exporter import Exporter
from scripts.networks import FusionINN, MeanFusion
from scripts.networks.weights import fingerprint

FRESH = """
import json, sys, torch
folder = sys.argv[1]
image, fused, latent, estimates, noise = torch.load(f"{folder}/expected.pt")
extra = {"export.json": "", "metadata.json": ""}
scripted = torch.jit.load(f"{folder}/model.ts", _extra_files=extra)
programs = [torch.export.load(f"{folder}/{name}.pt2").module() for name in ("fuse", "decompose")]
found = [
    *scripted(image), scripted.inverse(fused, latent),
    scripted.decompose(fused, "zeros"), scripted.decompose(fused, "normal", 5),
    *programs[0](image), programs[1](fused, latent), programs[1](fused, torch.zeros_like(latent)),
]
wanted = [fused, latent, image, estimates, noise, fused, latent, image, estimates]
print(json.dumps({
    "errors": [float((a - b).abs().max()) for a, b in zip(found, wanted, strict=True)],
    "told": json.loads(extra["export.json"]), "bundle": json.loads(extra["metadata.json"])["name"],
    "imported": [name for name in ("scripts", "monai") if name in sys.modules],
}))
"""


def make(network, folder, **settings) -> Exporter:
    torch.save(network.state_dict(), folder / "model.pt")
    (folder / "metadata.json").write_text("{}")
    return Exporter(
        network, str(folder / "model.pt"), ["a", "b"], str(folder), str(folder / "metadata.json"), **settings
    )


class TestFiles:
    @pytest.mark.slow
    def test_they_give_the_same_images_in_a_fresh_process_without_the_bundle(
        self, torch_exports, small_network, phantom_slices, tmp_path
    ):
        image = phantom_slices[..., :61, :43].contiguous()
        fused, latent = small_network(image)
        expected = (
            image,
            fused,
            latent,
            small_network.decompose(fused, "zeros"),
            small_network.decompose(fused, "normal", 5),
        )
        torch.save(expected, torch_exports / "expected.pt")
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", FRESH, str(torch_exports)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert max(told["errors"]) <= 1e-4
        assert told["told"]["checkpoint_sha256"] == fingerprint(torch_exports / "model.pt")
        assert told["told"]["research_only"] == RESEARCH_NOTICE
        assert told["bundle"] == "FusionINN"
        assert told["imported"] == []

    def test_a_static_one_is_written_too(self, tmp_path):
        network = FusionINN(blocks=1, hidden_channels=2)
        (fuse, _) = make(network, tmp_path, static_shape=[1, 2, 6, 5]).pt2()
        image = torch.rand(1, 2, 6, 5)
        assert torch.equal(torch.export.load(fuse).module()(image)[0], network(image)[0])


class TestRefused:
    def test_a_method_that_is_no_bijection(self, tmp_path):
        with pytest.raises(BadInputError, match="MeanFusion cannot be exported: only FusionINN"):
            make(MeanFusion(), tmp_path)

    @pytest.mark.parametrize("shape", [[1, 3, 8, 8], [1, 2, 8], [0, 2, 8, 8], [1, 2, 2, 8], ["1", 2, 8, 8]])
    def test_a_shape_that_its_sources_cannot_have(self, tmp_path, shape):
        with pytest.raises(BadInputError, match=r"static_shape is .*, expected \[batch, 2, height, width\]"):
            make(FusionINN(hidden_channels=2), tmp_path, static_shape=shape)

    def test_an_odd_shape_for_the_paper_s_network(self, tmp_path):
        network = FusionINN(blocks=3, hidden_channels=2, mixing=False, realign=False, haar=False)
        with pytest.raises(BadInputError, match="multiples of 2"):
            make(network, tmp_path, static_shape=[1, 2, 7, 8])

    def test_onnx_without_its_packages(self, tmp_path, monkeypatch):
        monkeypatch.setitem(sys.modules, "onnxscript", None)
        with pytest.raises(BadInputError, match=r"ONNX files need .*onnxscript.*pip install onnx onnxscript"):
            make(FusionINN(hidden_channels=2), tmp_path).onnx()
