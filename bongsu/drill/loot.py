"""What whoever takes a hub finds on its disk: counted, so that a drill's report can say it. Reads only."""

from typing import Any

from bongsu.log.record import BodyState, Record
from bongsu.node import Node
from bongsu.room.relief import ENCRYPTION

RECORDS_AT_ONCE = 500
_ROOMS = "SELECT count(*) FROM rooms"
_ENCRYPTED = "SELECT count(*) FROM current_state WHERE type=? AND state_key=''"


def loot(node: Node) -> dict[str, int]:
    """Counts of what can be read at a node, and of what lies there and cannot."""
    mine = node.certificate_of(node.log.key.node)
    residents = [] if mine is None else node.context.residencies.residents(mine)
    withheld = sum(record.state == BodyState.WITHHELD for record in _records(node))
    encrypted = _count(node, _ENCRYPTED, ENCRYPTION)
    return {
        "residents": len(residents),
        "rooms_in_clear": _count(node, _ROOMS) - encrypted,
        "messages_in_clear": _messages(node, "m.room.message"),
        "rooms_encrypted": encrypted,
        "messages_as_ciphertext": _messages(node, "m.room.encrypted"),
        "password_hashes": _count(node, "SELECT count(*) FROM users WHERE password IS NOT NULL"),
        "token_hashes": _count(node, "SELECT count(*) FROM tokens"),
        "headers_of_others": withheld,
    }


def can_read(node: Node, words: bytes) -> bool:
    """Whether these bytes stand in any body that lies here."""
    return any(words in (record.body or b"") for record in _records(node))


def _records(node: Node) -> list[Record]:
    found: list[Record] = []
    while page := node.log.after(found[-1].position if found else 0, RECORDS_AT_ONCE):
        found += page
    return found


def _messages(node: Node, kind: str) -> int:
    return _count(node, "SELECT count(*) FROM events WHERE type=? AND verdict=0", kind)


def _count(node: Node, sql: str, *parameters: Any) -> int:
    return int(node.context.db.value(sql, parameters))
