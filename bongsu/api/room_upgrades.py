"""POST /rooms/{roomId}/upgrade: a new room takes the place of an old one. Spec: room_upgrades.yaml."""

from typing import Any

from bongsu import limits, ratelimit
from bongsu.api.access import joined_room
from bongsu.api.create_room import member_profile, room_version
from bongsu.api.directory import alias_draft, directory_draft
from bongsu.api.http import Request, Response, Route, answer, string, strings
from bongsu.api.succession import follow
from bongsu.author import NewEvent, power_levels
from bongsu.errors import MatrixError, forbidden
from bongsu.hub.residents import NO_ALIAS, check_core
from bongsu.ids import parse_user_id
from bongsu.log.record import Draft
from bongsu.node import Node
from bongsu.room.versions import RoomVersion
from bongsu.service import Service
from bongsu.view import members, registers
from bongsu.view.directory import aliases
from bongsu.view.live import LiveRoom

# What the new room is given of the old one's state. Spec: § Room upgrades, server behaviour.
_TRANSFERRED = (
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
    if aliases(node.context, old.room_id) or _is_published(node, old.room_id):
        check_core(node, NO_ALIAS)
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
    await follow(service, user_id, new)
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
    """The new room's events after its first. Power levels come last: before, its maker may set anything."""
    context = service.node.context
    events = [NewEvent("m.room.member", {"membership": "join", **member_profile(service, user_id)}, user_id)]
    keys = [(event_type, "") for event_type in (*_TRANSFERRED, "m.room.canonical_alias")]
    create = context.events.body(new.state["m.room.create", ""])
    if create.content.get("type") == "m.space":
        keys += sorted(key for key in old.state if key[0] == "m.space.child")[: limits.UPGRADE_STATE_MAX]
    for event_type, state_key in keys:
        event_id = old.state.get((event_type, state_key))
        if event_id is not None:
            events.append(NewEvent(event_type, context.events.body(event_id).content, state_key))
    # The specification leaves memberships behind because nobody can join for others. A ban is no joining,
    # and somebody shut out of a public room would walk into the next one.
    banned = members.banned_members(context, old.room)
    creators = _creators(service, new)
    for banned_id in [name for name in banned if name not in creators][: limits.UPGRADE_STATE_MAX]:
        reason = context.events.body(banned[banned_id]).content.get("reason")
        content = {"membership": "ban", **({"reason": reason} if isinstance(reason, str) else {})}
        events.append(NewEvent("m.room.member", content, banned_id))
    levels_id = old.state.get(("m.room.power_levels", ""))
    if levels_id is not None:
        content = _levels(service, old, new, context.events.body(levels_id).content, user_id)
        events.append(NewEvent("m.room.power_levels", content, ""))
    return events


def _creators(service: Service, room: LiveRoom) -> set[str]:
    """Who stands above the power levels, where the room's version knows of such."""
    if not room.version.creators_privileged:
        return set()
    create = service.node.context.events.body(room.state["m.room.create", ""])
    return {create.sender, *create.content.get("additional_creators", [])}


def _levels(
    service: Service, old: LiveRoom, new: LiveRoom, content: dict[str, Any], user_id: str
) -> dict[str, Any]:
    """The old levels; the creators of the new room stand above them, or are given the highest."""
    users, events = dict(content.get("users", {})), dict(content.get("events", {}))
    creators = _creators(service, old)
    if not new.version.creators_privileged:
        users[user_id] = max([100, *users.values()])
        if creators:
            # What only creators could do would be beyond everybody.
            users |= dict.fromkeys(
                [user_id, *sorted(creators)], max([100, *users.values(), *events.values()])
            )
        return {**content, "users": users}
    if not creators:
        events["m.room.tombstone"] = 150
    named = _creators(service, new)
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
    if _is_published(node, old_id):
        made.append(directory_draft(node, old_id, public=False))
        made.append(directory_draft(node, new_id, public=True))
    return made


def _is_published(node: Node, room_id: str) -> bool:
    return registers.get(node.context, "directory", "", "", room_id) is True


ROUTES = [Route("POST", "/_matrix/client/v3/rooms/{roomId}/upgrade", upgrade)]
