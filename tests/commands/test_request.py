"""Words of the command line become options of the configs; anything else is refused with the nearest word."""

from __future__ import annotations

import json

import pytest

from scripts.commands.request import read_request
from scripts.data.errors import BadInputError


def options(line: str) -> dict:
    name, *words = line.split()
    return dict(read_request(name, words).options)


def refusal(line: str) -> str:
    with pytest.raises(BadInputError) as raised:
        options(line)
    return str(raised.value)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("fuse DIR OUT", {"dataset_dir": "DIR", "output_dir": "OUT"}),
        ("fuse DIR --seed 3 OUT", {"seed": 3, "dataset_dir": "DIR", "output_dir": "OUT"}),
        ("fuse --report DIR OUT", {"report": True, "dataset_dir": "DIR", "output_dir": "OUT"}),
        ("fuse --report false DIR OUT", {"report": False, "dataset_dir": "DIR", "output_dir": "OUT"}),
        ("fuse --dataset-dir DIR OUT", {"dataset_dir": "DIR", "output_dir": "OUT"}),
        ("fuse --dataset_dir=DIR --output_dir=OUT", {"dataset_dir": "DIR", "output_dir": "OUT"}),
        ("fuse 2024 1_0", {"dataset_dir": "2024", "output_dir": "1_0"}),
        ("decompose OUT", {"dataset_dir": "OUT"}),
        ("decompose-pictures OUT", {"dataset_dir": "OUT"}),
        ("pictures PET MRI OUT", {"sources": ["PET", "MRI"], "output_dir": "OUT"}),
        ("pictures OUT --sources PET,MRI", {"sources": ["PET", "MRI"], "output_dir": "OUT"}),
        ("score F CT MR OUT", {"fused": "F", "sources": ["CT", "MR"], "output_dir": "OUT"}),
        ("score F OUT --sources A,B,C", {"fused": "F", "sources": ["A", "B", "C"], "output_dir": "OUT"}),
        ("pacs https://a/b OUT --accession 007", {"accession": "007", "pacs_url": "https://a/b", "output_dir": "OUT"}),
        ("study D O --t1gd 801#1", {"t1gd": "801#1", "dataset_dir": "D", "output_dir": "O"}),
        ("fuse D O --sources ['t1','t2']", {"sources": ["t1", "t2"], "dataset_dir": "D", "output_dir": "O"}),
        ("fuse D O --sources t1,t2", {"sources": ["t1", "t2"], "dataset_dir": "D", "output_dir": "O"}),
        ("train D --image_size 96,96", {"image_size": [96, 96], "dataset_dir": "D"}),
        ("train D --learning_rate 3e-4", {"learning_rate": 3e-4, "dataset_dir": "D"}),
        ("train D --network_def#blocks 4", {"network_def#blocks": 4, "dataset_dir": "D"}),
        ("datalist D t1gd=*CT1* --overwrite", {"overwrite": True, "dataset_dir": "D", "pattern": "t1gd=*CT1*"}),
        ("fuse D O --fused_dtype UINT8", {"fused_dtype": "uint8", "dataset_dir": "D", "output_dir": "O"}),
        ("fuse D O --output_dir", "--output_dir has no value"),
        ("fuse D O --sed 3", "--sed is not an option of fusioninn fuse. Did you mean --seed?"),
        ("fuse D O --pacs_url x", "--pacs_url is not an option of fusioninn fuse. It is an option of fusioninn pacs"),
        ("fuse D O --qiet", "Did you mean --quiet?"),
        ("fuse D O --fused uint8", "It is an option of fusioninn score. Did you mean --fused_dtype?"),
        ("fuse D O --recipe shipped", "--recipe is not an option of fusioninn fuse."),
        ("fuse D O --network_df#blocks 4", "--network_df#blocks is not an option"),
        ("fuse D O --evaluator x", "--evaluator is not an option of fusioninn fuse. It has no effect"),
        ("fuse D O --seed 1 --seed 2", "--seed is given twice. Give it once."),
        ("fuse D O --seed one", "--seed is 'one', expected a number."),
        ("fuse D O --seed 1_0", "--seed is '1_0', expected a number."),
        ("train D --learning_rate nan", "--learning_rate is 'nan', expected a number."),
        ("fuse D O --report perhaps", "--report is 'perhaps', expected true or false."),
        ("fuse D O --latent zero", "--latent is 'zero', expected one of normal, zeros, ones, uniform."),
        ("fuse D O --sources ['t1", "which is not a complete list"),
        ("fuse D O --sources t1,,t2", "--sources has an empty entry"),
        ("fuse", "DIR is missing: the command is fusioninn fuse DIR OUT. To try it with the digital phantom"),
        ("fuse DIR", "OUT is missing: the command is fusioninn fuse DIR OUT."),
        ("fuse DIR OUT MORE", "'MORE' cannot be used: the command is fusioninn fuse DIR OUT."),
        ("fus DIR OUT", "'fus' is not a task of fusioninn. Did you mean fuse?"),
        ("train D --recipe shiped", "Did you mean shipped?"),
        ("fuse D O --config nowhere.json", "--config nowhere.json: there is no such file"),
        ("fuse D O -q -v", "--quiet and --verbose contradict each other."),
    ],
)  # fmt: skip
def test_a_line_is_read_or_refused(line, expected):
    if isinstance(expected, dict):
        assert options(line) == expected
    else:
        assert expected in refusal(line)


def names(line: str) -> list[str]:
    name, *words = line.split()
    return [file.stem for file in read_request(name, words).files]


def test_a_recipe_chooses_the_configs():
    assert names("train D") == ["train"]
    assert names("train D --recipe shipped") == [
        "train",
        "crops",
        "augmentation",
        "recipe",
        "shipped",
        "second_stage",
    ]
    assert names("train D --recipe=few-patients") == ["train", "crops", "augmentation", "recipe"]
    assert read_request("train", ["D"]).section == "training"


def test_a_format_chooses_the_section():
    assert read_request("export", ["OUT"]).section == "run"
    assert read_request("export", ["OUT", "--format", "onnx"]).section == "onnx"


def test_further_configs_are_laid_on_top_and_their_options_are_known(tmp_path):
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"seed": 5, "inferer#seed": "@own_seed", "own_seed": 1}))
    request = read_request("fuse", ["D", "O", "--config", "distributed", "--config", str(own), "--own_seed", "7"])
    assert [file.stem for file in request.files] == ["inference", "distributed", "own"]
    assert request.options["own_seed"] == 7
    assert request.known["seed"].default == 5
    assert names("evaluate D T --config methods/mean") == ["evaluate", "mean"]


def test_a_value_may_be_a_list_or_a_word():
    assert options("score F A B O --value_range [0,255]")["value_range"] == [0, 255]
    assert options("score F A B O --value_range minmax")["value_range"] == "minmax"


def test_a_switch_runs_other_configs_and_takes_their_options_only():
    request = read_request("watch", ["STATE", "--status", "--json"])
    assert ([file.stem for file in request.files], request.section) == (["watch_status"], "run")
    assert request.options == {"state_dir": "STATE", "json": True}
    assert read_request("watch", ["STATE", "--again"]).section == "again"
    assert options("watch URL STATE")["pacs_url"] == "URL"
    assert refusal("watch --status") == "STATE is missing: the command is fusioninn watch STATE --status."
    assert "--json is not an option of fusioninn watch." in refusal("watch URL STATE --json")
    assert refusal("watch STATE --status --again") == "--status and --again exclude each other. Give one."
