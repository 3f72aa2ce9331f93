"""POST /search: messages, names and topics of the rooms one may read. Spec: search.yaml."""

from dataclasses import dataclass
from typing import Any

from bongsu import limits, ratelimit
from bongsu.api.http import (
    Request,
    Response,
    Route,
    answer,
    boolean,
    integer,
    json_list,
    json_object,
    string,
    strings,
)
from bongsu.api.message_pagination import page
from bongsu.api.rooms import raw
from bongsu.errors import bad_json, invalid_param, too_large
from bongsu.node import Node
from bongsu.service import Service
from bongsu.sync.filter import EventFilter, parse_events
from bongsu.sync.token import Place
from bongsu.view.apply_text import SEARCHED
from bongsu.view.events import EventRow
from bongsu.view.members import member
from bongsu.view.search import Hit, hits, unencrypted_rooms
from bongsu.view.visibility import visible_rows


@dataclass(frozen=True, slots=True)
class _Asked:
    """The criteria of a search."""

    term: str
    types: frozenset[str]
    filter: EventFilter
    recent: bool
    limit: int
    before: int
    after: int
    profiles: bool
    context: bool
    state: bool
    groups: tuple[str, ...]


def _asked(criteria: dict[str, Any]) -> _Asked:
    term = string(criteria, "search_term")
    if len(term) > limits.SEARCH_TERM_CHARACTERS_MAX:
        raise too_large(f"A search term may have {limits.SEARCH_TERM_CHARACTERS_MAX} characters.")
    by_key = {f"content.{key}": event_type for event_type, key in SEARCHED.items()}
    keys = strings(criteria, "keys", len(by_key)) or list(by_key)
    if not set(keys) <= set(by_key):
        raise bad_json(f"`keys` may hold {', '.join(by_key)}.")
    order = criteria.get("order_by", "rank")
    if order not in ("recent", "rank"):
        raise bad_json("`order_by` must be recent or rank.")
    groups = []
    for group in json_list(json_object(criteria, "groupings"), "group_by", 2):
        if not isinstance(group, dict) or group.get("key") not in ("room_id", "sender"):
            raise bad_json("`group_by` may hold the keys room_id and sender.")
        groups.append(group["key"])
    filter_ = parse_events(json_object(criteria, "filter"), "filter")
    given = json_object(criteria, "filter").get("limit", 10)
    around = json_object(criteria, "event_context")
    return _Asked(
        term=term,
        types=frozenset(by_key[key] for key in keys),
        filter=filter_,
        recent=order == "recent",
        limit=max(1, min(given, limits.SEARCH_RESULTS_MAX)),
        before=integer(around, "before_limit", 5, limits.SEARCH_CONTEXT_MAX),
        after=integer(around, "after_limit", 5, limits.SEARCH_CONTEXT_MAX),
        profiles=boolean(around, "include_profile"),
        context="event_context" in criteria,
        state=boolean(criteria, "include_state"),
        groups=tuple(dict.fromkeys(groups)),
    )


async def search(service: Service, request: Request) -> Response:
    """Search the category `room_events`; there is no other."""
    node = service.node
    user_id = request.who.user_id
    node.rate.check(ratelimit.SEARCH, user_id)
    categories = json_object(request.json(), "search_categories", required=True)
    if "room_events" not in categories:
        return answer({"search_categories": {}})
    asked = _asked(json_object(categories, "room_events"))
    below, skipped = _from(node, request.query("next_batch"), asked)
    rooms = [
        room
        for room in unencrypted_rooms(node.context, user_id)
        if asked.filter.passes_room(node.context.events.room_id(room))
    ]
    found = hits(node.context, asked.term, rooms, below)
    if not asked.recent:
        found.sort(key=lambda hit: (-hit.rank, -hit.position))
    chosen, used = _readable(node, user_id, asked, found[skipped:])
    rows = [row for _, row in chosen]
    fields: dict[str, Any] = {
        "count": len(found),
        "highlights": asked.term.split(),
        "results": [_result(node, user_id, asked, hit, row) for hit, row in chosen],
    }
    if rows and used < len(found) - skipped:
        fields["next_batch"] = f"e{rows[-1].event_id}" if asked.recent else f"n{skipped + used}"
    if asked.groups:
        fields["groups"] = {key: _group(node, key, rows) for key in asked.groups}
    if asked.state:
        fields["state"] = _states(node, user_id, rows)
    return answer({"search_categories": {"room_events": fields}})


def _from(node: Node, batch: str | None, asked: _Asked) -> tuple[int, int]:
    """(position to stay below, hits to skip) of a token: `e` with the last event, `n` with a number."""
    if batch is None:
        return 2**62, 0
    if asked.recent and batch.startswith("e"):
        row = node.context.events.row(batch[1:])
        if row is not None:
            return row.position, 0
    if not asked.recent and batch[:1] == "n" and batch[1:].isascii() and batch[1:].isdigit():
        return 2**62, int(batch[1:7])
    raise invalid_param("`next_batch` was not made by this search. Start again without it.")


def _readable(
    node: Node, user_id: str, asked: _Asked, found: list[Hit]
) -> tuple[list[tuple[Hit, EventRow]], int]:
    """The first hits that pass the filter and that the user may see; how many were looked at."""
    chosen: list[tuple[Hit, EventRow]] = []
    for looked_at, hit in enumerate(found):
        if len(chosen) == asked.limit:
            return chosen, looked_at
        rows = node.context.events.rows("position=?", (hit.position,))
        if not rows or rows[0].type not in asked.types:
            continue
        row = rows[0]
        if not asked.filter.passes(row.type, row.sender):
            continue
        if visible_rows(node.context, rows, user_id, member(node.context, row.room, user_id)):
            chosen.append((hit, row))
    return chosen, len(found)


def _result(node: Node, user_id: str, asked: _Asked, hit: Hit, row: EventRow) -> dict[str, Any]:
    result: dict[str, Any] = {"rank": hit.rank, "result": raw(node, row, user_id)}
    if asked.context:
        result["context"] = _context(node, user_id, asked, row)
    return result


def _context(node: Node, user_id: str, asked: _Asked, row: EventRow) -> dict[str, Any]:
    """What was said before and after."""
    room = node.context.live.get(node.context.events.room_id(row.room))
    mine = member(node.context, row.room, user_id)
    at, behind = Place(row.stamp, row.event_id), Place(row.stamp, row.event_id + "~")
    before = page(node, room, at, None, asked.before, backwards=True) if asked.before else []
    after = page(node, room, behind, None, asked.after, backwards=False) if asked.after else []
    before = visible_rows(node.context, before, user_id, mine)
    after = visible_rows(node.context, after, user_id, mine)
    first = before[-1] if before else row
    last = after[-1] if after else row
    fields: dict[str, Any] = {
        "start": Place(first.stamp, first.event_id).encode(),
        "end": Place(last.stamp, last.event_id + "~").encode(),
        "events_before": [raw(node, each, user_id) for each in before],
        "events_after": [raw(node, each, user_id) for each in after],
    }
    if asked.profiles:
        state = node.context.states.group(row.state_group)
        fields["profile_info"] = {}
        for sender in sorted({each.sender for each in (*before, row, *after)}):
            event_id = state.get(("m.room.member", sender))
            content = {} if event_id is None else node.context.events.body(event_id).content
            shown = {name: content.get(name) for name in ("displayname", "avatar_url")}
            fields["profile_info"][sender] = {name: text for name, text in shown.items() if text}
    return fields


def _group(node: Node, key: str, rows: list[EventRow]) -> dict[str, Any]:
    groups: dict[str, Any] = {}
    for row in rows:
        name = row.sender if key == "sender" else node.context.events.room_id(row.room)
        group = groups.setdefault(name, {"results": [], "order": len(groups)})
        group["results"].append(row.event_id)
    return groups


def _states(node: Node, user_id: str, rows: list[EventRow]) -> dict[str, Any]:
    """The current state of the rooms the user is in."""
    states: dict[str, Any] = {}
    for room in sorted({row.room for row in rows}):
        mine = member(node.context, room, user_id)
        if mine is None or mine.membership != "join":
            continue
        state = node.context.live.current_state(room)
        found = [node.context.events.row(state[key]) for key in sorted(state)]
        states[node.context.events.room_id(room)] = [
            raw(node, each, user_id) for each in found if each is not None
        ]
    return states


ROUTES = [Route("POST", "/_matrix/client/v3/search", search)]
