"""Find the device that the user names."""

from __future__ import annotations

import torch

from scripts.data.errors import BadInputError


def as_device(name: str | torch.device) -> torch.device:
    """Take a device by its name, as a command line gives it.

    Args:
        name: "cpu", "cuda", "cuda:1", …, or a device.

    Raises:
        BadInputError: when the device does not exist.
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        there = f"cpu, cuda (0 to {torch.cuda.device_count() - 1})" if torch.cuda.is_available() else "cpu"
        raise BadInputError(
            f"The device '{name}' cannot be used ({str(error).splitlines()[0]}). This machine has: {there}. "
            "Give one of them by --device."
        ) from error
    return device
