"""Let only one service at a time use a state, and only one on this machine follow a PACS."""

from __future__ import annotations

import hashlib
import os
import socket
import sys
from pathlib import Path

from scripts.data.errors import BadInputError
from scripts.outputs.locked import lock_folder


class OneWatcher:
    """Hold the locks until the process ends, whatever ends it.

    Args:
        state_dir: folder of the state.
        pacs: address of the PACS that results go to.

    Raises:
        BadInputError: another service uses the state, or sends to the PACS.
    """

    def __init__(self, state_dir: str | os.PathLike[str], pacs: str) -> None:
        folder = Path(state_dir).expanduser().absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise BadInputError(
                f"--state_dir {folder} cannot be created ({error.strerror}). Choose another one."
            ) from error
        try:
            lock_folder(folder, "watch")
        except BadInputError as error:
            told = str(error).replace("--output_dir", "--state_dir")
            raise BadInputError(f"Two services must not share a state: {told}") from error
        self._socket = _claim(pacs)
        self.folder = str(folder)


def _claim(pacs: str) -> socket.socket | None:
    """Claim a PACS on this machine, by a name that the system frees when the process ends."""
    if sys.platform != "linux":
        return None
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0fusioninn-watch-{hashlib.sha256(pacs.encode()).hexdigest()[:16]}")
    except OSError as error:
        claim.close()
        raise BadInputError(
            f"Another service on this machine already watches {pacs}. Stop it, or add what this one should do to its "
            "settings: two would fuse every study twice."
        ) from error
    return claim
