"""A small study of the phantom, fused without a network, as real DICOM files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
import pytest

from phantom_studies.example import middle_of_sources

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "bundle" / "example" / "phantom-01"


class FusedStudy(NamedTuple):
    """Sources as they were read, the fused image that was made of them, and where it was written."""

    sources: Mapping[str, Any]
    fused: np.ndarray
    sidecar: dict[str, Any]
    folder: Path
    files: list[Path]


@pytest.fixture(scope="session")
def phantom_volumes() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Volume [44, 40, 9] and affine of both sources, cut from the middle of the embedded example."""
    return middle_of_sources((44, 40, 9))


@pytest.fixture(scope="session")
def read_sources():
    """Return a function that reads the sources of a study of the phantom."""
    pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")
    from scripts.dicom.scan import scan_folder
    from scripts.dicom.volume import read_series

    def read(folder: Path) -> dict[str, Any]:
        found = {series.facts.number: series for series in scan_folder(folder).series}
        return {"t1gd": read_series(found[9]), "flair": read_series(found[6])}

    return read


@pytest.fixture(scope="session")
def fuse_study():
    """Return a function that writes the mean of two sources, normalised slice by slice, as a fused series."""
    pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")
    import torch

    from scripts.dicom.derived import fused_values, slice_digests, write_derived
    from scripts.dicom.series_record import DIGESTS
    from scripts.dicom.source_pixels import describe_source
    from scripts.outputs.digest import voxel_digest
    from scripts.outputs.identity import identity_keys
    from scripts.transforms.normalize import normalize_slices
    from sidecars import write_sidecar

    def fuse(folder: Path, sources: Mapping[str, Any], **options: Any) -> FusedStudy:
        volume = sources["t1gd"].volume
        normal, scale = normalize_slices(torch.stack([volume.as_tensor(), volume.as_tensor().flip(2)]), 2)
        fused = normal.mean(0).numpy()
        extra = {
            **identity_keys("P-1", fused.shape, np.asarray(volume.affine)),
            "SourceSeries": {source: describe_source(read) for source, read in sources.items()},
            "SourceDtypes": ["int16", "int16"],
            DIGESTS: slice_digests(fused_values(fused)),
        }
        sidecar = write_sidecar(
            folder / "P-1_fused.json",
            sources={source: f"DICOM series {read.series.facts.number}" for source, read in sources.items()},
            intensity_scale=scale,
            stored_dtype="uint16",
            checkpoint_sha256="f" * 64,
            fused_sha256=voxel_digest(fused, "uint16"),
            latent_kind="zeros",
            extra=extra,
        )
        files = write_derived(
            folder / "fused", volume=fused, reference=sources["t1gd"], sources=sources, sidecar=sidecar, **options
        )
        return FusedStudy(sources, fused, sidecar, folder, files)

    return fuse


@pytest.fixture(scope="session")
def study_folder(tmp_path_factory, phantom_volumes) -> Path:
    """Folder of a study of the phantom: T1-Gd, FLAIR and a localizer, of a patient with a name."""
    pytest.importorskip("pydicom", reason="no pydicom: pip install -r requirements-clinic.txt")
    from phantom_studies.study import write_study

    folder = tmp_path_factory.mktemp("study")
    write_study(folder, phantom_volumes, patient_id="H.4711", patient_name="Musterfrau^Erika", bits_stored=12)
    return folder


@pytest.fixture(scope="session")
def fused_study(tmp_path_factory, study_folder, read_sources, fuse_study) -> FusedStudy:
    """The study, fused; not to be changed."""
    return fuse_study(tmp_path_factory.mktemp("fused"), read_sources(study_folder))
