from __future__ import annotations

import json

import pytest

from scripts.data.errors import BadInputError
from scripts.outputs.sidecar import read_sidecar, sidecar_of
from scripts.outputs.sidecar_schema import REQUIRED
from sidecars import write_sidecar

SCALE = {
    "mode": "slice",
    "slice_axis": 2,
    "offset": [[0.0, 1.5, 2.0], [0.0, 0.0, 0.25]],
    "factor": [[900.0, 910.5, 0.0], [400.0, 410.0, 420.0]],
}


@pytest.fixture
def path(tmp_path):
    target = tmp_path / "P1" / "P1_fused.json"
    write_sidecar(
        target,
        sources={"t1gd": "somewhere/P1_t1ce.nii.gz", "flair": "somewhere/P1_flair.nii.gz"},
        intensity_scale=SCALE,
        stored_dtype="uint16",
        checkpoint_sha256="ab" * 32,
        fused_sha256="cd" * 32,
        extra={"LatentFile": "P1_latent.nii.gz"},
    )
    return target


def edit(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


class TestWriteSidecar:
    def test_it_says_what_the_fused_image_was_made_from(self, path):
        content = json.loads(path.read_text())
        assert content["Sources"] == ["P1_t1ce.nii.gz", "P1_flair.nii.gz"]
        assert content["SourceModalities"] == ["t1gd", "flair"]
        assert content["IntensityScale"] == SCALE
        assert content["SliceAxis"] == 2
        assert content["StoredDtype"] == "uint16"
        assert content["LatentKind"] == "normal"
        assert content["LatentFile"] == "P1_latent.nii.gz"
        assert content["GeneratedBy"][0]["Name"] == "FusionINN MONAI bundle"

    def test_it_carries_the_research_notice_and_calls_estimates_so(self, path):
        content = json.loads(path.read_text())
        assert content["ResearchUseOnly"].startswith("For research use only")
        assert "are estimates" in content["Description"]

    @pytest.mark.parametrize(
        ("names", "told"), [(("t1gd", "flair"), "t1gd and flair of"), (("t1", "t2", "flair"), "t1, t2 and flair of")]
    )
    def test_it_names_all_sources_in_words(self, tmp_path, names, told):
        content = write_sidecar(
            tmp_path / "p.json",
            sources=dict.fromkeys(names, "a"),
            intensity_scale=SCALE,
            stored_dtype="uint8",
            checkpoint_sha256="0" * 64,
            fused_sha256="cd" * 32,
        )
        assert content["Description"].startswith(told)

    def test_a_phantom_is_called_one(self, tmp_path):
        content = write_sidecar(
            tmp_path / "p.json",
            sources={"t1gd": "a", "flair": "b"},
            intensity_scale=SCALE,
            stored_dtype="uint8",
            checkpoint_sha256="0" * 64,
            fused_sha256="cd" * 32,
            phantom=True,
        )
        assert "digital phantom, no patient" in content["Description"]

    def test_no_folder_of_the_sources_is_reported(self, path):
        assert "somewhere" not in path.read_text()

    def test_a_row_of_numbers_takes_one_line(self, path):
        assert "[0.0, 1.5, 2.0]" in path.read_text()


class TestReadSidecar:
    def test_it_returns_what_was_written(self, path):
        assert read_sidecar(path) == json.loads(path.read_text())

    def test_it_stands_next_to_the_fused_image(self, path):
        assert sidecar_of(path.with_name("P1_fused.nii.gz")) == path
        assert sidecar_of(path.with_name("P1_fused.nii")) == path

    def test_missing_file(self, tmp_path):
        with pytest.raises(BadInputError, match=r"p\.json does not exist.*Fuse again"):
            read_sidecar(tmp_path / "p.json")

    @pytest.mark.parametrize("text", ["", '{"Description": "cut sh', "[1, 2]"])
    def test_truncated_or_foreign_file(self, path, text):
        path.write_text(text)
        with pytest.raises(BadInputError, match=r"P1_fused\.json .*Fuse again"):
            read_sidecar(path)

    @pytest.mark.parametrize("key", REQUIRED)
    def test_missing_key_is_named(self, path, key):
        edit(path, lambda content: content.pop(key))
        with pytest.raises(BadInputError, match=f'P1_fused.json has no key "{key}".*Fuse again'):
            read_sidecar(path)

    def test_value_of_the_wrong_kind_is_named(self, path):
        edit(path, lambda content: content.update(SliceAxis="axial"))
        with pytest.raises(BadInputError, match="\"SliceAxis\" is 'axial', expected a whole number: 0, 1 or 2"):
            read_sidecar(path)

    @pytest.mark.parametrize("key", ["mode", "slice_axis", "offset", "factor"])
    def test_missing_key_of_the_scale_is_named(self, path, key):
        edit(path, lambda content: content["IntensityScale"].pop(key))
        with pytest.raises(BadInputError, match=f'"IntensityScale" has no key "{key}"'):
            read_sidecar(path)

    def test_scale_of_too_few_sources(self, path):
        edit(path, lambda content: content["IntensityScale"]["factor"].pop())
        with pytest.raises(BadInputError, match='one row of "factor" for each of the 2 sources'):
            read_sidecar(path)

    @pytest.mark.parametrize(
        ("value", "told"),
        [
            ("bright", r'"IntensityScale\.offset\[0\]\[3\]" is \'bright\', expected a finite number'),
            (None, "is None, expected a finite number"),
            (float("nan"), "NaN is not a number"),
            (10**400, r"the number 1000\d+… is too large"),
        ],
    )
    def test_scale_that_is_not_a_number(self, path, value, told):
        edit(path, lambda content: content["IntensityScale"]["offset"][0].append(value))
        with pytest.raises(BadInputError, match=told):
            read_sidecar(path)
