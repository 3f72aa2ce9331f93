"""The latest notices of notice boards, for a hub's page over plain HTTP and the screen on its wall.

A notice board is a relief room that anybody may join and read (`world_readable`)."""

import json
from collections.abc import Iterator, Sequence

from bongsu.room.power import PowerLevels
from bongsu.view.context import Context
from bongsu.view.events import ACCEPTED, StateEvents
from bongsu.view.live import LiveRoom

NOTICES_SHOWN = 30
OTHER_BOARDS_SHOWN = 5
# Relief rooms that are looked at: most are none of these, for example the room of an incident.
ROOMS_LOOKED_AT = 100
MODERATOR = 50
READABLE = "world_readable"
_ROOMS = (
    "SELECT room, (SELECT MAX(stamp) FROM events WHERE events.room=relief_rooms.room) AS latest,"
    " EXISTS(SELECT 1 FROM members WHERE members.room=relief_rooms.room AND membership='join'"
    " AND user_id IN (SELECT value FROM json_each(?))) AS known"
    " FROM relief_rooms JOIN open_rooms USING(room) ORDER BY known DESC, latest DESC LIMIT ?"
)
# Room's name, text, time in ms.
Notice = tuple[str, str, int]


def notices(context: Context, operators: Sequence[str]) -> list[Notice]:
    """What to show, the most important first.

    Boards that an operator moderates come before all others: anybody may open a board, and must not
    be able to push this hub's own notices off its page.
    """
    own: list[Notice] = []
    others: list[Notice] = []
    boards = 0
    for room, _, _ in context.db.all(_ROOMS, (json.dumps(list(operators)), ROOMS_LOOKED_AT)):
        live = context.live.find(context.events.room_id(room))
        if (
            live is None
            or _said(context, live, "m.room.history_visibility", "history_visibility") != READABLE
        ):
            continue
        if _is_moderated(context, live, operators):
            own.extend(_of_room(context, live))
        elif boards < OTHER_BOARDS_SHOWN:
            boards += 1
            others.extend(_of_room(context, live))
    return [*_latest_first(own), *_latest_first(others)][:NOTICES_SHOWN]


def _latest_first(found: list[Notice]) -> list[Notice]:
    return sorted(found, key=lambda each: -each[2])


def _of_room(context: Context, live: LiveRoom) -> Iterator[Notice]:
    name = _said(context, live, "m.room.name", "name")
    rows = context.events.rows(
        "room=? AND type='m.room.message' AND verdict=? AND redacted_by IS NULL ORDER BY stamp DESC LIMIT ?",
        (live.room, ACCEPTED, NOTICES_SHOWN),
    )
    for row in rows:
        event = context.events.body(row.event_id)
        text = event.content.get("body")
        if isinstance(text, str):
            yield name, text, int(event.pdu.get("origin_server_ts", 0))


def _is_moderated(context: Context, live: LiveRoom, operators: Sequence[str]) -> bool:
    """Whether one of these is in the room and moderates it."""
    state = StateEvents(live.state, context.events)
    levels = PowerLevels(state.get(("m.room.power_levels", "")), state[("m.room.create", "")], live.version)
    return any(each in live.joined and levels.user_level(each) >= MODERATOR for each in operators)


def _said(context: Context, live: LiveRoom, event_type: str, field: str) -> str:
    event_id = live.state.get((event_type, ""))
    value = None if event_id is None else context.events.body(event_id).content.get(field)
    return value if isinstance(value, str) else ""
