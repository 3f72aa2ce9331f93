"""Media ids become rows: an id is given out, later it gets its bytes; the first to give it bytes stands."""

from typing import Any

from bongsu.authority import CORE
from bongsu.log.record import Record
from bongsu.speakers import HUB_SEPARATOR
from bongsu.view.changes import Changes
from bongsu.view.context import Context


def apply_media(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """MEDIA: of several records of one id those with bytes count before those without, then the earliest.

    Before that who wrote it: a hub must not give other bytes to an id that somebody else gave out.
    """
    if context.db.one("SELECT 1 FROM media_ends WHERE media_id=?", (body["media_id"],)) is not None:
        return
    media_hash = None if body["hash"] is None else bytes.fromhex(body["hash"])
    media_id = body["media_id"]
    mine = (
        media_hash is None,
        _rank(context, record.log.node, media_id),
        record.header.stamp,
        record.log.node,
    )
    found = context.db.one(
        "SELECT hash IS NULL, stamp, author FROM media WHERE media_id=?", (body["media_id"],)
    )
    if found is not None and (bool(found[0]), _rank(context, found[2], media_id), found[1], found[2]) <= mine:
        return
    context.db.run(
        "INSERT OR REPLACE INTO media VALUES(?,?,?,?,?,?,?,?,?)",
        (
            body["media_id"],
            body["user_id"],
            media_hash,
            body["bytes"],
            body["content_type"],
            body["file_name"],
            body["created_ts"],
            record.header.stamp,
            record.log.node,
        ),
    )
    changes.media.add(body["media_id"])


def apply_media_end(context: Context, record: Record, body: dict[str, Any], changes: Changes) -> None:
    """MEDIA_END: final, also for an id that has not arrived yet. Bytes that another id stands for stay."""
    media_id = body["media_id"]
    media_hash = context.db.value("SELECT hash FROM media WHERE media_id=?", (media_id,))
    context.db.run("INSERT OR IGNORE INTO media_ends VALUES(?)", (media_id,))
    context.db.run("DELETE FROM media WHERE media_id=?", (media_id,))
    changes.media.add(media_id)
    if media_hash is not None and context.db.one("SELECT 1 FROM media WHERE hash=?", (media_hash,)) is None:
        changes.media_gone.add(media_hash)


def _rank(context: Context, author: bytes, media_id: str) -> int:
    """How much an author's word on an id counts: a core node's most, then that of the hub it names."""
    certificate = context.authorities.certificate(author)
    if certificate is None or certificate.role == CORE:
        return 0
    site = media_id.partition(HUB_SEPARATOR)[0]
    named = context.db.one("SELECT 1 FROM hub_sites WHERE node=? AND site=?", (author, site))
    return 2 if named is None else 1
