"""Records held without their bodies: filled later, at the head of the order of arrival, and nothing else."""

import random
from dataclasses import replace
from pathlib import Path

from bongsu.clock import SystemClock
from bongsu.log.foreign import Taken
from bongsu.log.key import NodeKey
from bongsu.log.record import BodyState, Draft, ForeignRecord, Kind, Lane, Record, scope_id
from bongsu.log.store import LogStore
from bongsu.log.withheld import Filling


def opened(path: Path, key: NodeKey) -> LogStore:
    return LogStore.open(path, key, clock=SystemClock(), free_bytes_min=0)


async def headers_alone(folder: Path) -> tuple[LogStore, list[Record], LogStore]:
    """A store that wrote in two scopes, its records, and another that keeps only the first scope."""
    key = NodeKey.generate()
    writer = opened(folder / "one.db", key)
    chance = random.Random(7)
    drafts = [
        Draft(Kind.EVENT, f"room {number % 2}", Lane.TEXT, 100 - number, chance.randbytes(80))
        for number in range(10)
    ]
    records = await writer.append(drafts)
    reader = opened(folder / "two.db", NodeKey.generate())
    all_of_it = writer.log_records(records[0].log, 1, 100)
    sent = [
        ForeignRecord(each.header, each.body, each.state)
        if each.header.scope != scope_id("room 1")
        else ForeignRecord(each.header, None, BodyState.WITHHELD)
        for each in all_of_it
    ]
    taken = await reader.append_foreign(records[0].log, key.public, sent, key.sign([all_of_it[-1].hash]))
    assert isinstance(taken, Taken)
    return writer, records, reader


async def test_a_body_that_comes_later_gives_its_record_a_new_position(tmp_path: Path) -> None:
    writer, records, reader = await headers_alone(tmp_path)
    scope = scope_id("room 1")
    assert list(reader.withheld().scopes()) == [scope]
    lacking = reader.withheld().of(scope, limit=100)
    assert [seq for _, _, seq in lacking] == [11, 9, 7, 5, 3], "by stamp: what others build on comes first"
    told: list[Record] = []
    reader.on_committed = told.extend
    head = reader.head_position
    by_seq = {record.header.seq: record for record in records}
    fillings = [Filling(log, seq, BodyState.FULL, by_seq[seq].body) for _, log, seq in lacking if seq != 3]
    assert await reader.refill(fillings) == 4
    assert [record.header.seq for record in told] == [11, 9, 7, 5]
    assert [record.position for record in told] == [head + 1, head + 2, head + 3, head + 4]
    assert [record.position for record in reader.after(head, 10)] == [head + 1, head + 2, head + 3, head + 4]
    read = reader.read(head + 1)
    assert (read.body, read.hash, read.state) == (by_seq[11].body, by_seq[11].hash, BodyState.FULL)
    assert await reader.refill(fillings) == 0, "what came twice changes nothing"
    assert reader.vector() == writer.vector()
    assert reader.verify().problems == ()
    assert reader.verify().records == 11
    writer.close()
    reader.close()
    again = opened(tmp_path / "two.db", NodeKey.generate())
    assert [seq for _, _, seq in again.withheld().of(scope, limit=100)] == [3]
    assert again.head_position == head + 4
    again.close()


async def test_a_body_that_is_not_what_the_header_names_is_passed_over(tmp_path: Path) -> None:
    writer, records, reader = await headers_alone(tmp_path)
    right = Filling(records[1].log, 3, BodyState.FULL, records[1].body)
    wrong = (
        replace(right, body=b"another"),
        replace(right, body=None),
        replace(right, state=BodyState.WITHHELD),
        replace(right, state=BodyState.SEALED),
        replace(right, seq=2, body=records[0].body),
        replace(right, seq=99),
        replace(right, log=replace(right.log, epoch=5)),
        replace(right, state=BodyState.HOLLOW, body=bytes(2_000_000)),
    )
    assert await reader.refill(wrong) == 0
    first, second = reader.refill([right, right]), reader.refill([right])
    assert (await first, await second) == (1, 0)
    writer.close()
    reader.close()


async def test_a_hollow_body_fills_as_hollow(tmp_path: Path) -> None:
    writer, records, reader = await headers_alone(tmp_path)
    log = records[1].log
    fillings = [
        Filling(log, 3, BodyState.HOLLOW, b"pruned"),
        Filling(log, 5, BodyState.HOLLOW, None),
    ]
    assert await reader.refill(fillings) == 2
    found = reader.after(reader.head_position - 2, 2)
    assert [(each.state, each.body) for each in found] == [
        (BodyState.HOLLOW, b"pruned"),
        (BodyState.HOLLOW, None),
    ]
    assert reader.verify().problems == ()
    writer.close()
    reader.close()
