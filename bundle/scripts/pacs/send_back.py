"""Derived series go back to where the study came from."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.data.errors import BadInputError

if TYPE_CHECKING:
    from .archive import Archive


class SendBack:
    """Write the files of a patient, then send those that are DICOM and look whether they are in the study.

    Args:
        write: takes what was read and the results to the files written.
        pacs: where the study came from.
        enabled: send them. Defaults to True.
    """

    def __init__(
        self, write: Callable[[dict[str, Any], dict[str, Any]], Sequence[str]], pacs: Archive, enabled: bool = True
    ) -> None:
        self.write = write
        self.pacs = pacs
        self.enabled = enabled

    def settings(self) -> dict[str, Any]:
        """What shapes the files, and whether they are sent; never where to, nor the password."""
        return {"write": self.write, "enabled": self.enabled}

    def __call__(self, data: dict[str, Any], results: dict[str, Any]) -> list[str]:
        """Write and send.

        Returns:
            the files written.

        Raises:
            BadInputError: they could not be sent; what was written stays.
        """
        files = [str(file) for file in self.write(data, results)]
        if not self.enabled:
            return files
        derived = [file for file in files if Path(file).suffix == ".dcm"]
        try:
            sent = self.pacs.send(derived)
        except BadInputError as error:
            raise BadInputError(
                f"written, but not sent: {error} Once that is mended, run the section 'sending'."
            ) from error
        series = len({Path(file).parent for file in derived})
        logging.getLogger(__name__).info(
            f"{data['patient']}: {series} derived series ({sent} instances) sent to {self.pacs.address} and found."
        )
        return files
