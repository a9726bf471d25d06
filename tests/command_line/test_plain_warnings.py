"""Each warning becomes one line of the log."""

from __future__ import annotations

import logging
import types
import warnings

import pytest

from scripts.command_line.plain_warnings import install_plain_warnings


@pytest.fixture
def installed(monkeypatch):
    """The warnings of this process are logged until the test ends."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
        install_plain_warnings()
        yield


def warn_from(module: str, message: str, category: type[Warning] = UserWarning, stacklevel: int = 1) -> None:
    """Warn as if from another module."""
    code = types.ModuleType(module)
    exec("import warnings\ndef warn(*args): warnings.warn(*args)", code.__dict__)
    code.warn(message, category, stacklevel)


def test_a_warning_of_the_bundle_is_one_line_and_comes_once(installed, caplog):
    for stacklevel in (1, 2, 3):
        warn_from("scripts.data.somewhere", "P1_flair.nii.gz has\nodd voxels.", stacklevel=stacklevel)
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "P1_flair.nii.gz has odd voxels.")
    ]


def test_what_libraries_say_is_for_developers_only(installed, caplog, capfd):
    with caplog.at_level(logging.DEBUG):
        warn_from("torch.onnx", "opset 23 is new")
        warn_from("scripts.export.graphs", "torch.jit is deprecated", DeprecationWarning)
    assert [record.levelname for record in caplog.records] == ["DEBUG", "DEBUG"]
    assert "torch.jit is deprecated" in caplog.text
    assert capfd.readouterr().err == ""
