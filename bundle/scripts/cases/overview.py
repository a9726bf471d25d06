"""Writer of the overview picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from scripts.outputs.map_files import CONTRIBUTION, UNCERTAINTY
from scripts.outputs.overview import draw_overview

from .case import Case, DecomposedCase, FusedCase


class Overview:
    """Draw sources, fused image, estimates and maps in ``<patient>_overview.png``.

    A decomposed case has no sources; its picture is ``<patient>_decomposed_overview.png``. None is drawn where the
    sources were restored, because its headings are those of estimates.
    """

    def __call__(self, case: Case, folder: Path) -> None:
        """Draw a case."""
        decomposed, originals, more = True, None, {}
        if isinstance(case, FusedCase):
            decomposed, originals, more = False, case.originals, _measured(case)
        elif isinstance(case, DecomposedCase) and case.restored:
            return
        draw_overview(
            folder / case.names.overview(decomposed),
            originals,
            case.shown[0].numpy(),
            case.estimates,
            affine=case.affine,
            slice_axis=case.scale["slice_axis"],
            title=case.patient,
            phantom=case.phantom,
            contribution=case.map_by_source(CONTRIBUTION) or None,
            uncertainty=case.map_by_source(UNCERTAINTY) or None,
            **more,
        )


def _measured(case: FusedCase) -> dict[str, Any]:
    return {"ssim": case.slice_ssim, "lesion": None if case.seg is None else np.asarray(case.seg[0])}
