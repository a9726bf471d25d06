"""Derived series go back to where the study came from."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts.data.errors import BadInputError

if TYPE_CHECKING:
    from .archive import Archive


class SendBack:
    """Send the DICOM files of a patient to where the study came from, and check that they arrived.

    Args:
        pacs: where the study came from.
        layout: layout of the results. Defaults to "patients"; with "bids" there would be nothing to send.

    Raises:
        BadInputError: the results are no DICOM series.
    """

    def __init__(self, pacs: Archive, layout: str = "patients") -> None:
        if layout == "bids":
            raise BadInputError(
                "with --layout bids the results are NIfTI files, but an archive stores DICOM series. Leave out "
                "--layout bids, or keep the results here with --send_back false."
            )
        self.pacs = pacs

    def settings(self) -> None:
        """Nothing: where the series are sent changes no result, and the password is noted nowhere."""

    def __call__(self, case: Any, files: Sequence[str]) -> None:
        """Send the derived series.

        Args:
            case: what they are of; its "patient" is named in the log.
            files: files that were written.

        Raises:
            BadInputError: they could not be sent; what was written stays.
        """
        derived = [str(file) for file in files if Path(file).suffix == ".dcm"]
        try:
            sent = self.pacs.send(derived)
        except BadInputError as error:
            raise BadInputError(
                f"written, but not sent: {error} Once that is mended, run the section 'sending'."
            ) from error
        series = len({Path(file).parent for file in derived})
        logging.getLogger(__name__).info(
            f"{case.patient}: {series} derived series ({sent} instances) sent to {self.pacs.address} and found."
        )
