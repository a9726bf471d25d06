"""Steps run once for their inputs, a killed release continues, and documents get what was measured."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fusioninn_research.release.marks import mark_of, mark_of_picture
from fusioninn_research.release.plan import read_plan
from fusioninn_research.release.release import duration, outdated
from scripts.data.errors import BadInputError

REPOSITORY = Path(__file__).resolve().parents[3]
OLD = "6583c010f98b"


def runs(root: Path) -> list[str]:
    """Steps that have run, in order, without "fit"."""
    path = root / "work" / "runs.txt"
    return path.read_text().split() if path.exists() else []


class TestRun:
    def test_figures_and_pictures_get_into_the_repository_with_their_mark(self, allowed, open_release):
        assert open_release(allowed).run() == []
        mark = mark_of(allowed / "bundle/models/model.pt")
        assert (
            f"<!-- measured: network.sizes weights={mark} -->2,000 parameters, 0.50 MB<!-- end -->."
            in (allowed / "README.md").read_text()
        )
        assert mark_of_picture(allowed / "docs/drawn.png") == mark
        assert (allowed / "bundle/reference.json").read_text() == "made"

    def test_a_block_written_by_hand_keeps_its_weights_until_a_person_accepts_it(self, allowed, open_release):
        release = open_release(allowed)
        release.run()
        left = outdated(release.plan, release.mark, release.blocks())
        assert left == [
            f"README.md:3: network.words belongs to the weights {OLD}: correct it by hand, then --accept network.words"
        ]
        assert release.accept(["network.words"]) == ["README.md"]
        assert outdated(release.plan, release.mark, release.blocks()) == []
        assert "\nby hand\n" in (allowed / "README.md").read_text()

    def test_what_a_step_writes_cannot_be_accepted_by_hand(self, allowed, open_release):
        with pytest.raises(BadInputError, match="written by the step network: run it by --only network"):
            open_release(allowed).accept(["network.sizes"])
        with pytest.raises(BadInputError, match=r"No document has a block nothing\. By hand are network\.words"):
            open_release(allowed).accept(["nothing"])

    def test_a_second_release_runs_nothing(self, allowed, open_release):
        open_release(allowed).run()
        assert open_release(allowed).run() == []
        assert runs(allowed) == ["network", "draw"]

    def test_a_document_that_was_changed_by_hand_is_written_again_without_measuring(self, allowed, open_release):
        open_release(allowed).run()
        page = allowed / "README.md"
        page.write_text(page.read_text().replace("2,000 parameters", "9 parameters"))
        open_release(allowed).run()
        assert "2,000 parameters" in page.read_text()
        assert runs(allowed) == ["network", "draw"]

    def test_other_weights_run_everything_in_a_folder_of_their_own(self, allowed, open_release):
        marks = set()
        for content in (b"first weights", b"second weights"):
            (allowed / "bundle/models/model.pt").write_bytes(content)
            release = open_release(allowed)
            release.run()
            marks.add(release.mark)
        assert runs(allowed) == ["network", "draw", "network", "draw"]
        assert {path.name for path in (allowed / "work").iterdir() if path.is_dir()} == marks
        assert outdated_pictures(allowed) == []

    def test_a_changed_program_runs_its_step_and_those_that_need_it(self, allowed, open_release):
        open_release(allowed).run()
        code = allowed / "tools/fit.py"
        code.write_text(code.read_text() + "\n")
        release = open_release(allowed)
        assert release.reasons(release.plan.step("fit")) == ["tools/fit.py changed"]
        assert release.reasons(release.plan.step("draw")) == ["fit has to run"]
        release.run()
        assert runs(allowed) == ["network", "draw", "draw"]

    def test_a_patient_more_runs_the_steps_that_see_it(self, allowed, open_release):
        open_release(allowed).run()
        (allowed / "lgg/T4").mkdir()
        (allowed / "lgg/T4/image.nii").write_text("new")
        release = open_release(allowed)
        assert release.reasons(release.plan.step("network")) == ["the data validation_split changed"]
        assert release.reasons(release.plan.step("fit")) == []

    def test_a_result_that_was_replaced_by_hand_is_made_again(self, allowed, open_release):
        open_release(allowed).run()
        (allowed / "bundle/reference.json").write_text("other")
        release = open_release(allowed)
        assert release.reasons(release.plan.step("fit")) == ["bundle/reference.json is not what it wrote"]
        release.run()
        assert (allowed / "bundle/reference.json").read_text() == "made"

    def test_a_failed_step_is_told_with_its_last_words_and_stops_only_what_needs_it(self, root, open_release):
        release = open_release(root)
        failed = release.run()
        assert failed == [
            f"fit failed: nothing was allowed. Log: {release.folder}/fit/log.txt",
            "draw was not run: it needs fit.",
        ]
        assert runs(root) == ["network"]
        assert mark_of_picture(root / "docs/drawn.png") is None

    def test_a_step_whose_results_were_deleted_runs_again(self, allowed, open_release):
        open_release(allowed).run()
        release = open_release(allowed)
        shutil.rmtree(release.folder / "network")
        assert release.reasons(release.plan.step("network")) == ["its results are gone"]
        assert release.run() == []
        assert runs(allowed) == ["network", "draw", "network"]

    def test_results_that_cannot_be_shown_are_told_and_the_rest_goes_on(self, allowed, open_release):
        code = allowed / "tools/count.py"
        code.write_text(code.read_text().replace('"parameters"', '"numbers"'))
        release = open_release(allowed)
        failed = release.run()
        assert failed == [
            "network was measured, but not written: network.sizes cannot be made of "
            f"{release.folder}: KeyError('parameters')."
        ]
        assert runs(allowed) == ["network", "draw"]

    def test_a_misspelt_block_is_told_before_anything_runs(self, allowed, open_release):
        page = allowed / "README.md"
        page.write_text(page.read_text().replace("<!-- end -->", "", 1))
        with pytest.raises(BadInputError, match=r"README\.md, line 3: .* begins within the block network\.sizes"):
            open_release(allowed).run()
        assert runs(allowed) == []

    def test_only_runs_what_is_named_and_refuses_what_needs_more(self, allowed, open_release):
        assert open_release(allowed).run(["draw"]) == ["draw was not run: it needs fit."]
        assert open_release(allowed).run(["network"]) == []
        assert open_release(allowed).run(["fit", "draw"]) == []
        assert open_release(allowed).run([], ["draw"]) == []
        assert runs(allowed) == ["network", "draw", "draw"]

    def test_an_unknown_step_and_missing_data_are_named(self, allowed, open_release):
        with pytest.raises(BadInputError, match=r"no step drew\. Known are network, fit, draw"):
            open_release(allowed).run(["drew"])
        (allowed / "open").rename(allowed / "elsewhere")
        with pytest.raises(BadInputError, match=r"Missing data: .*open"):
            open_release(allowed).run()

    def test_times_of_earlier_releases_are_the_estimate(self, allowed, open_release):
        release = open_release(allowed)
        step = release.plan.step("network")
        assert release.estimate(step) == 120
        release.run()
        (allowed / "bundle/models/model.pt").write_bytes(b"second weights")
        assert open_release(allowed).estimate(step) < 20


KILLED = """
import sys
from pathlib import Path
from fusioninn_research.release.plan import read_plan
from fusioninn_research.release.release import Release
root = Path(sys.argv[1])
Release(read_plan(root / "release.json", root), root, root / "work").run()
"""


@pytest.mark.slow
@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_release_continues_with_the_step_that_it_was_in(allowed, open_release, by):
    (allowed / "open/wait").touch()
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(str(REPOSITORY / part) for part in ("bundle", "research"))}
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(allowed)], env=variables, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while not (allowed / "open/wait.started").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, by)
    process.wait(30)
    for name in ("wait", "wait.started"):
        (allowed / "open" / name).unlink()
    assert runs(allowed) == ["network"]
    assert open_release(allowed).run() == []
    assert runs(allowed) == ["network", "draw"]


def outdated_pictures(root: Path) -> list[str]:
    """Pictures of the plan that do not carry the mark of the weights."""
    plan = read_plan(root / "release.json", root)
    mark = mark_of(root / plan.weights)
    return [picture for picture in plan.pictures if mark_of_picture(root / picture) != mark]


def test_two_releases_at_once_are_refused(allowed, open_release):
    release = open_release(allowed)
    release.run()
    other = "import sys; from pathlib import Path; from scripts.outputs.locked import lock_folder\n"
    other += "lock_folder(Path(sys.argv[1]), 'Releasing'); print('locked', flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", other, str(release.folder)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "bundle")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "locked\n"
        with pytest.raises(BadInputError, match="Releasing"):
            open_release(allowed).run()
    finally:
        process.communicate("")


@pytest.mark.parametrize(
    ("seconds", "words"), [(5.2, "5 s"), (89, "89 s"), (90, "2 min"), (3540, "59 min"), (7500, "2 h 5 min")]
)
def test_durations_are_told_in_words(seconds, words):
    assert duration(seconds) == words


def test_the_state_is_plain_to_read(allowed, open_release):
    release = open_release(allowed)
    release.run()
    state = json.loads(release.state.path.read_text())
    assert list(state) == ["network", "fit", "draw"]
    assert state["fit"]["made"].keys() == {"bundle/reference.json"}
    assert state["network"]["inputs"].keys() == {
        *("the weights", "the step", "the network", "tools/count.py", "the data validation_split")
    }
