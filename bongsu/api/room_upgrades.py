"""POST /rooms/{roomId}/upgrade: a new room takes the place of an old one. Spec: room_upgrades.yaml."""

from typing import Any

from bongsu import limits, ratelimit
from bongsu.api.access import joined_room
from bongsu.api.create_room import member_profile, room_version
from bongsu.api.directory import alias_draft, directory_draft
from bongsu.api.http import Request, Response, Route, answer, string, strings
from bongsu.author import NewEvent, power_levels
from bongsu.errors import MatrixError, forbidden
from bongsu.ids import parse_user_id
from bongsu.log.record import Draft
from bongsu.room.versions import RoomVersion
from bongsu.service import Service
from bongsu.view import registers
from bongsu.view.directory import aliases
from bongsu.view.live import LiveRoom

# What the new room is given of the old one's state. Spec: § Room upgrades, server behaviour.
_TRANSFERRED = (
    "m.room.power_levels",
    "m.room.server_acl",
    "m.room.encryption",
    "m.room.name",
    "m.room.avatar",
    "m.room.topic",
    "m.room.guest_access",
    "m.room.history_visibility",
    "m.room.join_rules",
)


async def upgrade(service: Service, request: Request) -> Response:
    """Make the replacement with all its events, and close the old room, in one write."""
    node = service.node
    user_id = request.who.user_id
    node.rate.check(ratelimit.CREATE_ROOM, user_id)
    body = request.json()
    version = room_version(service, {"room_version": string(body, "new_version")})
    additional = strings(body, "additional_creators", limits.INVITES_AT_ONCE_MAX)
    for creator in additional:
        parse_user_id(creator)
    old = joined_room(node, user_id, request.path_parameters["roomId"])
    power = power_levels(old, node.context.events)
    if power.user_level(user_id) < power.event_level("m.room.tombstone", is_state=True):
        raise forbidden("You may not upgrade this room. Ask an administrator of the room.")
    new, first = _create(service, old, user_id, version, additional)
    made = [first]
    try:
        for event in _state(service, old, new, user_id):
            _, draft = service.author.make(new, user_id, event)
            made.append(draft)
        content = {"body": "This room has been replaced.", "replacement_room": new.room_id}
        made.append(service.author.make(old, user_id, NewEvent("m.room.tombstone", content, ""))[1])
    except MatrixError:
        node.context.live.forget(new.room_id, [draft.body for draft in made])
        raise
    made += _close(service, old, user_id)
    made += _move(service, old.room_id, new.room_id, user_id)
    await node.write(*made)
    return answer({"replacement_room": new.room_id})


def _create(
    service: Service, old: LiveRoom, user_id: str, version: RoomVersion, additional: list[str]
) -> tuple[LiveRoom, Draft]:
    context = service.node.context
    before = context.events.body(old.state["m.room.create", ""]).content
    predecessor = {"room_id": old.room_id}
    if not version.creators_privileged:
        predecessor["event_id"] = old.heads[-1].event_id
    content: dict[str, Any] = {"room_version": version.id, "predecessor": predecessor}
    for name in ("type", "m.federate"):
        if name in before:
            content[name] = before[name]
    if version.creator_in_content:
        content["creator"] = user_id
    if version.creators_privileged and additional:
        content["additional_creators"] = additional
    return service.author.create(version, service.new_room_id(version), user_id, content)


def _state(service: Service, old: LiveRoom, new: LiveRoom, user_id: str) -> list[NewEvent]:
    """The new room's events after its first."""
    context = service.node.context
    events = [NewEvent("m.room.member", {"membership": "join", **member_profile(service, user_id)}, user_id)]
    for event_type in _TRANSFERRED:
        event_id = old.state.get((event_type, ""))
        if event_id is None:
            continue
        content = context.events.body(event_id).content
        if event_type == "m.room.power_levels":
            content = _levels(service, old, new, content, user_id)
        events.append(NewEvent(event_type, content, ""))
    alias_id = old.state.get(("m.room.canonical_alias", ""))
    if alias_id is not None:
        events.append(NewEvent("m.room.canonical_alias", context.events.body(alias_id).content, ""))
    return events


def _levels(
    service: Service, old: LiveRoom, new: LiveRoom, content: dict[str, Any], user_id: str
) -> dict[str, Any]:
    """The old levels; the creators of the new room stand above them, or are given the highest."""
    users = dict(content.get("users", {}))
    if not new.version.creators_privileged:
        users[user_id] = max([100, *users.values()])
        return {**content, "users": users}
    create = service.node.context.events.body(new.state["m.room.create", ""])
    named = {create.sender, *create.content.get("additional_creators", [])}
    if old.version.creators_privileged:
        events = content.get("events", {})
    else:
        events = {**content.get("events", {}), "m.room.tombstone": 150}
    kept = {user: level for user, level in users.items() if user not in named}
    return {**content, "users": kept, "events": events}


def _close(service: Service, old: LiveRoom, user_id: str) -> list[Draft]:
    """Nobody but moderators writes into the old room or invites to it any more, if the user may say so."""
    event_id = old.state.get(("m.room.power_levels", ""))
    if event_id is None:
        return []
    content = service.node.context.events.body(event_id).content
    power = power_levels(old, service.node.context.events)
    level = max(50, power.users_default + 1)
    closed = {
        **content,
        "events_default": max(level, power.events_default),
        "invite": max(level, power.invite),
    }
    try:
        return [service.author.make(old, user_id, NewEvent("m.room.power_levels", closed, ""))[1]]
    except MatrixError:
        return []


def _move(service: Service, old_id: str, new_id: str, user_id: str) -> list[Draft]:
    """Aliases and the directory's entry go over to the new room."""
    node = service.node
    made = []
    for alias in aliases(node.context, old_id):
        value = registers.get(node.context, "alias", "", "", alias)
        made.append(alias_draft(node, alias, new_id, value["creator"]))
    if registers.get(node.context, "directory", "", "", old_id) is True:
        made.append(directory_draft(node, old_id, public=False))
        made.append(directory_draft(node, new_id, public=True))
    return made


ROUTES = [Route("POST", "/_matrix/client/v3/rooms/{roomId}/upgrade", upgrade)]
