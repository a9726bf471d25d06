"""Operator: write the derived series and the report of a study."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from monai.deploy.core import ExecutionContext, Fragment, InputContext, Operator, OperatorSpec, OutputContext

from .step import attempt

if TYPE_CHECKING:
    from bundle_parts import BundleParts


class StudyWriterOperator(Operator):
    """Write the fused and the estimated series, the sidecar, the overview and the report: all of them, or none.

    Named input:
        fused: of `FusionOperator`.

    Args:
        fragment: the application.
        args: conditions.
        parts: of the bundle.
        kwargs: of the operator.
    """

    def __init__(self, fragment: Fragment, *args: Any, parts: BundleParts, **kwargs: Any) -> None:
        self.parts = parts
        self.problems: dict[str, str] = {}
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        """Declare the input."""
        spec.input("fused")

    def compute(self, op_input: InputContext, op_output: OutputContext, context: ExecutionContext) -> None:
        """Write the next study, or record why it cannot be written."""
        study = op_input.receive("fused")
        if "problem" not in study:
            study = attempt(study["patient"], lambda: {"files": self.parts.write(study["case"])})
        if "problem" in study:
            self.problems[study["patient"]] = study["problem"]
            return
        logging.getLogger(__name__).info(f"{study['patient']}: {len(study['files'])} files written")
