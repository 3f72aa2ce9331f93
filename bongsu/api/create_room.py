"""POST /createRoom. Spec: create_room.yaml."""

from dataclasses import dataclass
from typing import Any

from bongsu import limits, ratelimit
from bongsu.api.directory import alias_draft, directory_draft
from bongsu.api.http import (
    Request,
    Response,
    Route,
    answer,
    boolean,
    json_list,
    json_object,
    optional_string,
    strings,
)
from bongsu.author import NewEvent
from bongsu.errors import MatrixError, bad_json, invalid_param
from bongsu.hub.residents import NO_ALIAS, check_core
from bongsu.ids import is_room_alias, parse_user_id
from bongsu.log.record import Draft
from bongsu.room.versions import VERSIONS, RoomVersion
from bongsu.service import Service
from bongsu.view import registers, users
from bongsu.view.live import LiveRoom


@dataclass(frozen=True, slots=True)
class _Preset:
    join_rule: str
    history_visibility: str
    guest_access: str
    invited_are_trusted: bool


_PRESETS = {
    "private_chat": _Preset("invite", "shared", "can_join", False),
    "trusted_private_chat": _Preset("invite", "shared", "can_join", True),
    "public_chat": _Preset("public", "shared", "forbidden", False),
}


async def create_room(service: Service, request: Request) -> Response:
    """Make a room with all its first events in one write."""
    node = service.node
    user_id = request.who.user_id
    node.rate.check(ratelimit.CREATE_ROOM, user_id)
    body = request.json()
    version = room_version(service, body)
    preset = _preset(body)
    if "room_alias_name" in body or body.get("visibility") == "public":
        check_core(node, NO_ALIAS)
    alias = _alias(service, body)
    invited = strings(body, "invite", limits.INVITES_AT_ONCE_MAX)
    for invited_id in invited:
        if users.user(node.context, invited_id) is None:
            parse_user_id(invited_id)
            raise invalid_param(f"There is no user {invited_id}.")
    content = json_object(body, "creation_content")
    room, first = _create(service, user_id, version, content, preset, invited)
    made = [first]
    try:
        for sender, event in _events(service, user_id, room, body, preset, alias, invited):
            made.append(service.author.make(room, sender, event)[1])
    except MatrixError:
        # Nothing is written yet; forget the room in memory.
        node.context.live.forget(room.room_id, [draft.body for draft in made])
        raise
    if alias is not None:
        made.append(alias_draft(node, alias, room.room_id, user_id))
    if body.get("visibility") == "public":
        made.append(directory_draft(node, room.room_id, public=True))
    await node.write(*made)
    return answer({"room_id": room.room_id})


def room_version(service: Service, body: dict[str, Any]) -> RoomVersion:
    """The version a room is made with.

    Raises:
        MatrixError: 400 M_UNSUPPORTED_ROOM_VERSION.
    """
    name = optional_string(body, "room_version") or service.node.config.default_room_version
    version = VERSIONS.get(name)
    if version is None:
        known = ", ".join(VERSIONS)
        raise MatrixError(400, "M_UNSUPPORTED_ROOM_VERSION", f"Room versions known here: {known}.")
    return version


def _preset(body: dict[str, Any]) -> _Preset:
    visibility = optional_string(body, "visibility") or "private"
    if visibility not in ("private", "public"):
        raise bad_json("`visibility` must be private or public.")
    name = optional_string(body, "preset")
    if name is None:
        name = "public_chat" if visibility == "public" else "private_chat"
    preset = _PRESETS.get(name)
    if preset is None:
        raise bad_json(f"`preset` must be one of {', '.join(_PRESETS)}.")
    return preset


def _alias(service: Service, body: dict[str, Any]) -> str | None:
    localpart = optional_string(body, "room_alias_name")
    if localpart is None:
        return None
    alias = f"#{localpart}:{service.node.config.server_name}"
    if not is_room_alias(alias) or ":" in localpart:
        raise invalid_param("This room alias cannot be used. Choose one without colons and spaces.")
    if registers.get(service.node.context, "alias", "", "", alias) is not None:
        raise MatrixError(409, "M_ROOM_IN_USE", f"{alias} belongs to another room. Choose another alias.")
    return alias


def _create(
    service: Service,
    user_id: str,
    version: RoomVersion,
    creation_content: dict[str, Any],
    preset: _Preset,
    invited: list[str],
) -> tuple[LiveRoom, Draft]:
    content = {**creation_content, "room_version": version.id}
    content.pop("creator", None)
    if version.creator_in_content:
        content["creator"] = user_id
    if version.creators_privileged and preset.invited_are_trusted and invited:
        known = content.get("additional_creators", [])
        if not isinstance(known, list):
            raise bad_json("`additional_creators` must be a list of user ids.")
        content["additional_creators"] = list(dict.fromkeys([*known, *invited]))
    return service.author.create(version, service.new_room_id(version), user_id, content)


def _events(
    service: Service,
    user_id: str,
    room: LiveRoom,
    body: dict[str, Any],
    preset: _Preset,
    alias: str | None,
    invited: list[str],
) -> list[tuple[str, NewEvent]]:
    """The events after m.room.create, in the order of the spec."""
    is_direct = boolean(body, "is_direct")
    events = [
        NewEvent("m.room.member", {"membership": "join", **member_profile(service, user_id)}, user_id),
        NewEvent("m.room.power_levels", power_levels(room.version, user_id, body, preset, invited), ""),
    ]
    if alias is not None:
        events.append(NewEvent("m.room.canonical_alias", {"alias": alias}, ""))
    initial = _initial_state(body)
    given = {(event.type, event.state_key) for event in initial}
    for kind, content in (
        ("m.room.join_rules", {"join_rule": preset.join_rule}),
        ("m.room.history_visibility", {"history_visibility": preset.history_visibility}),
        ("m.room.guest_access", {"guest_access": preset.guest_access}),
    ):
        if (kind, "") not in given:
            events.append(NewEvent(kind, content, ""))
    events += initial
    name = optional_string(body, "name")
    if name is not None:
        events.append(NewEvent("m.room.name", {"name": name}, ""))
    topic = optional_string(body, "topic")
    if topic is not None:
        text = {"m.text": [{"body": topic, "mimetype": "text/plain"}]}
        events.append(NewEvent("m.room.topic", {"topic": topic, "m.topic": text}, ""))
    for invited_id in dict.fromkeys(invited):
        invitation: dict[str, Any] = {"membership": "invite", **member_profile(service, invited_id)}
        if is_direct:
            invitation["is_direct"] = True
        events.append(NewEvent("m.room.member", invitation, invited_id))
    return [(user_id, event) for event in events]


def _initial_state(body: dict[str, Any]) -> list[NewEvent]:
    events = []
    for entry in json_list(body, "initial_state", limits.INITIAL_STATE_MAX):
        if not isinstance(entry, dict):
            raise bad_json("`initial_state` must be a list of events.")
        kind = optional_string(entry, "type")
        if not kind:
            raise bad_json("An event of `initial_state` lacks its `type`.")
        content = json_object(entry, "content", required=True)
        events.append(NewEvent(kind, content, optional_string(entry, "state_key") or ""))
    return events


def power_levels(
    version: RoomVersion, user_id: str, body: dict[str, Any], preset: _Preset, invited: list[str]
) -> dict[str, Any]:
    """The content of the room's first m.room.power_levels."""
    users_levels = {} if version.creators_privileged else {user_id: 100}
    if preset.invited_are_trusted and not version.creators_privileged:
        users_levels |= dict.fromkeys(invited, 100)
    events = {
        "m.room.name": 50,
        "m.room.avatar": 50,
        "m.room.canonical_alias": 50,
        "m.room.power_levels": 100,
        "m.room.history_visibility": 100,
        "m.room.encryption": 100,
        "m.room.server_acl": 100,
        # Only a creator upgrades a room of version 12. Spec: § m.room.tombstone.
        "m.room.tombstone": 150 if version.creators_privileged else 100,
    }
    content: dict[str, Any] = {
        "users": users_levels,
        "users_default": 0,
        "events": events,
        "events_default": 0,
        "state_default": 50,
        "ban": 50,
        "kick": 50,
        "redact": 50,
        "invite": 0,
    }
    return content | json_object(body, "power_level_content_override")


def member_profile(service: Service, user_id: str) -> dict[str, Any]:
    """The displayname and avatar_url a member event carries."""
    profile = users.profile(service.node.context, user_id)
    return {name: profile[name] for name in ("displayname", "avatar_url") if profile.get(name)}


ROUTES = [Route("POST", "/_matrix/client/v3/createRoom", create_room)]
