"""The files of a decomposed fused series: an estimated series for each source."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from scripts.data.flags import is_true
from scripts.dicom.derived import check_compression
from scripts.dicom.source_pixels import is_phantom, nifti_dtype
from scripts.outputs.inside import folder_inside
from scripts.outputs.map_files import UNCERTAINTY, write_map_sidecar, write_maps
from scripts.outputs.outdated import check_same_fusion, outdated_files
from scripts.outputs.overview import draw_overview
from scripts.outputs.staged import placed, recover, staged

from .fusion_files import write_estimates
from .study_files import write_estimated_series


class EstimatedSeriesFiles:
    """Write the estimated series of a fused series, and their picture.

    They appear in ``output_dir/<study>/<source>_estimated/``, all at once or not at all.

    Args:
        output_dir: folder for all studies.
        compression: of the series, lossless: "none", "rle" or "jpeg2000". Defaults to "none".
        overview: draw the picture. Defaults to True.
        nifti: write the estimates as NIfTI as well. Defaults to False.
    """

    def __init__(
        self,
        output_dir: str,
        compression: str = "none",
        overview: bool | str = True,
        nifti: bool | str = False,
    ) -> None:
        self.output_dir = Path(output_dir).expanduser()
        self.compression = check_compression(compression)
        self.overview = is_true(overview)
        self.nifti = is_true(nifti)

    def __call__(self, data: dict[str, Any], results: dict[str, Any]) -> list[str]:
        """Write everything of one fused series.

        Args:
            data: what `read_fused_series` returns.
            results: what `DecomposeVolume` returns.

        Returns:
            the files written.

        Raises:
            BadInputError: the folder holds another fusion of the study, or cannot be written to.
        """
        patient, sidecar, reference, affine = data["patient"], data["sidecar"], data["reference"], data["affine"]
        sources = sidecar["SourceModalities"]
        estimates = dict(zip(sources, results["decomposed"], strict=True))
        folder = folder_inside(self.output_dir, patient)
        recover(folder)
        same = check_same_fusion(folder / f"{patient}_fused.json", sidecar.get("FusionID"))
        maps = {}
        if UNCERTAINTY in results:
            maps[UNCERTAINTY] = dict(zip(sources, results[UNCERTAINTY], strict=True))
        with staged(folder, tuple if same else partial(outdated_files, folder, patient)) as stage:
            write_estimated_series(stage, estimates, reference, sidecar, self.compression)
            if self.nifti:
                dtypes = {source: nifti_dtype(sidecar["SourceSeries"][source]) for source in sources}
                write_estimates(stage / patient, estimates, affine, dtypes)
            for kind, volumes in maps.items():
                write_maps(stage, patient, volumes, kind, affine)
                path = stage / f"{patient}_{kind}.json"
                write_map_sidecar(path, patient, sources, kind, sidecar.get("FusionID"))
            if self.overview:
                draw_overview(
                    stage / f"{patient}_decomposed_overview.png",
                    None,
                    data["image"][0].numpy(),
                    {source: volume.numpy() for source, volume in estimates.items()},
                    affine=affine,
                    slice_axis=sidecar["SliceAxis"],
                    title=patient,
                    phantom=is_phantom(reference.headers[0]),
                    **maps,
                )
            written = [path for path in sorted(stage.rglob("*")) if path.is_file()]
        return placed(written, stage, folder)
