"""Bodies that come after their headers are filled in as far as nothing lacks before them, and no further."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bongsu.clock import SystemClock
from bongsu.courier.late import Late
from bongsu.log.key import NodeKey
from bongsu.log.record import BodyState, Draft, ForeignRecord, Kind, Lane, Record, room_scope, scope_id
from bongsu.log.store import LogStore

SCOPE = scope_id(room_scope("!a"))


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[LogStore, LogStore]]:
    """One that has everything, and one that is to have it."""
    both = [
        LogStore.open(tmp_path / name, NodeKey.generate(), clock=SystemClock(), free_bytes_min=0)
        for name in ("a.db", "b.db")
    ]
    yield both[0], both[1]
    for store in both:
        store.close()


async def headers_first(giver: LogStore, taker: LogStore, count: int) -> list[Record]:
    """The records as the giver has them, of which the taker has headers alone."""
    drafts = [Draft(Kind.EVENT, room_scope("!a"), Lane.TEXT, 5 + at, b"body %d" % at) for at in range(count)]
    log = (await giver.append(drafts))[0].log
    records = giver.log_records(log, 1, count + 1)
    bare = [ForeignRecord(each.header, None, BodyState.WITHHELD) for each in records[1:]]
    first = ForeignRecord(records[0].header, records[0].body, records[0].state)
    signature = giver.key.sign([records[-1].hash])
    await taker.append_foreign(log, giver.key.public, [first, *bare], signature)
    return records[1:]


def late(records: list[Record]) -> Late:
    found = Late()
    found.scopes = {SCOPE}
    found.note(records[0].log, [ForeignRecord(each.header, each.body, each.state) for each in records])
    return found


async def test_what_came_late_is_filled_in(stores: tuple[LogStore, LogStore]) -> None:
    giver, taker = stores
    records = await headers_first(giver, taker, 600)
    assert await late(records).fill(taker) == 600
    assert [each.body for each in taker.log_records(records[0].log, 2, 3)] == [
        b"body 0",
        b"body 1",
        b"body 2",
    ]
    assert taker.withheld().scopes() == []


async def test_nothing_is_filled_in_behind_what_lacks(stores: tuple[LogStore, LogStore]) -> None:
    giver, taker = stores
    records = await headers_first(giver, taker, 6)
    assert await late(records[:2] + records[3:]).fill(taker) == 2
    assert [seq for _, _, seq in taker.withheld().of(SCOPE, limit=9)] == [4, 5, 6, 7]


async def test_what_does_not_fit_its_header_is_not_filled_in(stores: tuple[LogStore, LogStore]) -> None:
    giver, taker = stores
    records = await headers_first(giver, taker, 3)
    found = Late()
    found.scopes = {SCOPE}
    lies = [ForeignRecord(each.header, b"a lie", BodyState.FULL) for each in records]
    found.note(records[0].log, lies)
    assert await found.fill(taker) == 0
    assert len(taker.withheld().of(SCOPE, limit=9)) == 3


async def test_other_scopes_are_left_alone(stores: tuple[LogStore, LogStore]) -> None:
    giver, taker = stores
    records = await headers_first(giver, taker, 3)
    found = Late()
    found.note(records[0].log, [ForeignRecord(each.header, each.body, each.state) for each in records])
    assert await found.fill(taker) == 0
