"""Two small patients with a split, made once: one to train on, one to measure."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest


@pytest.fixture(scope="session")
def cohort(tmp_path_factory) -> Path:
    """Return a folder with `data` (patients P and Q) and `split.json`."""
    folder = tmp_path_factory.mktemp("cohort")
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in (28, 32, 6)), indexing="ij")
    for i, patient in enumerate("PQ"):
        head = x**2 + y**2 + 0.3 * z**2 < 0.8
        for suffix, sign in (("t1ce", 1), ("flair", -1)):
            volume = head * (400 + sign * 150 * np.sin(5 * x + i) * np.cos(4 * y) + 40 * z)
            path = folder / "data" / patient / f"{patient}_{suffix}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            nib.save(nib.Nifti1Image(volume.astype(np.int16), np.diag([-1.0, -1.0, 1.0, 1.0])), path)
    (folder / "split.json").write_text(json.dumps({"train": ["P"], "validation": ["Q"]}))
    return folder
