"""Queries: media ids and the bytes they stand for."""

from dataclasses import dataclass
from typing import Any

from bongsu.view.context import Context

QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class Media:
    """A media id. `hash`: SHA-256 of its bytes, None until they are uploaded."""

    media_id: str
    user_id: str
    hash: bytes | None
    bytes: int
    content_type: str
    file_name: str | None
    created_ts: int


def media(context: Context, media_id: str) -> Media | None:
    """The media id, or None if it was never given out."""
    found = context.db.one(
        "SELECT media_id, user_id, hash, bytes, content_type, file_name, created_ts FROM media"
        " WHERE media_id=?",
        (media_id,),
    )
    return None if found is None else Media(*found)


def is_quarantined(context: Context, found: Media) -> bool:
    """Whether an administrator holds the file back, by this id or another: who has it can send it again."""
    held = context.db.one(
        "SELECT 1 FROM registers WHERE family=? AND owner='' AND key1='' AND value IS NOT NULL"
        " AND (key2=? OR key2 IN (SELECT media_id FROM media WHERE hash=?))",
        (QUARANTINE, found.media_id, found.hash),
    )
    return held is not None


def media_ids(content: dict[str, Any], server_name: str) -> set[str]:
    """The ids of this service's media that the content of an event shows."""
    info = content.get("info")
    places = [content, content.get("file")]
    places += (
        [info.get("thumbnail_file"), {"url": info.get("thumbnail_url")}] if isinstance(info, dict) else []
    )
    prefix = f"mxc://{server_name}/"
    urls = [place.get("url") for place in places if isinstance(place, dict)]
    return {url.removeprefix(prefix) for url in urls if isinstance(url, str) and url.startswith(prefix)}


def promised(context: Context, user_id: str, since_ts: int) -> int:
    """How many ids the user holds that have no bytes yet."""
    return int(
        context.db.value(
            "SELECT count(*) FROM media WHERE user_id=? AND hash IS NULL AND created_ts>?",
            (user_id, since_ts),
        )
    )


def bytes_of(context: Context, user_id: str) -> int:
    """How much the user's files take; the same bytes under two ids count twice."""
    return int(
        context.db.value(
            "SELECT coalesce(sum(bytes), 0) FROM media WHERE user_id=? AND hash IS NOT NULL", (user_id,)
        )
    )


def is_named(context: Context, media_hash: bytes) -> bool:
    """Whether any id stands for these bytes."""
    return context.db.one("SELECT 1 FROM media WHERE hash=?", (media_hash,)) is not None


def stored(context: Context) -> list[tuple[bytes, int]]:
    """(hash, bytes) of everything that should be on disk."""
    return [
        (found[0], found[1])
        for found in context.db.all("SELECT DISTINCT hash, bytes FROM media WHERE hash IS NOT NULL")
    ]
