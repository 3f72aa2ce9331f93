"""How an event counts as unread: `notify` is what the default rules say to a member nobody named, a function
of the event and the state before it alone. A user's own rules change, and what they were goes hollow, so
they are asked as they are now, whenever a count is read (view/unread.py)."""

from collections.abc import Iterable
from typing import Any

from bongsu.globs import contains_word
from bongsu.push.defaults import LEGACY
from bongsu.push.rules import HIGHLIGHT, Facts, evaluate, looked_at, outcome
from bongsu.push.ruleset import neutral, ruleset
from bongsu.room.event import Event
from bongsu.room.power import PowerLevels
from bongsu.room.state import StateMap
from bongsu.room.versions import RoomVersion
from bongsu.view.cache import Cache
from bongsu.view.context import Context
from bongsu.view.events import ACCEPTED, EventRow, StateEvents
from bongsu.view.notices import Name, Notice
from bongsu.view.visibility import membership_in

OUTCOME = 3  # the bits of `notify` that hold NOTHING, NOTIFY or HIGHLIGHT
ASKS_FOR_ALL = 4  # the bit of an event that mentions the whole room, whether or not its sender may

_NEUTRAL = neutral()
_PLAIN_CHARACTERS_MAX = 255
_CHARACTERS_SEARCHED_MAX = 32  # one by one; taking a text apart costs as much
_outcomes: Cache[tuple[str, str], int] = Cache(256)


def classify(context: Context, event: Event, version: RoomVersion, before: StateMap) -> int:
    """The value of `notify` for an accepted event."""
    key = _plain(event)
    known = None if key is None else _outcomes.get(key)
    if known is not None:
        return known
    found = _classify(context, event, version, before)
    if key is not None:
        _outcomes.put(key, found)
    return found


def _plain(event: Event) -> tuple[str, str] | None:
    """All that the default rules look at in most messages: type and msgtype. None: they look at more."""
    content = event.content
    msgtype = content.get("msgtype", "")
    if event.state_key is not None or "m.mentions" in content or "m.relates_to" in content:
        return None
    if not isinstance(msgtype, str) or len(msgtype) > _PLAIN_CHARACTERS_MAX:
        return None
    return event.type, msgtype


def _classify(context: Context, event: Event, version: RoomVersion, before: StateMap) -> int:
    facts = _facts(context, event, version, before, "", None)
    mentions = event.content.get("m.mentions")
    asks = isinstance(mentions, dict) and mentions.get("room") is True
    return outcome(evaluate(_NEUTRAL, facts)) | (ASKS_FOR_ALL if asks else 0)


def _facts(
    context: Context,
    event: Event,
    version: RoomVersion,
    before: StateMap,
    user_id: str,
    name: str | None,
) -> Facts:
    def sender_may(key: str) -> bool:
        state = StateEvents(before, context.events)
        create = state[("m.room.create", "")]
        levels = PowerLevels(state.get(("m.room.power_levels", "")), create, version)
        return levels.user_level(event.sender) >= levels.notifications(key)

    # Rooms of two differ in the sound alone, which is no part of the outcome.
    return Facts(event_fields(event), user_id, lambda: name, lambda: 0, sender_may)


def event_fields(event: Event) -> dict[str, Any]:
    """The event as rules look at it."""
    fields: dict[str, Any] = {
        "type": event.type,
        "sender": event.sender,
        "room_id": event.room_id,
        "event_id": event.event_id,
        "content": event.content,
    }
    if event.state_key is not None:
        fields["state_key"] = event.state_key
    return fields


def note(
    context: Context,
    row: EventRow,
    event: Event,
    version: RoomVersion,
    before: StateMap,
    notify: int,
    *,
    current: bool,
) -> None:
    """Store whom an accepted event highlights. `current`: the room's state now is the state before it.

    It highlights members of the state before it: those `m.mentions` lists, or where there is none those
    whose display name the text holds.
    """
    highlighted: dict[str, str] = {}
    if event.type != "m.room.member":
        for user_id, name, member_event in _candidates(context, row, event, before, current):
            facts = _facts(context, event, version, before, user_id, name)
            if outcome(evaluate(ruleset(None, user_id), facts)) == HIGHLIGHT:
                highlighted[user_id] = member_event
    if highlighted:
        context.db.run_many(
            "INSERT OR REPLACE INTO highlights VALUES(?,?,?,?)",
            [(user_id, row.room, row.position, by) for user_id, by in sorted(highlighted.items())],
        )
    relates_to, rel_type = relation(event)
    notice = Notice(
        row.position,
        row.event_id,
        row.sender,
        notify & OUTCOME,
        frozenset(highlighted),
        thread_of(context, relates_to, rel_type),
    )
    context.notices.add(row.room, notice)


def _candidates(
    context: Context, row: EventRow, event: Event, before: StateMap, current: bool
) -> list[tuple[str, str | None, str]]:
    """(user, name, member event that holds the name or "") of those the event may highlight."""
    mentions = event.content.get("m.mentions")
    if "m.mentions" in event.content:
        listed = mentions.get("user_ids") if isinstance(mentions, dict) else None
        users = {user for user in listed if isinstance(user, str)} if isinstance(listed, list) else set()
        joined = (user for user in users if membership_in(context, before, user) == "join")
        return [(user, None, "") for user in joined if user != event.sender]
    body = event.content.get("body")
    if not isinstance(body, str) or not LEGACY:
        return []
    index = _names_now(context, row.room) if current else _names_in(context, before)
    found: list[tuple[str, str | None, str]] = []
    text = looked_at(body)
    for character in _first_in(text, index):
        found += [
            (each.user_id, each.name, each.event_id)
            for each in index[character]
            if contains_word(each.name, text) and each.user_id != event.sender
        ]
    return found


def _first_in(text: str, index: dict[str, list[Name]]) -> Iterable[str]:
    """The first characters of names that a text holds."""
    if len(index) < _CHARACTERS_SEARCHED_MAX:
        return [character for character in index if character in text]
    return set(text) & index.keys()


def _names_now(context: Context, room: int) -> dict[str, list[Name]]:
    """The names of the joined members by first character, so that one pass finds all that a text may hold."""
    index = context.notices.names.get(room)
    if index is None:
        found = context.db.all(
            "SELECT display_name, user_id, event_id FROM members"
            " WHERE room=? AND membership='join' AND display_name IS NOT NULL",
            (room,),
        )
        index = _index([Name(name.strip().lower(), user_id, event_id) for name, user_id, event_id in found])
        context.notices.names.put(room, index)
    return index


def _names_in(context: Context, state: StateMap) -> dict[str, list[Name]]:
    """The same in some other state: the room had forked."""
    found = []
    for (kind, user_id), event_id in state.items():
        if kind == "m.room.member":
            event = context.events.body(event_id)
            name = event.content.get("displayname")
            if event.membership == "join" and isinstance(name, str):
                found.append(Name(name.strip().lower(), user_id, event_id))
    return _index(found)


def _index(found: list[Name]) -> dict[str, list[Name]]:
    index: dict[str, list[Name]] = {}
    for each in found:
        if each.name:
            index.setdefault(each.name[0], []).append(each)
    return index


def relation(event: Event) -> tuple[str | None, str | None]:
    """(event id, rel_type) of what an event relates to; both or neither."""
    relates = event.content.get("m.relates_to")
    event_id = relates.get("event_id") if isinstance(relates, dict) else None
    rel_type = relates.get("rel_type") if isinstance(relates, dict) else None
    if not isinstance(event_id, str) or not isinstance(rel_type, str):
        return None, None
    return event_id, rel_type


def thread_of(context: Context, relates_to: str | None, rel_type: str | None) -> str:
    """The root of the thread an event is in, or "main". Spec: § Threaded read receipts, at most 3 hops."""
    for _ in range(3):
        if relates_to is None:
            return "main"
        if rel_type == "m.thread":
            return relates_to
        found = context.db.one("SELECT relates_to, rel_type FROM events WHERE event_id=?", (relates_to,))
        relates_to, rel_type = found if found is not None else (None, None)
    return relates_to if relates_to is not None and rel_type == "m.thread" else "main"


def unnote(context: Context, target: EventRow, version: RoomVersion) -> None:
    """A redacted event counts no more, and what it alone knew (a name, power levels) never decided anything.

    A rebuild reads the pruned event from the start; the rows must be those it makes.
    """
    context.db.run("UPDATE events SET notify=0 WHERE position=?", (target.position,))
    context.db.run("DELETE FROM highlights WHERE position=?", (target.position,))
    context.notices.forget_room(target.room)
    if target.type == "m.room.member" and target.state_key is not None:
        context.notices.names.drop(target.room)
        context.db.run(
            "DELETE FROM highlights WHERE user_id=? AND room=? AND named_by=?",
            (target.state_key, target.room, target.event_id),
        )
    if target.type == "m.room.power_levels":
        rows = context.events.rows(
            "room=? AND verdict=? AND redacted_by IS NULL AND notify & ?",
            (target.room, ACCEPTED, ASKS_FOR_ALL),
        )
        room_id = context.events.room_id(target.room)
        for row in rows:
            event = context.events.load(row.position, row.event_id, room_id)
            notify = classify(context, event, version, context.states.before(row))
            context.db.run("UPDATE events SET notify=? WHERE position=?", (notify, row.position))
