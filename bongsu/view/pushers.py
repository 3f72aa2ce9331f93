"""Queries: where users want to be notified. A pusher lives no longer than the session that set it."""

from dataclasses import dataclass
from typing import Any

from bongsu.canonical import read_trusted
from bongsu.view.context import Context

FAMILY = "pusher"


@dataclass(frozen=True, slots=True)
class Pusher:
    """One device's address at a push gateway. `value`: as the client set it, and `session`."""

    user_id: str
    app_id: str
    pushkey: str
    value: dict[str, Any]
    stamp: int

    @property
    def url(self) -> str:
        """The gateway's address."""
        return str(self.value["data"]["url"])


_SQL = (
    "SELECT r.owner, r.key1, r.key2, r.value, r.stamp FROM registers r JOIN sessions s"
    " ON s.session = json_extract(r.value, '$.session') AND s.ended=0"
    " WHERE r.family='pusher' AND r.value IS NOT NULL"
)


def pushers_of(context: Context, user_id: str) -> list[Pusher]:
    """A user's pushers."""
    return _pushers(context.db.all(f"{_SQL} AND r.owner=? ORDER BY r.key1, r.key2", (user_id,)))


def all_pushers(context: Context) -> list[Pusher]:
    """Every pusher."""
    return _pushers(context.db.all(_SQL))


def others_with(context: Context, user_id: str, app_id: str, pushkey: str) -> list[str]:
    """Other users whose pusher has the same address: a device that changed hands."""
    found = context.db.all(
        "SELECT owner FROM registers WHERE family='pusher' AND key1=? AND key2=? AND owner<>?"
        " AND value IS NOT NULL",
        (app_id, pushkey, user_id),
    )
    return [owner for (owner,) in found]


def _pushers(rows: list[tuple[Any, ...]]) -> list[Pusher]:
    return [
        Pusher(owner, app_id, pushkey, read_trusted(text), stamp)
        for owner, app_id, pushkey, text, stamp in rows
    ]
