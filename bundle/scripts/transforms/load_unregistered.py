"""LoadUnregisteredd: read a patient's images, each on its own grid."""

from __future__ import annotations

from typing import Any

from scripts.data.errors import BadInputError
from scripts.data.naming import is_nifti
from scripts.data.nan_background import fill_background
from scripts.data.nifti import one_volume, read_nifti, warn_of_doubts
from scripts.registration.itk_file import read_itk

from .load_sources import LoadSourcesd, check_intensities


class LoadUnregisteredd(LoadSourcesd):
    """Read the source images of a patient record from NIfTI, NRRD or MetaImage files on any grids.

    Args:
        sources: modalities to read, in the order of the channels. Defaults to ("t1gd", "flair").
        require_names_match: see `LoadSourcesd`. Defaults to True.
    """

    def __init__(self, sources: tuple[str, ...] = ("t1gd", "flair"), require_names_match: bool = True) -> None:
        super().__init__(sources, require_names_match, with_seg=False)

    def __call__(self, data: dict[str, Any]) -> dict[str, Any]:
        """Read and check one patient.

        Args:
            data: patient record: "patient", a path per source, optional "channels".

        Returns:
            new dict: "volumes" {source: MetaTensor float32 [X, Y, Z] with affine}, "patient", "files" {source: path}.

        Raises:
            BadInputError: the record has a "problem", or a file cannot be used.
        """
        if "problem" in data:
            raise BadInputError(data["problem"])
        files = self._files(data)
        channels = data.get("channels") or {}
        volumes = {}
        for source, file in files.items():
            content = read_nifti(file) if is_nifti(file) else read_itk(file)
            warn_of_doubts(content, file)
            volumes[source] = fill_background(one_volume(content, file, channels.get(source)), file, source)
            check_intensities(volumes[source], file, source)
        return {"patient": data["patient"], "volumes": volumes, "files": files}
