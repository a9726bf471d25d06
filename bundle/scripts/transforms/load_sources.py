"""LoadSourcesd: read a patient's images and check that they can be fused."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import Transform

from scripts.data.errors import BadInputError
from scripts.data.naming import parse_name
from scripts.data.nan_background import fill_background
from scripts.data.nifti import TOOL_HINT, check_same_affine, one_volume, read_nifti, warn_of_doubts


class LoadSourcesd(Transform):
    """Read the source images of a patient record and check that they are on one grid.

    Args:
        sources: modalities to read, in the order of the channels. Defaults to ("t1gd", "flair").
        require_names_match: raise if the names of the files show that they belong to different patients. Only names of
            a known pattern are compared. Defaults to True.
        with_seg: read the segmentation if the record has one. Fusion does not need it; if False, a damaged one is
            ignored. Defaults to True.
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

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        """Read and check one patient.

        Args:
            data: patient record: "patient", a path per source, optional "seg" or "seg_candidates", and
                "channels".

        Returns:
            new dict: "image" MetaTensor float32 [N, X, Y, Z] with affine, "seg" MetaTensor float32
            [1, X, Y, Z] where the record has one, "patient", "files" {source: path}.

        Raises:
            BadInputError: the record has a "problem", or a file fails a check.
        """
        if "problem" in data:
            raise BadInputError(data["problem"])
        if self.with_seg and data.get("seg_candidates"):
            raise BadInputError(
                f"{data['patient']}: {len(data['seg_candidates'])} files could be the segmentation: "
                f"{', '.join(data['seg_candidates'])}. Keep one of them, or name it in a datalist "
                "(configs/make_datalist.json writes one)."
            )
        files = self._files(data)
        channels = data.get("channels")
        # a file with all channels is read once
        contents = {file: read_nifti(file) for file in dict.fromkeys(files.values())}
        for file, content in contents.items():
            warn_of_doubts(content, file)
        volumes = []
        for source, file in files.items():
            channel = None if channels is None else channels[source]
            volume = fill_background(one_volume(contents[file], file, channel), file, source)
            check_intensities(volume, file, source)
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
            named = ", ".join(f"{files[source]} ({patient})" for source, patient in patients.items())
            raise BadInputError(
                f"the files belong to different patients by their names: {named}. Give the images "
                "of one patient, or rename the files."
            )

    def _check_together(
        self, volumes: list[MetaTensor], files: dict[str, str], channels: dict[str, int] | None
    ) -> None:
        first_file = files[self.sources[0]]
        for source, volume in zip(self.sources[1:], volumes[1:], strict=True):
            if volume.shape != volumes[0].shape:
                raise BadInputError(
                    f"the images have different shapes: {tuple(volumes[0].shape)} in {first_file}, "
                    f"{tuple(volume.shape)} in {files[source]}. {TOOL_HINT}"
                )
            check_same_affine(volumes[0], first_file, volume, files[source])
        for i, one in enumerate(self.sources):
            for j in range(i):
                other = self.sources[j]
                same_file = os.path.realpath(files[one]) == os.path.realpath(files[other])
                if same_file and channels is None:
                    continue  # already reported
                if torch.equal(volumes[i].as_tensor(), volumes[j].as_tensor()):
                    warnings.warn(
                        f"{files[other]} ({other}) and {files[one]} ({one}) hold the same voxels. "
                        "Check that these are different images.",
                        stacklevel=3,
                    )

    def _segmentation(self, file: str, image: MetaTensor, image_file: str) -> MetaTensor:
        seg = one_volume(read_nifti(file), file, None)
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


def check_intensities(volume: MetaTensor, file: str, source: str) -> None:
    """Raise if a volume contains no image.

    Raises:
        BadInputError: it contains NaN or Inf, or only one value.
    """
    values = volume.as_tensor()
    finite = torch.isfinite(values)
    if not finite.all():
        nan = int(torch.isnan(values).sum())
        inf = int((~finite).sum()) - nan
        raise BadInputError(
            f"{file} ({source}) holds {nan} NaN and {inf} Inf among {values.numel()} voxels. "
            "NaN is read as background only if all of it lies outside the head. Replace these values."
        )
    low, high = values.aminmax()
    if low == high:
        what = "is all zero" if low == 0 else f"is constant ({low.item():g} everywhere)"
        raise BadInputError(
            f"{file} ({source}) {what}, so it contains no image. Export the series again or leave the patient out."
        )
