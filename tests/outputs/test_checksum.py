from __future__ import annotations

from scripts.outputs.checksum import sha256_of


def test_checksum_is_the_published_one_for_abc(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    published = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(tmp_path / "abc") == published


def test_file_longer_than_one_block_is_read_to_its_end(tmp_path):
    (tmp_path / "long").write_bytes(b"\0" * (2**20 + 1))
    (tmp_path / "other").write_bytes(b"\0" * 2**20 + b"\1")
    assert sha256_of(tmp_path / "long") != sha256_of(tmp_path / "other")
