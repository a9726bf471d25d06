from __future__ import annotations

from scripts.report.markup import description, label, plain, table, value


def test_texts_cannot_become_elements():
    assert "<script>" not in table(["<script>"], [["<script>", "<script>"]])
    assert "<b>" not in description({"<b>": {"<b>": ["<b>"]}})


def test_keys_read_as_words():
    assert label("rotation_degrees") == "Rotation degrees"
    assert label("RotationDegrees") == "Rotation degrees"
    assert label("t1gd") == "T1-Gd"
    assert label("fused_ssim") == "Fused SSIM"


def test_values_of_any_kind_are_written():
    assert value([1.23456, 2]) == "1.235, 2"
    assert value([]) == value({}) == "none"
    assert value("ab" * 32) == f"<code>{'ab' * 32}</code>"
    assert value(["one", "two"]) == "<ul><li>one</li><li>two</li></ul>"
    assert [plain(entry) for entry in (None, True, False, 0.123456, 7)] == ["unknown", "yes", "no", "0.1235", "7"]


def test_a_table_has_headings_for_columns_and_rows():
    assert '<th scope="col">a</th>' in table(["a", "b"], [["c", "1"]])
    assert '<th scope="row">c</th><td>1</td>' in table(["a", "b"], [["c", "1"]])
