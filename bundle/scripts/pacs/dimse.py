"""A PACS over DIMSE: C-FIND, C-GET or C-MOVE, and C-STORE."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydicom import Dataset, dcmread
from pynetdicom import AE, _config, build_role, evt
from pynetdicom.association import Association
from pynetdicom.events import Event
from pynetdicom.presentation import build_context
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from .archive import Archive
from .attempts import Attempts
from .errors import PacsError
from .image_classes import CONTEXTS, FETCHED_CLASSES
from .tls import Tls

SUCCESS, PENDING, SOME_FAILED = 0x0000, (0xFF00, 0xFF01), 0xB000
NO_SPACE = 0xA700
TRANSIENT = 2


class Dimse(Archive):
    """A PACS at a host and port.

    Args:
        host: name or address.
        port: where it listens.
        called: its application entity title.
        calling: ours, which the PACS must know. Defaults to "FUSIONINN".
        timeout: seconds to wait for a connection and for each message. Defaults to 30.
        attempts: how often it is asked. Defaults to `Attempts()`.
        modalities: series of these are fetched; empty for all. Defaults to MR.
        receive_port: port to receive at with C-MOVE, which the PACS must know; None for C-GET. Defaults to None.
        tls: certificates of an encrypted connection; None for one that is not. Defaults to None.
    """

    def __init__(
        self,
        host: str,
        port: int,
        called: str,
        calling: str = "FUSIONINN",
        timeout: float = 30.0,
        attempts: Attempts | None = None,
        modalities: Sequence[str] = ("MR",),
        receive_port: int | None = None,
        tls: Tls | None = None,
    ) -> None:
        super().__init__(f"{called}@{host}:{port}", attempts or Attempts(), modalities)
        # It logs what is asked for and answered, patients and all.
        _config.LOG_REQUEST_IDENTIFIERS = _config.LOG_RESPONSE_IDENTIFIERS = False
        logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)
        self.host = host
        self.port = port
        self.called = called
        self.calling = calling
        self.timeout = timeout
        self.receive_port = receive_port
        # Read at once, so that an unusable file is reported before anything is sent.
        self.encrypted = None if tls is None else tls.for_client()
        self.serving = None if tls is None or receive_port is None else tls.for_server()

    def search(self, level: str, filters: Mapping[str, str], keys: Sequence[str]) -> list[Dataset]:
        """Ask with C-FIND, in the study root model."""
        identifier = Dataset()
        identifier.QueryRetrieveLevel = level
        for key in keys:
            setattr(identifier, key, None)
        for key, value in filters.items():
            setattr(identifier, key, value)
        found = []
        with self._associated([(StudyRootQueryRetrieveInformationModelFind, None)]) as association:
            for status, answer in association.send_c_find(identifier, StudyRootQueryRetrieveInformationModelFind):
                if self._code(status, "the search") in PENDING and answer is not None:
                    found.append(answer)
        return found

    def retrieve_series(self, study_uid: str, series_uid: str, wanted: Mapping[str, Path]) -> None:
        """Fetch with C-GET, or with C-MOVE if a port to receive at was given."""
        identifier = Dataset()
        identifier.QueryRetrieveLevel = "SERIES"
        identifier.StudyInstanceUID = study_uid
        identifier.SeriesInstanceUID = series_uid
        receiver = Receiver(study_uid, wanted)
        if self.receive_port is None:
            model = StudyRootQueryRetrieveInformationModelGet
            with self._associated([(model, None), *CONTEXTS], receiver) as association:
                self._follow(association.send_c_get(identifier, model), receiver)
        else:
            model = StudyRootQueryRetrieveInformationModelMove
            with self._listening(receiver), self._associated([(model, None)]) as association:
                self._follow(association.send_c_move(identifier, self.calling, model), receiver)

    def store(self, files: Sequence[Path]) -> None:
        """Send with C-STORE, in the transfer syntax of the files."""
        instances = [dcmread(file) for file in files]
        contexts = {(i.SOPClassUID, i.file_meta.TransferSyntaxUID): None for i in instances}
        with self._associated(list(contexts)) as association:
            for instance in instances:
                status = association.send_c_store(instance)
                code = self._code(status, "storing")
                if code != SUCCESS and code & 0xF000 != 0xB000:
                    raise PacsError(f"{self.address} did not take an instance (status 0x{code:04X}).")

    def _follow(self, answers: Iterator[tuple[Dataset, Dataset | None]], receiver: Receiver) -> None:
        """Wait until everything was sent."""
        for status, _ in answers:
            code = self._code(status, "fetching")
            if receiver.error is not None:
                raise self._plain(receiver.error) from receiver.error
            if code not in (*PENDING, SUCCESS, SOME_FAILED):
                failed = status.get("NumberOfFailedSuboperations")
                raise PacsError(
                    f"{self.address} could not send {failed or 'some'} instances (status 0x{code:04X}). With C-MOVE, "
                    f"does it know {self.calling} and the port that --pacs_receive_port names?"
                )

    def _plain(self, error: Exception) -> Exception:
        if isinstance(error, (PacsError, OSError)):
            return error
        return PacsError(f"{self.address} sent an instance that cannot be read ({type(error).__name__}).")

    def _code(self, status: Dataset, what: str) -> int:
        """Return a status, or raise when it is missing or a refusal."""
        if "Status" not in status:
            raise PacsError(
                f"{self.address} broke off, or did not answer in time, during {what}. Does it know {self.calling}?",
                temporary=True,
            )
        code = int(status.Status)
        if what == "the search" and code not in (*PENDING, SUCCESS):
            raise PacsError(f"{self.address} refuses {what} (status 0x{code:04X}). Does it know {self.calling}?")
        return code

    @contextmanager
    def _associated(
        self, contexts: Sequence[tuple[str, str | None]], receiver: Receiver | None = None
    ) -> Iterator[Association]:
        """Open an association and close it, whatever happens.

        Args:
            contexts: pairs of SOP class and transfer syntax; None for the usual ones.
            receiver: takes what is sent over the association itself, as C-GET does it.
        """
        requested = [build_context(*filter(None, pair)) for pair in contexts]
        roles = [build_role(sop_class, scp_role=True) for sop_class in FETCHED_CLASSES] if receiver else []
        handlers = [(evt.EVT_C_STORE, receiver)] if receiver else []
        association = self._entity().associate(
            self.host,
            self.port,
            contexts=requested,
            ae_title=self.called,
            ext_neg=roles,
            evt_handlers=handlers,
            tls_args=None if self.encrypted is None else (self.encrypted, self.host),
        )
        if not association.is_established:
            raise self._refusal(association)
        try:
            yield association
        except ValueError as error:
            if isinstance(error, PacsError):
                raise
            raise PacsError(f"{self.address} does not offer what is asked of it: {error}") from error
        except RuntimeError as error:
            # pynetdicom's answer to a request over an association that has ended meanwhile
            raise PacsError(f"{self.address} broke off.", temporary=True) from error
        finally:
            if association.is_established:
                association.release()

    @contextmanager
    def _listening(self, receiver: Receiver) -> Iterator[None]:
        """Receive what the PACS sends to our own port."""
        entity = self._entity()
        for sop_class in FETCHED_CLASSES:
            entity.add_supported_context(sop_class, [syntax for one, syntax in CONTEXTS if one == sop_class])
        try:
            server = entity.start_server(
                ("", self.receive_port),
                block=False,
                evt_handlers=[(evt.EVT_C_STORE, receiver)],
                ssl_context=self.serving,
            )
        except OSError as error:
            raise PacsError(
                f"Nothing can be received at port {self.receive_port} ({error.strerror}). Choose another "
                "--pacs_receive_port, and set the same one in the PACS."
            ) from error
        try:
            yield
        finally:
            server.shutdown()

    def _entity(self) -> AE:
        entity = AE(ae_title=self.calling)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = self.timeout
        entity.connection_timeout = self.timeout
        return entity

    def _refusal(self, association: Association) -> PacsError:
        if association.is_rejected:
            answer = association.acceptor.primitive
            return PacsError(
                f"{self.address} refuses the association ({answer.reason_str}). Check its title in --pacs_url, and "
                f"that it knows {self.calling} (--pacs_calling).",
                temporary=answer.result == TRANSIENT,
            )
        if association.acceptor.primitive is not None:
            return PacsError(f"{self.address} accepts nothing of what is asked of it.")
        return PacsError(
            f"{self.address} cannot be reached or broke off. Is it up, and are host and port in --pacs_url right?",
            temporary=True,
        )


class Receiver:
    """Writes the instances that a PACS sends, byte by byte as they come.

    Args:
        study_uid: instances of other studies are refused.
        wanted: file of each SOPInstanceUID that is kept.
    """

    def __init__(self, study_uid: str, wanted: Mapping[str, Path]) -> None:
        self.study_uid = study_uid
        self.wanted = wanted
        self.error: Exception | None = None

    def __call__(self, event: Event) -> int:
        """Write the instance of `event`; return the status of C-STORE."""
        uid = str(event.request.AffectedSOPInstanceUID)
        try:
            if uid not in self.wanted:
                return SUCCESS
            if event.dataset.StudyInstanceUID != self.study_uid:
                raise PacsError("The PACS sent an instance that is not of the study asked for.")
            self.wanted[uid].write_bytes(event.encoded_dataset())
        except Exception as error:  # what is raised in its thread would end there
            self.error = error
            return NO_SPACE
        return SUCCESS
