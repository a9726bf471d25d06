import json
import math

import pytest

from scripts.data.errors import BadInputError
from scripts.outputs.tables import deviation_of, mean_of, write_csv, write_json


def test_numbers_are_written_to_eight_places_and_nothing_where_there_is_none(tmp_path):
    rows = [{"image": "a, b", "slice": 3, "Q": 1 / 3}, {"image": "ü", "slice": 4, "Q": None}, {"Q": math.nan}]
    write_csv(tmp_path / "t.csv", rows, ["image", "slice", "Q"])
    lines = (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()
    assert lines == ["image,slice,Q", '"a, b",3,0.33333333', "ü,4,", ",,"]


def test_nothing_that_json_does_not_know_is_written(tmp_path):
    write_json(tmp_path / "t.json", {"name": "ü", "value": 0.5})
    assert json.loads((tmp_path / "t.json").read_text(encoding="utf-8")) == {"name": "ü", "value": 0.5}
    with pytest.raises(ValueError):
        write_json(tmp_path / "t.json", {"value": math.nan})
    assert json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))["value"] == 0.5


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match=r"t\.csv cannot be written"):
        write_csv(tmp_path / "file" / "t.csv", [], ["image"])


def test_mean_and_deviation_are_of_the_values_that_there_are():
    assert mean_of([1.0, None, 2.0, math.nan, 6.0]) == 3.0
    assert deviation_of([1.0, None, 2.0, 6.0]) == pytest.approx(math.sqrt(7), abs=1e-8)
    assert mean_of([None]) is None
    assert deviation_of([1.0, None]) is None
