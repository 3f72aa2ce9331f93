"""The power is cut while withheld bodies are filled: what was acknowledged stays, the rest is withheld."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from bongsu.clock import SystemClock
from bongsu.errors import FatalError
from bongsu.log.foreign import Taken
from bongsu.log.key import NodeKey
from bongsu.log.record import BodyState, Draft, ForeignRecord, Kind, Lane, Record
from bongsu.log.store import LogStore
from bongsu.log.withheld import Filling
from tests.power.disk import Disk
from tests.power.test_power import open_store

CUTS = 40
RECORDS = 60


async def written(folder: Path, rnd: random.Random) -> tuple[NodeKey, list[Record]]:
    """A neighbour's log."""
    key = NodeKey.generate()
    log = LogStore.open(folder / "neighbour.db", key, clock=SystemClock(), free_bytes_min=0)
    drafts = [
        Draft(Kind.EVENT, f"room {rnd.randrange(3)}", Lane.TEXT, rnd.randrange(99), rnd.randbytes(300))
        for _ in range(RECORDS)
    ]
    (name,) = {record.log for record in await log.append(drafts)}
    records = log.log_records(name, 1, RECORDS + 1)
    log.close()
    return key, records


async def fill_until_cut(
    store: LogStore, rnd: random.Random, key: NodeKey, records: list[Record]
) -> set[int]:
    """Headers first, then bodies in some order; the seqs whose bodies were acknowledged."""
    done: set[int] = set()
    headers = [
        ForeignRecord(each.header, each.body, each.state)
        if each.header.seq == 1
        else ForeignRecord(each.header, None, BodyState.WITHHELD)
        for each in records
    ]
    try:
        taken = await store.append_foreign(records[0].log, key.public, headers, key.sign([records[-1].hash]))
        assert isinstance(taken, Taken)
        left = rnd.sample(records[1:], RECORDS)
        while left:
            page = [left.pop() for _ in range(min(len(left), rnd.randrange(1, 9)))]
            fillings = [Filling(each.log, each.header.seq, BodyState.FULL, each.body) for each in page]
            assert await store.refill(fillings) == len(page)
            done.update(each.header.seq for each in page)
    except FatalError:
        pass
    return done


@pytest.mark.parametrize("seed", range(CUTS))
async def test_a_cut_leaves_each_record_filled_or_withheld(seed: int, tmp_path: Path) -> None:
    rnd = random.Random(seed)
    key, records = await written(tmp_path, rnd)
    disk = Disk(seed)
    store = open_store(tmp_path / "log.db", disk)
    store.transactions.checkpoint_pages = rnd.choice([15, 60, 10_000])
    disk.writes_until_cut = rnd.randrange(20, 300)
    done = await fill_until_cut(store, rnd, key, records)
    (tmp_path / "after").mkdir()
    disk.cut(tmp_path / "after")
    reopened = open_store(tmp_path / "after" / "log.db")
    assert reopened.verify().problems == ()
    found = reopened.log_records(records[0].log, 1, RECORDS + 1)
    for there, each in zip(found, records, strict=False):
        assert there.hash == each.hash
        assert there.state in (BodyState.FULL, BodyState.WITHHELD)
        assert there.body in (None, each.body)
    filled = {each.header.seq for each in found if each.state == BodyState.FULL}
    assert done <= filled
    # And the rest comes as if nothing had happened.
    rest = [Filling(each.log, each.header.seq, BodyState.FULL, each.body) for each in records]
    lacking = len(found) - len(filled)
    assert await reopened.refill([replace(each) for each in rest]) == lacking
    assert reopened.verify().problems == ()
    reopened.close()
    disk.let_go()
    store.close()
    disk.unregister()
