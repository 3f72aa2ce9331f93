"""Queries: which events hold a search term."""

from collections.abc import Iterable
from dataclasses import dataclass

from bongsu import limits, words
from bongsu.view.context import Context
from bongsu.view.db import Row
from bongsu.view.text_index import room_token


@dataclass(frozen=True, slots=True)
class Hit:
    """An event whose text holds every word of the term. `rank`: higher is closer."""

    position: int
    room: int
    rank: float


def hits(context: Context, term: str, rooms: Iterable[int], below: int) -> list[Hit]:
    """The newest hits in some rooms at positions below `below`, the newest first; bounded work."""
    kept = words.normalised(term)
    query = words.query(kept)
    some = list(rooms)[: limits.SEARCH_ROOMS_MAX]
    if query is None or not some:
        return []
    found = _not_indexed(context, set(some), below)
    tokens = " OR ".join(f'"{room_token(room)}"' for room in some)
    found += context.db.all(
        "SELECT t.position, t.room, t.text FROM text_search s JOIN texts t ON t.position = s.rowid"
        " WHERE text_search MATCH ? AND s.rowid < ? ORDER BY s.rowid DESC LIMIT ?",
        (f"({tokens}) AND {query}", below, limits.SEARCH_CANDIDATES_MAX),
    )
    asked = words.words(kept)[: limits.SEARCH_WORDS_MAX]
    # Pairs may stand in another order or in different words: the text itself decides.
    return [
        Hit(position, room, sum(text.count(word) for word in asked) / (20 + len(text)))
        for position, room, text in found
        if all(word in text for word in asked)
    ]


def _not_indexed(context: Context, rooms: set[int], below: int) -> list[Row]:
    """The texts in the rooms that the index does not hold yet, the newest first."""
    sql = "SELECT position, room, text FROM texts WHERE position>? AND position<? ORDER BY position DESC"
    return [row for row in context.db.all(sql, (context.text_index.mark, below)) if row[1] in rooms]


def unencrypted_rooms(context: Context, user_id: str) -> list[int]:
    """The rooms a user is or was in, but for those whose messages no server can read."""
    found = context.db.all(
        "SELECT m.room FROM members m WHERE m.user_id=? AND (m.membership='join' OR m.joined>0)"
        " AND NOT EXISTS(SELECT 1 FROM current_state c WHERE c.room=m.room AND c.type='m.room.encryption')"
        " ORDER BY m.changed DESC",
        (user_id,),
    )
    return [room for (room,) in found]
