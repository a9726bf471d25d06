from __future__ import annotations

from scripts.data.errors import BadInputError


class StorageError(BadInputError):
    """The service's own disk is full or broken: nothing that a study could be blamed for."""


class LeftAloneError(BadInputError):
    """A study that is not to be fused; the message says why."""
