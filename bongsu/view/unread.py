"""Queries: how much of a room a user has not read, by the rules the user has now."""

from collections.abc import Iterable
from typing import Any

from bongsu import limits
from bongsu.canonical import json_bytes
from bongsu.push.rules import HIGHLIGHT, NOTIFY, Facts, evaluate, outcome
from bongsu.push.ruleset import ruleset
from bongsu.room.event import Event
from bongsu.room.power import PowerLevels
from bongsu.view import registers
from bongsu.view.apply_notify import OUTCOME, event_fields, thread_of
from bongsu.view.context import Context
from bongsu.view.events import EventRow, StateEvents
from bongsu.view.members import member
from bongsu.view.memberships import Member
from bongsu.view.notices import Counted, Counts, Notice, Recent, Rules
from bongsu.view.receipts import Receipt, receipts_of

_COLUMNS = "position, event_id, stamp, sender, notify, relates_to, rel_type"


def rules_of(context: Context, user_id: str) -> Rules:
    """A user's push rules, from memory."""
    rules = context.notices.rules.get(user_id)
    if rules is None:
        stored = registers.get(context, "account_data", user_id, "", "m.push_rules")
        rules = Rules(stored is not None, ruleset(stored, user_id))
        context.notices.rules.put(user_id, rules)
    return rules


def actions_for(context: Context, event: Event, user_id: str) -> list[Any]:
    """What a user's rules say to an event, in the room as it is now."""
    room = context.events.room_number(event.room_id)
    assert room is not None, "the event was applied, so its room is here"

    def display_name() -> str | None:
        found = member(context, room, user_id)
        return None if found is None else found.display_name

    def member_count() -> int:
        live = context.live.find(event.room_id)
        return 0 if live is None else len(live.joined)

    def sender_may(key: str) -> bool:
        live = context.live.find(event.room_id)
        assert live is not None, "the event was applied, so its room is here"
        state = StateEvents(live.state, context.events)
        create = state[("m.room.create", "")]
        levels = PowerLevels(state.get(("m.room.power_levels", "")), create, live.version)
        return levels.user_level(event.sender) >= levels.notifications(key)

    facts = Facts(event_fields(event), user_id, display_name, member_count, sender_may)
    return evaluate(rules_of(context, user_id).ruleset, facts)


def thread_of_row(context: Context, row: EventRow) -> str:
    """The thread an event is in: its root's id, or "main"."""
    found = context.db.one("SELECT relates_to, rel_type FROM events WHERE position=?", (row.position,))
    return "main" if found is None else thread_of(context, *found)


def unread(context: Context, room_member: Member) -> Counts:
    """Unread notifications of a joined member by thread.

    Events before the member joined, and the member's own, never count. Counts end at
    `limits.UNREAD_COUNTED_MAX`.
    """
    key = (room_member.user_id, room_member.room)
    known = context.notices.counts.get(key)
    recent = context.notices.recent(room_member.room)
    if recent is None:
        recent = context.notices.begin(room_member.room, context.db.cursor)
    if (
        known is None
        or known.recent is not recent
        or known.joined != room_member.joined
        or known.position < recent.start
    ):
        position = _held_until(recent)
        known = Counted(position, room_member.joined, recent, _count(context, room_member))
        context.notices.counts.put(key, known)
        return known.counts
    if recent.notices and recent.notices[-1].position > known.position:
        _count_new(context, room_member, known)
    return known.counts


def _held_until(recent: Recent) -> int:
    return recent.notices[-1].position if recent.notices else recent.start


def _count_new(context: Context, room_member: Member, known: Counted) -> None:
    """Add what has arrived since: all of it is unread, since no receipt came after it."""
    fresh: list[Notice] = []
    for notice in reversed(known.recent.notices):
        if notice.position <= known.position:
            break
        fresh.append(notice)
    own_rules = rules_of(context, room_member.user_id).own
    for notice in fresh:
        if notice.sender == room_member.user_id:
            continue
        if own_rules:
            found = _judge(context, notice.event_id, room_member.user_id)
        else:
            found = HIGHLIGHT if room_member.user_id in notice.highlights else notice.outcome
        _add(known.counts, notice.thread, found)
    known.position = known.recent.notices[-1].position


def _judge(context: Context, event_id: str, user_id: str) -> int:
    return outcome(actions_for(context, context.events.body(event_id), user_id))


def _add(counts: Counts, thread: str, found: int) -> None:
    if found >= NOTIFY:
        notified, highlighted = counts.get(thread, (0, 0))
        counts[thread] = (notified + 1, highlighted + (found == HIGHLIGHT))


def _count(context: Context, room_member: Member) -> Counts:
    """Count from the tables."""
    receipts = receipts_of(context, room_member.room, room_member.user_id)
    own_rules = rules_of(context, room_member.user_id).own
    highlights = {
        position
        for (position,) in context.db.all(
            "SELECT position FROM highlights WHERE user_id=? AND room=? AND position>?",
            (room_member.user_id, room_member.room, room_member.joined),
        )
    }
    counts: Counts = {}
    for position, event_id, stamp, _, notify, relates_to, rel_type in _candidates(
        context, room_member, receipts, own_rules
    ):
        thread = thread_of(context, relates_to, rel_type)
        if any(receipt.covers(stamp, event_id, position, thread) for receipt in receipts):
            continue
        if own_rules:
            found = _judge(context, event_id, room_member.user_id)
        else:
            found = HIGHLIGHT if position in highlights else notify & OUTCOME
        _add(counts, thread, found)
    return counts


def _candidates(
    context: Context, room_member: Member, receipts: list[Receipt], own_rules: bool
) -> Iterable[tuple[Any, ...]]:
    """Rows that may be unread, found by the furthest receipt for the whole room.

    They arrived after it, or were here already and sort after its target, or its writer did not have them.
    """
    whole = [receipt for receipt in receipts if not receipt.thread]
    furthest = max(whole, key=lambda receipt: (receipt.stamp, receipt.event_id), default=None)
    counts = "redacted_by IS NULL"
    if not own_rules:
        counts += f" AND (notify & {OUTCOME}"
        counts += " OR position IN (SELECT position FROM highlights WHERE user_id=? AND room=?))"
    most = limits.UNREAD_EVALUATED_MAX if own_rules else limits.UNREAD_COUNTED_MAX
    same = f"SELECT {_COLUMNS} FROM events WHERE room=? AND verdict=0 AND sender<>? AND {counts}"  # noqa: S608
    first: tuple[Any, ...] = (room_member.room, room_member.user_id)
    if not own_rules:
        first = (*first, room_member.user_id, room_member.room)
    read_until = room_member.joined if furthest is None else max(room_member.joined, furthest.position)
    rows = context.db.all(
        f"{same} AND position>? ORDER BY position DESC LIMIT ?",
        (*first, read_until, most),
    )
    if furthest is not None:
        rows += context.db.all(
            f"{same} AND stamp>=? AND position<=? AND position>? ORDER BY position DESC LIMIT ?",
            (*first, furthest.stamp, furthest.position, room_member.joined, most),
        )
    if furthest is not None and furthest.gaps:
        gaps = json_bytes(sorted(furthest.gaps)).decode()
        rows += context.db.all(
            f"{same} AND position IN (SELECT value FROM json_each(?)) AND position>? AND stamp<? LIMIT ?",  # noqa: S608
            (*first, gaps, room_member.joined, furthest.stamp, most),
        )
    return rows
