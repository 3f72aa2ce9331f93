"""Opening the view of a log: caught up, or built anew where it was derived from something else."""

from collections.abc import Callable
from pathlib import Path

from bongsu.errors import StoreDamaged
from bongsu.log.store import Damaged, LogStore
from bongsu.view.apply import catch_up
from bongsu.view.authorities import root_key_of
from bongsu.view.context import Context
from bongsu.view.db import Database
from bongsu.view.rebuild import Progress, rebuild

BESIDE = "view.db.new"
NowMs = Callable[[], int]


def damaged(damage: Damaged) -> StoreDamaged:
    """What stops a node whose log cannot be applied."""
    return StoreDamaged(f"{damage} Restore log.db from a copy; `bongsu verify` lists what is damaged.")


def open_view(
    path: Path, log: LogStore, root_key: bytes | None, now_ms: NowMs, progress: Progress
) -> Context:
    """The view at `path`, with everything in the log applied.

    Raises:
        StoreDamaged: a record is not what was written.
    """
    context = _view(path, log, root_key, now_ms)
    try:
        context.hollows.resume()
        catch_up(context, progress)
    except Damaged as damage:
        context.db.close()
        raise damaged(damage) from damage
    if context.authorities.stale:
        context.db.close()
        rebuild_beside(path, log, root_key, now_ms, progress)
        context = _view(path, log, root_key, now_ms)
    return context


def rebuild_beside(
    path: Path, log: LogStore, root_key: bytes | None, now_ms: NowMs, progress: Progress
) -> None:
    """Build a view beside the one there is, which goes only when the new one is whole."""
    beside = path.with_name(BESIDE)
    try:
        rebuild(beside, log, root_key, now_ms, progress).close()
    except Damaged as damage:
        raise damaged(damage) from damage
    Database.remove(path)
    beside.replace(path)


def _view(path: Path, log: LogStore, root_key: bytes | None, now_ms: NowMs) -> Context:
    """The view at `path`, empty where what is there was derived from another log or root key."""
    db = Database.open(path)
    if db.cursor > log.head_position or (db.cursor > 0 and root_key_of(db) != root_key):
        # log.db is an older image than view.db: rows of records that are gone must go too.
        db.close()
        Database.remove(path)
        db = Database.open(path)
    return Context.build(db, log, root_key, now_ms)
