"""Operator: select the series of one source."""

from __future__ import annotations

from typing import Any

from monai.deploy.core import ExecutionContext, Fragment, InputContext, Operator, OperatorSpec, OutputContext

from .step import attempt


class SeriesSelectorOperator(Operator):
    """Select the series of one source, which `scripts.dicom.choose` identified from the headers.

    Named input:
        study: of `StudyLoaderOperator`.
    Named output:
        series: the study with only the series of this source, or "problem".

    Args:
        fragment: the application.
        args: conditions.
        source: name of the source.
        kwargs: of the operator.
    """

    def __init__(self, fragment: Fragment, *args: Any, source: str, **kwargs: Any) -> None:
        self.source = source
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        """Declare input and output."""
        spec.input("study")
        spec.output("series")

    def compute(self, op_input: InputContext, op_output: OutputContext, context: ExecutionContext) -> None:
        """Select the series of the next study."""
        study = op_input.receive("study")
        op_output.emit(study if "problem" in study else attempt(study["patient"], lambda: self.select(study)), "series")

    def select(self, study: dict[str, Any]) -> dict[str, Any]:
        """Return the study with one series."""
        return {"series": {self.source: study["series"][self.source]}, "warnings": study.get("warnings", [])}
