"""Commands of the bundle in processes of their own."""

from __future__ import annotations

from fusioninn_research.bundle_command import KEEP_MEMORY, run_bundle


def test_a_command_that_fails_ends_with_its_message(warm_commands, tmp_path, monkeypatch):
    monkeypatch.delenv("FUSIONINN_TRACEBACK", raising=False)
    log = tmp_path / "logs" / "evaluation.log"
    keys = {"dataset_dir": tmp_path / "nowhere", "split_file": None}
    problem = run_bundle("evaluation", ["evaluate.json"], keys, log)
    assert problem.startswith(f"the data set folder {tmp_path / 'nowhere'} does not exist")
    assert "Traceback" not in problem
    assert problem in log.read_text()


def test_the_memory_settings_of_the_user_come_first(tmp_path, monkeypatch):
    from fusioninn_research import bundle_command

    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "131072")
    monkeypatch.delenv("MALLOC_MMAP_THRESHOLD_", raising=False)
    environment = bundle_command._environment()
    assert environment["MALLOC_TRIM_THRESHOLD_"] == "131072"
    assert environment["MALLOC_MMAP_THRESHOLD_"] == KEEP_MEMORY["MALLOC_MMAP_THRESHOLD_"]
