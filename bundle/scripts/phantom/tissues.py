"""Tissues of the phantom: their number in the tissue map, their relaxation at 3 T and their uptake of gadolinium.

Sources. White and grey matter: Wansapura et al., J Magn Reson Imaging 9:531 (1999): T1 832 and 1331 ms, T2 80 and
110 ms. Deep grey nuclei: Gelman et al., Magn Reson Med 45:71 (2001) and Lu et al., J Magn Reson Imaging 22:13 (2005),
whose order thalamus, putamen, pallidum (shorter with more iron) is kept; rounded. CSF: T1 4300 ms, Lin et al.,
MAGMA 12:30 (2001). Blood: T1 1650 ms, Lu et al., Magn Reson Med 52:679 (2004). Glioma and oedema: ranges of Hattingen
et al., Oncotarget 8:22970 (2017) and Blystad et al., PLoS One 12:e0177135 (2017), means within them. Proton densities:
Tofts, Quantitative MRI of the Brain (Wiley, 2003), chapter 4. Dura and plexus are estimates. Concentrations are those
some minutes after 0.1 mmol/kg, chosen within what perfusion studies report.
"""

from __future__ import annotations

from typing import NamedTuple

from .equations import (
    enhanced_t1,
    inversion_recovery_spin_echo,
    magnetisation_prepared_gradient_echo,
    nulling_inversion_time,
)


class Tissue(NamedTuple):
    """One tissue; `t1`, `t2` in ms, `pd` relative to water, `gadolinium` in mmol/L."""

    label: int
    t1: float
    t2: float
    pd: float
    gadolinium: float = 0.0


TISSUES = {
    "csf": Tissue(1, 4300.0, 1500.0, 1.0),
    "grey_matter": Tissue(2, 1331.0, 108.0, 0.82, 0.012),
    "white_matter": Tissue(3, 832.0, 80.0, 0.70, 0.005),
    "striatum": Tissue(4, 1250.0, 90.0, 0.82, 0.012),
    "thalamus": Tissue(5, 1150.0, 93.0, 0.79, 0.012),
    "pallidum": Tissue(6, 950.0, 72.0, 0.75, 0.01),
    "vessel": Tissue(7, 1650.0, 45.0, 0.85, 0.75),
    "dura": Tissue(8, 1200.0, 60.0, 0.70, 0.22),
    "choroid_plexus": Tissue(9, 1700.0, 100.0, 0.86, 0.35),
    "necrosis": Tissue(10, 2600.0, 200.0, 0.94, 0.005),
    "non_enhancing_tumour": Tissue(11, 1650.0, 150.0, 0.87, 0.02),
    "enhancing_tumour": Tissue(12, 1450.0, 92.0, 0.83, 0.30),
    "oedema": Tissue(13, 1550.0, 165.0, 0.85, 0.004),
}
"""All tissues by name; 0 in the tissue map is background."""

T1GD = {"tr": 2000.0, "ti": 900.0, "echo_spacing": 7.0, "readouts": 160, "flip_degrees": 8.0}
"""T1-Gd: MPRAGE after contrast agent."""

FLAIR = {"tr": 9000.0, "te": 92.0, "ti": nulling_inversion_time(t1=TISSUES["csf"].t1, tr=9000.0) - 60.0}
"""FLAIR: the inversion time nulls CSF except for the last 60 ms, as on scanners."""


def t1gd_signal(tissue: Tissue) -> float:
    """Signal of a tissue in T1-Gd."""
    t1 = enhanced_t1(t1=tissue.t1, concentration=tissue.gadolinium)
    return magnetisation_prepared_gradient_echo(t1=t1, pd=tissue.pd, **T1GD)


def flair_signal(tissue: Tissue) -> float:
    """Signal of a tissue in FLAIR; vessels are dark because their blood leaves the slice before the echo."""
    if tissue is TISSUES["vessel"]:
        return 0.25 * inversion_recovery_spin_echo(t1=tissue.t1, t2=tissue.t2, pd=tissue.pd, **FLAIR)
    t1 = enhanced_t1(t1=tissue.t1, concentration=tissue.gadolinium)
    return inversion_recovery_spin_echo(t1=t1, t2=tissue.t2, pd=tissue.pd, **FLAIR)
