"""Records of other nodes: taken whole and proved, or not at all."""

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bongsu import limits
from bongsu.clock import SystemClock
from bongsu.log import key
from bongsu.log.epoch import End, Fork, Opening
from bongsu.log.foreign import Gap, Refused, Taken
from bongsu.log.key import NodeKey
from bongsu.log.record import (
    BodyState,
    Draft,
    ForeignRecord,
    Header,
    Kind,
    Lane,
    LogName,
    Record,
    body_hash,
    chain,
    genesis,
    room_scope,
    scope_id,
)
from bongsu.log.store import LogStore
from bongsu.log.vector import Vector


def open_log(path: Path, key: NodeKey) -> LogStore:
    return LogStore.open(path, key, clock=SystemClock(), free_bytes_min=0)


def drafts(count: int, lane: Lane = Lane.TEXT) -> list[Draft]:
    return [Draft(Kind.EVENT, room_scope("!a"), lane, 5, b"body %d" % number) for number in range(count)]


def foreign(records: list[Record]) -> list[ForeignRecord]:
    return [ForeignRecord(record.header, record.body, record.state) for record in records]


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[LogStore, LogStore]]:
    giver, taker = (
        open_log(tmp_path / "a.db", NodeKey.generate()),
        open_log(tmp_path / "b.db", NodeKey.generate()),
    )
    yield giver, taker
    giver.close()
    taker.close()


async def everything(giver: LogStore) -> tuple[LogName, list[ForeignRecord], bytes]:
    """Everything of the giver's one log, with the signature over its end."""
    records = await giver.append(drafts(6))
    log = records[0].log
    return log, foreign(giver.log_records(log, 1, 100)), giver.key.sign([records[-1].hash])


async def test_a_log_is_taken_and_told_like_one_of_ours(stores: tuple[LogStore, LogStore]) -> None:
    giver, taker = stores
    told: list[Record] = []
    taker.on_committed = told.extend
    log, records, signature = await everything(giver)
    taken = await taker.append_foreign(log, giver.key.public, records, signature)
    assert isinstance(taken, Taken)
    assert list(taken.records) == told
    assert [record.position for record in told] == list(range(1, 8))
    assert giver.vector() <= taker.vector()
    assert taker.log_signature(log) == (7, signature)
    assert taker.verify().problems == ()
    await taker.append(drafts(1))
    assert len(taker.positions_beyond(giver.vector())) == 2


async def test_what_is_held_is_skipped_and_a_gap_is_named(stores: tuple[LogStore, LogStore]) -> None:
    giver, taker = stores
    log, records, signature = await everything(giver)
    head = giver.log_records(log, 3, 1)[0].hash
    public = giver.key.public
    assert await taker.append_foreign(log, public, records[3:], signature) == Gap(1)
    await taker.append_foreign(log, public, records[:3], giver.key.sign([head]))
    assert await taker.append_foreign(log, public, records[5:], signature) == Gap(4)
    taken = await taker.append_foreign(log, public, records[1:], signature)
    assert isinstance(taken, Taken)
    assert [record.header.seq for record in taken.records] == [4, 5, 6, 7]
    assert await taker.append_foreign(log, public, records, signature) == Taken(())
    assert taker.verify().problems == ()


async def test_withheld_and_hollow_bodies_keep_the_chain_whole(stores: tuple[LogStore, LogStore]) -> None:
    giver, taker = stores
    log, records, signature = await everything(giver)
    records[2] = replace(records[2], body=None, state=BodyState.WITHHELD)
    records[3] = replace(records[3], body=b"pruned", state=BodyState.HOLLOW)
    records[4] = replace(records[4], body=b"\0sealed", state=BodyState.SEALED)
    taken = await taker.append_foreign(log, giver.key.public, records, signature)
    assert isinstance(taken, Taken)
    assert [taker.read(number).state for number in (3, 4, 5)] == [
        BodyState.WITHHELD,
        BodyState.HOLLOW,
        BodyState.SEALED,
    ]
    assert taker.read(4).body == b"pruned"
    assert taker.verify().problems == ()


async def test_lies_are_refused_and_nothing_is_stored(stores: tuple[LogStore, LogStore]) -> None:
    giver, taker = stores
    log, records, signature = await everything(giver)
    public, other = giver.key.public, NodeKey.generate()
    header = records[3].header
    lies = [
        (log, other.public, records, signature),
        (log, public, records, other.sign([b"h" * 32])),
        (log, public, records[:-1], signature),
        (log, public, [*records[:2], *records[3:]], signature),
        (log, public, [], signature),
        (log, public, [*records[:3], replace(records[3], body=b"forged"), *records[4:]], signature),
        (log, public, [*records[:3], replace(records[3], body=None), *records[4:]], signature),
        (
            log,
            public,
            [*records[:3], replace(records[3], header=replace(header, stamp=6)), *records[4:]],
            signature,
        ),
        (
            log,
            public,
            [*records[:3], replace(records[3], header=replace(header, stamp=-1)), *records[4:]],
            signature,
        ),
        (
            log,
            public,
            [*records[:3], replace(records[3], header=replace(header, scope=b"")), *records[4:]],
            signature,
        ),
        (
            log,
            public,
            [*records[:3], replace(records[3], header=replace(header, scope_link=9)), *records[4:]],
            signature,
        ),
        (
            log,
            public,
            [*records[:3], replace(records[3], header=replace(header, kind=Kind.EPOCH))],
            signature,
        ),
        (log, public, [replace(records[0], body=None, state=BodyState.HOLLOW), *records[1:]], signature),
        (log, public, [replace(records[3], state=BodyState.WITHHELD)], signature),
        (replace(log, epoch=log.epoch ^ 1), public, records, signature),
    ]
    for lie in lies:
        assert isinstance(await taker.append_foreign(*lie), Refused)
    assert taker.head_position == 0
    assert taker.vector() == Vector.empty()
    assert isinstance(await taker.append_foreign(log, public, records, signature), Taken)


async def test_an_opening_record_that_cannot_be_read_is_refused(stores: tuple[LogStore, LogStore]) -> None:
    giver, taker = stores
    log = LogName(giver.key.node, 5, Lane.TEXT)
    for body in (
        b"",
        b"\x00",
        b"\x83\x01\x00\x80",
        b"\x83\x02\x01\x80",
        b"\x83\x01\x01\x81\x01",
        b"\x83\x01\x01\xf6",
    ):
        header = Header(1, Kind.EPOCH, scope_id("service"), 0, 5, body_hash(body))
        signature = giver.key.sign(chain(genesis(log), [header]))
        verdict = await taker.append_foreign(log, giver.key.public, [ForeignRecord(header, body)], signature)
        assert isinstance(verdict, Refused)


async def test_a_fork_is_reported_with_both_hashes(stores: tuple[LogStore, LogStore]) -> None:
    giver, taker = stores
    log, records, signature = await everything(giver)
    await taker.append_foreign(log, giver.key.public, records, signature)
    header = replace(records[4].header, body_hash=body_hash(b"other"))
    forked = [*records[:4], ForeignRecord(header, b"other")]
    hashes = chain(genesis(log), [record.header for record in forked])
    verdict = await taker.append_foreign(log, giver.key.public, forked, giver.key.sign(hashes[-1:]))
    assert verdict == Fork(log, 5, taker.read(5).hash, hashes[-1])
    assert taker.head_position == 7


async def test_nobody_writes_the_log_of_this_process(stores: tuple[LogStore, LogStore]) -> None:
    giver, _ = stores
    log, records, signature = await everything(giver)
    assert isinstance(await giver.append_foreign(log, giver.key.public, records, signature), Refused)


async def test_a_restored_node_gets_its_lost_tail_back_and_adopts_it(tmp_path: Path) -> None:
    rnd, key, peer_key = random.Random(1), NodeKey.generate(), NodeKey.generate()
    node, peer = open_log(tmp_path / "a.db", key), open_log(tmp_path / "b.db", peer_key)
    await give_all(node, peer)
    for _ in range(3):
        await node.append(drafts(rnd.randrange(1, 5)))
        await give_all(node, peer)
        node.close()
        node = open_log(tmp_path / "a.db", key)
    node.close()
    image = (tmp_path / "a.db").read_bytes()
    node = open_log(tmp_path / "a.db", key)
    lost = await node.append(drafts(3))
    await give_all(node, peer)
    node.close()
    (tmp_path / "a.db").write_bytes(image)
    node = open_log(tmp_path / "a.db", key)
    await node.append(drafts(2))
    await give_all(node, peer)
    await give_all(peer, node)
    assert [record.body for record in node.log_records(lost[0].log, 2, 9)] == [record.body for record in lost]
    node.close()
    node = open_log(tmp_path / "a.db", key)
    await node.append(drafts(1))
    await give_all(node, peer)
    assert node.vector() == peer.vector()
    for store in (node, peer):
        (entry,) = store.vector().nodes.values()
        assert len(entry.listed) == 1
        assert store.verify().problems == ()
    node.close()
    peer.close()
    peer = open_log(tmp_path / "b.db", peer_key)  # what is settled is read back as settled
    assert peer.vector().nodes[key.node[:3]] == entry
    peer.close()


async def test_ends_that_two_starts_named_are_read_back_node_by_node(tmp_path: Path) -> None:
    taker = open_log(tmp_path / "taker.db", NodeKey.generate())
    restored = [NodeKey.generate(), NodeKey.generate()]
    for number, node_key in enumerate(restored):
        path = tmp_path / f"{number}.db"
        for _ in range(6):
            node = open_log(path, node_key)
            last = (await node.append(drafts(2)))[0].log
            node.close()
        image = path.read_bytes()
        for _ in range(2):
            # The second start from one image does not know of the first: both name the ends before.
            path.write_bytes(image)
            node = open_log(path, node_key)
            await node.append(drafts(1))
            await give_all(node, taker)
            node.close()
    taker.close()
    connection = sqlite3.connect(tmp_path / "taker.db")
    assert connection.execute("SELECT count(*), min(seq) FROM also_named").fetchone() == (2, 3)
    # As the version before left it.
    connection.execute("ALTER TABLE also_named DROP COLUMN seq")
    connection.execute("PRAGMA user_version=5")
    connection.close()
    taker = open_log(tmp_path / "taker.db", taker.key)
    for node_key in restored:
        held = dict(taker.held_of(node_key.node))
        assert len(held) == 8
        assert last.node != node_key.node or held[last] == 3
    taker.close()


async def give_all(giver: LogStore, taker: LogStore) -> None:
    """Give what the other's vector lacks, log by log."""
    records = giver.read_many(giver.positions_beyond(taker.vector()))
    for log in dict.fromkeys(record.log for record in records):
        public = giver.key.public if log.node == giver.key.node else taker.key.public
        signed = giver.log_signature(log)
        assert signed is not None
        verdict = await taker.append_foreign(
            log, public, foreign([record for record in records if record.log == log]), signed[1]
        )
        assert isinstance(verdict, Taken)
        assert verdict.forks == ()


async def test_an_end_named_otherwise_than_held_is_a_fork(
    stores: tuple[LogStore, LogStore],
) -> None:
    giver, taker = stores
    log, records, signature = await everything(giver)
    await taker.append_foreign(log, giver.key.public, records, signature)
    end = End(log.epoch, 1, log.lane, 7, b"o" * 32)
    following = replace(log, epoch=log.epoch ^ 1)
    body = Opening(2, (end,)).encode()
    header = Header(1, Kind.EPOCH, scope_id("service"), 0, 5, body_hash(body))
    signature = giver.key.sign(chain(genesis(following), [header]))
    taken = await taker.append_foreign(following, giver.key.public, [ForeignRecord(header, body)], signature)
    assert isinstance(taken, Taken)
    assert taken.forks == (Fork(log, 7, taker.read(7).hash, b"o" * 32),)
    # The log stays listed: what is held of it is not what the node says it wrote.
    (entry,) = taker.vector().nodes.values()
    assert (1, 7) in {(key[0], seq) for key, seq in entry.listed.items()}


async def test_a_node_whose_name_begins_like_another_is_refused(tmp_path: Path) -> None:
    giver = open_log(tmp_path / "a.db", NodeKey.generate())
    log, records, signature = await everything(giver)
    giver.close()
    open_log(tmp_path / "b.db", NodeKey.generate()).close()
    other = sqlite3.connect(tmp_path / "b.db")
    other.execute("INSERT INTO nodes VALUES(?,?,?)", (log.node[:3] + bytes(13), log.node[:3], bytes(32)))
    other.commit()
    other.close()
    taker = open_log(tmp_path / "b.db", NodeKey.generate())
    verdict = await taker.append_foreign(log, giver.key.public, records, signature)
    assert isinstance(verdict, Refused)
    assert "new key" in verdict.reason
    taker.close()


async def pass_on(giver: LogStore, taker: LogStore, log: LogName, public: bytes) -> int:
    """Give the taker all the giver can prove of a log; how many bundles it took."""
    count = 0
    while True:
        held = taker.held().get(log)
        stretch = giver.stretch(log, 0 if held is None else held.seq)
        if stretch is None:
            return count
        records, signature = stretch
        assert isinstance(await taker.append_foreign(log, public, foreign(records), signature), Taken)
        count += 1


async def test_a_log_is_passed_on_by_others_than_its_owner(
    stores: tuple[LogStore, LogStore], tmp_path: Path
) -> None:
    owner, survivor = stores
    public = owner.key.public
    log = (await owner.append(drafts(1)))[0].log
    for _ in range(700):
        await owner.append(drafts(1))
        await pass_on(owner, survivor, log, public)
    third = open_log(tmp_path / "c.db", NodeKey.generate())
    assert await pass_on(survivor, third, log, public) <= 5, "signatures close together are thinned"
    assert third.vector() == owner.vector()
    assert third.held()[log] == owner.held()[log]
    late = open_log(tmp_path / "d.db", NodeKey.generate())
    # From the middle of a stretch, too.
    records, _ = owner.stretch(log, 0) or ([], b"")
    assert len(records) == limits.BUNDLE_RECORDS_GIVEN, "a stretch is short, so that nobody waits for it long"
    half = foreign(records[:100])
    await late.append_foreign(log, public, half, owner.key.sign([records[99].hash]))
    await pass_on(third, late, log, public)
    assert late.vector() == owner.vector()
    third.close()
    late.close()


async def test_a_long_stretch_with_one_signature_is_passed_on_whole(
    stores: tuple[LogStore, LogStore], tmp_path: Path
) -> None:
    owner, survivor = stores
    count = 2 * limits.BUNDLE_RECORDS_GIVEN
    log = (await owner.append(drafts(count)))[0].log
    records = owner.log_records(log, 1, count)
    signature = owner.key.sign([records[-1].hash])
    await survivor.append_foreign(log, owner.key.public, foreign(records), signature)
    found = survivor.stretch(log, 0)
    assert found is not None
    assert len(found[0]) == count


async def test_nothing_is_passed_on_that_its_owner_did_not_sign(stores: tuple[LogStore, LogStore]) -> None:
    owner, other = stores
    log = (await owner.append(drafts(3)))[0].log
    assert owner.stretch(log, 4) is None
    assert other.stretch(log, 0) is None
    records, signature = owner.stretch(log, 2) or ([], b"")
    assert [record.header.seq for record in records] == [3, 4]
    assert key.verify(owner.key.public, [records[-1].hash], signature)


async def test_settled_logs_are_held_too(tmp_path: Path) -> None:
    node = NodeKey.generate()
    for _ in range(3):
        store = open_log(tmp_path / "log.db", node)
        await store.append(drafts(2))
        store.close()
    store = open_log(tmp_path / "log.db", node)
    assert len(store.held()) == 3
    assert sum(held.settled for held in store.held().values()) == 2
    before = store.vector()
    await store.append(drafts(1))
    assert len(store.held()) == 4
    assert before <= store.vector()
    store.close()
