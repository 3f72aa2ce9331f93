"""Events that nobody holds: what follows is applied without them (docs/decisions/lost-events.md)."""

from typing import Any

from bongsu.log.record import Record
from bongsu.room.event import Event
from bongsu.room.versions import RoomVersion
from bongsu.view import waiting
from bongsu.view.apply_node import mark_stale
from bongsu.view.changes import Changes
from bongsu.view.context import Context


def apply_lost(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """LOST: what waits for these events waits no longer, unless they are here, or come after all."""
    for event_id in body["event_ids"]:
        if context.events.row(event_id) is not None or context.lost.is_coming(event_id):
            continue
        context.db.run("INSERT OR IGNORE INTO lost VALUES(?,0)", (event_id,))
        context.lost.forget()
        waiting.wake(context, event_id, changes)


def arrived(context: Context, event_id: str) -> None:
    """An event has its row. If others were applied without it, the view is derived again with it.

    So the rows are those of a node to which it was never lost, and saying too early that an event is lost
    costs a derivation, never a message.
    """
    if not context.lost.any:
        return
    used = context.db.value("SELECT used FROM lost WHERE event_id=?", (event_id,))
    if used is None:
        return
    context.db.run("DELETE FROM lost WHERE event_id=?", (event_id,))
    if used:
        # It stays there: a view that is derived several times must not forget what it learned first.
        context.db.run("INSERT OR IGNORE INTO found VALUES(?)", (event_id,))
        mark_stale(context)
    context.lost.forget()


def missing(context: Context, event: Event) -> str | None:
    """The first event that this one names and has to wait for."""
    for event_id in (*event.prev_events, *event.auth_events):
        if context.events.row(event_id) is None and not goes_without(context, event_id):
            return event_id
    return None


def gone(context: Context, event: Event) -> str | None:
    """The first event that this one names and that is not here."""
    named = (*event.prev_events, *event.auth_events)
    return next((event_id for event_id in named if context.events.row(event_id) is None), None)


def goes_without(context: Context, event_id: str) -> bool:
    """Whether who names this event, which is not here, is applied without it; noted if so."""
    if not context.lost.has(event_id):
        return False
    context.db.run("UPDATE lost SET used=1 WHERE event_id=? AND used=0", (event_id,))
    return True


def builds_on(context: Context, event: Event, version: RoomVersion) -> list[str]:
    """The events on whose states an event stands: its previous events.

    Where one of those is lost, the state before it is not known. In its place stand the events that the
    author named for its authority: the rules are looked up in what he himself went by.
    """
    known: list[str] = [prev for prev in event.prev_events if context.events.row(prev) is not None]
    if len(known) < len(event.prev_events):
        named: list[str] = [*event.auth_events]
        if version.implicit_create_auth:
            named.append(f"${event.room_id[1:]}")
        known += [each for each in named if context.events.row(each) is not None]
    return known
