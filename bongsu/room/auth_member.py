"""Rule 4 (room version 12: rule 5): may this m.room.member event stand?"""

from collections.abc import Mapping

from bongsu.ids import is_user_id, server_of
from bongsu.room.auth_types import JOIN_RULES
from bongsu.room.event import Event
from bongsu.room.power import PowerLevels
from bongsu.room.rejected import reject
from bongsu.room.state import StateKey
from bongsu.room.third_party_invite import check_third_party_invite
from bongsu.room.versions import RoomVersion


def check_member(
    event: Event,
    version: RoomVersion,
    state: Mapping[StateKey, Event],
    create: Event,
    power: PowerLevels,
) -> None:
    """Raise `Rejected` unless the membership may change so."""
    membership = event.membership
    if event.state_key is None or membership is None:
        reject(version, "4.1", "A member event needs a state key and a membership.")
    if not is_user_id(event.state_key):
        # Not in the text; other servers refuse it too, and nothing below could mean anything.
        reject(version, "4.1", "The state key of a member event is a user id.")
    _check_authorising_server(event, version)
    if membership == "join":
        _check_join(event, version, state, create, power)
    elif membership == "invite":
        _check_invite(event, version, state, power)
    elif membership == "leave":
        _check_leave(event, version, state, power)
    elif membership == "ban":
        _check_ban(event, version, state, power)
    elif membership == "knock":
        _check_knock(event, version, state)
    else:
        reject(version, "4.8", "The membership is unknown. Use join, invite, leave, ban or knock.")


def membership_of(state: Mapping[StateKey, Event], user: str | None) -> str | None:
    """Return the current membership of a user, None if there never was one."""
    member = state.get(("m.room.member", user)) if user is not None else None
    return None if member is None else member.membership


def _check_authorising_server(event: Event, version: RoomVersion) -> None:
    """Rule 4.2. Inside the service the record's author stands for the signature of the sender's server."""
    if "join_authorised_via_users_server" not in event.content:
        return
    user = event.content["join_authorised_via_users_server"]
    if not is_user_id(user) or server_of(user) != server_of(event.sender):
        reject(version, "4.2.1", "The server of the user who authorised this join did not sign it.")


def _check_join(
    event: Event,
    version: RoomVersion,
    state: Mapping[StateKey, Event],
    create: Event,
    power: PowerLevels,
) -> None:
    creator = create.content.get("creator") if version.creator_in_content else create.sender
    if event.prev_events == (create.event_id,) and event.state_key == creator:
        return
    if event.sender != event.state_key:
        reject(version, "4.3.2", "Nobody can join for somebody else. Invite them instead.")
    membership = membership_of(state, event.sender)
    if membership == "ban":
        reject(version, "4.3.3", "The user is banned from this room.")
    join_rule = join_rule_of(state)
    if join_rule == "public":
        return
    if join_rule in ("invite", "knock", "restricted", "knock_restricted"):
        if membership in ("invite", "join"):
            return
        if join_rule in ("restricted", "knock_restricted"):
            _check_restricted_join(event, version, state, power)
            return
        reject(version, "4.3.4", "This room takes only who is invited. Ask a member for an invitation.")
    reject(version, "4.3.7", "This room takes no new members.")


def _check_restricted_join(
    event: Event, version: RoomVersion, state: Mapping[StateKey, Event], power: PowerLevels
) -> None:
    user = event.content.get("join_authorised_via_users_server")
    if not isinstance(user, str) or membership_of(state, user) != "join":
        reject(version, "4.3.5.2", "No member of the room authorised this join. Ask for an invitation.")
    if power.user_level(user) < power.invite:
        reject(version, "4.3.5.2", "The member who authorised this join may not invite.")


def _check_invite(
    event: Event, version: RoomVersion, state: Mapping[StateKey, Event], power: PowerLevels
) -> None:
    if "third_party_invite" in event.content:
        check_third_party_invite(event, version, state)
        return
    if membership_of(state, event.sender) != "join":
        reject(version, "4.4.2", "Only members can invite. Join the room first.")
    membership = membership_of(state, event.state_key)
    if membership == "join":
        reject(version, "4.4.3", "The user is in the room already.")
    if membership == "ban":
        reject(version, "4.4.3", "The user is banned from this room. Lift the ban first.")
    if power.user_level(event.sender) < power.invite:
        reject(version, "4.4.5", "The sender's power level does not reach the level for inviting.")


def _check_leave(
    event: Event, version: RoomVersion, state: Mapping[StateKey, Event], power: PowerLevels
) -> None:
    assert event.state_key is not None, "rule 4.1 comes first"
    membership = membership_of(state, event.state_key)
    if event.sender == event.state_key:
        if membership not in ("invite", "join", "knock"):
            reject(version, "4.5.1", "The user is not in the room, nor invited, so cannot leave it.")
        return
    if membership_of(state, event.sender) != "join":
        reject(version, "4.5.2", "Only members can remove others. Join the room first.")
    level = power.user_level(event.sender)
    if membership == "ban" and level < power.ban:
        reject(version, "4.5.3", "The sender's power level does not reach the level for lifting a ban.")
    if level < power.kick:
        reject(version, "4.5.5", "The sender's power level does not reach the level for kicking.")
    if power.user_level(event.state_key) >= level:
        reject(version, "4.5.5", "The user's power level is not below the sender's.")


def _check_ban(
    event: Event, version: RoomVersion, state: Mapping[StateKey, Event], power: PowerLevels
) -> None:
    assert event.state_key is not None, "rule 4.1 comes first"
    if membership_of(state, event.sender) != "join":
        reject(version, "4.6.1", "Only members can ban. Join the room first.")
    level = power.user_level(event.sender)
    if level < power.ban:
        reject(version, "4.6.3", "The sender's power level does not reach the level for banning.")
    if power.user_level(event.state_key) >= level:
        reject(version, "4.6.3", "The user's power level is not below the sender's.")


def _check_knock(event: Event, version: RoomVersion, state: Mapping[StateKey, Event]) -> None:
    if join_rule_of(state) not in ("knock", "knock_restricted"):
        reject(version, "4.7.1", "This room does not take knocks.")
    if event.sender != event.state_key:
        reject(version, "4.7.2", "Nobody can knock for somebody else.")
    if membership_of(state, event.sender) in ("ban", "invite", "join"):
        reject(version, "4.7.4", "The user is in the room, invited or banned, so cannot knock.")


def join_rule_of(state: Mapping[StateKey, Event]) -> str:
    """Return the join rule: "invite" if the room has none, "" (nobody may join) if it is not a string."""
    join_rules = state.get(JOIN_RULES)
    join_rule = "invite" if join_rules is None else join_rules.content.get("join_rule", "invite")
    return join_rule if isinstance(join_rule, str) else ""
