"""What people can search: texts of messages, names and topics, and the names of users."""

from bongsu import words
from bongsu.canonical import read_trusted
from bongsu.room.event import Event
from bongsu.view.context import Context

# The key of the content that is searched, by event type. Spec: Client-Server API § Search.
SEARCHED = {"m.room.message": "body", "m.room.name": "name", "m.room.topic": "topic"}


def room_token(room: int) -> str:
    """A room as the index names it: no letter, so that it is no pair of letters of any text."""
    return f"\u00b7{room}"


def add_text(context: Context, position: int, room: int, event: Event) -> None:
    """Index an accepted event."""
    key = SEARCHED.get(event.type)
    text = event.content.get(key) if key is not None else None
    if not isinstance(text, str) or not text:
        return
    kept = words.normalised(text)
    context.db.run("INSERT INTO texts VALUES(?,?,?)", (position, room, kept))
    context.db.run(
        "INSERT INTO text_search(rowid, grams) VALUES(?,?)",
        (position, f"{room_token(room)} {words.grams(kept)}"),
    )


def drop_text(context: Context, position: int) -> None:
    """Take a redacted event out of the index."""
    found = context.db.one("SELECT room, text FROM texts WHERE position=?", (position,))
    if found is None:
        return
    room, kept = found
    context.db.run("DELETE FROM texts WHERE position=?", (position,))
    # The index keeps no text of its own: it has to be told what to forget.
    context.db.run(
        "INSERT INTO text_search(text_search, rowid, grams) VALUES('delete',?,?)",
        (position, f"{room_token(room)} {words.grams(kept)}"),
    )


def set_names(context: Context, user_id: str) -> None:
    """Keep what the user directory searches: the user's own part of the id, and the display name."""
    if context.db.one("SELECT 1 FROM users WHERE user_id=?", (user_id,)) is None:
        return
    text = context.db.value(
        "SELECT value FROM registers WHERE family='profile' AND owner=? AND key1='' AND key2='displayname'",
        (user_id,),
    )
    name = None if text is None else read_trusted(text)
    shown = name if isinstance(name, str) else ""
    localpart = user_id[1:].partition(":")[0]
    context.db.run(
        "INSERT OR REPLACE INTO names VALUES(?,?)", (user_id, words.normalised(f"{localpart}\n{shown}"))
    )


def set_join_rule(context: Context, room: int, event: Event | None) -> None:
    """Keep which rooms anybody may join: their members are in the user directory."""
    if event is not None and event.content.get("join_rule") == "public":
        context.db.run("INSERT OR IGNORE INTO open_rooms VALUES(?)", (room,))
    else:
        context.db.run("DELETE FROM open_rooms WHERE room=?", (room,))
