"""Which state events give a sender permission. Spec: Server-Server API § Auth events selection."""

from collections.abc import Mapping
from typing import Any

from bongsu.ids import EventId
from bongsu.room.state import StateKey
from bongsu.room.versions import RoomVersion

CREATE: StateKey = ("m.room.create", "")
POWER_LEVELS: StateKey = ("m.room.power_levels", "")
JOIN_RULES: StateKey = ("m.room.join_rules", "")

_TAKES_JOIN_RULES = ("join", "invite", "knock")


def auth_types(
    version: RoomVersion, type: str, sender: str, state_key: str | None, content: dict[str, Any]
) -> list[StateKey]:
    """Return the keys of the state that an event's auth events are chosen from, without duplicates."""
    if type == "m.room.create":
        return []
    keys = [] if version.implicit_create_auth else [CREATE]
    keys += [POWER_LEVELS, ("m.room.member", sender)]
    if type == "m.room.member" and state_key is not None:
        keys += _member_auth_types(state_key, content)
    return list(dict.fromkeys(keys))


def select_auth_events(
    version: RoomVersion,
    type: str,
    sender: str,
    state_key: str | None,
    content: dict[str, Any],
    state: Mapping[StateKey, EventId],
) -> tuple[EventId, ...]:
    """Return the auth events of an event to be built on `state`."""
    keys = auth_types(version, type, sender, state_key, content)
    return tuple(state[key] for key in keys if key in state)


def third_party_invite_token(content: dict[str, Any]) -> str | None:
    """Return `third_party_invite.signed.token` of a member event's content, if it is there."""
    invite = content.get("third_party_invite")
    signed = invite.get("signed") if isinstance(invite, dict) else None
    token = signed.get("token") if isinstance(signed, dict) else None
    return token if isinstance(token, str) else None


def _member_auth_types(state_key: str, content: dict[str, Any]) -> list[StateKey]:
    keys: list[StateKey] = [("m.room.member", state_key)]
    membership = content.get("membership")
    if membership in _TAKES_JOIN_RULES:
        keys.append(JOIN_RULES)
    if membership == "invite":
        token = third_party_invite_token(content)
        if token is not None:
            keys.append(("m.room.third_party_invite", token))
    authorising_user = content.get("join_authorised_via_users_server")
    if membership == "join" and isinstance(authorising_user, str):
        keys.append(("m.room.member", authorising_user))
    return keys
