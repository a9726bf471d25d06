"""The files of a BIDS derivative that belong to no patient."""

from __future__ import annotations

import json

import pytest

from scripts.data.errors import BadInputError
from scripts.outputs.bids_dataset import BidsDataset, bids_uri, described, root_of


def description(folder) -> dict:
    return json.loads((folder / "dataset_description.json").read_text())


def test_they_say_what_made_the_results_and_from_what(tmp_path):
    raw = tmp_path / "raw data"
    out = raw / "derivatives" / "fusioninn"
    BidsDataset(out).write({"sources": raw}, license_text="CC0", doi="doi:10.1/x")
    written = description(out)
    assert (written["DatasetType"], written["License"]) == ("derivative", "CC0")
    assert written["GeneratedBy"][0]["Name"] == "FusionINN MONAI bundle"
    assert written["DatasetLinks"] == {"sources": "../.."}
    assert written["SourceDatasets"] == [{"URL": "../..", "DOI": "doi:10.1/x"}]
    assert "research use only" in (out / "README.md").read_text().lower()
    assert (out / "descriptions.tsv").read_text().startswith("desc_id\tdescription\ndesc-fused\t")


def test_what_a_user_added_stays(tmp_path):
    BidsDataset(tmp_path).write({})
    content = {**description(tmp_path), "Authors": ["A", "B"]}
    (tmp_path / "dataset_description.json").write_text(json.dumps(content))
    (tmp_path / "README.md").write_text("mine")
    BidsDataset(tmp_path).write({"sources": tmp_path.parent})
    assert description(tmp_path)["Authors"] == ["A", "B"]
    assert description(tmp_path)["DatasetLinks"] == {"sources": ".."}
    assert (tmp_path / "README.md").read_text() == "mine"


def test_the_results_of_two_data_sets_are_not_mixed(tmp_path):
    BidsDataset(tmp_path / "out").write({"sources": tmp_path / "one"})
    with pytest.raises(BadInputError, match=r"holds results of another data set \(\.\./one, not \.\./two\)"):
        BidsDataset(tmp_path / "out").write({"sources": tmp_path / "two"})


@pytest.mark.parametrize(
    "content", ['{"Name": "raw"}', '{"GeneratedBy": [{"Name": "fMRIPrep"}]}', '{"GeneratedBy": 3}', "[]"]
)
def test_another_data_set_is_left_alone(tmp_path, content):
    (tmp_path / "dataset_description.json").write_text(content)
    with pytest.raises(BadInputError, match=r"is a data set of its own.*derivatives/fusioninn"):
        BidsDataset(tmp_path)
    assert (tmp_path / "dataset_description.json").read_text() == content


def test_files_are_named_by_the_data_set_that_they_belong_to(tmp_path):
    file = tmp_path / "raw" / "sub-01" / "anat" / "sub-01_T1w.nii.gz"
    file.parent.mkdir(parents=True)
    assert root_of(file) is None
    (tmp_path / "raw" / "dataset_description.json").write_text('{"License": "CC0"}')
    assert root_of(file) == tmp_path / "raw"
    assert described(tmp_path / "raw") == {"License": "CC0"}
    assert bids_uri("sources", tmp_path / "raw", file) == "bids:sources:sub-01/anat/sub-01_T1w.nii.gz"
    assert bids_uri("sources", tmp_path / "other", file) is None
    assert described(tmp_path / "other") == {}
