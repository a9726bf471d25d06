"""What shapes an output counts without being listed."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from monai.transforms import Compose, ScaleIntensityd

from scripts.cohort.settings import changed_settings, settings_of


class Part:
    def __init__(self, **attributes: object) -> None:
        vars(self).update(attributes)


def places(one: object, other: object) -> list[str]:
    return changed_settings(settings_of(one), settings_of(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 2), (1, 1.0), (True, 1), (None, "None"), ("a", "b"), ([1], [1, 2]), ({"x": 1}, {"x": 2}), (Part, Compose)],
)
def test_any_public_attribute_counts(one, other):
    assert places(Part(given=one), Part(given=one)) == []
    assert places(Part(given=one), Part(given=other)) != []


def test_a_change_is_named_however_deep_it_lies():
    def chain(upper: float) -> dict:
        return {"read": Compose([ScaleIntensityd("image", minv=0.0, maxv=upper)])}

    assert places(chain(1.0), chain(1.0)) == []
    assert places(chain(1.0), chain(2.0)) == ["read.transforms.ScaleIntensityd.scaler.maxv"]


def test_one_more_part_in_a_list_does_not_rename_the_others():
    class Other(Part):
        pass

    assert places({"results": [Part(a=1)]}, {"results": [Other(), Part(a=1)]}) == ["results.order", "results.Other"]
    assert places({"results": [Part(), Other()]}, {"results": [Other(), Part()]}) == ["results.order"]


def test_a_file_counts_by_its_content_not_its_name(tmp_path):
    for name, content in (("a", "1"), ("b", "1"), ("c", "2")):
        (tmp_path / name).write_text(content)
    assert places(Part(file=str(tmp_path / "a")), Part(file=tmp_path / "b")) == []
    assert places(Part(file=str(tmp_path / "a")), Part(file=str(tmp_path / "c"))) == ["file"]


def test_weights_arrays_and_settings_of_layers_count():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3, padding=1))
    before = settings_of(network)
    assert changed_settings(before, settings_of(network.eval())) == []
    with torch.no_grad():
        network[0].bias.add_(1)
    assert changed_settings(before, settings_of(network)) == ["0.bias"]
    assert places(torch.nn.ReflectionPad2d(1), torch.nn.ReflectionPad2d(2)) != []
    assert places(Part(a=np.zeros(3)), Part(a=np.ones(3))) == ["a"]


def test_state_speed_and_place_do_not_count():
    logger = logging.getLogger("a")
    assert places(Part(_seen=1, slices_at_once=2, output_dir="a", log=logger), Part()) == []


def test_a_part_may_state_its_settings_itself():
    class Sender(Part):
        def settings(self) -> dict:
            return {"write": self.write}

    assert places(Sender(write=1, password="a"), Sender(write=1, password="b")) == []
    assert places(Sender(write=1), Sender(write=2)) == ["write"]


def test_parts_that_hold_each_other_come_to_an_end():
    one, other = Part(), Part()
    one.other, other.one = other, one
    assert settings_of(one)
