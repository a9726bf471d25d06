import json
import math

import pytest

from scripts.data.errors import BadInputError
from scripts.outputs.tables import deviation_of, known, markdown_table, mean_of, write_csv, write_json, write_text


def test_numbers_are_written_to_eight_places_and_missing_ones_as_empty_cells(tmp_path):
    rows = [{"image": "a, b", "slice": 3, "Q": 1 / 3}, {"image": "ü", "slice": 4, "Q": None}, {"Q": math.nan}]
    write_csv(tmp_path / "t.csv", rows, ["image", "slice", "Q"])
    lines = (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()
    assert lines == ["image,slice,Q", '"a, b",3,0.33333333', "ü,4,", ",,"]


def test_places_and_columns_are_as_asked_for(tmp_path):
    rows = [{"figure": "Q", "mean": 1 / 3, "gap": None}, {"figure": "P", "mean": math.inf}]
    write_csv(tmp_path / "t.csv", rows, places=None)
    assert (tmp_path / "t.csv").read_text().splitlines() == ["figure,mean,gap", "Q,0.3333333333333333,", "P,,"]
    write_csv(tmp_path / "t.csv", rows, ["mean"], places=2)
    assert (tmp_path / "t.csv").read_text().splitlines() == ["mean", "0.33", '""']


def test_a_table_is_markdown():
    assert markdown_table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | ---: |\n| 1 | 2 |\n"


def test_a_text_is_written_whole_with_its_own_characters(tmp_path):
    write_text(tmp_path / "new" / "t.md", "Δ ≤ 1\n")
    assert (tmp_path / "new" / "t.md").read_bytes() == "Δ ≤ 1\n".encode()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["t.md"]


def test_what_is_not_a_number_is_unknown():
    assert [known(value) for value in (math.nan, -math.inf, 0.5, 3, "nan", None)] == [None, None, 0.5, 3, "nan", None]


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
    assert (mean_of([1.0, 2.0, 2.0], 2), deviation_of([1.0, 2.0], 2)) == (1.67, 0.71)
