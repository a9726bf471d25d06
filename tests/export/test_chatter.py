"""Exporting logs the written files, but not the steps of graph simplification."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LOGGING = Path(__file__).parents[2] / "bundle" / "configs" / "logging.conf"
TALK = """
import logging, logging.config, sys
logging.config.fileConfig(sys.argv[1], disable_existing_loggers=False)
logging.getLogger(sys.argv[2]).info("The value 'step' is not 1.")
logging.getLogger(sys.argv[2]).warning("It failed.")
logging.getLogger("scripts.export").info("Written.")
"""


@pytest.mark.parametrize("library", ["onnxscript.optimizer._constant_folding", "onnx_ir.passes"])
def test_warnings_of_the_exporter_alone_are_shown(library):
    done = subprocess.run([sys.executable, "-c", TALK, LOGGING, library], capture_output=True, text=True, check=True)
    assert [line.partition(" - ")[2] for line in done.stdout.splitlines()] == [
        "WARNING - It failed.",
        "INFO - Written.",
    ]
