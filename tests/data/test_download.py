"""The download of the Decathlon task."""

from __future__ import annotations

from monai.apps import DecathlonDataset

from scripts.data.download import TASK, download_decathlon


def test_a_task_that_is_there_is_not_downloaded_again(tmp_path):
    (tmp_path / TASK).mkdir()
    (tmp_path / TASK / "dataset.json").write_text("{}")
    assert download_decathlon(tmp_path) == str(tmp_path / TASK)


def test_monai_knows_address_and_checksum_of_the_task():
    assert DecathlonDataset.resource[TASK].startswith("https://")
    assert len(DecathlonDataset.md5[TASK]) == 32
