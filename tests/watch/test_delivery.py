from __future__ import annotations

import pytest

from scripts.data.errors import BadInputError
from scripts.pacs.connect import connect
from scripts.watch.delivery import Delivery
from scripts.watch.plan import Plan

pytest.importorskip("dicomweb_client", reason="no dicomweb_client: pip install -r requirements-clinic.txt")


def test_results_without_dicom_series_are_refused_before_the_first_study(tmp_path):
    with pytest.raises(BadInputError, match="Leave out --layout bids"):
        Delivery(connect("https://pacs.example/rs"), tmp_path, layout="bids")


def test_a_result_of_which_files_are_missing_is_not_sent(tmp_path):
    delivery = Delivery(connect("http://127.0.0.1:9/rs", attempts=1), tmp_path)
    with pytest.raises(BadInputError, match="were removed before they were sent"):
        delivery("1.2.3", Plan("study-1", "key", "used", {"fused": "1.2.4"}, 6))
