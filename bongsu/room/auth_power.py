"""Rule 9 (room version 12: rule 10): may this m.room.power_levels event replace the current one?"""

from collections.abc import Iterator
from typing import Any

from bongsu.ids import is_user_id
from bongsu.room.event import Event
from bongsu.room.power import PowerLevels
from bongsu.room.rejected import reject
from bongsu.room.versions import RoomVersion

_LEVELS = ("users_default", "events_default", "state_default", "ban", "redact", "kick", "invite")
_LISTS = ("events", "notifications")


def check_power_levels(event: Event, version: RoomVersion, current: Event | None, power: PowerLevels) -> None:
    """Raise `Rejected` unless the sender may make this change.

    Args:
        current: the power levels before the event, if the room has any.
        power: the view of `current`.
    """
    _check_shape(event.content, version)
    users = event.content.get("users", {})
    if version.creators_privileged and not power.creators.isdisjoint(users):
        reject(version, "9.4", "Creators of the room have no entry in the power levels. Leave them out.")
    if current is None:
        return
    level = power.user_level(event.sender)
    for old, new in _changes(_levels(current.content), _levels(event.content)):
        if old is not None and old > level:
            _reject_change(version, 5, 1, "A level above the sender's own is changed.")
        if new is not None and new > level:
            _reject_change(version, 5, 2, "A level is set above the sender's own.")
    for name in _LISTS:
        for old, new in _changes(_entries(current.content, name), _entries(event.content, name)):
            if old is not None and old > level:
                _reject_change(version, 6, 1, f"An entry of {name} above the sender's level is changed.")
            if new is not None and new > level:
                _reject_change(version, 7, 1, f"An entry of {name} is set above the sender's level.")
    _check_users(event.sender, version, _entries(current.content, "users"), users, level)


def _check_shape(content: dict[str, Any], version: RoomVersion) -> None:
    for name in _LEVELS:
        if name in content and type(content[name]) is not int:
            reject(version, "9.1", f"{name} must be an integer.")
    for name in _LISTS:
        if name in content and not _holds_integers(content[name]):
            reject(version, "9.2", f"{name} must be an object of integers.")
    users = content.get("users", {})
    if not _holds_integers(users) or not all(is_user_id(user) for user in users):
        reject(version, "9.3", "users must be an object of integers by user id.")


def _check_users(
    sender: str, version: RoomVersion, current: dict[str, int], new: dict[str, int], level: float
) -> None:
    for user in current.keys() | new.keys():
        old_level, new_level = current.get(user), new.get(user)
        if old_level == new_level:
            continue
        if old_level is not None and user != sender and old_level >= level:
            _reject_change(version, 8, 1, "The level of a user who is not below the sender is changed.")
        if new_level is not None and new_level > level:
            _reject_change(version, 9, 1, "A user is raised above the sender.")


def _changes(current: dict[str, int], new: dict[str, int]) -> Iterator[tuple[int | None, int | None]]:
    for name in current.keys() | new.keys():
        old_value, new_value = current.get(name), new.get(name)
        if old_value != new_value:
            yield old_value, new_value


def _levels(content: dict[str, Any]) -> dict[str, int]:
    return {name: content[name] for name in _LEVELS if type(content.get(name)) is int}


def _entries(content: dict[str, Any], name: str) -> dict[str, int]:
    entries = content.get(name)
    assert entries is None or isinstance(entries, dict), "power levels that stand were checked for shape"
    return entries or {}


def _holds_integers(value: Any) -> bool:
    return isinstance(value, dict) and all(type(level) is int for level in value.values())


def _reject_change(version: RoomVersion, number: int, part: int, error: str) -> None:
    # Room version 12 inserts rule 10.4, the creators', so the comparisons after it move by one.
    number += version.creators_privileged
    reject(version, f"9.{number}.{part}", error)
