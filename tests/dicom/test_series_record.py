from __future__ import annotations

import json

import pytest

pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from scripts.data.errors import BadInputError
from scripts.dicom.series_record import check_series_record


def test_a_record_as_it_was_written_passes_unchanged(fused_study):
    record = json.loads(json.dumps(fused_study.sidecar))
    assert check_series_record("a.json", record) == record


@pytest.mark.parametrize("value", [None, 7, "text", [], {}, [None], True, 1e400], ids=repr)
def test_a_value_of_another_type_is_an_error_that_names_the_file(fused_study, value):
    record = json.loads(json.dumps(fused_study.sidecar))
    for key in ("SourceModalities", "IntensityScale", "SliceSHA256", "SourceSeries", "Shape", "Affine", "StoredDtype"):
        with pytest.raises(BadInputError, match=r"a\.json"):
            check_series_record("a.json", {**record, key: value})
