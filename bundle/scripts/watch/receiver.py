"""A DICOM node that takes what modalities send: C-STORE and C-ECHO."""

from __future__ import annotations

import logging
import os
import shutil
import ssl
import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from pydicom import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, _config, evt
from pynetdicom.events import Event
from pynetdicom.sop_class import Verification

from scripts.data.errors import BadInputError
from scripts.dicom.scan import is_ours
from scripts.dicom.stored import patient_of_study
from scripts.pacs.image_classes import IMAGE_CLASSES, SYNTAXES
from scripts.pacs.tls import Tls

from .inbox import Inbox, is_uid

SUCCESS, NO_SPACE, NOT_UNDERSTOOD = 0x0000, 0xA700, 0xC000
MEGABYTE = 2**20


class Receiver:
    """Keep the images of studies. A study is complete when nothing of it arrived for some seconds.

    An image is on disk before its sender gets the answer that it was taken. Other objects, such as reports, are taken
    and not kept, and so are series that this bundle wrote.

    Args:
        inbox: where the images go.
        complete: takes the StudyInstanceUID of a complete study.
        port: where it listens.
        host: address where it listens; empty for all of the machine. Defaults to "".
        title: our application entity title, by which it must be called. Defaults to "FUSIONINN".
        from_titles: titles that may send; empty for all. Defaults to none.
        modalities: images of these are kept; empty for all. Defaults to MR.
        quiet_seconds: after which a study is complete. Defaults to 60.
        free_mb: megabytes that stay free on the disk: below, nothing is taken. Defaults to 1000.
        tls: certificates, if connections must be encrypted. Defaults to None.

    Raises:
        BadInputError: a setting is impossible.
    """

    def __init__(
        self,
        inbox: Inbox,
        complete: Callable[[str], None],
        port: int,
        host: str = "",
        title: str = "FUSIONINN",
        from_titles: Sequence[str] = (),
        modalities: Collection[str] = ("MR",),
        quiet_seconds: float = 60.0,
        free_mb: float = 1000.0,
        tls: Tls | None = None,
    ) -> None:
        if not isinstance(port, int) or not 0 < port < 2**16:
            raise BadInputError(f"--listen_port is {port!r}, expected a number from 1 to 65535, such as 11112.")
        if not quiet_seconds > 0:
            raise BadInputError(f"--quiet_seconds ({quiet_seconds}) must be positive.")
        self.inbox = inbox
        self.complete = complete
        self.port = port
        self.host = host
        self.modalities = set(modalities)
        self.quiet_seconds = quiet_seconds
        self.free_mb = free_mb
        self.encryption: ssl.SSLContext | None = None if tls is None else tls.for_server()
        self.logger = logging.getLogger(__name__)
        self._arrivals: dict[str, float] = {}
        self._lock = threading.Lock()
        self._server: Any = None
        # It logs what is sent, patients and all.
        _config.LOG_REQUEST_IDENTIFIERS = _config.LOG_RESPONSE_IDENTIFIERS = False
        logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
        self.entity = AE(ae_title=title)
        self.entity.require_called_aet = True
        self.entity.require_calling_aet = list(from_titles)
        self.entity.add_supported_context(Verification)
        for context in AllStoragePresentationContexts:
            self.entity.add_supported_context(context.abstract_syntax, list(SYNTAXES))

    def start(self) -> None:
        """Listen, in threads of its own.

        Raises:
            BadInputError: the port cannot be used.
        """
        try:
            self._server = self.entity.start_server(
                (self.host, self.port),
                block=False,
                ssl_context=self.encryption,
                evt_handlers=[(evt.EVT_C_STORE, self.take), (evt.EVT_REJECTED, self._rejected)],
            )
        except OSError as error:
            raise BadInputError(
                f"Nothing can be received at port {self.port} ({error.strerror or error}). Is another service there? "
                "Choose another --listen_port."
            ) from error
        titles = ", ".join(self.entity.require_calling_aet) or "any title"
        how = "not encrypted" if self.encryption is None else "encrypted"
        self.logger.info(
            f"Listening as {self.entity.ae_title} at port {self.port}, {how}, to {titles}; a study is complete after "
            f"{self.quiet_seconds:g} s without a new image."
        )

    def stop(self) -> None:
        """Listen no longer."""
        if self._server is not None:
            self._server.shutdown()
            self._server = None

    def arrived(self, study_uid: str) -> None:
        """Take that something of a study arrived just now."""
        with self._lock:
            self._arrivals[study_uid] = time.monotonic()

    def hand_over(self) -> None:
        """Hand over the studies that are complete. To be called every now and then."""
        with self._lock:
            limit = time.monotonic() - self.quiet_seconds
            quiet = [uid for uid, arrival in self._arrivals.items() if arrival <= limit]
        for uid in quiet:
            # First on disk, then forgotten: what arrives between the two is told again.
            before = self._arrivals[uid]
            self.complete(uid)
            with self._lock:
                if self._arrivals.get(uid) == before:
                    del self._arrivals[uid]

    def take(self, event: Event) -> int:
        """Keep the image of an event; return the status of C-STORE."""
        uid = str(event.request.AffectedSOPInstanceUID)
        try:
            header = event.dataset
            study_uid = str(header.get("StudyInstanceUID", ""))
            if not is_uid(study_uid) or not is_uid(uid) or str(header.get("SOPInstanceUID", "")) != uid:
                self.logger.warning("Refused an object whose UIDs are missing, no UIDs or contradict each other.")
                return NOT_UNDERSTOOD
            if not self._is_wanted(header):
                return SUCCESS
        except Exception as error:  # whatever pydicom raises for damaged values
            self.logger.warning(f"Refused an object that cannot be read ({type(error).__name__}).")
            return NOT_UNDERSTOOD
        try:
            if shutil.disk_usage(self.inbox.folder).free < self.free_mb * MEGABYTE:
                self.logger.error(f"Refused an image: less than {self.free_mb:g} MB are free on the disk (--free_mb).")
                return NO_SPACE
            if not self.inbox.keep(study_uid, uid, event.encoded_dataset()):
                self.logger.warning(
                    f"{patient_of_study(study_uid)}: an image was sent again with another content; the first one is "
                    "kept."
                )
        except OSError as error:
            self.logger.error(f"Refused an image: it cannot be written ({os.strerror(error.errno or 0)}).")
            return NO_SPACE
        self.arrived(study_uid)
        return SUCCESS

    def _is_wanted(self, header: Dataset) -> bool:
        if header.get("SOPClassUID") not in IMAGE_CLASSES or is_ours(header):
            return False
        return not self.modalities or str(header.get("Modality", "")) in self.modalities

    def _rejected(self, event: Event) -> None:
        """Log an association that was refused: pynetdicom's own log is off, for it shows patients."""
        request = event.assoc.requestor.primitive
        if request is not None:
            known = ", ".join(self.entity.require_calling_aet) or "all"
            self.logger.warning(
                f"Refused an association: {request.calling_ae_title} called {request.called_ae_title}; we are "
                f"{self.entity.ae_title}, and --from_titles names {known}."
            )
