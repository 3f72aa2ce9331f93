"""Events said to be lost: whatever arrives first gives the same view; one that comes after all counts."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from bongsu import drafts
from bongsu.clock import SystemClock
from bongsu.log.key import NodeKey
from bongsu.log.record import Draft
from bongsu.log.store import LogStore
from bongsu.view.apply import apply_records
from bongsu.view.context import Context
from bongsu.view.db import Database
from bongsu.view.rebuild import rebuild
from tests.property.test_arrival_order import Writer, asked

ORDERS = 3


async def view_of(folder: Path, records: list[Draft]) -> tuple[list[Any], list[Any]]:
    """What a node answers that got the records in this order: as they came, derived again where the rows
    were stale, as `rederive` does, and after a rebuild from nothing."""
    folder.mkdir()  # noqa: ASYNC240 - nothing else runs on this loop
    log = LogStore.open(folder / "log.db", NodeKey.generate(), clock=SystemClock(), free_bytes_min=0)
    context = Context.build(Database.open(folder / "view.db"), log)

    def anew(name: str) -> Context:
        db = rebuild(folder / name, log, None, lambda: 0, lambda done, total: None)
        return Context.build(db, log)

    def committed(batch: list[Any]) -> None:
        nonlocal context
        apply_records(context, batch)
        if context.authorities.stale:
            context.db.close()
            context = anew("again.db")

    log.on_committed = committed
    await log.append([drafts.node(log.key.public, "core", "main", 1)])
    for start in range(0, len(records), 5):
        await log.append(records[start : start + 5])
    as_they_came = asked(context)
    rebuilt = anew("rebuilt.db")
    answers = as_they_came, asked(rebuilt)
    rebuilt.db.close()
    context.db.close()
    log.close()
    return answers


def orders(seed: int, records: list[Draft]) -> list[list[Draft]]:
    """The records as they are, and shuffled."""
    found = [list(records)]
    for order in range(1, ORDERS):
        found.append(list(records))
        random.Random(seed * 100 + order).shuffle(found[-1])
    return found


def same(seed: int, folder: Path, records: list[Draft]) -> list[Any]:
    """What every order of the records answers."""
    first: list[Any] | None = None
    for number, arrived in enumerate(orders(seed, records)):
        as_they_came, rebuilt = asyncio.run(view_of(folder / f"{number}", arrived))
        assert as_they_came == rebuilt
        first = first or as_they_came
        assert as_they_came == first
    assert first is not None
    return first


def story(seed: int) -> tuple[Writer, list[str]]:
    """A room that forks, and events of it that somebody says are lost."""
    writer = Writer(seed)
    writer.scribble(25)
    rnd = random.Random(seed + 1_000)
    # Never the first two: without the first event of a room the rest means nothing.
    return writer, rnd.sample(list(writer.made)[1:], rnd.randrange(1, 4))


def said_lost(writer: Writer, event_ids: list[str]) -> list[Draft]:
    return [drafts.lost(writer.room_id, [event_id], 5) for event_id in event_ids]


@pytest.mark.parametrize("seed", range(6))
def test_what_follows_a_lost_event_is_applied_in_any_order(seed: int, tmp_path: Path) -> None:
    writer, gone = story(seed)
    drafted = dict(zip(writer.made, writer.drafts, strict=True))
    records = [draft for event_id, draft in drafted.items() if event_id not in gone]
    answers = same(seed, tmp_path, records + said_lost(writer, gone))
    assert {row[0] for row in answers[0]} == drafted.keys() - set(gone)
    assert answers[4] == [(0,)], "nothing waits any more"


@pytest.mark.parametrize("seed", range(6))
def test_a_lost_event_that_comes_after_all_counts_as_if_it_had_never_been_lost(
    seed: int, tmp_path: Path
) -> None:
    writer, gone = story(seed)
    (tmp_path / "said").mkdir()
    expected, _ = asyncio.run(view_of(tmp_path / "never said", list(writer.drafts)))
    # The lost ones come last of all in the first order.
    drafted = dict(zip(writer.made, writer.drafts, strict=True))
    late = [drafted.pop(event_id) for event_id in gone]
    records = [*drafted.values(), *said_lost(writer, gone), *late]
    assert same(seed, tmp_path / "said", records) == expected


def test_without_its_first_event_a_room_is_nothing_and_holds_nothing_back(tmp_path: Path) -> None:
    writer, _ = story(1)
    first = next(iter(writer.made))
    answers = same(1, tmp_path, writer.drafts[1:] + said_lost(writer, [first]))
    assert answers[0] == []
