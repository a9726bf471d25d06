from __future__ import annotations

from scripts.data.errors import BadInputError
from scripts.pacs.errors import PacsError


def test_is_told_without_a_traceback_and_lasts_unless_said_otherwise():
    assert issubclass(PacsError, BadInputError)
    assert not PacsError("refuses").temporary
    assert PacsError("is busy", temporary=True).temporary
