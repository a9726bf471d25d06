"""Operator: register, fuse and decompose the sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from monai.deploy.core import ExecutionContext, Fragment, InputContext, Operator, OperatorSpec, OutputContext

from .step import attempt

if TYPE_CHECKING:
    from bundle_parts import BundleParts

MERGED = ("volumes", "series", "reasons", "files")


class FusionOperator(Operator):
    """Register, prepare, fuse and decompose as configured in the bundle.

    Named inputs:
        each source: of `SeriesVolumeOperator`.
    Named output:
        fused: the "case" of the study, or "problem".

    Args:
        fragment: the application.
        args: conditions.
        parts: of the bundle.
        kwargs: of the operator.
    """

    def __init__(self, fragment: Fragment, *args: Any, parts: BundleParts, **kwargs: Any) -> None:
        self.parts = parts
        super().__init__(fragment, *args, **kwargs)

    def setup(self, spec: OperatorSpec) -> None:
        """Declare an input for each source, and the output."""
        for source in self.parts.sources:
            spec.input(source)
        spec.output("fused")

    def compute(self, op_input: InputContext, op_output: OutputContext, context: ExecutionContext) -> None:
        """Fuse the next study."""
        read = [op_input.receive(source) for source in self.parts.sources]
        failed = next((one for one in read if "problem" in one), None)
        op_output.emit(failed or attempt(read[0]["patient"], lambda: self.fuse(read)), "fused")

    def fuse(self, read: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Combine the sources and apply the network."""
        data: dict[str, Any] = {key: {k: v for one in read for k, v in one[key].items()} for key in MERGED}
        data["patient"] = read[0]["patient"]
        data["warnings"] = list(dict.fromkeys(warning for one in read for warning in one["warnings"]))
        return {"case": self.parts.fuse(data)}
