"""Read DICOM series with programs that did not write them: dcm2niix, ITK and highdicom."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def with_dcm2niix(folder: Path, scratch: Path) -> nib.Nifti1Image:
    """Return a series as dcm2niix reads it, by its closest axes; skip the test where it is not installed."""
    if shutil.which("dcm2niix") is None:
        pytest.skip("no dcm2niix")
    scratch.mkdir(parents=True)
    command = ["dcm2niix", "-b", "n", "-f", "read", "-o", str(scratch), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    (file,) = scratch.glob("*.nii")
    return _canonical(nib.load(file).get_fdata(), nib.load(file).affine)


def with_itk(folder: Path, _scratch: Path | None = None) -> nib.Nifti1Image:
    """Return a series as ITK reads it, by its closest axes; skip the test where it is not installed."""
    itk = pytest.importorskip("itk", reason="no itk: pip install -r requirements-clinic.txt")
    names = itk.GDCMSeriesFileNames.New()
    names.SetDirectory(str(folder))
    image = itk.imread(list(names.GetInputFileNames()), itk.F)
    affine = np.eye(4)
    affine[:3, :3] = itk.array_from_matrix(image.GetDirection()) @ np.diag(itk.spacing(image))
    affine[:3, 3] = itk.origin(image)
    return _canonical(itk.array_from_image(image).T, _LPS @ affine)


def with_highdicom(folder: Path, _scratch: Path | None = None, real_world: bool = False) -> nib.Nifti1Image:
    """Return a series as highdicom reads it, by its closest axes, in the units of the rescale or in real-world ones."""
    highdicom = pytest.importorskip("highdicom", reason="no highdicom: pip install -r requirements-dev.txt")
    from pydicom import dcmread

    volume = highdicom.get_volume_from_series(
        [dcmread(file) for file in sorted(folder.glob("*.dcm"))],
        apply_real_world_transform=real_world,
        apply_modality_transform=not real_world,
    )
    # slices, rows, columns
    order = np.eye(4)[:, [2, 1, 0, 3]]
    return _canonical(volume.array.transpose(2, 1, 0), _LPS @ volume.affine @ order)


READERS: dict[str, Callable[[Path, Path], nib.Nifti1Image]] = {
    "dcm2niix": with_dcm2niix,
    "itk": with_itk,
    "highdicom": with_highdicom,
}


def dciodvfy_errors(files: list[Path]) -> set[str]:
    """Return what dciodvfy calls an error in MR images; skip the test where it is not installed."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("no dciodvfy: install dicom3tools")
    found = set()
    for file in files:
        told = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True).stderr.splitlines()
        assert "MRImage" in told, told
        found |= {line for line in told if "Error" in line}
    return found


def expected(volume: np.ndarray, affine: np.ndarray) -> nib.Nifti1Image:
    """Return a volume as the readers give it."""
    return _canonical(np.asarray(volume, dtype=np.float64), np.asarray(affine))


def _canonical(volume: np.ndarray, affine: np.ndarray) -> nib.Nifti1Image:
    return nib.as_closest_canonical(nib.Nifti1Image(np.asarray(volume, dtype=np.float64), affine))
