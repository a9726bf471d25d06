"""Number format of the convolutions in training."""

from __future__ import annotations

import torch

AUTO = "auto"
PRECISIONS = ("float32", "bfloat16", AUTO)
"""Values of the key `precision`. "auto" is bfloat16 where the machine computes it faster, see `has_matrix_units`."""


def has_matrix_units(device: torch.device) -> bool:
    """Whether a device has units for matrix products in bfloat16.

    On a CPU these are AMX tiles: with them a training step in bfloat16 takes 0.58 of the processor time of one in
    float32, but 1.2 times as much with the vector instructions for bfloat16 alone (AVX512_BF16), and 2.7 times as much
    with neither. These were measured on one processor, the newer instructions switched off. PyTorch knows of a GPU.

    Args:
        device: a device that exists.
    """
    if device.type == "cpu":
        # Earlier versions of PyTorch do not say.
        return bool(getattr(torch.cpu, "get_capabilities", dict)().get("amx_bf16", False))
    if device.type == "cuda":
        with torch.cuda.device(device):
            return torch.cuda.is_bf16_supported(including_emulation=False)
    return False


def resolve_precision(precision: str, device: torch.device) -> str:
    """Return the number format that is used on a device: "float32" or "bfloat16".

    Args:
        precision: one of `PRECISIONS`; anything but "auto" is returned as it is.
        device: where the network is.
    """
    if precision != AUTO:
        return precision
    return "bfloat16" if has_matrix_units(device) else "float32"
