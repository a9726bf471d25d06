import json
from pathlib import Path

import pytest

from scripts.data.errors import BadInputError
from scripts.data.image_sets import find_image_sets


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Return a function that creates files with the given names and no content."""

    def make(*names: str) -> Path:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
        return tmp_path

    monkeypatch.chdir(tmp_path)
    return make


def only(records):
    (record,) = records
    return record


class TestFiles:
    def test_files_belong_together_regardless_of_their_names(self, tree):
        tree("x.png", "CT/y.png", "MR/z.png")
        record = only(find_image_sets("x.png", ["CT/y.png", "MR/z.png"]))
        assert record == {
            "patient": "x",
            "fused": "x.png",
            "sources": {"CT": "CT/y.png", "MR": "MR/z.png"},
            "decomposed": {},
        }

    def test_sources_are_named_by_their_modalities_where_these_are_known(self, tree):
        tree("P1_fused.nii.gz", "P1_t1ce.nii.gz", "P1-t2f.nii.gz")
        record = only(find_image_sets("P1_fused.nii.gz", ["P1_t1ce.nii.gz", "P1-t2f.nii.gz"]))
        assert record["patient"] == "P1"
        assert list(record["sources"]) == ["t1gd", "flair"]

    def test_names_can_be_given(self, tree):
        tree("x.png", "a.png", "b.png", "c.png")
        record = only(find_image_sets("x.png", ["a.png", "b.png"], ["c.png", "c.png"], ["IR", "VIS"]))
        assert record["sources"] == {"IR": "a.png", "VIS": "b.png"}
        assert record["decomposed"] == {"IR": "c.png", "VIS": "c.png"}


class TestFolders:
    def test_files_of_one_name_are_partners(self, tree):
        tree("F/1.png", "F/2.png", "CT/1.png", "CT/2.png", "CT/3.png", "MR/1.png", "MR/2.png")
        records = find_image_sets("F", ["CT", "MR"])
        assert [record["patient"] for record in records] == ["1", "2"]
        assert records[1]["sources"] == {"CT": "CT/2.png", "MR": "MR/2.png"}

    def test_known_endings_do_not_count(self, tree):
        tree("F/s1_fused.png", "F/s1_overview.png", "CT/s1_CT.png", "CT/s10_CT.png", "MR/s1-mr.png", "MR/s1_mr_x.png")
        record = only(find_image_sets("F", ["CT", "MR"]))
        assert record["patient"] == "s1"
        assert record["sources"] == {"CT": "CT/s1_CT.png", "MR": "MR/s1-mr.png"}

    def test_a_file_of_the_same_name_comes_before_one_of_the_same_stem(self, tree):
        tree("F/s1.png", "CT/s1.png", "CT/s1_CT.png", "MR/s1.png")
        assert only(find_image_sets("F", ["CT", "MR"]))["sources"]["CT"] == "CT/s1.png"

    def test_extensions_do_not_count(self, tree):
        tree("F/s1.nii.gz", "CT/s1.nii", "MR/s1.NII.GZ")
        assert only(find_image_sets("F", ["CT", "MR"]))["sources"] == {"CT": "CT/s1.nii", "MR": "MR/s1.NII.GZ"}

    def test_files_of_one_name_are_told_apart_by_their_place(self, tree):
        tree(*(f"{root}/{case}/image.png" for root in ("F", "CT", "MR") for case in ("p1", "p2")))
        records = find_image_sets("F", ["CT", "MR"])
        assert [record["patient"] for record in records] == ["p1/image", "p2/image"]
        assert records[1]["sources"]["CT"] == "CT/p2/image.png"

    def test_one_fused_file_finds_its_partners_in_folders(self, tree):
        tree("F/1.png", "CT/1.png", "CT/2.png", "MR/1.png", "MR/2.png")
        assert only(find_image_sets("F/1.png", ["CT", "MR"]))["sources"] == {"CT": "CT/1.png", "MR": "MR/1.png"}

    def test_hidden_files_are_no_images(self, tree):
        tree("F/1.png", "F/._1.png", "CT/1.png", "MR/1.png")
        assert len(find_image_sets("F", ["CT", "MR"])) == 1

    def test_decomposed_images_are_found_by_source(self, tree):
        tree("F/1.png", "CT/1.png", "MR/1.png", "D1/1.png", "D2/1.png")
        record = only(find_image_sets("F", ["CT", "MR"], ["D1", "D2"]))
        assert record["decomposed"] == {"CT": "D1/1.png", "MR": "D2/1.png"}

    def test_names_tell_apart_what_lies_in_one_folder(self, tree):
        tree("F/1.png", "F/2.png", "S/1_ir.png", "S/1_vis.png", "S/2_ir.png", "S/2_vis.png")
        records = find_image_sets("F", "S", source_names=["ir", "vis"])
        assert records[1]["sources"] == {"ir": "S/2_ir.png", "vis": "S/2_vis.png"}


class TestSimilarNames:
    @pytest.mark.parametrize(
        ("fused", "sources"),
        [
            (["img1_CDDFuse", "img2_CDDFuse"], ["img1", "img2"]),
            (["img1_CDDFuse"], ["img1", "img2", "img10"]),
            (["CDDFuse-1", "CDDFuse-2"], ["ct_01", "ct_02"]),
            (["01", "02"], ["1", "2"]),
            (["7"], ["007"]),
            (["fused_a", "fused_b"], ["a", "b"]),
        ],
    )
    def test_files_are_paired_by_what_their_names_share(self, tree, caplog, fused, sources):
        tree(
            *(f"F/{name}.png" for name in fused),
            *(f"{folder}/{name}.jpg" for name in sources for folder in ("CT", "MR")),
        )
        with caplog.at_level("INFO"):
            records = find_image_sets("F", ["CT", "MR"])
        expected = dict(zip(sorted(fused), sources, strict=False))
        for record in records:
            name = expected[Path(record["fused"]).stem]
            assert record["sources"] == {"CT": f"CT/{name}.jpg", "MR": f"MR/{name}.jpg"}
        assert "paired by the common parts of their names" in caplog.text

    def test_results_of_several_methods_in_one_folder_share_their_sources(self, tree):
        tree(*(f"F/img{n}_{method}.png" for n in (1, 2) for method in ("A", "U2Fusion")))
        tree(*(f"{folder}/img{n}.png" for n in (1, 2) for folder in ("CT", "MR")))
        found = {record["patient"]: record["sources"]["CT"] for record in find_image_sets("F", ["CT", "MR"])}
        assert found == {f"img{n}_{method}": f"CT/img{n}.png" for n in (1, 2) for method in ("A", "U2Fusion")}

    def test_a_tie_is_refused_and_both_are_named(self, tree):
        tree("F/x1_m.png", "CT/1.png", "CT/01.png", "MR/1.png")
        problem = only(find_image_sets("F", ["CT", "MR"]))["problem"]
        assert "2 partners for CT" in problem and "CT/01.png, CT/1.png" in problem

    def test_copies_in_another_format_do_not_count(self, tree):
        tree("F/1.png", "F/1.jpg", "CT/1.png", "CT/1.jpg", "MR/1.tif")
        assert only(find_image_sets("F", ["CT", "MR"]))["sources"] == {"CT": "CT/1.png", "MR": "MR/1.tif"}

    def test_names_that_share_nothing_are_not_paired(self, tree):
        tree("F/1.png", "F/2.png", "CT/3.png", "CT/4.png", "MR/1.png", "MR/2.png")
        assert all("no partner for CT" in record["problem"] for record in find_image_sets("F", ["CT", "MR"]))


class TestOwnOutputs:
    def test_patients_as_this_bundle_writes_them_find_their_sources_in_another_tree(self, tree):
        for patient in ("P1", "P2"):
            tree(f"data/HGG/{patient}/{patient}_t1ce.nii.gz", f"data/HGG/{patient}/{patient}_flair.nii.gz")
            tree(f"data/HGG/{patient}/{patient}_seg.nii.gz", f"out/{patient}/{patient}_latent.nii.gz")
            tree(f"out/{patient}/{patient}_fused.nii.gz", f"out/{patient}/{patient}_overview.png")
            tree(*(f"out/{patient}/{patient}_{source}_decomposed.nii.gz" for source in ("t1gd", "flair")))
        for sources in ("data", ["data"], ["data", "data"]):
            records = find_image_sets("out", sources, "out")
            assert [record["patient"] for record in records] == ["P1", "P2"]
            assert [Path(path).name for path in records[1]["sources"].values()] == [
                "P2_t1ce.nii.gz",
                "P2_flair.nii.gz",
            ]
            assert records[1]["decomposed"] == {
                "t1gd": "out/P2/P2_t1gd_decomposed.nii.gz",
                "flair": "out/P2/P2_flair_decomposed.nii.gz",
            }

    def test_pictures_as_this_bundle_writes_them_find_their_estimates(self, tree):
        tree("out/7_fused.png", "out/7_decomposed-1_estimate.png", "out/7_decomposed-2_estimate.png")
        tree("out/7_overview.png", "CT/7.png", "MR/7.png")
        record = only(find_image_sets("out", ["CT", "MR"], "out"))
        assert record["decomposed"] == {
            "CT": "out/7_decomposed-1_estimate.png",
            "MR": "out/7_decomposed-2_estimate.png",
        }

    def test_the_channels_of_a_decathlon_task_are_kept(self, tree):
        tree("task/imagesTr/B1.nii.gz", "out/B1_fused.nii.gz")
        modality = {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"}
        Path("task/dataset.json").write_text(json.dumps({"modality": modality}))
        record = only(find_image_sets("out", "task"))
        assert record["channels"] == {"t1gd": 2, "flair": 0}

    def test_a_patient_without_a_modality_is_a_problem_of_its_own(self, tree):
        tree("data/P1/P1_t1ce.nii.gz", "data/P2/P2_t1ce.nii.gz", "data/P2/P2_flair.nii.gz")
        tree("out/P1_fused.nii.gz", "out/P2_fused.nii.gz", "out/P3_fused.nii.gz")
        first, second, third = find_image_sets("out", "data")
        assert "the flair image is missing" in first["problem"]
        assert "problem" not in second
        assert "none is named P3. The nearest names are P1, P2." in third["problem"]


class TestProblems:
    def test_a_missing_partner_is_reported_with_what_was_found_and_the_others_continue(self, tree):
        tree("F/s1.png", "F/s2.png", "CT/s1.png", "CT/s3.png", "MR/s1.png", "MR/s2.png")
        first, second = find_image_sets("F", ["CT", "MR"])
        assert "problem" not in first
        assert second["patient"] == "s2"
        assert "F/s2.png has no partner for CT in CT" in second["problem"]
        assert "The nearest names are s1, s3." in second["problem"]

    def test_two_partners_are_one_too_many_and_both_are_named(self, tree):
        tree("F/s1.png", "CT/a/s1.png", "CT/b/s1.png", "MR/s1.png")
        problem = only(find_image_sets("F", ["CT", "MR"]))["problem"]
        assert "2 partners for CT" in problem
        assert "CT/a/s1.png, CT/b/s1.png" in problem

    def test_a_picture_has_no_partner_among_volumes(self, tree):
        tree("F/s1.png", "CT/s1.nii.gz", "MR/s1.png")
        problem = only(find_image_sets("F", ["CT", "MR"]))["problem"]
        assert "F/s1.png and CT/s1.nii.gz have different formats" in problem

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ((None, None), "--fused FUSED"),
            (("gone", ["CT", "MR"]), "gone does not exist"),
            (("F", ["CT", "gone"]), "gone does not exist"),
            (("empty", ["CT", "MR"]), "no fused image was found in empty"),
            (("F/note.txt", ["CT", "MR"]), "note.txt has an unsupported extension"),
            (("F/1.png", ["CT/1.png"]), "two or more"),
            (("F", ["CT", "MR"], ["CT"] * 3), "3 decomposed images or folders are given for 2 sources"),
            (("F", ["CT", "MR"], None, ["one"]), "1 source_names"),
            (("F", ["CT", "MR"], None, ["x", "X"]), "different names"),
        ],
    )
    def test_arguments_that_do_not_fit_together_are_refused(self, tree, arguments, told):
        tree("F/1.png", "F/note.txt", "CT/1.png", "MR/1.png")
        Path("empty").mkdir()
        with pytest.raises(BadInputError, match=told):
            find_image_sets(*arguments)
