"""A PACS over DICOMweb: QIDO-RS, WADO-RS and STOW-RS."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import requests
from dicomweb_client.api import DICOMwebClient
from pydicom import Dataset, dcmread

from scripts.data.errors import BadInputError

from .archive import Archive
from .attempts import Attempts
from .errors import PacsError
from .tls import Tls
from .web_session import web_session

AS_STORED = (("application/dicom", "*"),)
"""Whatever transfer syntax the archive holds: nothing is recompressed on the way."""

TEMPORARY = {408, 429, 502, 503, 504}


class DicomWeb(Archive):
    """A PACS at a URL.

    Args:
        url: of the DICOMweb service, such as ``https://pacs.example/dicom-web``.
        user: name to log in with, or None.
        password: the user's, or None.
        timeout: seconds to wait for a connection, and for each answer. Defaults to 30.
        attempts: how often it is asked. Defaults to `Attempts()`.
        modalities: series of these are fetched; empty for all. Defaults to MR.
        tls: certificates, see `Tls`. Defaults to None (those that the system trusts).

    Raises:
        PacsError: the URL cannot be used.
    """

    def __init__(
        self,
        url: str,
        user: str | None = None,
        password: str | None = None,
        timeout: float = 30.0,
        attempts: Attempts | None = None,
        modalities: Sequence[str] = ("MR",),
        tls: Tls | None = None,
    ) -> None:
        super().__init__(url, attempts or Attempts(), modalities)
        # At its information level it names what is asked for.
        logging.getLogger("dicomweb_client").setLevel(logging.WARNING)
        session = web_session(url, user, password, tls or Tls())
        try:
            self.client = DICOMwebClient(url.rstrip("/"), session=session, timeout=timeout)
        except ValueError as error:
            raise PacsError(
                f"{url} is not the URL of a DICOMweb service such as https://pacs.example/dicom-web."
            ) from error
        self.client.set_http_retry_params(retry=False)

    def search(self, level: str, filters: Mapping[str, str], keys: Sequence[str]) -> list[Dataset]:
        """Ask with QIDO-RS, page by page: servers limit how much they answer at once."""
        filters, above = dict(filters), {}
        if level != "STUDY":
            above["study_instance_uid"] = filters.pop("StudyInstanceUID")
        if level == "IMAGE":
            above["series_instance_uid"] = filters.pop("SeriesInstanceUID")
        ask = {
            "STUDY": self.client.search_for_studies,
            "SERIES": self.client.search_for_series,
            "IMAGE": self.client.search_for_instances,
        }[level]
        unique = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}[level]
        found: dict[str, Dataset] = {}
        with self._plain_errors():
            while True:
                page = ask(**above, search_filters=filters, fields=list(keys), offset=len(found) or None)
                datasets = [Dataset.from_json(entry) for entry in page]
                known = len(found)
                found |= {str(dataset[unique].value): dataset for dataset in datasets}
                if len(found) == known:
                    return list(found.values())

    def retrieve_series(self, study_uid: str, series_uid: str, wanted: Mapping[str, Path]) -> None:
        """Fetch with WADO-RS, in the transfer syntax that the archive holds."""
        with self._plain_errors():
            for instance in self.client.iter_series(study_uid, series_uid, media_types=AS_STORED):
                uid = str(instance.get("SOPInstanceUID", ""))
                if uid in wanted:
                    self._check_whole(instance, study_uid)
                    instance.save_as(wanted[uid], enforce_file_format=True)

    def _check_whole(self, instance: Dataset, study_uid: str) -> None:
        """Check that an instance is complete: pydicom silently drops an element that is cut off."""
        if "PixelData" not in instance:
            raise PacsError(f"{self.address} broke off in the middle of an image.", temporary=True)
        if instance.get("StudyInstanceUID") != study_uid:
            raise PacsError(f"{self.address} sent an instance that is not of the study asked for.")

    def store(self, files: Sequence[Path]) -> None:
        """Send with STOW-RS."""
        with self._plain_errors():
            answer = self.client.store_instances([dcmread(file) for file in files])
        failed = answer.get("FailedSOPSequence") or []
        if failed:
            reasons = sorted({f"0x{int(item.get('FailureReason', 0)):04X}" for item in failed})
            raise PacsError(
                f"{self.address} did not take {len(failed)} of {len(files)} instances (reason {', '.join(reasons)})."
            )

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        """Raise `PacsError` for errors of requests and of the client, whose messages contain the query."""
        try:
            yield
        except requests.HTTPError as error:
            raise self._refusal(error.response.status_code) from error
        except requests.Timeout as error:
            raise PacsError(
                f"{self.address} does not answer in time. Is it up? A longer --pacs_timeout may help.", temporary=True
            ) from error
        except requests.exceptions.SSLError as error:
            raise PacsError(
                f"{self.address} has no certificate that is trusted. Give its authority's with --pacs_ca_file."
            ) from error
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError) as error:
            raise PacsError(f"{self.address} broke off in the middle of an answer.", temporary=True) from error
        except requests.ConnectionError as error:
            raise PacsError(
                f"{self.address} cannot be reached or broke off. Is it up, and is --pacs_url right?", temporary=True
            ) from error
        except requests.RequestException as error:
            raise self._nonsense(error) from error
        except (BadInputError, OSError):
            raise
        except Exception as error:  # whatever the parsers of JSON and DICOM raise, RecursionError included
            raise self._nonsense(error) from error

    def _nonsense(self, error: Exception) -> PacsError:
        return PacsError(
            f"{self.address} answers, but not as a DICOMweb service does ({type(error).__name__}). Check --pacs_url: "
            "it often ends in /dicom-web, /dicomweb or /rs."
        )

    def _refusal(self, status: int) -> PacsError:
        if status in (401, 403):
            return PacsError(
                f"{self.address} refuses the user or the password (HTTP {status}). Check --pacs_user, and the "
                "environment variable or --pacs_password_file that gives the password."
            )
        if status in (404, 405):
            return PacsError(
                f"{self.address} is not a DICOMweb service (HTTP {status}), or no longer has the object. Check "
                "--pacs_url: it often ends in /dicom-web, /dicomweb or /rs."
            )
        return PacsError(f"{self.address} refuses the request (HTTP {status}).", temporary=status in TEMPORARY)
