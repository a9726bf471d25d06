"""Options that the layered configs do not know, do not use or cannot follow are refused before anything is read."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from pydoc import locate

import fire
import monai.bundle
import pytest
import torch
from monai.bundle import ConfigParser

from scripts.command_line.begin import check
from scripts.command_line.call import Call
from scripts.command_line.offered import command
from scripts.command_line.plain_errors import plain_cause
from scripts.command_line.values import CHOICES
from scripts.data.errors import BadInputError
from scripts.runtimes.torchscript import TorchScriptRuntime
from warm_python import run_python

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "bundle" / "configs"
INFERENCE = str(CONFIGS / "inference.json")
DATA = {"dataset_dir": "DIR"}


def test_a_mistyped_option_ends_the_command_before_the_phantom_is_fused(tmp_path):
    words = ["--config_file", INFERENCE, "--datset_dir", "/my/data", "--output_dir", str(tmp_path / "out")]
    done = run_python(*("-m", "monai.bundle", "run"), *words, cwd=tmp_path)
    assert done.returncode == 1
    told = done.stderr.splitlines()[-1]
    assert told == "Error: --datset_dir is not an option of inference.json. Did you mean --dataset_dir?"
    assert "Traceback" not in done.stderr
    assert "/my/data" not in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("configs", "section", "given", "nearest"),
    [
        ("inference", "run", "fused_dtyp", "fused_dtype"),
        ("inference study", "run", "skull_striping", "skull_stripping"),
        ("inference study pacs", "run", "acession", "accession"),
        ("inference unregistered", "run", "regster", "register"),
        ("inference distributed", "run", "resum", "resume"),
        ("inference export", "torchscript", "static_shapes", "static_shape"),
        ("decompose", "run", "datasetdir", "dataset_dir"),
        ("decompose decompose_series", "run", "sidecars", "sidecar"),
        ("evaluate", "run", "slice_steps", "slice_step"),
        ("report", "run", "source_dir", "sources_dir"),
        ("cohort_report", "run", "judge", "judged"),
        ("score", "run", "fusd", "fused"),
        ("fuse_pictures", "run", "colour_form", "colour_from"),
        ("decompose_pictures", "run", "ckpt", "ckpt_path"),
        ("train", "training", "epoch", "epochs"),
        ("train crops augmentation", "training", "foreign_shares", "foreign_share"),
        ("train multi_gpu_train", "training", "batchsize", "batch_size"),
        ("train crops uncertainty", "training", "headpath", "head_path"),
        ("research/convert_published research/methods/published", "run", "freia_pth", "freia_path"),
        ("evaluate research/reliability", "run", "draw", "draws"),
        ("evaluate research/scorecard", "run", "pair_dir", "pairs_dir"),
        ("evaluate research/flicker", "run", "ckpt_path_3", "ckpt_path_3d"),
        ("research/reproduce research/table1", "run", "seedss", "seeds"),
        ("research/reproduce research/ablations", "run", "bit", "bits"),
        ("research/reproduce research/figure3", "run", "unfinised", "unfinished"),
        ("research/reproduce research/table1 research/figure4", "run", "patients", "patient"),
        ("inference research/figure6", "run", "output", "output_dir"),
        ("inference typicality", "run", "slice", "slices"),
        ("inference typicality research/typicality", "run", "fited_dir", "fitted_dir"),
        ("fuse_pictures research/out_of_distribution", "run", "kind", "kinds"),
        ("inference", "run", "config_files", "config_file"),
    ],
)
def test_every_command_names_the_nearest_option(refusal, configs, section, given, nearest):
    told = refusal(configs, {given: "x"}, section)
    assert told is not None
    assert told.startswith(f"--{given} is not an option of")
    assert told.endswith(f"Did you mean --{nearest}?")


def test_an_option_of_another_config_is_told_with_its_config(refusal):
    told = refusal("inference", {"t1gd": 9, **DATA})
    assert told == (
        "--t1gd is not an option of inference.json. It is an option of study.json, which --config_file does not name."
    )


def test_an_option_of_another_config_of_the_research_is_told_with_its_folder(refusal):
    told = refusal("research/reproduce research/table1", {"compared_with": "FILE"})
    assert told == (
        "--compared_with is not an option of reproduce.json + table1.json. It is an option of "
        "research/configs/scorecard.json, which --config_file does not name."
    )


def test_a_section_is_never_offered_for_an_option(refusal):
    told = refusal("fuse_pictures", {"dataset_dir": "in", "sources": ["PET", "MRI"]})
    assert told.startswith("--dataset_dir is not an option of fuse_pictures.json. It is an option of")
    assert told.endswith("which --config_file does not name.")


@pytest.mark.parametrize(
    ("configs", "section", "options"),
    [
        ("inference study", "run", {"datalist": "list.json"}),
        ("inference study pacs", "run", {"dataset_dir": "STUDIES", "accession": "1"}),
        ("inference", "run", {"prediction": None}),
        ("inference export", "torchscript", {"dataset_dir": "DIR"}),
        ("evaluate research/methods/published", "run", {"latent_weight": 1.0}),
        ("train crops", "training", {"lr_patience": 3}),
        ("train research/fusion_only research/methods/unet", "training", {"alpha": 0.5}),
        ("inference four_contrasts", "run", {"repeats": 3}),
        ("research/reproduce research/table1 research/figure4", "run", {"only": "UNet"}),
    ],
)
def test_an_option_without_effect_is_refused(refusal, configs, section, options):
    told = refusal(configs, {**options, next(iter(options)): "x"}, section)
    assert told is not None
    assert "has no effect in" in told
    assert "this command does not use it" in told


@pytest.mark.parametrize(
    ("configs", "section", "option", "value"),
    [
        ("inference", "run", "network_def#blocks", 4),
        ("inference", "run", "network_def::blocks", 4),
        ("inference", "run", "network_def#mixing", False),
        ("inference", "run", "evaluator#amp", True),
        ("inference", "run", "dataloader#num_workers", 2),
        ("inference", "run", "preprocessing#0#with_seg", True),
        ("inference", "run", "results#1#_disabled_", True),
        ("inference", "run", "network_def", {"_target_": "scripts.networks.FusionINN"}),
        ("inference", "inference", "resume", "true"),
        ("inference", "run", "seed", "$1 + 1"),
        ("train", "training", "train#trainer#max_epochs", 3),
        ("train", "training", "lr_handler#print_lr", True),
        ("train", "training", "optimizer#weight_decay", 0.1),
        ("train crops", "training", "lr_scheduler#pct_start", 0.2),
        ("inference export research/parity", "run", "dataset_dir", "DIR"),
        ("score", "run", "bundle_root", "bundle"),
    ],
)
def test_ids_that_are_used_can_be_overridden(refusal, configs, section, option, value):
    assert refusal(configs, {option: value}, section) is None


@pytest.mark.parametrize(
    ("option", "nearest"),
    [
        ("network_def#block", "network_def#blocks"),
        ("network_def::mixin", "network_def::mixing"),
        ("evaluator#ampp", "evaluator#amp"),
        ("query#acession", "query#accession"),
    ],
)
def test_a_mistyped_nested_id_names_the_nearest(refusal, option, nearest):
    told = refusal("inference study pacs", {option: 1, "pacs_url": "https://pacs.example/dicom-web"})
    assert told == (
        f"--{option} is not an option of inference.json + study.json + pacs.json. Did you mean --{nearest}?"
    )


def test_options_of_monai_stay_possible(refusal):
    own = {"meta_file": "m.json", "logging_file": False, "init_id": None, "final_id": "run", "workflow_type": "infer"}
    assert refusal("inference", DATA, **own) is None
    assert refusal("train", {"experiment_name": "x", "tracking_uri": "y"}, "training", tracking="mlflow") is None
    assert "experiment_name is not an option" in refusal("train", {"experiment_name": "x"}, "training")


def test_a_mistyped_key_of_the_user_s_own_config_is_refused(tmp_path):
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"fused_dtyp": "uint8", "learning_rate": 1, "helper": 1, "mine": ["$print()"]}))
    with pytest.raises(BadInputError) as refused:
        check(Call((INFERENCE, str(own)), DATA))
    assert str(refused.value) == f"{own} sets 'fused_dtyp', which is not used. Did you mean 'fused_dtype'?"
    own.write_text(json.dumps({"my_seed": 3, "seed": "@my_seed", "+imports": [], "network_def#blocks": 4}))
    check(Call((INFERENCE, str(own)), {**DATA, "my_seed": 4}))


def test_merging_on_the_command_line_is_refused_as_monai_would_replace(refusal):
    told = refusal("inference", {"+handlers": ["x"], **DATA})
    assert "would replace the whole section" in told


def test_options_of_a_file_and_of_python_are_checked_as_typed_ones_are(monkeypatch, process_as_it_was, tmp_path):
    monkeypatch.setenv("FUSIONINN_TRACEBACK", "1")
    (tmp_path / "arguments.json").write_text(json.dumps({"config_file": INFERENCE, "overveiw": False}))
    calls = [
        (monai.bundle.run, {"args_file": str(tmp_path / "arguments.json"), "dataset_dir": "DIR"}),
        (monai.bundle.run, {"config_file": INFERENCE, "dataset_dir": "DIR", "overveiw": False}),
        (monai.bundle.run_workflow, {"config_file": INFERENCE, "dataset_dir": "DIR", "overveiw": False}),
    ]
    for function, options in calls:
        with pytest.raises(Exception, match="begin") as raised:
            function(logging_file=False, **options)
        told = str(plain_cause(raised.value))
        assert told == "--overveiw is not an option of inference.json. Did you mean --overview?"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--datset-dir=/my/data"], "--datset_dir is not an option of inference.json. Did you mean --dataset_dir?"),
        (["--nolossles"], "--lossles is not an option of inference.json. Did you mean --lossless?"),
        (["--normalisation", "--report"], "Did you mean --normalisation?"),
        (["--seed", "1", "--seed=2"], "--seed is given twice. Give it once."),
        (["--output_dir", "OUT#2"], "--output_dir OUT#2 was read as OUT, because # begins a comment there."),
        (["--output_dir"], "--output_dir has no value. Give a path: --output_dir PATH."),
        (["--output_dir", "1e3"], "--output_dir was read as the number 1000.0."),
        (["inference", "MRI"], "there is no section 'MRI' to run."),
        (["--network_def#bloks", "4"], "Did you mean --network_def#blocks?"),
    ],
)
def test_what_the_shell_makes_of_an_option_is_checked(typed, words, told):
    assert told in typed("--config_file", INFERENCE, "--dataset_dir", "DIR", *words)


def test_a_text_that_would_become_a_number_is_refused(typed):
    files = str([INFERENCE, str(CONFIGS / "study.json"), str(CONFIGS / "pacs.json")])
    assert "--accession 1_0 was read as 10, a number." in typed("--config_file", files, "--accession", "1_0")


@pytest.mark.parametrize(
    ("configs", "options", "told"),
    [
        ("inference", {"fused_dtype": "uint9"}, "--fused_dtype is 'uint9', expected one of uint8, uint16, float32."),
        ("inference", {"lossless": "maybe"}, "--lossless is 'maybe', expected true or false."),
        ("inference", {"sources": "t1gd"}, "--sources is 't1gd', expected a list, for instance --sources \"['t1gd','"),
        ("inference", {"latent": "zero"}, "expected one of normal, zeros, ones, uniform."),
        ("inference", {"runtime": "tensorflow"}, "expected one of torch, torchscript, onnx, openvino, pt2."),
        ("inference", {"normalisation": "auto"}, "expected one of slice, volume."),
        ("inference", {"slices_at_once": "two"}, "--slices_at_once is 'two', expected auto or a number."),
        ("inference", {"seed": True}, "--seed is 'True', expected a number."),
        ("inference study", {"skull_stripping": "maybe"}, "expected auto, true or false."),
        ("inference study", {"compression": "jpeg"}, "expected one of none, "),
        ("inference study", {"register": "yes"}, "expected one of auto, always, never."),
        ("inference study", {"patient_names": "name"}, "expected one of pseudonym, id."),
        ("evaluate", {"metrics_variant": "half"}, "expected one of full, centre, both."),
        ("cohort_report", {"judged": "sources"}, "expected one of decomposed, fused."),
        (
            "inference",
            {"fused_dtype": "uint8", "lossless": "true"},
            "--fused_dtype has no effect with --lossless true.",
        ),
        ("inference", {"uncertainty_path": "u.pt"}, "--uncertainty_path has no effect with --uncertainty false."),
        ("inference", {"typicality_file": "t", "typicality": False}, "has no effect with --typicality false."),
    ],
)
def test_impossible_values_are_refused_before_patients_are_read(refusal, configs, options, told):
    assert told in refusal(configs, {**options, **DATA})


@pytest.mark.parametrize(
    ("configs", "options"),
    [
        ("score", {"normalisation": "none", "fused": "F", "sources": ["A", "B"]}),
        ("inference", {"lossless": True, "overview": "no", "slices_at_once": 4, "sources": ["t1", "t2"]}),
        ("inference", {"uncertainty": "true", "uncertainty_path": "u.pt"}),
        ("inference study", {"skull_stripping": "AUTO", "t1gd": 9, "bias_correction": "yes"}),
        ("evaluate", {"fused_dtype": "float32", "min_brain_fraction": 0}),
    ],
)
def test_possible_values_are_not(refusal, configs, options):
    assert refusal(configs, {**options, **({} if configs == "score" else DATA)}) is None


@pytest.mark.parametrize("place", [place for places in CHOICES.values() for place in places])
def test_choices_are_declared_where_the_table_says(place):
    assert all(isinstance(choice, str) for choice in locate(place))


def test_a_password_in_a_url_is_refused_and_not_shown(refusal):
    for url in ("https://doctor:secret@host/dicom", "dicom://doctor:secret@host:104"):
        told = refusal("inference study pacs", {"pacs_url": url, "accession": "1"})
        assert told.startswith("--pacs_url contains a user or a password")
        assert "secret" not in told
    assert refusal("inference study pacs", {"pacs_url": "dicom://TITLE@host:104", "accession": "1"}) is None
    told = refusal("inference study pacs", {"pacs_password": "secret", "accession": "1"})
    assert "--pacs_password is not an option" in told
    assert "secret" not in told


def test_a_password_is_not_in_the_log_of_monai(tmp_path):
    # In a process of its own: the log's config closes the handlers of everybody else.
    files = str([INFERENCE, str(CONFIGS / "study.json"), str(CONFIGS / "pacs.json")])
    words = ["--config_file", files, "--logging_file", str(CONFIGS / "logging.conf")]
    url = ["--pacs_url", "https://a:geheim@host/x"]
    run = run_python("-m", "monai.bundle", "run", *words, *url, cwd=tmp_path)
    assert run.returncode != 0
    assert "pacs_url" in run.stdout + run.stderr
    assert "geheim" not in run.stdout + run.stderr


class TestDefaultData:
    """The bundle's own data never stands in for the user's."""

    @pytest.mark.parametrize(
        ("configs", "section", "options"),
        [
            ("inference", "run", {"datalist": "list.json"}),
            ("inference", "run", {"sources": ["t1", "t2"]}),
            ("inference study", "run", {"t1gd": 9}),
            ("train", "training", {"split_file": "split.json"}),
            ("evaluate", "run", {"split_file": "split.json"}),
            ("decompose decompose_series", "run", {"sidecar": "a.json"}),
            ("report", "run", {"sources_dir": "DIR"}),
        ],
    )
    def test_is_not_used_where_options_are_about_other_data(self, refusal, configs, section, options):
        told = refusal(configs, options, section)
        assert told.startswith(f"--{next(iter(options))} is given without --dataset_dir, so the ")
        assert refusal(configs, {**options, **DATA}, section) is None

    def test_is_named_where_it_is_used(self, refusal, caplog):
        assert refusal("inference", {"output_dir": "OUT"}) is None
        assert [record.message for record in caplog.records] == [
            f"--dataset_dir is not given: using the digital phantom in {ROOT}/bundle/example, which is not a patient."
        ]
        caplog.clear()
        assert refusal("decompose", {}) is None
        assert "using the results in" in caplog.text
        caplog.clear()
        assert refusal("inference", DATA) is None
        assert refusal("inference export", {}, "torchscript") is None
        assert caplog.text == ""


def runnable() -> list:
    """Every section of a config that a user can run."""
    found = []
    for path in [*sorted(CONFIGS.rglob("*.json")), *sorted((ROOT / "research" / "configs").glob("*.json"))]:
        for key, value in json.loads(path.read_text()).items():
            expressions = isinstance(value, list) and value and all(str(one).startswith("$") for one in value)
            if expressions and key not in ("imports", "+imports", "finalize"):
                found.append(pytest.param(path, key, id=f"{path.relative_to(ROOT).as_posix()}-{key}"))
    return found


@pytest.mark.parametrize(("path", "section"), runnable())
def test_every_section_that_is_run_begins_by_checking(path, section):
    content = ConfigParser.load_config_file(str(path))
    assert content[section][0] == "$begin()"
    if "imports" in content:
        assert "$from scripts.command_line.begin import begin" in content["imports"]


def test_the_command_that_a_missing_export_offers_makes_it(process_as_it_was, monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    folder = tmp_path / "with a space"
    with pytest.raises(BadInputError, match="does not exist. Export it:") as missing:
        TorchScriptRuntime(folder, torch.device("cpu"))
    (line,) = [line for line in str(missing.value).splitlines() if "monai.bundle" in line]
    python, *words = shlex.split(line)
    assert (python, words[:3]) == ("python", ["-m", "monai.bundle", "run"])
    fire.Fire({"run": monai.bundle.run}, command=[*words[2:], "--logging_file", "False"])
    assert TorchScriptRuntime(folder, torch.device("cpu")).descriptions


def test_offered_commands_run_where_the_user_is(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    assert command(["inference.json", "export.json"], "--output_dir OUT", "onnx") == (
        "python -m monai.bundle run onnx --config_file "
        "\"['bundle/configs/inference.json','bundle/configs/export.json']\" --output_dir OUT"
    )
    monkeypatch.chdir(ROOT / "bundle")
    assert command(["train.json"], section="training") == (
        "python -m monai.bundle run training --config_file configs/train.json"
    )
    monkeypatch.chdir(tmp_path)
    assert str(CONFIGS) in command(["train.json"])
