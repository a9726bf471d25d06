"""Three files of one table."""

from __future__ import annotations

import csv
import json

import pandas as pd
import pytest

from fusioninn_research.table_files import write_table


def test_markdown_csv_and_json_are_written(tmp_path):
    rows = [{"row": "UNet", "mean": 0.5}, {"row": "DDFM", "mean": None}]
    paths = write_table(tmp_path, "table1", "# Table 1\n", pd.DataFrame(rows), {"seeds": [0]})
    assert [path.name for path in paths] == ["table1.md", "table1.csv", "table1.json"]
    assert paths[0].read_text() == "# Table 1\n"
    with paths[1].open(newline="") as file:
        assert list(csv.DictReader(file)) == [{"row": "UNet", "mean": "0.5"}, {"row": "DDFM", "mean": ""}]
    assert json.loads(paths[2].read_text()) == {"seeds": [0], "figures": rows}


def test_what_is_no_number_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_table(tmp_path, "table1", "", pd.DataFrame([{"a": 1}]), {"a": float("nan")})
    assert not (tmp_path / "table1.json").exists()
