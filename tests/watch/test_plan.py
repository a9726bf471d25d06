from __future__ import annotations

from scripts.watch.plan import Plan


def test_a_plan_is_read_as_it_was_written():
    plan = Plan("study-1", "key", "used", {"fused": "1.2.3"}, 2)
    assert Plan.from_json(plan.as_json()) == plan


def test_a_plan_is_whole_when_all_its_files_are_there(tmp_path):
    plan = Plan("study-1", "key", "used", {"fused": "1.2.3"}, 2)
    (tmp_path / "study-1" / "fused").mkdir(parents=True)
    (tmp_path / "study-1" / "fused" / "0001.dcm").touch()
    assert not plan.is_whole(tmp_path)
    (tmp_path / "study-1" / "fused" / "0002.dcm").touch()
    assert plan.is_whole(tmp_path)
    assert [file.name for file in plan.files(tmp_path)["fused"]] == ["0001.dcm", "0002.dcm"]
