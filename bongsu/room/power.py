"""Who may do what: a reading view of m.room.power_levels with its defaults.

Spec: Client-Server API § m.room.power_levels; rooms/v12 (creators are above every level).
"""

import math
from typing import Any

from bongsu.ids import is_user_id
from bongsu.room.event import Event
from bongsu.room.versions import RoomVersion

CREATOR_LEVEL = math.inf
"""The level of a creator where creators are privileged: above every integer."""


def creators(create: Event, version: RoomVersion) -> frozenset[str]:
    """Return the users who created the room: one before room version 12, one or more since."""
    if version.creator_in_content:
        creator = create.content.get("creator")
        return frozenset((creator,)) if isinstance(creator, str) else frozenset()
    if not version.creators_privileged:
        return frozenset((create.sender,))
    additional = create.content.get("additional_creators")
    if not isinstance(additional, list):
        return frozenset((create.sender,))
    return frozenset((create.sender, *(user for user in additional if is_user_id(user))))


class PowerLevels:
    """The levels of one room at one point. Levels are integers, or `CREATOR_LEVEL`."""

    __slots__ = ("_content", "_creators", "_events", "_exists", "_privileged", "_users")

    def __init__(self, power_levels: Event | None, create: Event, version: RoomVersion) -> None:
        self._exists = power_levels is not None
        self._content: dict[str, Any] = {} if power_levels is None else power_levels.content
        self._users = _object(self._content.get("users"))
        self._events = _object(self._content.get("events"))
        self._creators = creators(create, version)
        self._privileged = version.creators_privileged

    @property
    def exists(self) -> bool:
        """Whether the room has an m.room.power_levels event."""
        return self._exists

    @property
    def creators(self) -> frozenset[str]:
        """The users who created the room."""
        return self._creators

    def user_level(self, user_id: str) -> float:
        """Return the power level of a user."""
        if user_id in self._creators:
            if self._privileged:
                return CREATOR_LEVEL
            if not self._exists:
                return 100
        return _integer(self._users.get(user_id), self.users_default)

    def event_level(self, type: str, is_state: bool) -> int:
        """Return the level required to send an event of this type."""
        return _integer(self._events.get(type), self.state_default if is_state else self.events_default)

    def notifications(self, key: str = "room") -> int:
        """Return the level required to notify everybody in the way `key` names."""
        return _integer(_object(self._content.get("notifications")).get(key), 50)

    @property
    def users_default(self) -> int:
        """The level of users who are not named."""
        return _integer(self._content.get("users_default"), 0)

    @property
    def events_default(self) -> int:
        """The level required to send a message event whose type is not named."""
        return _integer(self._content.get("events_default"), 0)

    @property
    def state_default(self) -> int:
        """The level required to send a state event whose type is not named."""
        return _integer(self._content.get("state_default"), 50)

    @property
    def invite(self) -> int:
        """The level required to invite."""
        return _integer(self._content.get("invite"), 0)

    @property
    def kick(self) -> int:
        """The level required to kick."""
        return _integer(self._content.get("kick"), 50)

    @property
    def ban(self) -> int:
        """The level required to ban and to unban."""
        return _integer(self._content.get("ban"), 50)

    @property
    def redact(self) -> int:
        """The level required to redact what others sent."""
        return _integer(self._content.get("redact"), 50)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _integer(value: Any, default: int) -> int:
    return value if type(value) is int else default
