from __future__ import annotations

import gzip
import json
import logging
import os
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np

from .build import build_phantom
from .glioma import SEG_LABELS
from .tissues import FLAIR, T1GD, TISSUES

logger = logging.getLogger(__name__)

DESCRIPTION = "digital phantom"
"""Text of the `descrip` field of every header."""

ICBM_NOTICE = (
    "Copyright (C) 1993-2004 Louis Collins, McConnell Brain Imaging Centre, Montreal Neurological Institute, McGill "
    "University. Permission to use, copy, modify, and distribute this software and its documentation for any purpose "
    "and without fee is hereby granted, provided that the above copyright notice appear in all copies. The authors "
    "and McGill University make no representations about the suitability of this software for any purpose. It is "
    'provided "as is" without express or implied warranty. The authors are not responsible for any data loss, '
    "equipment damage, property loss, or injury to subjects or patients resulting from the use or misuse of this "
    "software package."
)
"""The notice required with every copy of the ICBM 2009a maps and of works derived from them."""


def write_phantom(output_dir: str | os.PathLike, name: str, seed: int) -> list[Path]:
    """Build a phantom and write it as a patient with BraTS 2018 names.

    Args:
        output_dir: parent of the patient's folder; created if missing.
        name: name of the patient's folder, and prefix of its files.
        seed: seed of the phantom.

    Returns:
        the files written.
    """
    folder = Path(output_dir) / name
    folder.mkdir(parents=True, exist_ok=True)
    phantom = build_phantom(seed)
    volumes = {"t1ce": phantom.t1gd, "flair": phantom.flair, "seg": phantom.seg, "tissue": phantom.tissue}
    written = []
    for kind, volume in volumes.items():
        path = folder / f"{name}_{kind}.nii.gz"
        _replace_file(path, _nifti(volume, phantom.affine))
        written.append(path)
    written.append(folder / f"{name}_tissue.json")
    _write_json(written[-1], _legend())
    for path in written:
        logger.info("%s (%.2f MB)", path, path.stat().st_size / 1e6)
    return written


def write_description(output_dir: str | os.PathLike, seeds: dict[str, int]) -> Path:
    """Write `dataset_description.json`, which describes the phantoms, their generation and the licence of the maps.

    Args:
        output_dir: folder that contains the phantoms' folders.
        seeds: seed of each phantom by name.
    """
    path = Path(output_dir) / "dataset_description.json"
    _write_json(path, _dataset(seeds))
    return path


def _nifti(volume: np.ndarray, affine: np.ndarray) -> bytes:
    """Return a gzipped NIfTI file whose bytes depend only on its content."""
    image = nib.Nifti1Image(volume.astype(np.int16), affine)
    image.set_sform(affine, code=1)
    image.set_qform(affine, code=1)
    image.header.set_xyzt_units("mm", "sec")
    image.header["descrip"] = DESCRIPTION.encode()
    return gzip.compress(image.to_bytes(), compresslevel=9, mtime=0)


def _legend() -> dict:
    return {
        "Description": "Tissue that fills most of each voxel of the digital phantom",
        "Labels": {"0": "background", **{str(tissue.label): name for name, tissue in TISSUES.items()}},
        "Relaxation": {
            name: {"T1_ms": t.t1, "T2_ms": t.t2, "ProtonDensity": t.pd, "Gadolinium_mmol_per_L": t.gadolinium}
            for name, t in TISSUES.items()
        },
        "SegmentationLabels": SEG_LABELS,
    }


def _dataset(seeds: dict[str, int]) -> dict:
    return {
        "Name": "FusionINN digital brain phantom",
        "BIDSVersion": "1.9.0",
        "DatasetType": "derivative",
        "Warning": "Digital phantom, not a patient: a computed image with an invented tumour. For research use only.",
        "Subjects": {name: {"Seed": seed} for name, seed in seeds.items()},
        "GeneratedBy": [
            {"Name": "scripts.phantom", "Command": "python -m scripts.phantom --output_dir bundle/example"}
        ],
        "Sequences": {
            "t1ce": {"Equation": "MPRAGE after contrast agent", **T1GD},
            "flair": {"Equation": "inversion-recovery spin echo", **FLAIR},
        },
        "HowMade": "Tissue maps are derived from the ICBM 2009a nonlinear symmetric T1, grey- and white-matter maps in "
        "nilearn's wheel (deformed at random, sulci reopened and added, nuclei, vessels and a glioma drawn in); "
        "signals are computed from T1, T2 and proton density at 3 T; blur, bias field and Rician noise are added. "
        "See docs/phantom.md.",
        "License": "Apache-2.0 for what is new; the notice below for what is derived from the ICBM maps",
        "SourceDatasets": [
            {
                "Name": "ICBM 152 nonlinear atlas 2009a, symmetric",
                "URL": "https://www.bic.mni.mcgill.ca/ServicesAtlases/ICBM152NLin2009",
                "Notice": ICBM_NOTICE,
            }
        ],
        "ReferencesAndLinks": [
            "Fonov et al., Unbiased average age-appropriate atlases for pediatric studies, NeuroImage 54:313 (2011)",
            "Fonov et al., Unbiased nonlinear average age-appropriate brain templates from birth to adulthood, "
            "NeuroImage 47:S102 (2009)",
        ],
    }


def _write_json(path: Path, content: dict) -> None:
    _replace_file(path, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())


def _replace_file(path: Path, content: bytes) -> None:
    """Write to a temporary name in the same folder, then rename it, so that a file is complete or absent."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
