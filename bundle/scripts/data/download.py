"""Download the brain tumour task of the Medical Segmentation Decathlon, on request."""

from __future__ import annotations

import os
from pathlib import Path

TASK = "Task01_BrainTumour"


def download_decathlon(root: str | os.PathLike[str]) -> str:
    """Download and unpack Task01_BrainTumour (7 GB, 484 + 266 patients, CC BY-SA 4.0).

    An existing archive or folder is not downloaded again.

    Args:
        root: folder to download to; created where missing.

    Returns:
        folder of the task, for `dataset_dir`.
    """
    from monai.apps import DecathlonDataset, download_and_extract

    folder = Path(root).expanduser().absolute()
    task = folder / TASK
    if not (task / "dataset.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        download_and_extract(
            url=DecathlonDataset.resource[TASK],
            filepath=folder / f"{TASK}.tar",
            output_dir=folder,
            hash_val=DecathlonDataset.md5[TASK],
        )
    return str(task)
