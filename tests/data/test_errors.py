"""The error for invalid input of the user."""

from __future__ import annotations

import pytest

from scripts.data.errors import BadInputError


def test_bad_input_is_a_value_error_with_a_plain_message():
    with pytest.raises(ValueError, match=r"^P1_flair\.nii\.gz is empty$"):
        raise BadInputError("P1_flair.nii.gz is empty")
