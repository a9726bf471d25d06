"""MONAI Deploy application: a study of two MR contrasts in, three derived series and a report out.

    python deploy/app.py -i INPUT -o OUTPUT -m MODELS

For research use only. Not for diagnosis or treatment.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bundle_parts import BundleParts
from monai.deploy.conditions import BooleanCondition
from monai.deploy.core import AppContext, Application
from operators.fusion import FusionOperator
from operators.series_selector import SeriesSelectorOperator
from operators.series_volume import SeriesVolumeOperator
from operators.study_loader import StudyLoaderOperator
from operators.study_writer import StudyWriterOperator

CONFIG = Path(os.environ.get("HOLOSCAN_CONFIG_PATH") or Path(__file__).resolve().parent / "app.yaml")


class FusionINNApp(Application):
    """Loader, one selector and one reader per source, fusion, and writer."""

    def compose(self) -> None:
        """Connect the operators."""
        context: AppContext = Application.init_app_context(sys.argv)
        self.config(str(CONFIG))
        parts = BundleParts(
            Path(context.model_path), Path(context.input_path), Path(context.output_path), self.kwargs("bundle")
        )
        more = BooleanCondition(self, name="more")
        loader = StudyLoaderOperator(self, name="study_loader", find=parts.records, more=more)
        fusion = FusionOperator(self, name="fusion", parts=parts)
        self.writer = StudyWriterOperator(self, name="study_writer", parts=parts)
        for source in parts.sources:
            selector = SeriesSelectorOperator(self, name=f"{source}_selector", source=source)
            volume = SeriesVolumeOperator(self, name=f"{source}_volume", source=source)
            self.add_flow(loader, selector, {("study", "study")})
            self.add_flow(selector, volume, {("series", "series")})
            self.add_flow(volume, fusion, {("volume", source)})
        self.add_flow(fusion, self.writer, {("fused", "fused")})


def main() -> int:
    """Run the application; return 1 if a study could not be processed."""
    app = FusionINNApp()
    app.run()
    for patient, problem in app.writer.problems.items():
        sys.stderr.write(f"Error: {patient}: {problem}\n")
    return 1 if app.writer.problems else 0


if __name__ == "__main__":
    sys.exit(main())
