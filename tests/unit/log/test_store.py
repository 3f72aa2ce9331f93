"""The store on a real disk: append, read, hollow, restart, refuse."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from bongsu.clock import SystemClock
from bongsu.errors import FatalError, MatrixError
from bongsu.limits import RECORD_BODY_BYTES_MAX
from bongsu.log.key import NodeKey
from bongsu.log.record import BodyState, Draft, Kind, Lane, Record, room_scope, scope_id
from bongsu.log.store import Damaged, LogStore
from bongsu.log.vector import Vector

KEY = NodeKey(b"k" * 32)


def open_log(path: Path, free_bytes_min: int = 0) -> LogStore:
    clock = SystemClock()
    return LogStore.open(
        path, KEY, clock=clock, free_bytes_min=free_bytes_min, admin_contact="mailto:a@example.kr"
    )


def draft(text: str, lane: Lane = Lane.TEXT, room: str = "!a", kind: int = Kind.EVENT) -> Draft:
    return Draft(kind, room_scope(room), lane, 7, text.encode())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LogStore]:
    opened = open_log(tmp_path / "log.db")
    yield opened
    opened.close()


async def test_what_is_appended_is_read_back(store: LogStore) -> None:
    text = "x" * 5_000
    records = await store.append([draft("{}"), draft(text), draft("last", kind=999)])
    assert [record.body for record in records] == [b"{}", text.encode(), b"last"]
    assert [store.read(record.position) for record in records] == records
    assert store.read_many([4, 2, 99]) == [records[2], records[0]]
    assert store.bodies([2, 3]) == {2: b"{}", 3: text.encode()}
    assert records[2].header.kind == 999
    with pytest.raises(KeyError):
        store.read(99)


async def test_positions_seqs_and_links_follow_the_calls(store: LogStore) -> None:
    first = store.append([draft("1"), draft("2", room="!b")])
    second = store.append([draft("3"), draft("4", Lane.URGENT)])
    records = await first + await second
    assert [record.position for record in records] == [2, 3, 4, 6]
    assert [record.header.seq for record in records] == [2, 3, 4, 2]
    assert [record.header.scope_link for record in records] == [0, 0, 2, 0]
    assert records[0].header.scope == scope_id("room !a")
    opened = [record.position for record in store.after(0, 10) if record.header.kind == Kind.EPOCH]
    assert opened == [1, 5]


async def test_batches_are_told_in_order_before_their_futures(store: LogStore) -> None:
    told: list[int] = []
    store.on_committed = lambda records: told.extend(record.position for record in records)

    async def append(text: str) -> None:
        records = await store.append([draft(text)])
        assert told[-1] >= records[-1].position

    await asyncio.gather(*[append(str(number)) for number in range(50)])
    assert told == list(range(1, 52))
    assert store.head_position == 51


async def test_requests_that_arrive_together_share_commits(store: LogStore) -> None:
    await store.append([draft("first")])
    before = store.transactions.commits
    await asyncio.gather(*[store.append([draft(str(number))]) for number in range(1_000)])
    assert store.transactions.commits - before < 100


async def test_one_request_does_not_wait_for_company(store: LogStore) -> None:
    for number in range(5):
        await store.append([draft(str(number))])
    assert store.transactions.commits == 5


async def test_reading_since_a_position(store: LogStore) -> None:
    await store.append([draft(str(number)) for number in range(10)])
    assert [record.position for record in store.after(4, 3)] == [5, 6, 7]
    assert [record.position for record in store.after(9, 100)] == [10, 11]
    log = store.read(2).log
    assert [record.header.seq for record in store.log_records(log, 9, 5)] == [9, 10, 11]
    signed = store.log_signature(log)
    assert signed is not None
    assert signed[0] == 11


@pytest.mark.parametrize("kind", [Kind.EVENT, Kind.RECEIPT])
async def test_hollow_never_refills(store: LogStore, kind: Kind) -> None:
    one, two = await store.append([draft("secret" * 50, kind=kind), draft("secret" * 50, kind=kind)])
    await store.hollow(one.position, b"pruned")
    await store.hollow(one.position, b"again")
    await store.hollow(two.position, None)
    await store.hollow(two.position, b"refilled")
    assert (store.read(one.position).body, store.read(one.position).state) == (b"pruned", BodyState.HOLLOW)
    assert (store.read(two.position).body, store.read(two.position).state) == (None, BodyState.HOLLOW)
    assert store.bodies([one.position, two.position]) == {one.position: b"pruned"}
    await store.hollow(one.position, None)
    assert store.read(one.position).body is None
    assert store.verify().problems == ()
    assert store.statistics().hollow == 2


async def test_a_hollow_may_be_queued_right_behind_its_record(store: LogStore) -> None:
    appended = store.append([draft("secret")])
    await store.hollow(2, None)
    assert (await appended)[0].position == 2
    assert store.read(2).state == BodyState.HOLLOW


async def test_every_start_opens_a_new_epoch_that_names_the_ends(tmp_path: Path) -> None:
    tokens: list[tuple[Vector, bytes, int]] = []
    epochs: set[int] = set()
    for start in range(1, 6):
        store = open_log(tmp_path / "log.db")
        for vector, tag, position in tokens:
            assert store.positions_beyond(vector) == list(range(position + 1, store.head_position + 1))
            assert store.shortcut_valid(tag, position)
        records = await store.append([draft("1"), draft("2", Lane.BULK)])
        epochs |= {record.log.epoch for record in records}
        (entry,) = store.vector().nodes.values()
        assert entry.top == start
        assert {key[0] for key in entry.listed} == {start}
        tokens.append((store.vector(), store.start_tag, store.head_position))
        store.close()
    assert len(epochs) == 5
    store = open_log(tmp_path / "log.db")
    assert store.verify().problems == ()
    store.close()


async def test_a_start_that_writes_nothing_leaves_no_trace(tmp_path: Path) -> None:
    store = open_log(tmp_path / "log.db")
    await store.append([draft("1")])
    tag, head = store.start_tag, store.head_position
    store.close()
    store = open_log(tmp_path / "log.db")
    assert (store.start_tag, store.head_position) == (tag, head)
    assert store.shortcut_valid(tag, head)
    store.close()


async def test_a_token_of_a_lost_future_never_matches(tmp_path: Path) -> None:
    store = open_log(tmp_path / "log.db")
    await store.append([draft("1")])
    store.close()
    shutil.copy(tmp_path / "log.db", tmp_path / "image.db")
    store = open_log(tmp_path / "log.db")
    await store.append([draft("lost")])
    lost_tag, lost_position, lost_vector = store.start_tag, store.head_position, store.vector()
    store.close()
    shutil.copy(tmp_path / "image.db", tmp_path / "log.db")
    store = open_log(tmp_path / "log.db")
    assert not store.shortcut_valid(lost_tag, lost_position)
    records: list[Record] = await store.append([draft("new"), draft("new 2")])
    assert not store.shortcut_valid(lost_tag, lost_position)
    assert {record.position for record in records} <= set(store.positions_beyond(lost_vector))
    store.close()


async def test_a_position_of_an_earlier_start_beyond_its_end_never_matches(tmp_path: Path) -> None:
    store = open_log(tmp_path / "log.db")
    await store.append([draft("1")])
    tag, head = store.start_tag, store.head_position
    store.close()
    store = open_log(tmp_path / "log.db")
    await store.append([draft("2"), draft("3")])
    assert store.shortcut_valid(tag, head)
    assert not store.shortcut_valid(tag, head + 1)
    assert not store.shortcut_valid(store.start_tag, store.head_position + 1)
    assert not store.shortcut_valid(b"unknown!", 1)
    assert not store.shortcut_valid(tag, -1)
    store.close()


async def test_a_disk_nearly_full_refuses_and_goes_on_reading(tmp_path: Path) -> None:
    store = open_log(tmp_path / "log.db")
    await store.append([draft("1")])
    store.close()
    store = open_log(tmp_path / "log.db", free_bytes_min=2**62)
    with pytest.raises(MatrixError) as refused:
        store.append([draft("2")])
    assert (refused.value.status, refused.value.errcode) == (403, "M_RESOURCE_LIMIT_EXCEEDED")
    assert refused.value.body()["admin_contact"] == "mailto:a@example.kr"
    assert store.read(2).body == b"1"
    await store.hollow(2, None)  # makes room, so it is allowed
    store.close()


async def test_a_body_too_large_is_refused(store: LogStore) -> None:
    with pytest.raises(MatrixError) as refused:
        store.append([draft("x" * (RECORD_BODY_BYTES_MAX + 1))])
    assert refused.value.status == 413
    assert store.head_position == 0


async def test_only_one_process_has_the_log(store: LogStore) -> None:
    with pytest.raises(FatalError, match="in use by another process"):
        open_log(store.path)


async def test_closing_commits_what_is_queued(tmp_path: Path) -> None:
    store = open_log(tmp_path / "log.db")
    futures = [store.append([draft(str(number))]) for number in range(200)]
    store.close()
    assert all(future.done() for future in futures)
    store = open_log(tmp_path / "log.db")
    assert store.head_position == 201
    store.close()


async def test_an_apply_that_fails_stops_the_node(store: LogStore) -> None:
    told: list[FatalError] = []
    store.on_fatal = told.append

    def fail(records: list[Record]) -> None:
        raise ValueError("a view that cannot")

    store.on_committed = fail
    with pytest.raises(FatalError, match="could not be applied"):
        await store.append([draft("1")])
    with pytest.raises(FatalError):
        store.append([draft("2")])
    with pytest.raises(FatalError):
        store.hollow(1, None)
    assert len(told) == 1


DAMAGE = [
    "UPDATE records SET stamp=stamp+1 WHERE position=3",
    "UPDATE records SET kind=11 WHERE position=3",
    "UPDATE records SET scope_link=1 WHERE position=3",
    "UPDATE records SET scope_id=1 WHERE position=3",
    "UPDATE records SET body_hash=zeroblob(32) WHERE position=3",
    "UPDATE records SET hash=zeroblob(32) WHERE position=3",
    "UPDATE records SET seq=-1 WHERE position=3",
    "UPDATE records SET log_id=77 WHERE position=3",
    "UPDATE lasting_bodies SET body=substr(body, 1, 5) WHERE position=3",
    "UPDATE lasting_bodies SET body=x'01' WHERE position=3",
    "UPDATE lasting_bodies SET encoding=9 WHERE position=3",
    "DELETE FROM lasting_bodies WHERE position=3",
    "UPDATE lasting_bodies SET body=x'00' WHERE position=4",
]


@pytest.mark.parametrize("sql", DAMAGE)
async def test_damage_is_never_returned_as_good(tmp_path: Path, sql: str) -> None:
    store = open_log(tmp_path / "log.db")
    await store.append([draft("body " * 40) for _ in range(5)])
    await store.hollow(4, b"pruned")
    store.close()
    damage = sqlite3.connect(tmp_path / "log.db")
    damage.execute(sql)
    damage.commit()
    damage.close()
    store = open_log(tmp_path / "log.db")
    with pytest.raises(Damaged, match=r"[Rr]ecord [34]"):
        store.read_many([3, 4])
    assert store.verify().problems != ()
    store.close()


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM records WHERE position=6",
        "UPDATE records SET hash=zeroblob(32) WHERE position=6",
        "UPDATE records SET stamp=1 WHERE position=6",
        "UPDATE logs SET signature=zeroblob(64)",
        "UPDATE logs SET head_seq=3",
        "PRAGMA user_version=9",
    ],
)
async def test_a_damaged_head_is_refused_at_the_start(tmp_path: Path, sql: str) -> None:
    store = open_log(tmp_path / "log.db")
    await store.append([draft("body") for _ in range(5)])
    store.close()
    damage = sqlite3.connect(tmp_path / "log.db")
    damage.execute(sql)
    damage.commit()
    damage.close()
    with pytest.raises(FatalError, match="Restore it, or move it away"):
        open_log(tmp_path / "log.db")


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "log.db").write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(FatalError, match="cannot be opened"):
        open_log(tmp_path / "log.db")
    with pytest.raises(FatalError, match="cannot be opened"):
        open_log(tmp_path / "absent" / "log.db")


async def test_the_write_ahead_file_is_folded_in(store: LogStore) -> None:
    store.transactions.checkpoint_pages = 10
    for number in range(100):
        await store.append([draft(str(number))])
    # Each commit adds some 30 kB.
    assert os.stat(f"{store.path}-wal").st_size < 500_000
    assert store.verify().problems == ()


async def test_records_that_are_missing_or_belong_nowhere_are_told(tmp_path: Path) -> None:
    store = open_log(tmp_path / "log.db")
    await store.append([draft(str(number)) for number in range(5)])
    store.close()
    damage = sqlite3.connect(tmp_path / "log.db")
    damage.execute("DELETE FROM records WHERE position=3")
    damage.commit()
    damage.close()
    store = open_log(tmp_path / "log.db")
    problems = " ".join(store.verify().problems)
    assert "Record 3 of log 1 is missing" in problems
    assert "bodies that belong to no record" in problems
    store.close()


async def test_verify_counts_and_tells_its_progress(store: LogStore) -> None:
    await store.append([draft(str(number)) for number in range(1_200)])
    told: list[int] = []
    report = store.verify(told.append)
    assert (report.records, report.logs, report.problems) == (1_201, 1, ())
    assert told == [500, 1_000, 1_201]


async def test_a_vector_that_holds_one_lane_back(tmp_path: Path) -> None:
    """A device was given messages (bulk) up to a position, and everything else."""
    path = tmp_path / "log.db"
    store = open_log(path)
    await store.append([draft("1"), draft("old message", Lane.BULK)])
    store.close()
    for last in range(2):
        store = open_log(path)
        records = await store.append([draft(f"m{number}", Lane.BULK) for number in range(3)])
        records += await store.append([draft("event")])
        for index, record in enumerate(records):
            vector = Vector.decode(store.vector_at(record.position, Lane.BULK, store.head_position).encode())
            assert vector <= store.vector()
            rest = [later.position for later in records[index + 1 :] if later.header.kind == Kind.EVENT]
            bulk = [each for each in rest if store.read(each).log.lane == Lane.BULK]
            assert store.positions_beyond(vector) == bulk, (last, index)
            assert store.covers(vector, record.log, record.header.seq) or record.log.lane != Lane.BULK
            for position in bulk:
                later = store.read(position)
                assert not store.covers(vector, later.log, later.header.seq)
        # Before anything of this start had arrived: what the earlier ones wrote must stay covered.
        first = records[0].position - 1
        missing = store.positions_beyond(store.vector_at(first - 1, Lane.BULK, store.head_position))
        assert {store.read(position).log.lane for position in missing} == {Lane.BULK}
        assert store.vector_at(store.head_position, Lane.BULK, store.head_position) == store.vector()
        store.close()
