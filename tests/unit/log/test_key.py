"""The node's key: made once, kept for its owner, and its signatures."""

import stat
from pathlib import Path

import pytest

from bongsu.errors import FatalError
from bongsu.log.key import NodeKey, verify
from bongsu.log.record import node_id


def test_a_key_is_made_once_and_loaded_afterwards(tmp_path: Path) -> None:
    made = NodeKey.open(tmp_path / "node.key")
    assert stat.S_IMODE((tmp_path / "node.key").stat().st_mode) == 0o600
    assert NodeKey.open(tmp_path / "node.key").public == made.public
    assert made.node == node_id(made.public)
    assert [path.name for path in tmp_path.iterdir()] == ["node.key"]


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    NodeKey.make(tmp_path / "node.key")
    with pytest.raises(FileExistsError):
        NodeKey.make(tmp_path / "node.key")


def test_a_signature_covers_the_list_in_its_order() -> None:
    key, other = NodeKey.generate(), NodeKey.generate()
    one, two = b"1" * 32, b"2" * 32
    signature = key.sign([one, two])
    assert verify(key.public, [one, two], signature)
    assert not verify(key.public, [two, one], signature)
    assert not verify(key.public, [one], signature)
    assert not verify(other.public, [one, two], signature)
    assert not verify(key.public, [one, two], signature[:-1])
    assert not verify(b"short", [one, two], signature)


def test_a_key_others_can_read_or_that_is_damaged_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "node.key"
    NodeKey.make(path)
    path.chmod(0o644)
    with pytest.raises(FatalError, match="chmod 600"):
        NodeKey.open(path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(FatalError, match="damaged"):
        NodeKey.open(path)
    with pytest.raises(FatalError, match="cannot be read"):
        NodeKey.load(tmp_path / "absent")
