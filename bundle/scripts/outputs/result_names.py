"""Names of the files of a patient's results."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ResultNames:
    """Names in a folder for each patient: ``P1_fused.nii.gz``, ``P1_fused.json`` and so on.

    Args:
        patient: name of the patient.
    """

    patient: str

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders of these files, from the folder of all results."""
        return (self.patient,)

    @property
    def fused(self) -> str:
        """The fused image."""
        return f"{self.patient}_fused.nii.gz"

    @property
    def sidecar(self) -> str:
        """The record of the fused image."""
        return f"{self.patient}_fused.json"

    @property
    def latent(self) -> str:
        """The latent, if it is kept."""
        return f"{self.patient}_latent.nii.gz"

    def estimate(self, source: str) -> str:
        """The decomposed image of a source."""
        return f"{self.patient}_{source}_decomposed.nii.gz"

    def map(self, source: str, kind: str) -> str:
        """The map of a source, for instance of its "uncertainty"."""
        return f"{self.patient}_{source}_{kind}.nii.gz"

    def map_sidecar(self, kind: str) -> str | None:
        """The description of the maps of a decomposed case; None if each map is described by a file of its own."""
        return f"{self.patient}_{kind}.json"

    def overview(self, decomposed: bool = False) -> str:
        """The picture of a fused case, or of a decomposed one."""
        return f"{self.patient}_{'decomposed_' if decomposed else ''}overview.png"

    @property
    def report(self) -> str:
        """The report."""
        return f"{self.patient}_report.html"
