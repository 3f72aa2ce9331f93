"""Redactions: the target keeps its place and loses its content, here and in the log."""

from typing import Any

from msgspec.structs import replace

from bongsu.canonical import json_bytes, read_trusted
from bongsu.room import auth
from bongsu.room.event import Event
from bongsu.room.power import PowerLevels
from bongsu.room.redact import redact
from bongsu.room.versions import RoomVersion
from bongsu.view.apply_notify import unnote
from bongsu.view.changes import Changes
from bongsu.view.context import Context
from bongsu.view.events import ACCEPTED, EventRow, StateEvents
from bongsu.view.visibility import VISIBILITY


def apply_redaction(context: Context, redaction: Event, version: RoomVersion, changes: Changes) -> None:
    """Apply an accepted redaction, or remember it until its target arrives.

    Spec: rooms § Handling redactions.
    """
    assert redaction.redacts is not None
    target = context.events.row(redaction.redacts)
    if target is None:
        context.db.run(
            "INSERT OR IGNORE INTO early_redactions VALUES(?,?)", (redaction.redacts, redaction.event_id)
        )
        context.empty.filled("early_redactions")
        return
    _redact(context, redaction, target, version, changes)


def late_redactions(context: Context, event: Event, version: RoomVersion, changes: Changes) -> None:
    """Apply the redactions that arrived before this event did."""
    if "early_redactions" in context.empty:
        return
    found = context.db.all(
        "SELECT redaction FROM early_redactions WHERE target=? ORDER BY redaction", (event.event_id,)
    )
    if not found:
        return
    context.db.run("DELETE FROM early_redactions WHERE target=?", (event.event_id,))
    target = context.events.row(event.event_id)
    assert target is not None
    for (redaction_id,) in found:
        _redact(context, context.events.body(redaction_id), target, version, changes)


def _redact(
    context: Context, redaction: Event, target: EventRow, version: RoomVersion, changes: Changes
) -> None:
    row = context.events.row(redaction.event_id)
    assert row is not None
    if target.room != row.room or target.verdict != ACCEPTED or target.type == "m.room.create":
        return
    state = StateEvents(context.states.before(row), context.events)
    create = state.get(("m.room.create", "")) or context.events.body("$" + redaction.room_id[1:])
    power = PowerLevels(state.get(("m.room.power_levels", "")), create, version)
    event = context.events.load(target.position, target.event_id, redaction.room_id)
    # Within one service every server name is equal, so the spec's rule alone would let anybody
    # redact anything.
    if not auth.user_may_redact(redaction.sender, event, power):
        return
    # Of several redactions the one that sorts first is named, whatever the order of arrival.
    if target.redacted_by is not None:
        first = context.events.row(target.redacted_by)
        assert first is not None
        if (first.stamp, first.event_id) <= (row.stamp, row.event_id):
            return
    related = context.db.value("SELECT relates_to FROM events WHERE position=?", (target.position,))
    if related is not None:
        changes.stale.add(related)
    context.db.run(
        "UPDATE events SET redacted_by=?, relates_to=NULL, rel_type=NULL WHERE position=?",
        (redaction.event_id, target.position),
    )
    context.events.forget(target.event_id)
    context.text_index.drop(target.position)
    _hollow(context, target, version)
    _without_state(context, target)
    unnote(context, target, version)
    changes.stale.add(target.event_id)
    live = context.live.peek(redaction.room_id)
    if live is not None:
        redacted_row = replace(target, redacted_by=redaction.event_id)
        for index, tail_row in enumerate(live.tail):
            if tail_row.event_id == target.event_id:
                live.tail[index] = redacted_row


def _without_state(context: Context, target: EventRow) -> None:
    """What the tables and caches took from the content of a state event."""
    if target.type == "m.room.member" and target.state_key is not None:
        context.db.run("UPDATE members SET display_name=NULL WHERE event_id=?", (target.event_id,))
        context.memberships.changed(target.room, target.state_key)
    elif target.type == VISIBILITY[0]:
        context.always_shared.drop(target.room)


def _hollow(context: Context, target: EventRow, version: RoomVersion) -> None:
    record = context.log.read(target.position)
    if record.body is None:
        return
    body: dict[str, Any] = read_trusted(record.body)
    pruned = {**body, "event": redact(body["event"], version)}
    if pruned != body:
        context.hollows.request(target.position, json_bytes(pruned))
