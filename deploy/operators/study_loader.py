"""Operator: load the studies of a folder one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from monai.deploy.core import Condition, ExecutionContext, Fragment, InputContext, Operator, OperatorSpec, OutputContext

from .step import attempt

INPUT = "the input folder"


class StudyLoaderOperator(Operator):
    """Find the studies in a folder of DICOM files and emit them one by one.

    Named output:
        study: "patient" and the series of every source, or "problem".

    Args:
        fragment: the application.
        args: conditions.
        find: returns a record for each study.
        more: condition under which the operator runs; switched off after the last study.
        kwargs: of the operator.
    """

    def __init__(
        self,
        fragment: Fragment,
        *args: Any,
        find: Callable[[], list[dict[str, Any]]],
        more: Condition,
        **kwargs: Any,
    ) -> None:
        self.find = find
        self.more = more
        self.records: list[dict[str, Any]] | None = None
        super().__init__(fragment, more, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        """Declare the output."""
        spec.output("study")

    def compute(self, op_input: InputContext, op_output: OutputContext, context: ExecutionContext) -> None:
        """Emit the next study."""
        if self.records is None:
            found = attempt(INPUT, lambda: {"records": self.find()})
            self.records = found.get("records", [found])
        record = self.records.pop(0)
        if not self.records:
            self.more.disable_tick()
        op_output.emit(record, "study")
