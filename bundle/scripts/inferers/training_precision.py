"""Number format of the convolutions in training."""

from __future__ import annotations

import torch

AUTO = "auto"
PRECISIONS = ("float32", "bfloat16", AUTO)
"""Values of the key `precision`. "auto" is bfloat16 where the machine computes it faster, see `bfloat16_is_faster`."""


def bfloat16_is_faster(device: torch.device) -> bool:
    """Whether training in bfloat16 is faster on a device than in float32.

    Of a training step's time in float32, bfloat16 took 0.58 on an Intel processor with AMX tiles, and 0.63 to 0.67 on
    an AMD processor with vector instructions for bfloat16 (AVX512_BF16, fourth generation EPYC). On the Intel one with
    these alone, AMX switched off, it took 1.2 times as long, and 2.7 times with neither. PyTorch knows of a GPU.

    Args:
        device: a device that exists.
    """
    if device.type == "cpu":
        # Earlier versions of PyTorch do not say.
        known = getattr(torch.cpu, "get_capabilities", dict)()
        return bool(known.get("amx_bf16") or (known.get("avx512_bf16") and "AMD" in known.get("cpu_name", "")))
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
    return "bfloat16" if bfloat16_is_faster(device) else "float32"
