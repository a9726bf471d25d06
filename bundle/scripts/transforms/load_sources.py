"""LoadSourcesd: read a patient's images and refuse what cannot be fused."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any

import nibabel as nib
import numpy as np
import torch
from monai.data import MetaTensor, NibabelReader
from monai.transforms import LoadImage, Transform

from ..data.errors import BadInputError
from ..data.naming import is_nifti, parse_name

_AFFINE_TOLERANCE = 1e-3
_TOOL_HINT = "Register and resample one image to the other's grid first (ANTs, FSL, itk)."


class LoadSourcesd(Transform):
    """Read the source images of a patient record, on one grid, and check them.

    Args:
        sources: modalities to read, in the order of the channels. Defaults to ("t1gd", "flair").
        require_names_match: refuse files whose names say that they belong to different patients.
            Only names of a known pattern are compared. Defaults to True.
        with_seg: read the segmentation where the record has one. Fusing does not need it, and
            without it a damaged one does no harm. Defaults to True.
    """

    def __init__(
        self,
        sources: Sequence[str] = ("t1gd", "flair"),
        require_names_match: bool = True,
        with_seg: bool = True,
    ) -> None:
        self.sources = tuple(sources)
        self.require_names_match = require_names_match
        self.with_seg = with_seg
        self._read = LoadImage(image_only=True, dtype=np.float32)

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        """Read and check one patient.

        Args:
            data: patient record: "patient", a path per source, optional "seg" and "channels".

        Returns:
            new dict: "image" MetaTensor float32 [N, X, Y, Z] with affine, "seg" MetaTensor float32
            [1, X, Y, Z] where the record has one, "patient", "files" {source: path}.

        Raises:
            BadInputError: the record has a "problem", or a file fails a check.
        """
        if "problem" in data:
            raise BadInputError(data["problem"])
        files = self._files(data)
        channels = data.get("channels")
        # a file that holds all channels is read once
        contents = {file: self._read_file(file) for file in dict.fromkeys(files.values())}
        volumes = []
        for source, file in files.items():
            channel = None if channels is None else channels[source]
            volume = _spatial_volume(contents[file], file, channel)
            _check_intensities(volume, file, source)
            volumes.append(volume)
        del contents
        self._check_together(volumes, files, channels)
        image = MetaTensor(
            torch.stack([volume.as_tensor() for volume in volumes]),
            affine=volumes[0].affine,
            meta=_meta(volumes[0], files[self.sources[0]]),
        )
        result = {"patient": data["patient"], "image": image, "files": files}
        if self.with_seg and data.get("seg"):
            result["seg"] = self._segmentation(str(data["seg"]), image, files[self.sources[0]])
        return result

    def _files(self, data: dict[str, Any]) -> dict[str, str]:
        missing = [source for source in self.sources if not data.get(source)]
        if missing:
            raise BadInputError(
                f"{data.get('patient', 'the patient')}: no file is given for "
                f"{' and '.join(missing)}. Give one file for each of {list(self.sources)}."
            )
        files = {source: os.fspath(data[source]) for source in self.sources}
        if data.get("channels") is None:
            self._check_files(files)
        return files

    def _check_files(self, files: dict[str, str]) -> None:
        first: dict[str, str] = {}
        for source, file in files.items():
            other = first.setdefault(os.path.realpath(file), source)
            if other != source:
                warnings.warn(
                    f"{file} is given both as {other} and as {source}. Check that these are different images.",
                    stacklevel=4,
                )
        if not self.require_names_match:
            return
        patients = {}
        for source, file in files.items():
            parsed = parse_name(file, self.sources)
            if parsed is not None and parsed[0] and parsed[1] == source:
                patients[source] = parsed[0]
        if len(set(patients.values())) > 1:
            told = ", ".join(f"{files[source]} ({patient})" for source, patient in patients.items())
            raise BadInputError(
                f"the files belong to different patients by their names: {told}. Give the images "
                "of one patient, or rename the files."
            )

    def _read_file(self, file: str) -> MetaTensor:
        if not os.path.exists(file):
            raise BadInputError(f"{file} does not exist. Give the path of an existing NIfTI file.")
        if os.path.isdir(file):
            raise BadInputError(f"{file} is a folder, expected a NIfTI file (.nii or .nii.gz).")
        if not is_nifti(file):
            raise BadInputError(
                f"{file} is no NIfTI file by its name, expected .nii or .nii.gz. Convert the image "
                "first (for DICOM: dcm2niix)."
            )
        if os.path.getsize(file) == 0:
            raise BadInputError(f"{file} is empty (0 bytes). Copy or download the file again.")
        try:
            stored = nib.load(file).get_data_dtype()
            volume = self._read(file, reader=NibabelReader()) if stored.kind in "iuf" else None
        except MemoryError:
            raise
        except PermissionError as error:
            raise BadInputError(f"{file} may not be read. Change its permissions.") from error
        except Exception as error:  # the readers raise anything from EOFError to zlib.error
            raise BadInputError(
                f"{file} cannot be read as NIfTI, it is truncated, damaged or of another format "
                f"({type(error).__name__}: {error}). Copy or download the file again."
            ) from error
        if volume is None:
            raise BadInputError(
                f"{file} holds voxels of type {stored}, expected one grey value each. Convert "
                "colour to grey, or complex numbers to their magnitude."
            )
        return volume

    def _check_together(
        self, volumes: list[MetaTensor], files: dict[str, str], channels: dict[str, int] | None
    ) -> None:
        first_file = files[self.sources[0]]
        for source, volume in zip(self.sources[1:], volumes[1:], strict=True):
            if volume.shape != volumes[0].shape:
                raise BadInputError(
                    f"the images have different shapes: {tuple(volumes[0].shape)} in {first_file}, "
                    f"{tuple(volume.shape)} in {files[source]}. {_TOOL_HINT}"
                )
            _check_same_affine(volumes[0], first_file, volume, files[source])
        for i, one in enumerate(self.sources):
            for j in range(i):
                other = self.sources[j]
                same_file = os.path.realpath(files[one]) == os.path.realpath(files[other])
                if same_file and channels is None:
                    continue  # told before
                if torch.equal(volumes[i].as_tensor(), volumes[j].as_tensor()):
                    warnings.warn(
                        f"{files[other]} ({other}) and {files[one]} ({one}) hold the same voxels. "
                        "Check that these are different images.",
                        stacklevel=3,
                    )

    def _segmentation(self, file: str, image: MetaTensor, image_file: str) -> MetaTensor:
        seg = _spatial_volume(self._read_file(file), file, None)
        if seg.shape != image.shape[1:]:
            raise BadInputError(
                f"the segmentation {file} has shape {tuple(seg.shape)}, but {image_file} has "
                f"{tuple(image.shape[1:])}. Resample it to the image's grid (nearest neighbour) or "
                "leave it out."
            )
        labels = seg.as_tensor()
        if not torch.isfinite(labels).all():
            raise BadInputError(
                f"the segmentation {file} holds NaN or Inf, expected whole-number labels. Correct it or leave it out."
            )
        return MetaTensor(labels[None], affine=image.affine, meta=_meta(seg, file))


def _meta(volume: MetaTensor, file: str) -> dict[str, Any]:
    return {"filename_or_obj": file, "spatial_shape": np.asarray(volume.shape)}


def _spatial_volume(volume: MetaTensor, file: str, channel: int | None) -> MetaTensor:
    """Check the dimensions and pick the channel: a volume [X, Y, Z]."""
    shape = tuple(volume.shape)
    if 0 in shape:
        raise BadInputError(f"{file} has no voxels (shape {shape}). Write or download the file again.")
    if volume.ndim > 3 and all(size == 1 for size in shape[3:]) and not channel:
        data = volume.as_tensor().reshape(shape[:3])
    elif volume.ndim == 4 and channel is not None:
        if not 0 <= channel < shape[3]:
            raise BadInputError(
                f"{file} has {shape[3]} channels, but channel {channel} is asked for. Correct "
                "the channel table (dataset.json or datalist)."
            )
        data = volume.as_tensor()[..., channel]
    elif channel is not None:
        raise BadInputError(
            f"{file} has shape {shape}, expected 4 dimensions with the modalities last. Correct "
            "the data set, or give one file per modality."
        )
    elif volume.ndim == 3:
        data = volume.as_tensor()
    else:
        remedy = (
            "Stack the slices to a volume (one slice is X x Y x 1)."
            if volume.ndim < 3
            else "Save one volume per file, or name the channels in a datalist."
        )
        raise BadInputError(f"{file} has {volume.ndim} dimensions (shape {shape}), expected 3. {remedy}")
    affine = _checked_affine(volume, file)
    return MetaTensor(data.contiguous(), affine=affine)


def _checked_affine(volume: MetaTensor, file: str) -> torch.Tensor:
    affine = volume.affine
    steps = affine[:3, :3].double()
    spacing = steps.norm(dim=0)
    # relative to the spacing, so that microscopy-sized voxels pass
    singular = not torch.isfinite(affine).all() or bool((spacing == 0).any())
    if singular or abs(torch.linalg.det(steps / spacing)) < 1e-6:
        raise BadInputError(
            f"{file} has an affine that cannot be inverted: {_rounded(affine)}. Correct the header's sform/qform."
        )
    return affine


def _rounded(affine: torch.Tensor) -> list[list[float]]:
    return [[round(value, 4) for value in row] for row in affine[:3].tolist()]


def _check_intensities(volume: MetaTensor, file: str, source: str) -> None:
    values = volume.as_tensor()
    finite = torch.isfinite(values)
    if not finite.all():
        nan = int(torch.isnan(values).sum())
        inf = int((~finite).sum()) - nan
        raise BadInputError(
            f"{file} ({source}) holds {nan} NaN and {inf} Inf among {values.numel()} voxels. "
            "Replace them (for instance by 0 outside the head)."
        )
    low, high = values.aminmax()
    if low == high:
        what = "is all zero" if low == 0 else f"is constant ({low.item():g} everywhere)"
        raise BadInputError(
            f"{file} ({source}) {what}, there is no image in it. Export the series again or leave the patient out."
        )


def _check_same_affine(one: MetaTensor, one_file: str, other: MetaTensor, other_file: str) -> None:
    first, second = one.affine.double(), other.affine.double()
    if torch.allclose(first, second, rtol=_AFFINE_TOLERANCE, atol=_AFFINE_TOLERANCE):
        return
    corners = torch.cartesian_prod(*(torch.tensor([0.0, size - 1.0]) for size in one.shape))
    corners = torch.cat([corners, torch.ones(len(corners), 1)], dim=1).double()
    apart = (corners @ (first - second).T)[:, :3].norm(dim=1).max()
    raise BadInputError(
        f"the images have different affines, their voxels are up to {apart:.3g} mm apart: "
        f"{_rounded(first)} in {one_file}, {_rounded(second)} in {other_file}. {_TOOL_HINT}"
    )
