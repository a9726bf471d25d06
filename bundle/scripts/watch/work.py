"""Fuse one study: whatever the moment at which the process is killed, in the end there is one result."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from pydicom import dcmread
from torch import nn

from scripts import __version__
from scripts.cohort.settings import settings_of
from scripts.data.errors import BadInputError
from scripts.data.hidden import shown_message
from scripts.dicom.find_studies import find_studies
from scripts.dicom.new_uids import StableUids
from scripts.dicom.scan import scan_folder
from scripts.dicom.stored import patient_of_study

from .already_fused import fused_from, used_images
from .delivery import Delivery
from .errors import LeftAloneError
from .fingerprint import fingerprint, result_key
from .plan import Plan
from .rules import Rules
from .sources import Source
from .store import DONE, FAILED, LEFT_ALONE, Store, Study

if TYPE_CHECKING:
    from scripts.cohort.patients import PatientStep

TEMPORARY = "work"


@dataclass(frozen=True)
class Outcome:
    """How a study ended.

    Args:
        state: a state of `scripts.watch.store`; None if nothing of it was new.
        reason: why.
        made: whether a result was made.
    """

    state: str | None
    reason: str = ""
    made: bool = False


class Work:
    """Fuse one study at a time.

    A result is first complete on disk, noted in the store, and then sent. Its UIDs follow from the images that it was
    made of and from the settings. So a process that is killed leaves nothing behind that the next one would double:
    before the note the result is made again with the same UIDs, after it the same files are sent again.

    Args:
        store: state of the service.
        source: has the images.
        delivery: sends results.
        step: reads, fuses and writes a patient's images.
        network: the network.
        uids: give the UIDs of the derived series; the writers of `step` use the same.
        rules: which studies are fused.
        sources: contrasts.
        named: series that the user named, by source.
        titles: gives the titles that a study came from. Defaults to None (not known).
        keep_series: keep the files of the series when they were sent. Defaults to False.
    """

    def __init__(
        self,
        store: Store,
        source: Source,
        delivery: Delivery,
        step: PatientStep,
        network: nn.Module,
        uids: StableUids,
        rules: Rules,
        sources: Sequence[str],
        named: Mapping[str, Any],
        titles: Callable[[str], list[str]] | None = None,
        keep_series: bool = False,
    ) -> None:
        self.store = store
        self.source = source
        self.delivery = delivery
        self.step = step
        self.network = network
        self.uids = uids
        self.rules = rules
        self.sources = list(sources)
        self.named = dict(named)
        self.titles = titles
        self.keep_series = keep_series
        self.logger = logging.getLogger(__name__)
        parts = {name: getattr(step, name) for name in ("preprocessing", "inferer", "results", "write")}
        self.settings = settings_of({"version": __version__, "network": network, **parts})
        self.temporary = store.path.parent / TEMPORARY
        self._sweep()

    def __call__(self, study: Study) -> Outcome:
        """Fuse a study, or finish what was begun.

        Args:
            study: as the store gave it.

        Raises:
            BadInputError: what prevented it.
        """
        name = patient_of_study(study.uid)
        sent = study.plan is not None and study.plan.is_whole(self.delivery.output_dir)
        if sent:
            self._deliver(name, study.uid, study.plan)
        elif study.plan is not None:  # somebody removed its files
            self.store.forget_plan(study.uid)
        found = self.source.images(study.uid, self.store.own_series(study))
        images = fingerprint(found)
        if images == study.fingerprint:
            if sent:
                return Outcome(DONE, made=True)
            if study.concluded is not None and study.state != FAILED:
                return Outcome(None)
        self.store.look(study.uid, images)
        if not found:
            return Outcome(LEFT_ALONE, "it has no images of the modalities that are looked at (--modalities)")
        try:
            plan = self._make(name, study.uid)
        except LeftAloneError as reason:
            return Outcome(LEFT_ALONE, shown_message(str(reason)))
        if isinstance(plan, Outcome):
            return plan
        self._deliver(name, study.uid, plan)
        return Outcome(DONE, made=True)

    def _make(self, name: str, uid: str) -> Plan | Outcome:
        """Make the result of a study, complete on disk."""
        titles = self.titles(uid) if self.titles is not None and self.rules.from_titles else None
        description = self.source.description(uid) if self.rules.ask_for_description else ""
        refusal = self.rules.refusal(description, titles)
        if refusal:
            raise LeftAloneError(refusal)
        self.temporary.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=self.temporary) as folder:
            sent = {one for result in self.store.results(uid) for one in result.series.values()}
            place = self.source.fetch(uid, Path(folder), sent)
            record = self._record(name, place)
            chosen = [choice.series for choice in record["series"].values()]
            images = used_images(chosen)
            used = fingerprint(images)
            if any(result.used == used for result in self.store.results(uid) if result.superseded_by is None):
                return Outcome(DONE, "what is new does not belong to the series that are fused")
            other = fused_from(scan_folder(place).series, images)
            key = result_key(used, self.settings)
            self.uids.begin(key)
            if other is not None and other != str(self.uids("fused")):
                return Outcome(DONE, "the study already holds a series that was fused from these images")
            with torch.no_grad():
                files = list(self.step.write(self.step.case(self.network, self.step.read(record))))
        plan = _plan(key, used, [Path(file) for file in files if file.endswith(".dcm")])
        self.store.plan(uid, plan)
        return plan

    def _record(self, name: str, place: Path) -> dict[str, Any]:
        try:
            records = find_studies(place, self.sources, self.named)
        except BadInputError as error:
            raise LeftAloneError(str(error)) from error
        if len(records) != 1:
            raise LeftAloneError("its images are of several patients or studies")
        if "problem" in records[0]:
            raise LeftAloneError(records[0]["problem"].removeprefix(f"{name}: "))
        return records[0]

    def _deliver(self, name: str, uid: str, plan: Plan) -> None:
        sent = self.delivery(uid, plan)
        earlier = [result.series for result in self.store.results(uid) if result.superseded_by is None]
        rejected = self.delivery.reject(uid, plan, earlier, self.uids)
        replaced = self.store.delivered(uid, plan)
        self.logger.info(
            f"{name}: {len(plan.series)} derived series ({plan.instances} instances, {sent} sent now) are in "
            f"{self.delivery.pacs.address}."
        )
        for old in replaced:
            told = "was rejected there by a note" if rejected else "stays in the PACS: remove or hide it there"
            self.logger.warning(
                f"{name}: new images led to a new result ({plan.series.get('fused', '')}). The earlier one "
                f"({', '.join(old.series.values())}) {told}."
            )
        self._drop_series(self.delivery.output_dir / plan.folder)

    def _drop_series(self, folder: Path) -> None:
        """Remove the series of a result that needs them no longer."""
        if not self.keep_series:
            for place in {file.parent for file in folder.glob("*/*.dcm")}:
                shutil.rmtree(place, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove what a killed process left: fetched images, and series that were sent or never noted."""
        shutil.rmtree(self.temporary, ignore_errors=True)
        planned = self.store.planned()
        for folder in self.delivery.output_dir.glob("study-*"):
            if folder.name not in planned:
                self._drop_series(folder)


def _plan(key: str, used: str, files: Sequence[Path]) -> Plan:
    folders = sorted({file.parent for file in files})
    series = {
        folder.name: str(dcmread(next(folder.glob("*.dcm")), specific_tags=["SeriesInstanceUID"]).SeriesInstanceUID)
        for folder in folders
    }
    return Plan(folders[0].parent.name, key, used, series, len(files))
