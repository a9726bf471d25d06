from __future__ import annotations

import pytest

from fusioninn_research.release.plan import Step, read_plan
from scripts.data.errors import BadInputError


class TestReadPlan:
    def test_keeps_the_order_of_the_steps(self, root):
        plan = read_plan(root / "release.json", root)
        assert [step.name for step in plan.steps] == ["network", "fit", "draw"]
        assert plan.pictures == ["docs/drawn.png"]

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({"steps": [{"name": "a", "does": "b", "commands": ["x"], "needs": ["c"]}]}, "a needs c, which does not"),
            ({"steps": [{"name": "a", "does": "b", "commands": ["x"]}] * 2}, "two steps a"),
            ({"steps": [{"name": "a", "does": "b", "commands": ["x {LG}"]}]}, r"a names \{LG\}, known are OPEN, LGG"),
            ({"steps": [{"name": "a", "does": "b"}]}, "commands"),
            ({"steps": []}, "steps"),
            ({"training": ["OTHER"]}, "OTHER is not in its data"),
            ({"unknown": 1}, "no other keys than weights, data, training"),
        ],
    )
    def test_what_cannot_be_run_is_refused_with_its_place(self, root, write_plan, changes, problem):
        with pytest.raises(BadInputError, match=problem):
            read_plan(write_plan(root, **changes), root)


class TestStep:
    def test_files_of_the_repository_in_its_commands_are_inputs(self):
        configs = "['bundle/configs/a.json','research/configs/b.json']"
        command = f'python -m monai.bundle run --config_file "{configs}" --x {{out}}/c.json'
        step = Step("a", "b", [command, "python benchmarks/d.py"], reads=["tools/e.sh"], makes=["bundle/models/f.json"])
        assert step.files == ["benchmarks/d.py", "bundle/configs/a.json", "research/configs/b.json", "tools/e.sh"]

    def test_places_are_filled_word_by_word(self):
        step = Step("a", "b", ["python x.py '{LGG}' {BRATS21} --list \"['{out}','y']\""])
        words = step.words({"LGG": "/shelf/with space/lgg", "BRATS21": "b", "out": "o"})
        assert words == [["python", "x.py", "/shelf/with space/lgg", "b", "--list", "['o','y']"]]
        assert step.places == {"LGG", "BRATS21", "out"}
