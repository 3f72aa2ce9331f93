"""Queries: values of which the last writer's counts (profile, account data, settings, aliases, filters)."""

from typing import Any

from bongsu.canonical import read_trusted
from bongsu.clock import next_stamp
from bongsu.view.context import Context


def get(context: Context, family: str, owner: str, key1: str, key2: str) -> Any:
    """The value, or None if there is none or it was deleted."""
    text = context.db.value(
        "SELECT value FROM registers WHERE family=? AND owner=? AND key1=? AND key2=?",
        (family, owner, key1, key2),
    )
    return None if text is None else read_trusted(text)


def under(context: Context, family: str, owner: str, key1: str) -> list[tuple[str, Any]]:
    """(key2, value) of every value under `key1` that is not deleted."""
    found = context.db.all(
        "SELECT key2, value FROM registers"
        " WHERE family=? AND owner=? AND key1=? AND value IS NOT NULL ORDER BY key2",
        (family, owner, key1),
    )
    return [(key2, read_trusted(text)) for key2, text in found]


def since(context: Context, family: str, owner: str, key1: str, position: int) -> list[tuple[str, Any]]:
    """(key2, value or None) of what has changed beyond `position`."""
    if not context.touched.since(owner, position):
        return []
    found = context.db.all(
        "SELECT key2, value FROM registers"
        " WHERE owner=? AND position>? AND family=? AND key1=? ORDER BY key2",
        (owner, position, family, key1),
    )
    return [(key2, None if text is None else read_trusted(text)) for key2, text in found]


def changed_rooms(context: Context, family: str, owner: str, position: int) -> set[str]:
    """The first keys (room ids, for account data) of what has changed beyond `position`."""
    if not context.touched.since(owner, position):
        return set()
    found = context.db.all(
        "SELECT DISTINCT key1 FROM registers WHERE owner=? AND position>? AND family=?",
        (owner, position, family),
    )
    return {key1 for (key1,) in found}


def stamp_after(context: Context, now_ms: int, family: str, owner: str, key1: str, key2: str) -> int:
    """The stamp of a value that replaces what is there (DESIGN 5.3)."""
    replaced = context.db.value(
        "SELECT stamp FROM registers WHERE family=? AND owner=? AND key1=? AND key2=?",
        (family, owner, key1, key2),
        default=0,
    )
    return next_stamp(now_ms, replaced)
