from __future__ import annotations

from scripts.watch.fingerprint import fingerprint, result_key


def test_the_order_of_images_does_not_count_and_each_image_does():
    assert fingerprint(["1.2", "1.1"]) == fingerprint(["1.1", "1.2", "1.1"])
    assert fingerprint(["1.1"]) != fingerprint(["1.1", "1.2"])
    assert fingerprint(["1.1", "1.2"]) != fingerprint(["1.11.2"])


def test_a_result_is_known_by_its_images_and_settings():
    assert result_key("a", {"seed": "0", "mode": "slice"}) == result_key("a", {"mode": "slice", "seed": "0"})
    assert result_key("a", {"seed": "0"}) != result_key("a", {"seed": "1"})
    assert result_key("a", {"seed": "0"}) != result_key("b", {"seed": "0"})
