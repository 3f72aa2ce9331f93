"""May this event stand, given that state? Spec: rooms/v10, v11, v12 § Authorization rules.

Comments name the rules by their number in room version 10; `Rejected.rule` has the version's own.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from bongsu.ids import is_user_id, server_of
from bongsu.room.auth_member import check_member
from bongsu.room.auth_power import check_power_levels
from bongsu.room.auth_types import CREATE, POWER_LEVELS, auth_types
from bongsu.room.event import Event
from bongsu.room.power import PowerLevels
from bongsu.room.rejected import Rejected, reject
from bongsu.room.state import StateKey
from bongsu.room.versions import VERSIONS, RoomVersion

__all__ = ["Rejected", "can_redact", "check", "check_auth_events", "user_may_redact"]


def check(event: Event, version: RoomVersion, state: Mapping[StateKey, Event]) -> None:
    """Check `event` against every rule that depends on the state.

    Args:
        state: the state before the event, or that part of it which `auth_types` names. Always with the
            create event, except for the create event itself.
    Raises:
        Rejected: the first rule that rejects it.
    """
    if event.type == "m.room.create":
        _check_create(event, version)
        return
    create = state.get(CREATE)
    if create is None:
        _reject_room(version)
    _check_room(event, create, version)
    # Rule 3.
    if create.content.get("m.federate") is False and server_of(event.sender) != server_of(create.sender):
        reject(version, "3", "This room is closed to users of other servers.")
    power = PowerLevels(state.get(POWER_LEVELS), create, version)
    if event.type == "m.room.member":
        check_member(event, version, state, create, power)
        return
    # Rule 5.
    member = state.get(("m.room.member", event.sender))
    if member is None or member.membership != "join":
        reject(version, "5", "The sender is not in the room. Join it first.")
    if event.type == "m.room.third_party_invite":
        if power.user_level(event.sender) < power.invite:
            reject(version, "6.1", "The sender's power level does not reach the level for inviting.")
        return
    _check_level(event, version, power)
    if event.type == "m.room.power_levels":
        check_power_levels(event, version, state.get(POWER_LEVELS), power)


def check_auth_events(
    event: Event, version: RoomVersion, auth_events: Sequence[Event], rejected: Callable[[str], bool]
) -> None:
    """Check the auth events an event names (rule 2; rule 3 of room version 12).

    Args:
        auth_events: the events that `event.auth_events` names, in any order.
        rejected: whether the event of that id was itself rejected.
    """
    if event.type == "m.room.create":
        if event.auth_events:
            reject(version, "2.2", "A create event names no auth events.")
        return
    named = {auth_event.event_id for auth_event in auth_events}
    assert named == set(event.auth_events), "these are the events that the event names"
    if len(named) != len(event.auth_events):
        reject(version, "2.1", "The event names an auth event twice.")
    if version.implicit_create_auth and rejected("$" + event.room_id[1:]):
        raise Rejected("2", "The create event of this room was rejected.")
    seen: set[StateKey] = set()
    expected = set(auth_types(version, event.type, event.sender, event.state_key, event.content))
    for auth_event in auth_events:
        if auth_event.state_key is None or auth_event.key not in expected:
            reject(version, "2.2", "The event names an auth event that its type does not call for.")
        if auth_event.key in seen:
            reject(version, "2.1", f"The event names two auth events of type {auth_event.type}.")
        seen.add(auth_event.key)
        _check_auth_event(event, version, auth_event, rejected)
    if not version.implicit_create_auth and CREATE not in seen:
        reject(version, "2.4", "The event does not name the create event of its room.")


def can_redact(redaction: Event, target: Event, version: RoomVersion, power: PowerLevels) -> bool:
    """Whether a redaction that stands takes effect. Spec: rooms § Handling redactions.

    A create event is never redacted: what rule 3 and the room version are read from must stay.
    """
    if redaction.room_id != target.room_id or target.type == "m.room.create":
        return False
    same_server = server_of(redaction.sender) == server_of(target.sender)
    return same_server or power.user_level(redaction.sender) >= power.redact


def user_may_redact(sender: str, target: Event, power: PowerLevels) -> bool:
    """Whether a user of ours may ask for a redaction.

    Stricter than `can_redact`, which trusts a whole server to speak for its users.
    """
    if target.type == "m.room.create":
        return False
    return sender == target.sender or power.user_level(sender) >= power.redact


def _check_create(event: Event, version: RoomVersion) -> None:
    """Rule 1."""
    if event.prev_events:
        reject(version, "1.1", "A create event comes first in its room: it has no previous events.")
    if event.state_key != "":
        reject(version, "1", "A create event has the empty state key.")
    if version.event_id_room:
        if "room_id" in event.pdu:
            reject(version, "1.2", f"A create event of room version {version.id} carries no room id.")
    elif server_of(event.room_id) != server_of(event.sender):
        reject(version, "1.2", "The room id names another server than the sender's.")
    if "room_version" in event.content:
        named = event.content["room_version"]
        if not isinstance(named, str) or named not in VERSIONS:
            reject(version, "1.3", f"The room version is unknown. Use one of {', '.join(VERSIONS)}.")
    _check_creators(event, version)


def _check_creators(event: Event, version: RoomVersion) -> None:
    """The end of rule 1."""
    if version.creator_in_content and "creator" not in event.content:
        reject(version, "1.4", "The create event names no creator.")
    if version.creators_privileged and "additional_creators" in event.content:
        additional = event.content["additional_creators"]
        if not isinstance(additional, list) or not all(is_user_id(user) for user in additional):
            reject(version, "1.4", "additional_creators must be a list of user ids.")


def _check_room(event: Event, create: Event, version: RoomVersion) -> None:
    """Rule 2 of room version 12. In earlier ones rules 2.4 and 2.5 come to the same."""
    if create.room_id != event.room_id:
        _reject_room(version)
    if version.event_id_room:
        assert create.room_id[1:] == create.event_id[1:], "a create event of version 12 names its room"


def _check_auth_event(
    event: Event, version: RoomVersion, auth_event: Event, rejected: Callable[[str], bool]
) -> None:
    """Rules 2.3 and 2.5."""
    if rejected(auth_event.event_id):
        reject(version, "2.3", "An auth event of this event was rejected.")
    if auth_event.room_id != event.room_id:
        reject(version, "2.5", "An auth event of this event belongs to another room.")


def _check_level(event: Event, version: RoomVersion, power: PowerLevels) -> None:
    """Rules 7 and 8."""
    is_state = event.state_key is not None
    if power.user_level(event.sender) < power.event_level(event.type, is_state):
        reject(version, "7", f"The sender's power level does not reach the level for sending {event.type}.")
    if event.state_key is not None and event.state_key.startswith("@") and event.state_key != event.sender:
        reject(version, "8", "A state key that is a user id belongs to that user alone.")


def _reject_room(version: RoomVersion) -> NoReturn:
    rule = "2" if version.implicit_create_auth else "2.4"
    raise Rejected(rule, "The room of this event has no create event that stands.")
