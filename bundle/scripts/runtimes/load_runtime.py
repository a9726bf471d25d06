"""Load the network or an export of it."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

import torch
from torch import nn

from scripts.data.errors import BadInputError
from scripts.networks.devices import as_device
from scripts.networks.weights import fingerprint, load_weights

from .exported_network import ExportedNetwork
from .runtime import Runtime

RUNTIMES = ("torch", "torchscript", "onnx", "openvino", "pt2")
"""Values of the key `runtime`."""
_CLASSES = {
    "torchscript": "TorchScriptRuntime",
    "onnx": "ONNXRuntime",
    "openvino": "OpenVINORuntime",
    "pt2": "PT2Runtime",
}


def load_runtime(
    runtime: str,
    network: nn.Module,
    ckpt_path: str | os.PathLike[str] | None,
    exported_dir: str | os.PathLike[str],
    device: str | torch.device = "cpu",
) -> nn.Module:
    """Load the weights, or an export of them.

    Args:
        runtime: "torch" for the network itself, or one of `RUNTIMES`.
        network: the network of `network_def` in the config.
        ckpt_path: file of its weights, see `load_weights`.
        exported_dir: folder of the exported files.
        device: where to compute. Defaults to "cpu".

    Returns:
        the network in evaluation mode, or an `ExportedNetwork` in its place.

    Raises:
        BadInputError: when the runtime is unknown, a package, file or device is missing, or the files belong to another
            version or other weights.
    """
    if runtime not in RUNTIMES:
        raise BadInputError(f"runtime is '{runtime}', expected one of {', '.join(RUNTIMES)}.")
    place = as_device(device)
    loaded = load_weights(network, ckpt_path).to(place, memory_format=torch.channels_last)
    if runtime == "torch":
        return loaded
    if not hasattr(loaded, "log_det"):
        raise BadInputError(f"{type(loaded).__name__} is not exported. Leave out --runtime.")
    opened = open_runtime(runtime, exported_dir, place)
    description = opened.check_descriptions(fingerprint(ckpt_path), loaded.in_channels)
    return ExportedNetwork(opened, loaded, description).eval()


def open_runtime(runtime: str, exported_dir: str | os.PathLike[str], device: torch.device) -> Runtime:
    """Load the exported files into a runtime, importing its packages only now.

    Raises:
        BadInputError: see `Runtime`.
    """
    module = import_module(f"scripts.runtimes.{runtime}")
    return getattr(module, _CLASSES[runtime])(Path(exported_dir).expanduser(), device)
