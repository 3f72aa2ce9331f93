"""Typing and presence as nodes tell them to each other: never recorded, never repeated. Pure."""

from dataclasses import dataclass

from bongsu.canonical import json_bytes, read_json
from bongsu.errors import MatrixError

TYPING, PRESENCE = "typing", "presence"


@dataclass(frozen=True, slots=True)
class Typing:
    """Somebody types in a room for so long; `timeout_ms` 0: no more."""

    room_id: str
    user_id: str
    timeout_ms: int

    def encode(self) -> bytes:
        """As a peer is told."""
        return json_bytes({"room": self.room_id, "user": self.user_id, "timeout_ms": self.timeout_ms})

    @classmethod
    def decode(cls, raw: bytes) -> "Typing | None":
        """Read what a peer told; None if it is something else."""
        fields = _object(raw)
        room_id, user_id, timeout_ms = fields.get("room"), fields.get("user"), fields.get("timeout_ms")
        if isinstance(room_id, str) and isinstance(user_id, str) and isinstance(timeout_ms, int):
            return cls(room_id, user_id, timeout_ms)
        return None


@dataclass(frozen=True, slots=True)
class Shown:
    """What a user shows at the site they are connected to, good for so long."""

    user_id: str
    state: str
    status: str | None
    until_ms: int

    def encode(self) -> bytes:
        """As a peer is told."""
        fields = {"user": self.user_id, "state": self.state, "status": self.status, "until_ms": self.until_ms}
        return json_bytes(fields)

    @classmethod
    def decode(cls, raw: bytes) -> "Shown | None":
        """Read what a peer told; None if it is something else."""
        fields = _object(raw)
        user_id, state, status = fields.get("user"), fields.get("state"), fields.get("status")
        until_ms = fields.get("until_ms")
        if not isinstance(user_id, str) or state not in ("online", "unavailable", "offline"):
            return None
        if not isinstance(status, str | None) or not isinstance(until_ms, int):
            return None
        return cls(user_id, str(state), status, until_ms)


def _object(raw: bytes) -> dict[str, object]:
    try:
        fields = read_json(raw)
    except MatrixError:
        return {}
    return fields if isinstance(fields, dict) else {}
