from __future__ import annotations

import pytest

from fusioninn_research.release.blocks import find_blocks, with_blocks, write_blocks
from scripts.data.errors import BadInputError

OLD, NEW = "6583c010f98b", "0123456789ab"
TABLE = f"Words.\n\n<!-- measured: validation.full weights={OLD} -->\n| a |\n|---|\n| 1 |\n<!-- end -->\n\nMore.\n"
SENTENCE = f"It has <!-- measured: network.sizes weights={OLD} -->5 parameters<!-- end -->, that is all.\n"


class TestFindBlocks:
    def test_names_weights_text_and_line_of_each_block(self):
        table, sentence = find_blocks(TABLE + SENTENCE)
        assert (table.name, table.measurement, table.weights) == ("validation.full", "validation", OLD)
        assert table.text == "\n| a |\n|---|\n| 1 |\n"
        assert table.line == 3
        assert (sentence.name, sentence.text, sentence.line) == ("network.sizes", "5 parameters", 10)

    def test_other_comments_are_no_blocks(self):
        assert find_blocks("<!-- measured: record -->\nx\n<!-- end of measured: record -->\n<!-- note -->\n") == []

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            (TABLE.replace("<!-- end -->", ""), "has no <!-- end -->"),
            ("<!-- end -->\n", "ends no measured block"),
            (TABLE.replace("| 1 |", f"<!-- measured: a weights={OLD} -->"), "begins within the block validation.full"),
            (TABLE.replace(OLD, "6583"), "is not understood"),
            (TABLE.replace("validation.full", "Validation"), "is not understood"),
            (SENTENCE.removeprefix("It has "), "Markdown then shows as it is"),
            (f"- <!-- measured: a weights={OLD} -->x<!-- end --> y\n", "Markdown then shows as it is"),
        ],
    )
    def test_a_block_that_would_be_overlooked_is_an_error_with_its_line(self, text, problem):
        with pytest.raises(BadInputError, match=problem):
            find_blocks(text, "page.md")


class TestWriteBlocks:
    def test_text_and_weights_are_replaced_and_words_around_stay(self, tmp_path):
        page = tmp_path / "page.md"
        page.write_text(TABLE + SENTENCE)
        assert write_blocks(page, {"validation.full": "| b |\n|---|", "unknown": "x"}, NEW) == ["validation.full"]
        expected = TABLE.replace(OLD, NEW).replace("| a |\n|---|\n| 1 |", "| b |\n|---|")
        assert page.read_text() == expected + SENTENCE

    def test_a_sentence_stays_on_its_line(self):
        assert with_blocks(SENTENCE, {"network.sizes": "7 parameters\n"}, NEW) == SENTENCE.replace(OLD, NEW).replace(
            "5 p", "7 p"
        )

    def test_a_table_is_not_put_into_a_sentence(self):
        with pytest.raises(BadInputError, match="needs its own lines"):
            with_blocks(SENTENCE, {"network.sizes": "| a |\n|---|"}, NEW)

    def test_the_same_text_again_changes_no_byte(self, tmp_path):
        page = tmp_path / "page.md"
        page.write_text(TABLE)
        before = page.stat().st_mtime_ns
        write_blocks(page, {"validation.full": "| a |\n|---|\n| 1 |"}, OLD)
        assert page.stat().st_mtime_ns == before
