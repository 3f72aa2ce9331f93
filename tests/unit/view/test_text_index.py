"""Texts are found before and after they are indexed, and forgotten at once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bongsu import limits
from bongsu.clock import SystemClock
from bongsu.log.key import NodeKey
from bongsu.log.store import LogStore
from bongsu.view.context import Context
from bongsu.view.db import Database
from bongsu.view.search import hits

ROOM, OTHER = 1, 12
AT_ONCE = 4


@pytest.fixture(name="context")
def _context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Context]:
    monkeypatch.setattr(limits, "SEARCH_UNINDEXED_MAX", AT_ONCE)
    log = LogStore.open(tmp_path / "log.db", NodeKey.generate(), clock=SystemClock(), free_bytes_min=0)
    context = Context.build(Database.open(tmp_path / "view.db"), log)
    yield context
    context.db.close()
    log.close()


def batch(context: Context, *texts: tuple[int, int, str]) -> None:
    context.db.begin()
    for each in texts:
        context.text_index.add(*each)
    context.text_index.end_batch()
    context.db.commit()


def found(context: Context, term: str = "봉화", room: int = ROOM, below: int = 2**62) -> list[int]:
    return [hit.position for hit in hits(context, term, [room], below)]


def indexed(context: Context) -> list[int]:
    rows = context.db.all("SELECT rowid FROM text_search WHERE text_search MATCH '\"봉화\"' ORDER BY rowid")
    return [position for (position,) in rows]


def test_what_is_not_indexed_yet_is_found_like_the_rest(context: Context) -> None:
    for position in range(10, 19):
        batch(context, (position, OTHER if position % 3 == 0 else ROOM, f"봉화 {position}"))
        upto = [each for each in range(10, position + 1) if each % 3]
        assert found(context) == upto[::-1]
    assert indexed(context) == list(range(10, 18)), "twice four at once, and the last is yet to come"
    assert found(context, below=14) == [13, 11, 10]
    assert found(context, room=OTHER) == [18, 15, 12]
    assert found(context, "18", OTHER) == [18], "the index names a room by a number, which is no text"
    assert found(context, "화봉") == []


def test_a_text_that_waited_has_its_place_before_the_mark(context: Context) -> None:
    batch(context, *((position, ROOM, "봉화") for position in (10, 20, 30, 40)))
    batch(context, (15, ROOM, "봉화"), (50, ROOM, "봉화"), (45, ROOM, "봉화"))
    assert indexed(context) == [10, 15, 20, 30, 40]
    assert found(context) == [50, 45, 40, 30, 20, 15, 10]


def test_what_is_redacted_is_gone_on_either_side_of_the_mark(context: Context) -> None:
    batch(context, *((position, ROOM, "봉화") for position in (10, 20, 30, 40)))
    batch(context, (50, ROOM, "봉화"), (60, ROOM, "봉화"))
    for position in (20, 50, 99):
        context.text_index.drop(position)
    assert found(context) == [60, 40, 30, 10]
    batch(context, *((position, ROOM, "봉화") for position in (70, 80)))
    assert indexed(context) == [10, 30, 40], "what is gone does not count"
    batch(context, (90, ROOM, "봉화"))
    assert indexed(context) == [10, 30, 40, 60, 70, 80, 90]


def test_the_mark_is_part_of_the_transaction(context: Context, tmp_path: Path) -> None:
    batch(context, (10, ROOM, "봉화"))
    context.db.begin()
    for position in (20, 30, 40):
        context.text_index.add(position, ROOM, "봉화")
    context.text_index.end_batch()
    assert indexed(context) == [10, 20, 30, 40]
    context.db.rollback()
    context.forget_all()
    assert (context.text_index.mark, indexed(context), found(context)) == (0, [], [10])
    batch(context, (20, ROOM, "봉화"), (30, ROOM, "봉화"))
    other = Context.build(Database.open(tmp_path / "view.db"), context.log)
    assert found(other) == [30, 20, 10], "another start reads how far the index goes"
    batch(other, (40, ROOM, "봉화"))
    assert indexed(other) == [10, 20, 30, 40]
    other.db.close()
