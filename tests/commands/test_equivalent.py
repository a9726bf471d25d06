"""The command of MONAI that --verbose shows is the one that runs, and shows no secret."""

from __future__ import annotations

import shlex

import pytest
from fire.parser import DefaultParseValue

from scripts.command_line.begin import check
from scripts.command_line.call import Call
from scripts.commands.equivalent import monai_command
from scripts.commands.request import read_request


@pytest.mark.parametrize(
    "line",
    [
        "fuse DIR OUT --report --sources t1,t2 --seed 3",
        "fuse 801 1e5 --ckpt_path 0x10",
        "study D O --t1gd 9:2 --flair 801#1 --register never",
        "pictures PET MRI 'my folder'",
        "train D --recipe shipped --network_def#blocks 2 --image_size 32,32 --learning_rate 1e-4",
        "export O --format onnx --static_shape 1,2,240,240",
        "evaluate D T --config methods/mean --metrics no",
        "score F A B O --value_range [0,255]",
    ],
)
def test_monai_reads_from_it_what_the_short_command_means(line, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    name, *words = shlex.split(line)
    request = read_request(name, words)
    shown = shlex.split(monai_command(request))
    assert shown[:4] == ["python", "-m", "monai.bundle", "run"]
    typed = shown[4:] if request.section == "run" else shown[5:]
    assert request.section == "run" or shown[4] == request.section
    read = {option[2:]: DefaultParseValue(text) for option, text in zip(typed[::2], typed[1::2], strict=True)}
    files = read.pop("config_file")
    assert ([files] if isinstance(files, str) else files) == [str(file) for file in request.files]
    # true and false stay words, which the commands understand
    meant = {name: str(value).lower() if isinstance(value, bool) else value for name, value in request.options.items()}
    assert read == meant
    check(Call.of({"config_file": files, "run_id": request.section, **read}, typed=typed))


def test_what_identifies_a_patient_and_passwords_are_hidden():
    request = read_request("pacs", ["https://u:secret@pacs/x", "OUT", "--accession", "4711", "--patient_id=Doe"])
    command = monai_command(request)
    assert not any(word in command for word in ("secret", "4711", "Doe"))
    assert command.count("[hidden]") == 3
    assert "dicom://PACS@host:104" in monai_command(read_request("pacs", ["dicom://PACS@host:104", "OUT"]))
