"""Export to TensorRT with MONAI."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import torch
from monai.data import save_net_with_metadata
from monai.networks.utils import convert_to_trt
from torch import nn

from scripts.data.errors import BadInputError
from scripts.export.graphs import Fuse
from scripts.networks import FusionINN
from scripts.networks.weights import fingerprint
from scripts.outputs.writing import result_file
from scripts.runtimes.description import EXPORT_FILE, describe
from scripts.runtimes.interface import DECOMPOSE, FUSE

FILES = {FUSE: "fuse_trt.ts", DECOMPOSE: "decompose_trt.ts"}


class DecomposeStacked(nn.Module):
    """Map fused image and latent, stacked as channels of one input as MONAI's conversion requires, to sources."""

    def __init__(self, network: FusionINN) -> None:
        super().__init__()
        self.network = network

    def forward(self, both: torch.Tensor) -> torch.Tensor:
        """(B, N, …), the fused image first, to (B, N, …)."""
        return self.network.inverse(both[:, :1], both[:, 1:])


class TensorRTExporter:
    """Write `fuse_trt.ts` and `decompose_trt.ts`: TorchScript with TensorRT engines for the type of GPU in use.

    Single precision and a fixed image size; the batch size may vary. TF32 is disabled, because the inverse amplifies
    its errors.

    Args:
        network: the network with its weights.
        ckpt_path: file of the weights.
        sources: names of the sources, in the network's order.
        output_dir: folder for the files.
        size: height and width. Defaults to 240 × 240.
        batch_sizes: smallest, typical and largest batch size. Defaults to 1, 16 and 32.
    """

    def __init__(
        self,
        network: FusionINN,
        ckpt_path: str,
        sources: Sequence[str],
        output_dir: str,
        size: Sequence[int] = (240, 240),
        batch_sizes: Sequence[int] = (1, 16, 32),
    ) -> None:
        self.network = network
        self.ckpt_path = ckpt_path
        self.sources = list(sources)
        self.folder = Path(output_dir).expanduser()
        self.size = list(size)
        self.batch_sizes = list(batch_sizes)
        self.logger = logging.getLogger(__name__)

    def __call__(self) -> list[str]:
        """Convert both directions.

        Returns:
            the files written.

        Raises:
            BadInputError: when a GPU or torch_tensorrt is missing.
        """
        check_tensorrt()
        written = []
        shape = [self.batch_sizes[1], self.network.in_channels, *self.size]
        for direction, module in ((FUSE, Fuse(self.network)), (DECOMPOSE, DecomposeStacked(self.network))):
            engine = convert_to_trt(
                module, "fp32", shape, dynamic_batchsize=self.batch_sizes, use_trace=True, disable_tf32=True
            )
            description = describe(self.network, fingerprint(self.ckpt_path), self.sources, [direction], shape)
            target = self.folder / FILES[direction]
            with result_file(target, suffix=".ts") as temporary:
                extra = {EXPORT_FILE: json.dumps(description).encode()}
                save_net_with_metadata(engine, temporary, include_config_vals=False, more_extra_files=extra)
            self.logger.info(f"{target} is written.")
            written.append(str(target))
        return written


def check_tensorrt() -> None:
    """Check that TensorRT can be used.

    Raises:
        BadInputError: when a GPU or torch_tensorrt is missing.
    """
    if not torch.cuda.is_available():
        raise BadInputError(
            "TensorRT builds engines on the NVIDIA GPU that will run them, but no GPU was found. Run this on a machine "
            "with a GPU, or use the ONNX files (section onnx), which run everywhere."
        )
    if find_spec("torch_tensorrt") is None:
        raise BadInputError(
            "TensorRT requires the package torch_tensorrt in the same version as torch. Install it: "
            f"pip install torch-tensorrt=={torch.__version__.split('+')[0]}."
        )
