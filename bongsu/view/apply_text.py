"""What people can search: texts of messages, names and topics, and the names of users."""

from bongsu import words
from bongsu.canonical import read_trusted
from bongsu.room.event import Event
from bongsu.view.context import Context

# The key of the content that is searched, by event type. Spec: Client-Server API § Search.
SEARCHED = {"m.room.message": "body", "m.room.name": "name", "m.room.topic": "topic"}


def add_text(context: Context, position: int, room: int, event: Event) -> None:
    """Keep the text of an accepted event."""
    key = SEARCHED.get(event.type)
    text = event.content.get(key) if key is not None else None
    if isinstance(text, str) and text:
        context.text_index.add(position, room, words.normalised(text))


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
