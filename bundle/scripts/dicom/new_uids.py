"""UIDs of derived instances: new ones, or such that the same result gets the same UIDs again."""

from __future__ import annotations

from typing import Protocol

from pydicom.uid import UID, generate_uid


class NewUids(Protocol):
    """Gives the UIDs of derived series."""

    def __call__(self, kind: str, source: str | None = None, number: int | None = None) -> UID:
        """Give a UID.

        Args:
            kind: "fused" or "estimate".
            source: the source that is estimated, or None.
            number: of the instance in its series, from 1; None for the series itself.
        """


def random_uids(*_which: str | int | None) -> UID:
    """Give a UID that nothing else has."""
    return generate_uid()


class StableUids:
    """Give UIDs that follow from what the result is made of.

    A result that is made and sent once more then replaces itself in an archive, and does not double. One result at a
    time.
    """

    def __init__(self) -> None:
        self._key: str | None = None

    def begin(self, key: str) -> None:
        """Begin a result.

        Args:
            key: differs between results: what they are made of, and how.
        """
        self._key = key

    def __call__(self, kind: str, source: str | None = None, number: int | None = None) -> UID:
        """Give a UID of the result."""
        if self._key is None:
            raise ValueError("no result was begun.")
        return generate_uid(entropy_srcs=["FusionINN", self._key, kind, source or "", str(number or "")])
