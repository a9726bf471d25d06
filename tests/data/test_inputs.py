"""Results never replace a file that the command reads."""

from __future__ import annotations

import os

import pytest

from scripts.data.atomic import written_whole
from scripts.data.errors import BadInputError
from scripts.data.inputs import check_apart, check_no_input, is_input, protect_inputs
from scripts.outputs.staged import staged


@pytest.fixture
def source(tmp_path):
    file = tmp_path / "out" / "P_t1gd_decomposed.nii.gz"
    file.parent.mkdir()
    file.write_text("source")
    yield file
    protect_inputs(())


def write_set(folder, *names):
    with staged(folder, lambda: [folder / "P_flair_decomposed.nii.gz"]) as stage:
        for name in names:
            (stage / name).write_text("result")


def test_an_input_among_the_results_is_refused_and_nothing_is_written(source):
    protect_inputs([source])
    with pytest.raises(BadInputError, match=f"{source} is read by this command, and a result would have the same name"):
        write_set(source.parent, "P_fused.json", source.name)
    assert [path.name for path in source.parent.iterdir()] == [source.name]
    with pytest.raises(BadInputError, match="is read by this command"), written_whole(source):
        pytest.fail("nothing is to be written")
    assert source.read_text() == "source"


def test_an_input_is_not_an_outdated_result(source):
    other = source.with_name("P_flair_decomposed.nii.gz")
    other.write_text("source")
    protect_inputs([other])
    write_set(source.parent, "P_fused.json")
    assert other.read_text() == "source"
    protect_inputs(())
    write_set(source.parent, "P_fused.json")
    assert not other.exists()


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_an_input_survives_that_has_another_name_where_a_result_belongs(source, tmp_path, link):
    archive = tmp_path / "archive.nii.gz"
    source.rename(archive)
    link(archive, source)
    protect_inputs([archive])
    write_set(source.parent, source.name)
    assert (source.read_text(), archive.read_text()) == ("result", "source")


def test_folders_and_files_are_known_by_every_path(source, tmp_path):
    (tmp_path / "link").symlink_to(source.parent)
    (tmp_path / "given.nii.gz").symlink_to(source)
    protect_inputs([tmp_path / "link" / source.name])
    assert is_input(source)
    assert is_input(source.parent)
    protect_inputs([tmp_path / "given.nii.gz"])
    assert is_input(source)
    assert is_input(tmp_path / "given.nii.gz")
    assert not is_input(tmp_path / "other.nii.gz")
    check_no_input(source.with_name("P_fused.nii.gz"))


def test_a_command_of_one_result_does_not_write_what_it_reads(source, tmp_path):
    (tmp_path / "given.nii.gz").symlink_to(source)
    with pytest.raises(BadInputError, match="is an input of this command and cannot be its result"):
        check_apart(tmp_path / "given.nii.gz", None, source)
    check_apart(tmp_path / "new", source)
