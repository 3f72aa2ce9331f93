"""A view built anew beside the one there is: from the log, and what must be known before its start.

A revocation judges records that came long before it, so a view that meets one too late is built again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bongsu.log.store import LogStore
from bongsu.view.apply import catch_up
from bongsu.view.context import Context
from bongsu.view.db import Database

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Seeds:
    """What one building found out that the next has to know from the start."""

    revocations: tuple[tuple[Any, ...], ...] = ()
    vouched: tuple[tuple[Any, ...], ...] = ()
    ends: tuple[tuple[Any, ...], ...] = ()
    found: tuple[tuple[Any, ...], ...] = ()

    @classmethod
    def of(cls, db: Database) -> "Seeds":
        """What this view knows."""
        revocations = tuple(db.all("SELECT node, number, text FROM revocations"))
        ends = tuple(db.all("SELECT node, user_id, ends, stamp, author FROM residency_ends"))
        vouched = tuple(db.all("SELECT event_id FROM vouched"))
        return cls(revocations, vouched, ends, tuple(db.all("SELECT event_id FROM found")))


def begin(
    path: Path, log: LogStore, root_key: bytes | None, now_ms: Callable[[], int], seeds: Seeds
) -> Context:
    """An empty view at `path` that knows the seeds. What stood there is dropped."""
    Database.remove(path)
    db = Database.open(path)
    db.begin()
    db.run_many("INSERT INTO revocations VALUES(?,?,?)", seeds.revocations)
    db.run_many("INSERT INTO vouched VALUES(?)", seeds.vouched)
    db.run_many("INSERT INTO residency_ends VALUES(?,?,?,?,?)", seeds.ends)
    db.run_many("INSERT INTO found VALUES(?)", seeds.found)
    db.commit()
    return Context.build(db, log, root_key, now_ms)


def rebuild(
    path: Path, log: LogStore, root_key: bytes | None, now_ms: Callable[[], int], progress: Progress
) -> Database:
    """The view of everything in the log, at `path`. Mostly one reading of the log, two after a revocation.

    It ends: every further reading knows more revocations, events vouched for or lost events that came, and
    the log has no end of none.
    """
    seeds = Seeds()
    while True:
        context = begin(path, log, root_key, now_ms, seeds)
        try:
            catch_up(context, progress)
        except BaseException:
            context.db.close()
            Database.remove(path)
            raise
        if not context.authorities.stale:
            return context.db
        seeds = Seeds.of(context.db)
        context.db.close()
