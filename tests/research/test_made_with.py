"""What a cell was made with is kept, and compared."""

from __future__ import annotations

import pytest

from fusioninn_research.made_with import MadeWith, differences, layered, settings_of
from scripts.data.errors import BadInputError

SMALL = ["train.json", "methods/fusioninn.json", "crops.json", "research/small.json"]


def test_the_layers_of_the_small_setting_are_read_with_overrides_on_top():
    settings = settings_of(layered(SMALL, {"alpha": 0.2, "seed": 3}))
    assert (settings["epochs"], settings["image_size"], settings["batch_size"]) == (4, [96, 96], 8)
    assert (settings["alpha"], settings["seed"], settings["blocks"]) == (0.2, 3, None)
    assert settings["network_def#_target_"] == "scripts.networks.FusionINN"
    assert settings["lr_scheduler#_target_"] == "scripts.training.one_cycle.OneCycleLR"


def test_places_are_no_settings():
    settings = settings_of(layered(SMALL, {"dataset_dir": "elsewhere", "cache_dir": "cache", "device": "cpu"}))
    assert not {"dataset_dir", "cache_dir", "output_dir", "device", "imports", "training"} & settings.keys()


def test_an_override_inside_a_section_is_a_setting():
    one, other = (settings_of(layered(SMALL, {"network_def#hidden_channels": channels})) for channels in (8, 32))
    assert differences(one, other) == ["network_def#hidden_channels was 8, now 32"]


def test_an_option_that_came_later_is_no_difference():
    assert differences({"alpha": 0.5}, {"alpha": 0.5, "new": 1}) == []


def test_a_class_that_moved_is_no_difference_and_another_class_is_one():
    before = {"network_def#_target_": "scripts.networks.published.PublishedFusionINN"}
    assert differences(before, {"network_def#_target_": "scripts.networks.PublishedFusionINN"}) == []
    assert len(differences(before, {"network_def#_target_": "scripts.networks.FusionINN"})) == 1


class TestMadeWith:
    def test_the_same_settings_go_on(self, tmp_path):
        record = MadeWith(tmp_path, "unet, seed 0")
        assert record.stage("training") is None
        record.check("training", {"alpha": 0.5})
        record.note("training", {"alpha": 0.5, "size": (96, 96)}, finished=False)
        record.check("training", {"alpha": 0.5, "size": (96, 96)})
        assert record.stage("training")["finished"] is False

    def test_other_settings_are_refused_by_name(self, tmp_path):
        record = MadeWith(tmp_path, "unet, seed 0")
        record.note("training", {"alpha": 0.5, "epochs": 4}, finished=True)
        with pytest.raises(BadInputError, match="The training of unet, seed 0 was made .*: epochs was 4, now 400"):
            record.check("training", {"alpha": 0.5, "epochs": 400})

    def test_stages_are_kept_beside_each_other(self, tmp_path):
        record = MadeWith(tmp_path, "unet, seed 0")
        record.note("training", {"alpha": 0.5}, finished=True)
        record.note("evaluation", {"slice_step": 4}, finished=False)
        assert record.stage("training")["finished"] and not record.stage("evaluation")["finished"]

    def test_a_damaged_record_is_told(self, tmp_path):
        (tmp_path / "made_with.json").write_text('{"training"')
        with pytest.raises(BadInputError, match="made_with.json cannot be read as JSON.*Remove the folder"):
            MadeWith(tmp_path, "unet").stage("training")
