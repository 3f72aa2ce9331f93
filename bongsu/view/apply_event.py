"""A room event becomes rows: its place, the rules' verdict, the state after it, members, relations."""

from collections.abc import Collection
from operator import attrgetter
from typing import Any

from bongsu.log.record import Record
from bongsu.room import resolve
from bongsu.room.event import Event
from bongsu.room.relief import is_relief
from bongsu.room.state import StateMap
from bongsu.room.versions import RoomVersion
from bongsu.view import lost, waiting
from bongsu.view.apply_node import mark_stale
from bongsu.view.apply_notify import classify, note, relation
from bongsu.view.apply_receipt import late_event
from bongsu.view.apply_redaction import apply_redaction, late_redactions
from bongsu.view.apply_residency import counts
from bongsu.view.apply_text import add_text, set_join_rule
from bongsu.view.changes import Changes
from bongsu.view.context import Context
from bongsu.view.event_names import possible_ids, version_of
from bongsu.view.events import ACCEPTED, COLUMNS, EventRow
from bongsu.view.live import Head, LiveRoom, Pending
from bongsu.view.touched import MEMBERS
from bongsu.view.transactions import remember_transaction
from bongsu.view.verdict import verdict_of
from bongsu.view.visibility import VISIBILITY

JOIN_RULES = ("m.room.join_rules", "")


# An event's row as a tuple, in the order of COLUMNS.
_columns = attrgetter(*EventRow.__struct_fields__)


def apply_event(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """Apply one EVENT record; one that lacks an event it names waits, and its log's events behind it do."""
    _apply_event(context, record, body, changes, cut=False)


def apply_cut_event(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """Apply an EVENT record beyond its author's cut: it is rejected, so that others may name it."""
    _apply_event(context, record, body, changes, cut=True)


def _apply_event(
    context: Context, record: Record, body: dict[str, Any], changes: Changes, *, cut: bool
) -> None:
    version = version_of(context, body["event"])
    if version is None:
        return
    pending = context.live.kept(record.body)
    event = Event.from_pdu(body["event"], version) if pending is None else pending.event
    if _here_already(context, event, cut=cut):
        return
    if _waits(context, record, event, body["event"], changes):
        return
    room = _room_number(context, event, version)
    before_group, before = _state_before(context, event, version, pending)
    # The author has asked the same question of the same events, and this node runs the author's program.
    checked = pending is not None and before is pending.before and event.prev_events and not cut
    place = (before_group, before)
    verdict = ACCEPTED if checked else verdict_of(context, event, version, place, record, cut=cut)
    notify = classify(context, event, version, before) if verdict == ACCEPTED else 0
    row = _insert(context, record, event, room, before_group, before, verdict, notify)
    if body.get("sent_by") is not None and not cut:
        remember_transaction(context, row, body["sent_by"])
    context.events.remember(event)
    if verdict == ACCEPTED:
        _accepted(context, row, event, version, pending, before, notify, changes)
    waiting.wake(context, event.event_id, changes)


def _here_already(context: Context, event: Event, *, cut: bool) -> bool:
    """Whether the event has its row, or is to get it from another record than this one.

    Who is revoked may have copied an event of another node into its own log: were the copy's verdict to
    stand where it came first, nodes would disagree for ever.
    """
    position = context.db.value("SELECT position FROM events WHERE event_id=?", (event.event_id,))
    if position is None:
        vouched = "SELECT 1 FROM vouched WHERE event_id=?"
        return cut and context.db.one(vouched, (event.event_id,)) is not None
    if cut or not (context.authorities.revocations() or context.residencies.any_end):
        return True
    if not counts(context, context.log.read(position), event.sender):
        context.db.run("INSERT OR IGNORE INTO vouched VALUES(?)", (event.event_id,))
        mark_stale(context)
    return True


def _waits(context: Context, record: Record, event: Event, pdu: dict[str, Any], changes: Changes) -> bool:
    """Whether the event waits, for one that it names or behind one of its log that does; noted if so."""
    missing = lost.missing(context, event)
    if missing is None and context.lost.any and context.events.room_number(event.room_id) is None:
        gone = lost.gone(context, event)
        if gone is not None:
            # The room's first event is lost, and what the others mean with it: nothing waits behind them.
            waiting.wait(context, record, gone)
            return True
    missing = missing or waiting.before(context, record, (event.event_id,))
    if missing is None:
        return False
    waiting.hold_back(context, record, possible_ids(context, event, pdu), missing, changes)
    return True


def _room_number(context: Context, event: Event, version: RoomVersion) -> int:
    room = context.events.room_number(event.room_id)
    if room is None:
        context.db.run("INSERT INTO rooms(room_id, version) VALUES(?,?)", (event.room_id, version.id))
        room = context.events.room_number(event.room_id)
        assert room is not None
    return room


def _state_before(
    context: Context, event: Event, version: RoomVersion, pending: Pending | None
) -> tuple[int, StateMap]:
    """The state group and map before the event; several prev_events are resolved into their own group."""
    if not event.prev_events:
        return 0, StateMap()
    groups = sorted({_row(context, each).state_group for each in lost.builds_on(context, event, version)})
    if not groups:
        return 0, StateMap()
    if len(groups) == 1:
        state = pending.before if pending is not None else context.states.group(groups[0])
        return groups[0], state
    state = _resolved(context, groups, version)
    return new_group(context, groups[0], context.states.group(groups[0]), state), state


def new_group(context: Context, parent: int, before: StateMap, after: StateMap) -> int:
    """Store `after` as a delta against `parent`'s state; the parent itself if nothing differs."""
    changed = [
        (kind, state_key, event_id)
        for (kind, state_key), event_id in after.items()
        if before.get((kind, state_key)) != event_id
    ]
    removed = [(kind, state_key, None) for (kind, state_key) in before if (kind, state_key) not in after]
    if parent and not changed and not removed:
        return parent
    context.db.run("INSERT INTO state_groups(parent) VALUES(?)", (parent or None,))
    group = int(context.db.value("SELECT last_insert_rowid()"))
    context.db.run_many(
        "INSERT INTO state_deltas VALUES(?,?,?,?)", [(group, *delta) for delta in (*changed, *removed)]
    )
    context.states.remember(group, after)
    return group


def _child_group(context: Context, parent: int, event: Event, after: StateMap) -> int:
    """The group after one accepted state event. Costs the same in a room of ten thousand as in one of ten."""
    context.db.run("INSERT INTO state_groups(parent) VALUES(?)", (parent or None,))
    group = int(context.db.value("SELECT last_insert_rowid()"))
    context.db.run(
        "INSERT INTO state_deltas VALUES(?,?,?,?)", (group, event.type, event.state_key, event.event_id)
    )
    context.states.remember(group, after)
    return group


def _row(context: Context, event_id: str) -> EventRow:
    row = context.events.row(event_id)
    assert row is not None, f"event {event_id} was checked to be here"
    return row


def _insert(
    context: Context,
    record: Record,
    event: Event,
    room: int,
    before_group: int,
    before: StateMap,
    verdict: int,
    notify: int,
) -> EventRow:
    group = before_group
    replaces = None
    if event.state_key is not None and verdict == ACCEPTED:
        replaces = before.get((event.type, event.state_key))
        pending_after = before.set((event.type, event.state_key), event.event_id)
        group = _child_group(context, before_group, event, pending_after)
    row = EventRow(
        record.position,
        event.event_id,
        room,
        record.header.stamp,
        event.depth,
        event.type,
        event.sender,
        event.state_key,
        verdict,
        group,
        replaces,
        None,
    )
    context.db.run(
        f"INSERT INTO events({COLUMNS}, notify, relates_to, rel_type) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (*_columns(row), notify, *relation(event)),
    )
    context.events.remember_row(row)
    lost.arrived(context, event.event_id)
    return row


def _accepted(
    context: Context,
    row: EventRow,
    event: Event,
    version: RoomVersion,
    pending: Pending | None,
    before: StateMap,
    notify: int,
    changes: Changes,
) -> None:
    heads_before = _move_heads(context, row, event)
    extends_all = heads_before <= set(event.prev_events)
    if extends_all:
        if event.state_key is not None:
            _set_current(context, row, event, changes)
    else:
        _resolve_current(context, row, version, heads_before, changes)
    live = context.live.peek(event.room_id)
    context.touched.touch(row.room, row.position)
    if changes.waited:
        late_event(context, row)
    if live is not None:
        live.room = row.room
        live.last_position = max(live.last_position, row.position)
        live.add_tail(row)
        if pending is None:
            _lead(context, live, row, event, version)
    _note_relief(context, row, event, changes)
    if row.type == VISIBILITY[0]:
        context.always_shared.drop(row.room)
    note(context, row, event, version, before, notify, current=extends_all)
    add_text(context, row.position, row.room, event)
    if event.type == "m.room.redaction" and event.redacts is not None:
        apply_redaction(context, event, version, changes)
    late_redactions(context, event, version, changes)
    relates_to = event.content.get("m.relates_to")
    if isinstance(relates_to, dict) and isinstance(relates_to.get("event_id"), str):
        changes.stale.add(relates_to["event_id"])
    changes.event(row)


def _note_relief(context: Context, row: EventRow, event: Event, changes: Changes) -> None:
    if row.type == "m.room.create" and is_relief(event.content):
        context.db.run("INSERT OR IGNORE INTO relief_rooms VALUES(?)", (row.room,))
    if row.type in ("m.room.create", JOIN_RULES[0]):
        changes.interest = True


def _move_heads(context: Context, row: EventRow, event: Event) -> set[str]:
    """The event is a head, and those it builds on are none. Returns the heads there were."""
    heads = {head for (head,) in context.db.all("SELECT event_id FROM heads WHERE room=?", (row.room,))}
    if len(heads) == 1 and heads == set(event.prev_events):
        # By its whole key, and OR FAIL: else SQLite keeps a journal for this one row, at four times the cost.
        context.db.run(
            "UPDATE OR FAIL heads SET event_id=? WHERE room=? AND event_id=?",
            (event.event_id, row.room, *heads),
        )
        return heads
    context.db.run_many(
        "DELETE FROM heads WHERE room=? AND event_id=?", [(row.room, prev) for prev in event.prev_events]
    )
    context.db.run("INSERT INTO heads VALUES(?,?)", (row.room, event.event_id))
    return heads


def _set_current(context: Context, row: EventRow, event: Event, changes: Changes) -> None:
    context.db.run(
        "INSERT OR REPLACE INTO current_state VALUES(?,?,?,?,?)",
        (row.room, event.type, event.state_key, event.event_id, row.position),
    )
    if event.type == "m.room.member" and event.state_key is not None:
        set_member(context, row.room, event.state_key, event, row.position, changes)
    elif event.key == JOIN_RULES:
        set_join_rule(context, row.room, event)


def set_member(
    context: Context, room: int, user_id: str, event: Event | None, position: int, changes: Changes
) -> None:
    """Store a user's membership as the current state has it; `event` None: the state names none any more."""
    content = {} if event is None else event.content
    membership = content.get("membership", "leave")
    found = context.db.one(
        "SELECT membership, joined FROM members WHERE user_id=? AND room=?", (user_id, room)
    )
    before, joined = found if found is not None else ("leave", 0)
    if membership == "join" and before != "join":
        joined = position
    name = content.get("displayname")
    context.touched.touch(MEMBERS, position)
    context.db.run(
        "INSERT OR REPLACE INTO members VALUES(?,?,?,?,?,?,?)",
        (
            user_id,
            room,
            membership,
            "" if event is None else event.event_id,
            position,
            joined,
            name if isinstance(name, str) else None,
        ),
    )
    context.memberships.changed(room, user_id)
    live = context.live.peek(context.events.room_id(room))
    if live is not None:
        if membership == "join":
            live.joined.add(user_id)
        else:
            live.joined.discard(user_id)
    context.notices.names.drop(room)
    changes.member(room, user_id, before, membership)


def _resolve_current(
    context: Context, row: EventRow, version: RoomVersion, heads_before: set[str], changes: Changes
) -> None:
    """The room forked: its current state is the resolution of the states after all its heads."""
    heads = [
        event_id for (event_id,) in context.db.all("SELECT event_id FROM heads WHERE room=?", (row.room,))
    ]
    groups = {_row(context, head).state_group for head in heads}
    if groups == {_row(context, head).state_group for head in heads_before}:
        return  # a message at one of several heads changes nothing
    changes.merged.add(row.room)
    after = _resolved(context, groups, version)
    before = context.live.current_state(row.room)
    for key in set(before) | set(after):
        event_id = after.get(key)
        if event_id == before.get(key):
            continue
        if event_id is None:
            context.db.run(
                "DELETE FROM current_state WHERE room=? AND type=? AND state_key=?", (row.room, *key)
            )
        else:
            context.db.run(
                "INSERT OR REPLACE INTO current_state VALUES(?,?,?,?,?)",
                (row.room, *key, event_id, row.position),
            )
        if key[0] == "m.room.member":
            event = None if event_id is None else context.events.body(event_id)
            set_member(context, row.room, key[1], event, row.position, changes)
        elif key == JOIN_RULES:
            set_join_rule(context, row.room, None if event_id is None else context.events.body(event_id))


def _resolved(context: Context, groups: Collection[int], version: RoomVersion) -> StateMap:
    return context.states.resolved(groups, version, context.events.body, context.events.rejected)


def _lead(context: Context, live: LiveRoom, row: EventRow, event: Event, version: RoomVersion) -> None:
    """An event from elsewhere joins what local authors build on; what is on its way to disk stays."""
    live.heads = [head for head in live.heads if head.event_id not in event.prev_events]
    live.heads.append(Head(row.event_id, row.stamp, row.depth))
    promised = [context.live.pending.get(head.event_id) for head in live.heads]
    if not any(promised):
        groups = [_row(context, head.event_id).state_group for head in live.heads]
        live.state = _resolved(context, groups, version)
        return
    maps = [
        context.states.group(_row(context, head.event_id).state_group) if pending is None else pending.after
        for head, pending in zip(live.heads, promised, strict=True)
    ]
    live.state = resolve.resolve(version, maps, context.events.body, context.events.rejected)
