"""Operator: read a series as a volume."""

from __future__ import annotations

from typing import Any

from monai.deploy.core import ExecutionContext, Fragment, InputContext, Operator, OperatorSpec, OutputContext

from .step import attempt


class SeriesVolumeOperator(Operator):
    """Read the series of one source with `scripts.dicom.read_study.ReadStudy`.

    Named input:
        series: of `SeriesSelectorOperator`.
    Named output:
        volume: "volumes", "series", "reasons", "files" and "warnings" of the source, or "problem".

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
        spec.input("series")
        spec.output("volume")

    def compute(self, op_input: InputContext, op_output: OutputContext, context: ExecutionContext) -> None:
        """Read the series of the next study."""
        from scripts.dicom.read_study import ReadStudy

        record = op_input.receive("series")
        read = ReadStudy([self.source])
        op_output.emit(record if "problem" in record else attempt(record["patient"], lambda: read(record)), "volume")
