"""Checks of a runtime's files."""

from __future__ import annotations

import json

import pytest
import torch

from scripts import __version__
from scripts.data.errors import BadInputError
from scripts.runtimes.description import EXPORT_FILE
from scripts.runtimes.torchscript import TorchScriptRuntime

CPU = torch.device("cpu")


@pytest.fixture
def altered(torch_exports, tmp_path):
    """Return a function that writes `model.ts` with a changed description and opens it."""

    def write(**changes) -> TorchScriptRuntime:
        extra = {EXPORT_FILE: ""}
        network = torch.jit.load(torch_exports / "model.ts", _extra_files=extra)
        told = {**json.loads(extra[EXPORT_FILE]), **changes}
        told = {key: value for key, value in told.items() if value is not None}
        torch.jit.save(network, tmp_path / "model.ts", _extra_files={EXPORT_FILE: json.dumps(told)})
        return TorchScriptRuntime(tmp_path, CPU)

    return write


def checksum(runtime: TorchScriptRuntime) -> str:
    return runtime.description["checkpoint_sha256"]


class TestDescriptions:
    def test_those_of_this_version_and_these_weights_pass(self, altered):
        runtime = altered()
        told = runtime.check_descriptions(checksum(runtime), 2)
        assert told["bundle_version"] == __version__

    def test_another_version_is_refused_with_the_command_that_exports_again(self, altered):
        runtime = altered(bundle_version="0.0.9")
        with pytest.raises(BadInputError, match=r"by version 0\.0\.9 of the bundle, this is .*\n.*run torchscript"):
            runtime.check_descriptions(checksum(runtime), 2)

    def test_other_weights_are_refused(self, altered):
        with pytest.raises(BadInputError, match=r"contains other weights .*export these"):
            altered().check_descriptions("ab" * 32, 2)

    def test_another_number_of_sources_is_refused(self, altered):
        runtime = altered()
        with pytest.raises(BadInputError, match="fuses 2 sources, the network 3"):
            runtime.check_descriptions(checksum(runtime), 3)

    def test_a_file_that_says_nothing_is_refused(self, altered):
        with pytest.raises(BadInputError, match="does not state its weights"):
            altered(checkpoint_sha256=None).check_descriptions("ab" * 32, 2)


class TestFiles:
    def test_a_missing_one_is_named_with_the_command_that_makes_it(self, tmp_path):
        with pytest.raises(BadInputError, match=r"model\.ts, which does not exist\. Export it:\n.* run torchscript"):
            TorchScriptRuntime(tmp_path, CPU)

    def test_a_truncated_one_is_reported(self, torch_exports, tmp_path):
        content = (torch_exports / "model.ts").read_bytes()
        (tmp_path / "model.ts").write_bytes(content[: len(content) // 2])
        with pytest.raises(BadInputError, match="cannot be loaded by torchscript .*Export again"):
            TorchScriptRuntime(tmp_path, CPU)
