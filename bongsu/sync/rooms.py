"""The rooms of a /sync answer: timelines, state, invitations, and rooms one has left."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from bongsu.canonical import json_bytes
from bongsu.node import Node
from bongsu.room.state import StateMap
from bongsu.room.visibility import strip, stripped_state
from bongsu.sync.filter import EventFilter
from bongsu.sync.request import SyncRequest
from bongsu.sync.section import Section, joined_section
from bongsu.sync.state import state_at_start, state_changes
from bongsu.sync.timeline import Timeline, timeline
from bongsu.sync.token import Since
from bongsu.sync.unread import unread_fields
from bongsu.view import members, registers
from bongsu.view.memberships import Member
from bongsu.view.receipts import public_receipts_since, receipts_since
from bongsu.view.touched import receipts_of

Entries = dict[str, dict[str, Any]]

_NO_EVENTS = msgspec.Raw(b'{"events":[]}')


@dataclass(slots=True)
class RoomsAnswer:
    """The `rooms` object of the answer."""

    join: Entries
    invite: Entries
    knock: Entries
    leave: Entries

    def fields(self) -> dict[str, Entries]:
        """Only the sections that have rooms."""
        named = {"join": self.join, "invite": self.invite, "knock": self.knock, "leave": self.leave}
        return {name: section for name, section in named.items() if section}


def rooms(node: Node, request: SyncRequest, since: Since | None) -> RoomsAnswer:
    """Every room of the user with something they have not seen."""
    answer = RoomsAnswer({}, {}, {}, {})
    for member in _members(node, request, since):
        room_id = node.context.events.room_id(member.room)
        if request.filter.passes_room(room_id):
            _add(node, request, since, member, room_id, answer)
    return answer


def _members(node: Node, request: SyncRequest, since: Since | None) -> list[Member]:
    """The user's memberships of rooms in which something may be new, by what is in memory alone."""
    context = node.context
    mine = context.memberships.of(request.user_id)
    touched = None if since is None or request.full_state else context.touched.rooms_since(since.position)
    if since is None or touched is None:
        return list(mine.values())
    named = set(node.live.typing_rooms_since(since.live))
    named |= registers.changed_rooms(context, "account_data", request.user_id, since.position)
    numbers = set(touched)
    for room_id in named:
        number = context.events.room_number(room_id)
        if number is not None:
            numbers.add(number)
    if len(numbers) < len(mine):
        return [mine[room] for room in sorted(numbers & mine.keys())]
    return [member for room, member in mine.items() if room in numbers]


def _add(
    node: Node, request: SyncRequest, since: Since | None, member: Member, room_id: str, answer: RoomsAnswer
) -> None:
    """Put one room into the section its membership belongs to, if it has something to say."""
    new = since is None or not since.covers(member.changed)
    if member.membership == "join":
        entry = _joined(node, request, since, member, room_id)
        if entry:
            answer.join[room_id] = entry
    elif member.membership == "invite" and new:
        answer.invite[room_id] = {"invite_state": {"events": _stripped(node, member)}}
    elif member.membership == "knock" and new:
        answer.knock[room_id] = {"knock_state": {"events": _stripped(node, member)}}
    elif member.membership in ("leave", "ban"):
        entry = _left(node, request, since, member, room_id, new)
        if entry:
            answer.leave[room_id] = entry


def _joined(
    node: Node, request: SyncRequest, since: Since | None, member: Member, room_id: str
) -> dict[str, Any]:
    newly = since is None or not since.covers(member.joined)
    whole = newly or request.full_state
    start = None if newly else since
    section = joined_section(node, request, start, member, room_id)
    found = section.found
    ephemeral = _ephemeral(node, request, start, member.room, room_id)
    account_data = _account_data(node, request, start, room_id)
    state = _state(node, request, whole, member, room_id, section)
    if not whole and not found.rows and not ephemeral and not account_data and not state:
        return {}
    entry: dict[str, Any] = {"timeline": section.timeline(node, request)}
    entry[request.state_section] = _events(state)
    entry["ephemeral"] = _events(ephemeral)
    entry["account_data"] = _events(account_data)
    entry.update(unread_fields(node.context, member, request.filter.timeline))
    if whole or section.members or found.limited:
        entry["summary"] = _summary(node, request.user_id, member.room, room_id)
    return entry


def _events(events: list[Any]) -> Any:
    return {"events": events} if events else _NO_EVENTS


def _state(
    node: Node, request: SyncRequest, whole: bool, member: Member, room_id: str, section: Section
) -> list[msgspec.Raw]:
    """The state section: whole, or what changed, with the members lazy loading asks for."""
    found, state = section.found, section.changes
    if whole or state is None:
        state = state_at_start(node, member, room_id, found, after=request.use_state_after)
    if not state and not request.filter.state.lazy_load_members:
        return []
    chosen = _filtered(node, request, state, member, found)
    now_ms = node.now_ms()
    raw: list[msgspec.Raw] = []
    for event_id in chosen:
        row = node.context.events.row(event_id)
        assert row is not None
        if request.filter.state.passes(row.type, row.sender):
            raw.append(node.client_events.raw(row, now_ms, with_room=False))
    return raw


def _filtered(
    node: Node, request: SyncRequest, state: StateMap, member: Member, found: Timeline
) -> list[str]:
    """The state's event ids; with lazy loading only the members who speak, and the user."""
    if not request.filter.state.lazy_load_members:
        return [state[key] for key in sorted(state)]
    known = node.lazy_members.setdefault_for(request.session, member.room)
    senders = {row.sender for row in found.rows}
    wanted = senders | {request.user_id}
    chosen: list[str] = [state[key] for key in sorted(state) if key[0] != "m.room.member" or key[1] in wanted]
    known.update(key[1] for key in state if key[0] == "m.room.member" and key[1] in wanted)
    in_timeline = {row.event_id for row in found.rows}
    for user_id in sorted(senders):
        if user_id in known and not request.filter.state.include_redundant_members:
            continue
        sender = members.member(node.context, member.room, user_id)
        if sender is not None and sender.event_id and sender.event_id not in in_timeline:
            chosen.append(sender.event_id)
            known.add(user_id)
    return list(dict.fromkeys(chosen))


def _left(
    node: Node, request: SyncRequest, since: Since | None, member: Member, room_id: str, new: bool
) -> dict[str, Any]:
    if registers.get(node.context, "forgotten", request.user_id, room_id, "") == member.event_id:
        return {}
    if since is None and not request.filter.include_leave:
        return {}
    if not new or not member.event_id:
        return {}
    found = timeline(node, request, since, member, room_id, member.changed)
    entry: dict[str, Any] = {"timeline": found.fields(node, request)}
    if since is None or request.full_state:
        state = state_at_start(node, member, room_id, found, after=request.use_state_after)
    else:
        state = state_changes(node, member, since, found, after=request.use_state_after)
    now_ms = node.now_ms()
    rows = [node.context.events.row(state[key]) for key in sorted(state)]
    entry[request.state_section] = {
        "events": [node.client_events.raw(row, now_ms, with_room=False) for row in rows if row is not None]
    }
    entry["account_data"] = {"events": _account_data(node, request, since, room_id)}
    return entry


def _stripped(node: Node, member: Member) -> list[dict[str, Any]]:
    """The room as an invited or knocking user may see it. Spec: § Stripped state."""
    context = node.context
    state = context.live.current_state(member.room)
    own = context.events.body(member.event_id)
    keys = [*stripped_state(own.sender), ("m.room.member", member.user_id)]
    return [strip(context.events.body(state[key])) for key in dict.fromkeys(keys) if key in state]


def _ephemeral(node: Node, request: SyncRequest, since: Since | None, room: int, room_id: str) -> list[Any]:
    events: list[Any] = []
    typing = node.live.typing_since(room_id, 0 if since is None else since.live)
    quiet = since is not None and not node.context.touched.since(receipts_of(room), since.position)
    if quiet and typing is None:
        return events
    passes: Callable[[str], bool] = _passes_type(request.filter.ephemeral, room_id)
    if typing is not None and passes("m.typing") and (since is not None or typing):
        events.append({"type": "m.typing", "content": {"user_ids": typing}})
    if passes("m.receipt"):
        events += _receipts(node, request.user_id, since, room)
    return events


def _receipts(node: Node, user_id: str, since: Since | None, room: int) -> list[Any]:
    """Receipts beyond the token; those who have none of their own that is private share the bytes."""
    if since is None:
        return _receipt_events(receipts_since(node.context, room, user_id, 0))
    if not node.context.touched.since(receipts_of(room), since.position):
        return []

    def make() -> tuple[tuple[list[msgspec.Raw], frozenset[str]], int]:
        contents, private = public_receipts_since(node.context, room, since.position)
        raw = [msgspec.Raw(json_bytes(event)) for event in _receipt_events(contents)]
        return (raw, private), sum(len(bytes(each)) for each in raw)

    key = ("receipts", room, since.position)
    public, private = node.shared.get(node.position, node.now_ms(), key, make)
    if user_id in private:
        return _receipt_events(receipts_since(node.context, room, user_id, since.position))
    return public


def _receipt_events(contents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "m.receipt", "content": content} for content in contents]


def _account_data(
    node: Node, request: SyncRequest, since: Since | None, room_id: str
) -> list[dict[str, Any]]:
    found = registers.since(
        node.context, "account_data", request.user_id, room_id, 0 if since is None else since.position
    )
    if not found:
        return []
    passes = _passes_type(request.filter.room_account_data, room_id)
    return [
        {"type": kind, "content": {} if content is None else content}
        for kind, content in found
        if passes(kind) and (since is not None or content is not None)
    ]


def _passes_type(filter_: EventFilter, room_id: str) -> Callable[[str], bool]:
    def passes(event_type: str) -> bool:
        return filter_.passes(event_type, None) and filter_.passes_room(room_id)

    return passes


def _summary(node: Node, user_id: str, room: int, room_id: str) -> dict[str, Any]:
    count = node.context.memberships.counts(room)
    summary: dict[str, Any] = {
        "m.joined_member_count": count.get("join", 0),
        "m.invited_member_count": count.get("invite", 0),
    }
    live = node.context.live.get(room_id)
    if ("m.room.name", "") not in live.state and ("m.room.canonical_alias", "") not in live.state:
        summary["m.heroes"] = node.context.memberships.heroes(room, user_id)
    return summary
