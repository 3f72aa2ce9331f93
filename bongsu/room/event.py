"""One event of a room: its format, its hashes, its identity.

Spec: rooms/v10, v11, v12 § Event format; Server-Server API § Signing Events.
"""

import hashlib
from typing import Any

from bongsu import limits
from bongsu.canonical import canonical_bytes, check_canonical, unpadded_base64, unpadded_urlsafe_base64
from bongsu.errors import bad_json, too_large
from bongsu.ids import EventId, RoomId, UserId, is_event_id, is_room_id, is_user_id
from bongsu.room.redact import redact
from bongsu.room.versions import DEFAULT, VERSIONS, RoomVersion

_UNHASHED = frozenset(("unsigned", "signatures", "hashes"))


class Event:
    """An event. Immutable by convention: nobody writes to `pdu` or `content` after construction."""

    __slots__ = (
        "auth_events",
        "content",
        "depth",
        "event_id",
        "origin_server_ts",
        "pdu",
        "prev_events",
        "redacts",
        "room_id",
        "sender",
        "state_key",
        "type",
    )

    pdu: dict[str, Any]
    event_id: EventId
    room_id: RoomId
    type: str
    sender: UserId
    state_key: str | None
    content: dict[str, Any]
    prev_events: tuple[EventId, ...]
    auth_events: tuple[EventId, ...]
    depth: int
    origin_server_ts: int
    redacts: EventId | None

    @classmethod
    def from_pdu(cls, pdu: dict[str, Any], version: RoomVersion) -> "Event":
        """Check the event format of `version` and compute the event id.

        Raises:
            MatrixError: M_TOO_LARGE beyond a bound of `limits`, M_BAD_JSON for any other fault.
        """
        if type(pdu) is not dict:
            raise bad_json("An event must be a JSON object.")
        check_canonical(pdu)
        _check_format(pdu, version)
        if len(canonical_bytes(pdu)) > limits.EVENT_BYTES_MAX:
            raise too_large(
                f"The event is larger than {limits.EVENT_BYTES_MAX} bytes. Send less in one event."
            )
        event_id = EventId("$" + reference_hash(pdu, version))
        room_id = pdu["room_id"] if "room_id" in pdu else "!" + event_id[1:]
        return cls.trusted(pdu, event_id, RoomId(room_id), version)

    @classmethod
    def trusted(
        cls,
        pdu: dict[str, Any],
        event_id: EventId,
        room_id: RoomId,
        version: RoomVersion = VERSIONS[DEFAULT],
    ) -> "Event":
        """Load an event that passed `from_pdu` before. `version` matters only to redactions."""
        event = cls.__new__(cls)
        event.pdu = pdu
        event.event_id = event_id
        event.room_id = room_id
        event.type = pdu["type"]
        event.sender = pdu["sender"]
        event.state_key = pdu.get("state_key")
        event.content = pdu["content"]
        event.prev_events = tuple(pdu["prev_events"])
        event.auth_events = tuple(pdu["auth_events"])
        event.depth = pdu["depth"]
        event.origin_server_ts = pdu["origin_server_ts"]
        event.redacts = _redacts(pdu, version) if event.type == "m.room.redaction" else None
        return event

    @property
    def key(self) -> tuple[str, str]:
        """The place of a state event in the room state."""
        assert self.state_key is not None, "only a state event has a key"
        return self.type, self.state_key

    @property
    def membership(self) -> str | None:
        """The membership that a member event sets, if it is a string."""
        membership = self.content.get("membership") if self.type == "m.room.member" else None
        return membership if isinstance(membership, str) else None

    def __repr__(self) -> str:
        return f"<Event {self.event_id} {self.type} {self.state_key!r} of {self.sender}>"


def content_hash(pdu: dict[str, Any]) -> str:
    """Return the unpadded base64 of the content hash, which covers what redaction would remove."""
    hashed = {name: value for name, value in pdu.items() if name not in _UNHASHED}
    return unpadded_base64(hashlib.sha256(canonical_bytes(hashed)).digest())


def reference_hash(pdu: dict[str, Any], version: RoomVersion) -> str:
    """Return the URL-safe unpadded base64 of the reference hash, which is the event id without its sigil."""
    hashed = redact(pdu, version)
    hashed.pop("signatures", None)
    return unpadded_urlsafe_base64(hashlib.sha256(canonical_bytes(hashed)).digest())


def hash_matches(event: Event) -> bool:
    """Whether a foreign event's content is what its author hashed. If not, treat it as redacted."""
    matches: bool = event.pdu["hashes"].get("sha256") == content_hash(event.pdu)
    return matches


def _redacts(pdu: dict[str, Any], version: RoomVersion) -> EventId | None:
    target = pdu["content"].get("redacts") if version.redacts_in_content else pdu.get("redacts")
    return EventId(target) if isinstance(target, str) else None


def _check_format(pdu: dict[str, Any], version: RoomVersion) -> None:
    _check_type(pdu, "type", str)
    _check_type(pdu, "content", dict)
    _check_type(pdu, "origin_server_ts", int)
    _check_type(pdu, "hashes", dict)
    if not isinstance(pdu["hashes"].get("sha256"), str):
        raise bad_json("The event has no SHA-256 content hash. Add hashes.sha256.")
    for name, kind in (("state_key", str), ("unsigned", dict), ("signatures", dict)):
        if name in pdu:
            _check_type(pdu, name, kind)
    _check_bytes("type", pdu["type"])
    _check_bytes("state_key", pdu.get("state_key", ""))
    _check_type(pdu, "sender", str)
    _check_bytes("sender", pdu["sender"])
    if not is_user_id(pdu["sender"]):
        raise bad_json("The event's sender is not a user id.")
    _check_references(pdu, "prev_events", limits.PREV_EVENTS_MAX)
    _check_references(pdu, "auth_events", limits.AUTH_EVENTS_MAX)
    _check_type(pdu, "depth", int)
    if pdu["depth"] < 0:
        raise bad_json("The event's depth is negative.")
    _check_room_id(pdu, version)


def _check_room_id(pdu: dict[str, Any], version: RoomVersion) -> None:
    if version.event_id_room and pdu["type"] == "m.room.create" and "state_key" in pdu:
        if "room_id" in pdu:
            raise bad_json(f"A create event of room version {version.id} carries no room id.")
        return
    _check_type(pdu, "room_id", str)
    _check_bytes("room_id", pdu["room_id"])
    if not is_room_id(pdu["room_id"]):
        raise bad_json("The event's room_id is not a room id.")
    if version.event_id_room and ":" in pdu["room_id"]:
        raise bad_json(f"A room id of room version {version.id} names no server.")


def _check_references(pdu: dict[str, Any], name: str, count_max: int) -> None:
    _check_type(pdu, name, list)
    references = pdu[name]
    if len(references) > count_max:
        raise bad_json(f"The event has more than {count_max} {name}.")
    if not all(is_event_id(reference) for reference in references):
        raise bad_json(f"The event's {name} must be a list of event ids.")


def _check_type(pdu: dict[str, Any], name: str, kind: type) -> None:
    if name not in pdu:
        raise bad_json(f"The event has no {name}.")
    # Not isinstance: True is an int to Python, not to JSON.
    if type(pdu[name]) is not kind:
        raise bad_json(f"The event's {name} is of the wrong type.")


def _check_bytes(name: str, value: str) -> None:
    if len(value.encode()) > limits.ID_BYTES_MAX:
        raise too_large(f"The event's {name} is longer than {limits.ID_BYTES_MAX} bytes. Shorten it.")
