"""What the blocks of the documents show, from small results."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fusioninn_research.release.plan import read_plan
from fusioninn_research.release.updates import METADATA, VERSIONS, metrics, metrics_mark, set_version
from fusioninn_research.release.views import VIEWS, Results
from scripts.data.errors import BadInputError
from scripts.outputs.tables import write_csv

ROOT = Path(__file__).resolve().parents[3]
REGIONS = {"slice": 0.0, "brain": -0.1, "lesion": -0.2}


def summary(fused: float = 0.93, mean: float = 0.94, decomposed: float = 0.99) -> dict:
    """Return the content of a `summary.json`."""
    levels = {"fused": fused, "fused_t1gd": fused - 0.01, "fused_flair": fused + 0.01, "mean": mean, "max": 0.9}
    levels |= {"decomposed_t1gd": decomposed - 0.005, "decomposed_flair": decomposed}
    means = {f"{name}_{region}": value + less for name, value in levels.items() for region, less in REGIONS.items()}
    return {
        "patients": 2,
        "slices": 9,
        "mean_over_slices": means,
        "mean_over_patients": {name: value + 0.001 for name, value in means.items()},
        "std_over_patients": dict.fromkeys(means, 0.0123),
        "largest_roundtrip_error": 8.4e-6,
    }


@pytest.fixture
def results(tmp_path) -> Results:
    """An empty folder of results, with the repository's plan."""
    return Results(tmp_path, read_plan(ROOT / "research" / "configs" / "release.json", ROOT))


def write(results: Results, name: str, content: object) -> None:
    path = results.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def test_a_missing_result_names_the_step_that_makes_it(results):
    with pytest.raises(BadInputError, match=r"summary\.json is missing: the step validation has to run again"):
        VIEWS["validation.full"](results)


class TestValidation:
    @pytest.fixture(autouse=True)
    def measured(self, results):
        write(results, "validation/uint8/summary.json", summary())
        write(results, "validation/uint16/summary.json", summary(decomposed=0.992))
        write(results, "validation/uint8_normal/summary.json", summary(decomposed=0.98))
        write(results, "validation/float32/summary.json", summary(decomposed=0.993))

    def test_full_table_has_means_over_slices_and_over_patients(self, results):
        lines = VIEWS["validation.full"](results).splitlines()
        assert lines[:2] == ["| SSIM | whole slice | inside the brain | inside the lesion |", "|---|---|---|---|"]
        assert (
            lines[4]
            == "| fused, mean of both | 0.930 (0.931 ± 0.012) | 0.830 (0.831 ± 0.012) | 0.730 (0.731 ± 0.012) |"
        )
        assert [line.split(" | ")[0] for line in lines[2:]] == [
            "| fused, T1-Gd",
            "| fused, FLAIR",
            "| fused, mean of both",
            "| plain mean, mean of both",
            "| plain maximum, mean of both",
            "| decomposed T1-Gd",
            "| decomposed FLAIR",
        ]

    def test_readme_shows_16_bits_for_what_is_decomposed(self, results):
        assert VIEWS["validation.readme"](results).splitlines() == [
            "| | whole slice | inside the brain | inside the lesion |",
            "|---|---|---|---|",
            "| fused, mean over both sources | 0.930 | 0.830 | 0.730 |",
            "| plain average of the sources | 0.940 | 0.840 | 0.740 |",
            "| decomposed from 16 bits, T1-Gd / FLAIR | 0.987 / 0.992 | 0.887 / 0.892 | 0.787 / 0.792 |",
        ]

    def test_model_card_and_stores_have_a_row_for_each_way_to_store(self, results):
        card = VIEWS["validation.card"](results).splitlines()
        assert card[-1] == "| decomposed from 8 bits, latent N(0, I) | 0.975 / 0.980 | 0.875 / 0.880 | 0.775 / 0.780 |"
        assert [line.split(" | ")[0] for line in VIEWS["validation.stores"](results).splitlines()[2:]] == [
            "| uint8, zeros",
            "| uint8, N(0, I)",
            "| uint16, zeros",
            "| float32, zeros",
        ]

    def test_figures_within_sentences(self, results):
        assert VIEWS["validation.counts"](results) == "2 patients, 9 slices"
        assert VIEWS["validation.round_trip"](results) == "8e-6"
        assert VIEWS["validation.eight_bits"](results) == "0.002 SSIM over the slice and 0.002 inside the brain"

    @pytest.mark.parametrize(
        ("fused", "words"),
        [
            (0.93, "below the plain average of the sources (0.010 over the slice, 0.010 inside the brain)"),
            (0.939, "slightly below the plain average of the sources (0.001 over the slice, 0.001 inside the brain)"),
            (0.9401, "as high as the plain average of the sources"),
            (0.947, "above the plain average of the sources (0.007 over the slice, 0.007 inside the brain)"),
        ],
    )
    def test_the_sentence_about_the_plain_mean_follows_the_figures(self, results, fused, words):
        write(results, "validation/uint8/summary.json", summary(fused=fused))
        assert VIEWS["validation.below_mean"](results) == words

    def test_metadata_get_the_metrics_with_their_weights(self, results, tmp_path):
        path = tmp_path / METADATA
        path.parent.mkdir(parents=True)
        old = (ROOT / METADATA).read_text()
        path.write_text(old)
        metrics(results, tmp_path, "0123456789ab")
        assert metrics_mark(tmp_path) == "0123456789ab"
        new = json.loads(path.read_text())
        assert new["eval_metrics"]["fused_ssim"] == 0.93
        assert new["eval_metrics"].keys() == json.loads(old)["eval_metrics"].keys()
        changed = dict.fromkeys(("eval_metrics", "measured_weights"))
        assert {**new, **changed} == {**json.loads(old), **changed}


class TestLimits:
    def test_refinement_has_a_row_for_each_number_of_steps(self, results):
        ssim = {"plain mean, fused": [0.7, 0.8]}
        for name, fused in (("network", 0.74), ("40 steps", 0.755), ("120 steps", 0.758)):
            ssim |= {f"{name}, fused": [fused - 0.02, fused + 0.02]}
            ssim |= {f"{name}, decomposed from {dtype}": [0.96, 0.95] for dtype in ("uint16", "uint8")}
        content = {"slices": 39, "seconds": {"40": 5.0, "120": 15.0}, "ssim_brain": ssim}
        write(results, "refinement/refinement.json", content)
        assert VIEWS["refinement.table"](results).splitlines()[2:] == [
            "| plain mean | 0.750 |  |",
            "| network | 0.740 | 0.960 / 0.950 |",
            "| 40 steps | 0.755 | 0.960 / 0.950 |",
            "| 120 steps | 0.758 | 0.960 / 0.950 |",
        ]
        assert VIEWS["refinement.words"](results) == "39 slices of the validation patients"

    def test_the_repeating_pattern_stands_beside_that_of_the_sources(self, results):
        places = ("brain", "where the sources differ")
        for name, patients in (("gliomas", 3), ("validation", 13)):
            values = {
                image: {place: {"mean": mean, "worst": mean + 0.1} for place in places}
                for image, mean in (("fused", 0.44), ("T1-Gd", 0.3), ("FLAIR", 0.25))
            }
            write(results, f"pattern/{name}.json", {"patients": patients, **values})
        lines = VIEWS["pattern.table"](results).splitlines()
        assert lines[0].count("where the sources differ") == 2
        assert lines[2] == "| fused | 0.44 / 0.54 | 0.44 / 0.54 | 0.44 / 0.54 | 0.44 / 0.54 |"
        assert VIEWS["pattern.words"](results) == (
            "0.4 grey levels of 8 bits in three held-out gliomas, where T1-Gd has 0.3 and FLAIR 0.2"
        )


def test_extreme_patients_are_those_of_t1gd(results):
    rows = ["patient,decomposed_t1gd_brain,decomposed_flair_brain", "a,0.95,0.90", "b,0.92,0.99", "c,0.97,0.98"]
    write(results, "held_out/uint16/patients.csv", "\n".join(rows))
    assert VIEWS["held_out.extremes"](results) == "0.920 / 0.990, the median 0.950 / 0.900, the best 0.970 / 0.980"
    assert VIEWS["held_out.named_extremes"](results) == (
        "worst (b) 0.920 / 0.990, median (a) 0.950 / 0.900, best (c) 0.970 / 0.980"
    )


def test_parity_shows_whole_slices_and_the_bound_is_rounded_up(results):
    head = "runtime,images,fused,latent,decomposed,restored,round trip"
    kinds = ("4 × 240 × 240", "1 × 240 × 240", "3 × 239 × 239", "1 × 61 × 120")
    rows = [f"onnx,{kind},6.6e-7,3.9e-6,1.7e-6,5.1e-6,2.4e-6" for kind in kinds]
    write(results, "exports/parity.csv", "\n".join([head, *rows]))
    assert VIEWS["exports.parity"](results).splitlines()[2:] == [
        f"| onnx | {kinds[i]} | 6.6e-07 | 3.9e-06 | 1.7e-06 | 5.1e-06 | 2.4e-06 |" for i in (0, 2)
    ]
    assert VIEWS["exports.bound"](results) == "6e-6"


def test_precision_says_what_is_harmless(results):
    columns = ("fused, largest", "decomposed, mean", "decomposed, largest", "SSIM to sources", "round trip, largest")
    rows = [
        {"precision": name, **dict(zip(columns, values, strict=True)), "harmless": harmless}
        for name, values, harmless in (
            ("float32", (0.0, 0.0, 0.0, 0.9862, 0.0), True),
            ("int8", (0.03525, 0.00496, 0.1, 0.97, 0.4), False),
        )
    ]
    (results.folder / "exports").mkdir()
    write_csv(results.folder / "exports/precision.csv", rows)
    assert VIEWS["exports.precision"](results).splitlines()[2:] == [
        "| float32 | 0.00000 | 0.00000 | 0.00000 | 0.98620 | 0.00000 | yes |",
        "| int8 | 0.03525 | 0.00496 | 0.10000 | 0.97000 | 0.40000 | **no** |",
    ]


def test_false_alarms_have_an_exact_interval(results):
    case = {"group": "unseen patients", "kind": "usual"}
    cases = [{**case, "warned": number < 8} for number in range(78)] + [{**case, "kind": "swapped", "warned": True}]
    write(results, "typicality/typicality.json", {"cases": cases})
    assert VIEWS["typicality.false_alarms"](results) == (
        "78 unseen patients with low-grade glioma there were 8 false alarms (10 %, 95 % interval 5 to 19 %)"
    )
    assert VIEWS["typicality.rate"](results) == "10 %"


def test_the_study_of_segmentation_shows_its_tables_and_says_what_they_mean(results):
    def figures(*values):
        return {"value": values[0], "low": values[1], "high": values[2]}

    dice = {name: figures(0.8, 0.7, 0.9) for name in ("sources", "estimates_uint8", "fused", "mean")}
    group = {
        "patients": 70,
        "dice": dice,
        "differences": {
            "fused - mean": figures(-0.01, -0.02, -0.001),
            "estimates_uint8 - fused": figures(0.1, -0.01, 0.2),
        },
        "shares": {"estimates_uint8 / sources": figures(0.995, 0.985, 1.001)},
    }
    content = {"stores": ["uint8"], "slices": 500, "folds": 3, "training": {"epochs": 30}}
    write(results, "serve/serve.json", {**content, "groups": {"all patients": group}})
    assert VIEWS["serve.settings"](results) == "70 patients, 500 slices, 3 folds, 30 epochs"
    assert VIEWS["serve.dice"](results).splitlines()[-1] == "| plain mean | the same | 0.800 (0.700 to 0.900) |"
    assert VIEWS["serve.differences"](results).splitlines()[2:] == [
        "| fused image, 8 bits − plain mean | −0.010 (−0.020 to −0.001) |",
        "| estimates from 8 bits − fused image, 8 bits | +0.100 (−0.010 to +0.200) |",
        "| estimates from 8 bits, share of sources | 99.5 % (98.5 to 100.1) |",
    ]
    assert VIEWS["serve.verdict"](results) == (
        "The estimates from 8 bits keep 99.5 % (98.5 to 100.1) of the Dice on the sources, which reaches the goal of "
        "99 %, though the interval includes it. The fused image alone is worse than the plain mean: the difference of "
        "Dice is −0.010 (−0.020 to −0.001)."
    )


def test_the_range_over_pictures_takes_all_kinds_orders_and_sources(results):
    def group(first, second, one, other, stored="grey"):
        means = {f"SSIM_{first}": one, f"SSIM_{second}": other}
        return {"kind": "x", "first": first, "second": second, "stored": stored, "mean": means}

    groups = [
        group("CT", "MRI", 0.943, 0.877),
        group("MRI", "PET", 0.941, 0.7),
        group("PET", "MRI", 0.1, 0.2, "colour"),
    ]
    write(results, "out_of_distribution/summary.json", {"groups": groups})
    assert VIEWS["out_of_distribution.range"](results) == "0.70 to 0.94"


def test_speed_is_told_against_the_published_network(results):
    times = {"freia": 0.0579, "freia,slice": 0.0196, "ours,pair": 0.0245}
    peers = {name: {"fuse": value, "decompose": value} for name, value in times.items()}
    peers |= {"freia,train": {"train": 7.9968}, "ours,train": {"train": 3.1479}, "ours,train,bfloat16": {"error": "no"}}
    write(results, "speed/speed.json", {"peers": peers})
    assert VIEWS["speed.ratio"](results) == (
        "2.4 times as fast as the published one as its authors run it, and 0.8 times as fast as that one at its best"
    )
    lines = VIEWS["speed.manual"](results).splitlines()
    assert lines[2] == "| published network in FrEIA, as its authors run it | 57.9 | 57.9 | 7997 |"
    assert lines[-1] == "| ours, training in bfloat16 | – | – | – |"


class TestSetVersion:
    @pytest.fixture
    def copy(self, tmp_path) -> Path:
        for name in VERSIONS:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text((ROOT / name).read_text())
        return tmp_path

    def test_stands_in_all_files_afterwards_and_nothing_else_changes(self, copy):
        assert len(set_version(copy, "9.8.7")) == len(VERSIONS)
        assert json.loads((copy / METADATA).read_text())["version"] == "9.8.7"
        for name in VERSIONS:
            new, old = ((folder / name).read_text().splitlines() for folder in (copy, ROOT))
            assert [line for line, before in zip(new, old, strict=True) if line != before] == [
                line for line in new if "9.8.7" in line
            ]
        assert set_version(copy, "9.8.7") == []

    @pytest.mark.parametrize("version", ["0.5", "v0.5.0", "0.5.0\n", ""])
    def test_what_is_no_version_is_refused(self, copy, version):
        with pytest.raises(BadInputError, match="is not a version"):
            set_version(copy, version)
        assert (copy / METADATA).read_text() == (ROOT / METADATA).read_text()


class TestEarlier:
    def test_both_versions_stand_side_by_side_on_the_same_patients(self, results):
        results.folder = results.folder / "0123456789ab"
        for name, decomposed in (("earlier/validation", 0.98), ("validation/uint8", 0.99)):
            write(results, f"{name}/summary.json", summary(decomposed=decomposed))
            write(results, f"{name.replace('validation', 'held_out')}/summary.json", summary(decomposed=decomposed))
        lines = VIEWS["earlier.compared"](results).splitlines()
        assert lines[0].startswith("| SSIM, from 8 bits | validation, version 0.4.0 | validation, these weights |")
        assert lines[6] == (
            "| decomposed, inside the brain | 0.875 / 0.880 | 0.885 / 0.890 | 0.875 / 0.880 | 0.885 / 0.890 |"
        )

    def test_the_weights_of_that_version_are_not_compared_with_themselves(self, results):
        results.folder = results.folder / "6583c010f98b"
        assert VIEWS["earlier.compared"](results) == "These are the weights of version 0.4.0."
