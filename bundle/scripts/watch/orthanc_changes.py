"""Follow the changes of an Orthanc: which studies are complete."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from scripts.data.errors import BadInputError
from scripts.pacs.attempts import Attempts
from scripts.pacs.errors import PacsError
from scripts.pacs.tls import Tls
from scripts.pacs.web_session import web_session

from .inbox import is_uid

if TYPE_CHECKING:
    from .store import Store

AT_ONCE = 100
_BEGUN = ("NewStudy", "NewSeries")
_TEMPORARY = {408, 429, 500, 502, 503, 504}
_GONE = 404


class OrthancChanges:
    """Take from an Orthanc, again and again, which studies became stable since last time.

    The position in its changes is kept in the store, in one step with the studies, so that none is lost and none is
    taken twice. An Orthanc that restarts forgets to announce studies that were not stable yet; those are asked for.

    Args:
        store: takes the studies and the position.
        url: of Orthanc's own interface, such as ``https://pacs.example:8042``.
        user: name to log in with, or None.
        password: the user's, or None.
        tls: certificates. Defaults to those that the system trusts.
        timeout: seconds to wait for each answer. Defaults to 30.
        backlog: begin with the studies that are there already. Defaults to False (with those that become stable from
            now on).
        settle_seconds: after which a study that arrived is asked for. Defaults to 300.
        attempts: how often each question is asked. Defaults to `Attempts()`.

    Raises:
        BadInputError: the URL is no URL, or holds a password.
    """

    def __init__(
        self,
        store: Store,
        url: str,
        user: str | None = None,
        password: str | None = None,
        tls: Tls | None = None,
        timeout: float = 30.0,
        backlog: bool = False,
        settle_seconds: float = 300.0,
        attempts: Attempts | None = None,
    ) -> None:
        self.store = store
        self.url = _checked(url)
        self.session = web_session(self.url, user, password, tls or Tls())
        self.timeout = timeout
        self.backlog = backlog
        self.settle_seconds = settle_seconds
        self.attempts = attempts or Attempts()
        self.logger = logging.getLogger(__name__)
        self._since: dict[str, float] = {}
        self._lock = threading.Lock()

    def follow(self) -> int:
        """Take the changes since last time.

        Returns:
            how many studies became stable.

        Raises:
            PacsError: Orthanc gives no usable answer.
        """
        with self._lock:
            self.session.close()  # Orthanc drops idle connections; a new one is opened on the next request
        position = self.store.position(self.url)
        last = self._number(self._ask("changes?last"), "Last")
        if position is None:
            position = 0 if self.backlog else last
            self.store.follow(self.url, position)
            told = "with the studies that it holds" if self.backlog else "with studies that arrive from now on"
            self.logger.info(f"Following {self.url}, beginning {told}.")
        elif last < position:
            self.logger.warning(
                f"The changes of {self.url} begin anew ({last} after {position}): its database was replaced. They are "
                "followed from the first; studies that are done stay done."
            )
            position = 0
            self.store.follow(self.url, position)
        taken = 0
        while position < last:
            answer = self._ask(f"changes?since={position}&limit={AT_ONCE}")
            changes = answer.get("Changes") if isinstance(answer, dict) else None
            if not isinstance(changes, list):
                raise self._nonsense()
            settled = {uid for uid in self._studies(changes, ("StableStudy",)) if uid}
            begun = {uid for uid in self._studies(changes, _BEGUN) if uid}
            position = max(self._number(answer, "Last"), position)
            self.store.follow(self.url, position, sorted(settled), sorted(begun - settled))
            taken += len(settled)
            if answer.get("Done") is True or not changes:
                break
        return taken + self._settle()

    def titles(self, study_uid: str) -> list[str]:
        """Return the application entity titles that the series of a study came from, as far as Orthanc knows them."""
        found = set()
        for study in self._ask_list("tools/lookup", study_uid, "Study"):
            for series in self._ask(f"studies/{study}/series"):
                for instance in list(series.get("Instances", ()))[:1]:
                    metadata = self._ask(f"instances/{instance}/metadata?expand")
                    found.add(str(metadata.get("RemoteAET", "")))
        return sorted(found - {""})

    def _settle(self) -> int:
        """Ask for studies that arrived long ago and were never announced as stable."""
        now, waiting = time.monotonic(), self.store.unsettled()
        self._since = {uid: self._since.get(uid, now) for uid in waiting}
        late = [uid for uid, since in self._since.items() if now - since > self.settle_seconds]
        settled = []
        for uid in late:
            found = self._ask_list("tools/lookup", uid, "Study")
            if not found or all(self._ask(f"studies/{one}").get("IsStable") is True for one in found):
                settled.append(uid)
        if settled:
            self.store.follow(self.url, self.store.position(self.url) or 0, settled)
        return len(settled)

    def _studies(self, changes: list[Any], kinds: tuple[str, ...]) -> Iterator[str | None]:
        """Yield the StudyInstanceUID of each study or series that changed in one of some ways."""
        seen = set()
        for change in changes:
            path = str(change.get("Path", "")) if isinstance(change, dict) else ""
            if path and change.get("ChangeType") in kinds and path not in seen:
                seen.add(path)
                yield self._study_uid(path)

    def _study_uid(self, path: str) -> str | None:
        try:
            content = self._ask(f"{path}/study" if path.startswith("/series/") else path)
        except _GoneError:
            self.logger.info("A study was removed from Orthanc before it could be looked at.")
            return None
        tags = content.get("MainDicomTags")
        uid = str(tags.get("StudyInstanceUID", "")) if isinstance(tags, dict) else ""
        if not is_uid(uid):
            self.logger.warning("Orthanc holds a study without a valid Study Instance UID; it is left alone.")
            return None
        return uid

    def _ask(self, path: str) -> Any:
        return self.attempts(lambda: self._request("GET", path))

    def _ask_list(self, path: str, text: str, kind: str) -> list[str]:
        """Look a UID up; return Orthanc's own names of what has it."""
        found = self.attempts(lambda: self._request("POST", path, text))
        return [str(one["ID"]) for one in found if isinstance(one, dict) and one.get("Type") == kind]

    def _request(self, method: str, path: str, body: str | None = None) -> Any:
        try:
            with self._lock:  # two threads ask, and a session serves one
                answer = self.session.request(method, f"{self.url}/{path.lstrip('/')}", data=body, timeout=self.timeout)
            if answer.status_code == _GONE:
                raise _GoneError(f"{self.url} does not know what was asked for (HTTP 404). Check --orthanc_url.")
            if answer.status_code in (401, 403):
                raise PacsError(
                    f"{self.url} refuses the user or the password (HTTP {answer.status_code}). Check --pacs_user, and "
                    "the environment variable or --pacs_password_file that gives the password."
                )
            if answer.status_code != requests.codes.ok:
                raise PacsError(
                    f"{self.url} refuses the request (HTTP {answer.status_code}).",
                    temporary=answer.status_code in _TEMPORARY,
                )
            return answer.json()
        except requests.exceptions.SSLError as error:
            raise PacsError(
                f"{self.url} has no certificate that is trusted, or wants one of ours. Give its authority's with "
                "--pacs_ca_file, and ours with --pacs_certificate."
            ) from error
        except requests.exceptions.JSONDecodeError as error:
            raise self._nonsense() from error
        except requests.RequestException as error:
            raise PacsError(
                f"{self.url} cannot be reached, broke off or does not answer in time. Is it up, and is --orthanc_url "
                "right?",
                temporary=True,
            ) from error

    def _number(self, answer: Any, name: str) -> int:
        value = answer.get(name) if isinstance(answer, Mapping) else None
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._nonsense()
        return value

    def _nonsense(self) -> PacsError:
        return PacsError(
            f"{self.url} answers, but not as Orthanc does. Check --orthanc_url: it is the address of Orthanc itself, "
            "without /dicom-web."
        )


class _GoneError(PacsError):
    """What is asked for is not there, or no longer."""


def _checked(url: str) -> str:
    form = "--orthanc_url must be https://HOST:PORT of Orthanc itself"
    try:
        parts = urlsplit(str(url))
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        raise BadInputError(f"{form}.") from None
    if parts.username or parts.password or parts.query or parts.fragment or not usable:
        raise BadInputError(f"{form}, without a user, a password or a query. Give --pacs_user for the user.")
    return str(url).rstrip("/")
