"""A damaged segmentation is refused or read, whichever byte of it was changed; nothing else happens."""

from __future__ import annotations

import random

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")

from phantom_studies.study import write_series  # noqa: E402
from scripts.data.errors import BadInputError  # noqa: E402
from scripts.dicom.scan import scan_folder  # noqa: E402
from scripts.dicom.segmentation import Segmentation  # noqa: E402
from scripts.dicom.segmentation_files import find_segmentations  # noqa: E402
from segmentations import write_segmentation  # noqa: E402

SHAPE = (15, 13, 5)
TIMES = 25


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_it_is_refused_or_read_and_nothing_else(tmp_path, kind):
    rng, outcomes = random.Random(3), {"read": 0, "refused": 0}
    series = write_series(tmp_path / "series", np.random.default_rng(0).integers(1, 900, SHAPE), np.eye(4))
    masks = {"Edema": np.indices(SHAPE)[0] > 5, "Necrosis": np.indices(SHAPE)[1] > 7}
    whole = write_segmentation(tmp_path / "whole.dcm", series, masks, kind=kind).read_bytes()
    for number in range(TIMES):
        content = bytearray(whole)
        for _ in range(rng.choice((1, 1, 3, 20))):
            content[rng.randrange(132, len(content))] = rng.randrange(256)
        if number % 5 == 0:
            del content[rng.randrange(132, len(content)) :]
        path = tmp_path / "changed" / "x.dcm"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        try:
            read = Segmentation(path)
            assert all(read.mask(segment).shape == read.grid.shape for segment in read.segments)
            outcomes["read"] += 1
        except BadInputError:
            outcomes["refused"] += 1
        find_segmentations(scan_folder(path.parent))
    assert min(outcomes.values()) > TIMES / 10, outcomes
