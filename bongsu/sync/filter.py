"""Filters: which events a client wants. Pure. Spec: Client-Server API § Filtering."""

from dataclasses import dataclass, field
from typing import Any

from bongsu import limits
from bongsu.errors import bad_json
from bongsu.globs import matches


@dataclass(frozen=True, slots=True)
class EventFilter:
    """A RoomEventFilter or EventFilter. None: no restriction."""

    limit: int = limits.TIMELINE_EVENTS_DEFAULT
    types: tuple[str, ...] | None = None
    not_types: tuple[str, ...] = ()
    senders: frozenset[str] | None = None
    not_senders: frozenset[str] = frozenset()
    rooms: frozenset[str] | None = None
    not_rooms: frozenset[str] = frozenset()
    contains_url: bool | None = None
    lazy_load_members: bool = False
    include_redundant_members: bool = False
    unread_thread_notifications: bool = False

    @property
    def passes_all(self) -> bool:
        """Whether no event can fail the filter, so that nothing needs to be read to decide."""
        return (
            self.types is None
            and not self.not_types
            and self.senders is None
            and not self.not_senders
            and self.contains_url is None
        )

    def passes(self, event_type: str, sender: str | None) -> bool:
        """Whether an event of this type and sender passes. `not_…` beats its counterpart."""
        if self.types is not None and not any(matches(glob, event_type) for glob in self.types):
            return False
        if any(matches(glob, event_type) for glob in self.not_types):
            return False
        if sender is None:
            return True
        return (self.senders is None or sender in self.senders) and sender not in self.not_senders

    def passes_room(self, room_id: str) -> bool:
        """Whether anything of the room is wanted."""
        return (self.rooms is None or room_id in self.rooms) and room_id not in self.not_rooms

    def passes_content(self, content: dict[str, Any]) -> bool:
        """Whether `contains_url` agrees."""
        return self.contains_url is None or isinstance(content.get("url"), str) == self.contains_url


@dataclass(frozen=True, slots=True)
class Filter:
    """A whole filter of /sync."""

    rooms: frozenset[str] | None = None
    not_rooms: frozenset[str] = frozenset()
    include_leave: bool = False
    timeline: EventFilter = field(default_factory=EventFilter)
    state: EventFilter = field(default_factory=EventFilter)
    ephemeral: EventFilter = field(default_factory=EventFilter)
    room_account_data: EventFilter = field(default_factory=EventFilter)
    account_data: EventFilter = field(default_factory=EventFilter)
    presence: EventFilter = field(default_factory=EventFilter)
    event_fields: tuple[str, ...] | None = None

    def passes_room(self, room_id: str) -> bool:
        """Whether anything of the room is wanted."""
        return (self.rooms is None or room_id in self.rooms) and room_id not in self.not_rooms


def parse(value: Any) -> Filter:
    """Read a filter.

    Raises:
        MatrixError: 400 M_BAD_JSON naming the field that cannot be used.
    """
    top = _object(value, "the filter")
    room = _object(top.get("room", {}), "room")
    form = top.get("event_format", "client")
    if form not in ("client", "federation"):
        raise bad_json("event_format must be client or federation.")
    return Filter(
        rooms=_set(room, "rooms"),
        not_rooms=_set(room, "not_rooms") or frozenset(),
        include_leave=_flag(room, "include_leave"),
        timeline=parse_events(room.get("timeline", {}), "room.timeline"),
        state=parse_events(room.get("state", {}), "room.state"),
        ephemeral=parse_events(room.get("ephemeral", {}), "room.ephemeral"),
        room_account_data=parse_events(room.get("account_data", {}), "room.account_data"),
        account_data=parse_events(top.get("account_data", {}), "account_data"),
        presence=parse_events(top.get("presence", {}), "presence"),
        event_fields=_strings(top, "event_fields"),
    )


def parse_events(value: Any, name: str) -> EventFilter:
    """Read a RoomEventFilter."""
    fields = _object(value, name)
    limit = fields.get("limit", limits.TIMELINE_EVENTS_DEFAULT)
    if type(limit) is not int or limit < 0:
        raise bad_json(f"{name}.limit must be a whole number, 0 or more.")
    contains_url = fields.get("contains_url")
    if contains_url is not None and not isinstance(contains_url, bool):
        raise bad_json(f"{name}.contains_url must be true or false.")
    return EventFilter(
        limit=min(limit, limits.TIMELINE_EVENTS_MAX),
        types=_strings(fields, "types"),
        not_types=_strings(fields, "not_types") or (),
        senders=_set(fields, "senders"),
        not_senders=_set(fields, "not_senders") or frozenset(),
        rooms=_set(fields, "rooms"),
        not_rooms=_set(fields, "not_rooms") or frozenset(),
        contains_url=contains_url,
        lazy_load_members=_flag(fields, "lazy_load_members"),
        include_redundant_members=_flag(fields, "include_redundant_members"),
        unread_thread_notifications=_flag(fields, "unread_thread_notifications"),
    )


def _object(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise bad_json(f"{name} must be an object.")
    return value


def _flag(fields: dict[str, Any], name: str) -> bool:
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise bad_json(f"{name} must be true or false.")
    return value


def _strings(fields: dict[str, Any], name: str) -> tuple[str, ...] | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise bad_json(f"{name} must be a list of strings.")
    if len(value) > limits.FILTER_ENTRIES_MAX or any(
        len(entry) > limits.GLOB_CHARACTERS_MAX for entry in value
    ):
        raise bad_json(f"{name} is too long: at most {limits.FILTER_ENTRIES_MAX} entries.")
    return tuple(value)


def _set(fields: dict[str, Any], name: str) -> frozenset[str] | None:
    value = _strings(fields, name)
    return None if value is None else frozenset(value)
