"""Power cuts and bad disks under the product's own store: nothing acknowledged is lost, nothing torn."""

import asyncio
import random
from pathlib import Path

import apsw
import pytest

from bongsu.clock import SystemClock
from bongsu.errors import FatalError, MatrixError
from bongsu.log.key import NodeKey
from bongsu.log.record import BodyState, Draft, Kind, Lane, Record, room_scope
from bongsu.log.schema import Opener
from bongsu.log.store import Damaged, LogStore
from tests.power.disk import Disk

CUTS = 240
CUTS_A_TEST = 40
KEY = NodeKey(b"k" * 32)


class Clock(SystemClock):
    """A clock whose seconds a test turns on."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


def open_store(path: Path, disk: Disk | None = None, clock: Clock | None = None) -> LogStore:
    if disk is None:
        return LogStore.open(path, KEY, clock=SystemClock(), free_bytes_min=0)
    shared = disk.open(path)
    opener: Opener = lambda _: shared  # noqa: E731
    return LogStore.open(path, KEY, clock=clock or Clock(), free_bytes_min=0, opener=opener)


def drafts(rnd: random.Random) -> list[Draft]:
    return [
        Draft(
            rnd.choice([Kind.EVENT, Kind.RECEIPT, Kind.TO_DEVICE]),
            room_scope(f"!{rnd.randrange(4)}"),
            rnd.choice([Lane.TEXT, Lane.TEXT, Lane.TEXT, Lane.BULK, Lane.URGENT]),
            rnd.randrange(2**41),
            rnd.randbytes(rnd.choice([10, 300, 6_000])),
        )
        for _ in range(rnd.randrange(1, 9))
    ]


class Trial:
    """One life of a store, up to the cut. What was acknowledged is noted down as it happens."""

    def __init__(self, store: LogStore, rnd: random.Random) -> None:
        self.store = store
        self.random = rnd
        self.acknowledged: dict[int, Record] = {}
        self.hollow_asked: set[int] = set()
        self.hollow_done: set[int] = set()

    async def live(self, rounds: int) -> None:
        for _ in range(rounds):
            if self.store.fatal is not None:
                return
            pending = [self.append() for _ in range(self.random.randrange(1, 5))]
            if self.acknowledged and self.random.random() < 0.4:
                pending.append(self.hollow(self.random.choice(sorted(self.acknowledged))))
            await asyncio.gather(*pending)

    async def append(self) -> None:
        try:
            for record in await self.store.append(drafts(self.random)):
                self.acknowledged[record.position] = record
        except FatalError:
            pass

    async def hollow(self, position: int) -> None:
        self.hollow_asked.add(position)
        try:
            await self.store.hollow(position, None)
            self.hollow_done.add(position)
        except FatalError:
            pass

    def check(self, store: LogStore) -> None:
        """The oracle, over the reopened store."""
        for position, record in self.acknowledged.items():
            found = store.read(position)
            assert (found.log, found.header, found.hash) == (record.log, record.header, record.hash)
            if position not in self.hollow_asked:
                assert found.body == record.body
            if position in self.hollow_done:
                assert found.state == BodyState.HOLLOW
                assert found.body is None
        assert store.verify().problems == ()


async def cut_once(seed: int, folder: Path) -> int:
    rnd = random.Random(seed)
    disk = Disk(seed)
    (folder / "after").mkdir(parents=True)
    store = open_store(folder / "log.db", disk)
    store.transactions.checkpoint_pages = rnd.choice([15, 60, 10_000])
    trial = Trial(store, rnd)
    if rnd.random() < 0.9:
        disk.writes_until_cut = rnd.randrange(400)
    await trial.live(rnd.randrange(1, 25))
    disk.cut(folder / "after")
    epochs = {record.log.epoch for record in trial.acknowledged.values()}
    reopened = open_store(folder / "after" / "log.db")
    trial.check(reopened)
    (record, *_) = await reopened.append(drafts(rnd))
    assert record.log.epoch not in epochs
    assert reopened.verify().problems == ()
    reopened.close()
    disk.let_go()
    store.close()
    disk.unregister()
    return len(trial.acknowledged)


@pytest.mark.parametrize("first", range(0, CUTS, CUTS_A_TEST))
async def test_power_cuts_lose_and_tear_nothing(first: int, tmp_path: Path) -> None:
    acknowledged = [await cut_once(seed, tmp_path / str(seed)) for seed in range(first, first + CUTS_A_TEST)]
    assert sum(count > 0 for count in acknowledged) > CUTS_A_TEST // 2, "most cuts come after some work"


async def test_a_cut_while_the_file_is_made_leaves_a_usable_one(tmp_path: Path) -> None:
    for writes in range(0, 60, 2):
        folder = tmp_path / str(writes)
        (folder / "after").mkdir(parents=True)
        disk = Disk(writes)
        disk.writes_until_cut = writes
        try:
            store = open_store(folder / "log.db", disk)
        except FatalError:
            store = None
        disk.cut(folder / "after")
        reopened = open_store(folder / "after" / "log.db")
        await reopened.append(drafts(random.Random(writes)))
        assert reopened.verify().problems == ()
        reopened.close()
        disk.let_go()
        if store is not None:
            store.close()


async def test_the_disk_forgets_what_is_not_synced(tmp_path: Path) -> None:
    """The oracle's own test: with NORMAL instead of FULL, the same cuts do lose acknowledged records."""
    lost = 0
    for seed in range(10):
        folder = tmp_path / str(seed)
        (folder / "after").mkdir(parents=True)
        disk = Disk(seed)
        store = open_store(folder / "log.db", disk)
        store.transactions.connection.execute("PRAGMA synchronous=NORMAL")
        trial = Trial(store, random.Random(seed))
        await trial.live(5)
        disk.cut(folder / "after")
        reopened = open_store(folder / "after" / "log.db")
        lost += sum(not reopened.read_many([position]) for position in trial.acknowledged)
        reopened.close()
        disk.let_go()
        store.close()
        disk.unregister()
    assert lost > 0


async def test_a_failed_sync_stops_the_node_for_good(tmp_path: Path) -> None:
    disk = Disk(1)
    store = open_store(tmp_path / "log.db", disk)
    told: list[FatalError] = []
    store.on_fatal = told.append
    rnd = random.Random(1)
    await store.append(drafts(rnd))
    disk.sync_fails = True
    queued = [store.append(drafts(rnd)) for _ in range(3)]
    results = await asyncio.gather(*queued, return_exceptions=True)
    assert all(isinstance(result, FatalError) for result in results)
    disk.sync_fails = False  # a second fsync would succeed, and lie
    with pytest.raises(FatalError, match="The node stops"):
        store.append(drafts(rnd))
    assert len(told) == 1
    assert isinstance(told[0].__cause__, apsw.IOError)
    store.close()
    disk.unregister()


async def test_a_failed_sync_in_a_checkpoint_stops_the_node(tmp_path: Path) -> None:
    disk = Disk(2)
    store = open_store(tmp_path / "log.db", disk)
    stopped = asyncio.Event()
    store.on_fatal = lambda _: stopped.set()
    rnd = random.Random(2)
    await store.append(drafts(rnd))
    database = disk.files[str(tmp_path / "log.db")]

    def fail(flags: int) -> None:
        raise apsw.IOError("the disk did not sync")

    database.xSync = fail
    store.transactions.checkpoint_pages = 1
    await asyncio.gather(store.append(drafts(rnd)), return_exceptions=True)
    await asyncio.wait_for(stopped.wait(), 10)
    with pytest.raises(FatalError):
        store.append(drafts(rnd))
    del database.xSync
    store.close()
    disk.unregister()


async def test_a_full_disk_refuses_and_goes_on_reading(tmp_path: Path) -> None:
    disk, clock = Disk(3), Clock()
    store = open_store(tmp_path / "log.db", disk, clock)
    rnd = random.Random(3)
    committed: list[Record] = []
    store.on_committed = committed.extend
    first = await store.append(drafts(rnd))
    head, vector = store.head_position, store.vector()
    disk.full = True
    results = await asyncio.gather(*[store.append(drafts(rnd)) for _ in range(5)], return_exceptions=True)
    for result in results:
        assert isinstance(result, MatrixError)
        assert (result.status, result.errcode) == (403, "M_RESOURCE_LIMIT_EXCEEDED")
    assert (store.head_position, store.vector()) == (head, vector)
    assert store.read(first[0].position) == first[0]
    with pytest.raises(MatrixError, match="disk is full"):
        store.append(drafts(rnd))
    disk.full = False
    clock.seconds += 1.5
    after = await store.append(drafts(rnd))
    assert {record.log.epoch for record in after}.isdisjoint({record.log.epoch for record in first})
    assert store.fatal is None
    assert [record.position for record in committed] == list(range(1, store.head_position + 1))
    assert store.verify().problems == ()
    store.close()
    disk.unregister()


async def test_flipped_bits_are_found_and_never_returned(tmp_path: Path) -> None:
    store = open_store(tmp_path / "log.db")
    rnd = random.Random(4)
    written: dict[int, Record] = {}
    for _ in range(60):
        written |= {record.position: record for record in await store.append(drafts(rnd))}
    store.close()
    good = (tmp_path / "log.db").read_bytes()
    found = 0
    for seed in range(60):
        bad, at = bytearray(good), random.Random(seed).randrange(100, len(good))
        bad[at] ^= 1 << seed % 8
        (tmp_path / "log.db").write_bytes(bad)
        try:
            store = open_store(tmp_path / "log.db")
        except FatalError:
            found += 1
            continue
        wrong = sum(not reads_as(store, record) for record in written.values())
        problems = store.verify().problems
        assert not wrong or problems
        found += bool(problems)
        store.close()
    assert found > 40, "most of the file is records; the rest is room that SQLite does not use"


def reads_as(store: LogStore, record: Record) -> bool:
    """Whether the record is read as written; what is read must never differ from it."""
    try:
        found = store.read(record.position)
    except (Damaged, KeyError):
        return False
    assert found == record
    return True
