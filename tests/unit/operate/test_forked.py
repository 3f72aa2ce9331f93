"""A node whose log forked in its middle: the common part stays, its own part is written again behind it."""

from pathlib import Path

from bongsu import drafts
from bongsu.clock import SystemClock
from bongsu.config import Config
from bongsu.fork_notes import Fork, ForkNotes
from bongsu.log.key import NodeKey
from bongsu.log.record import Draft, ForeignRecord, Kind, Lane, LogName, Record
from bongsu.log.store import LogStore
from bongsu.operate.start import open_node

COMMON = 4


def open_log(folder: Path, key: NodeKey) -> LogStore:
    return LogStore.open(folder / "log.db", key, clock=SystemClock(), free_bytes_min=0)


def said(name: str, stamp: int) -> Draft:
    return drafts.register("area", "@a:town", "", "", name, stamp)


def carried(records: list[Record]) -> list[ForeignRecord]:
    return [ForeignRecord(each.header, each.body, each.state) for each in records]


async def history(folder: Path, key: NodeKey, names: str) -> tuple[LogName, list[Record]]:
    """What one copy of the node's process writes: the same start, so the same log."""
    folder.mkdir()  # noqa: ASYNC240 - nothing else runs on this loop
    log = LogStore.open(
        folder / "log.db", key, clock=_Stopped(), free_bytes_min=0, random_bytes=lambda count: b"7" * count
    )
    for number, name in enumerate(names):
        await log.append([said(name, 10 + number)])
    (name_of_log, _), *_ = log.held_of(key.node)
    records = log.log_records(name_of_log, 1, 100)
    log.close()
    return name_of_log, records


class _Stopped(SystemClock):
    """Both copies begin in the same moment."""

    def now_ms(self) -> int:
        return 5


async def test_its_own_part_is_written_again_behind_what_others_hold(tmp_path: Path) -> None:
    key = NodeKey.generate()
    name, theirs = await history(tmp_path / "theirs", key, "abcxyz")
    same_name, ours = await history(tmp_path / "ours", key, "abcuv")
    assert name == same_name
    assert [each.hash for each in theirs[:COMMON]] == [each.hash for each in ours[:COMMON]]
    data = tmp_path / "data"
    data.mkdir()
    NodeKey.make(data / "node.key")
    (data / "node.key").write_bytes(key._private.private_bytes_raw())
    log = open_log(data, key)
    await log.append_foreign(name, key.public, carried(ours), key.sign([ours[-1].hash]))
    log.close()
    notes = ForkNotes(data)
    fork = Fork(name.epoch, int(name.lane), COMMON, ours[COMMON].hash)
    assert notes.add(fork)
    assert not notes.add(fork)

    node = await open_node(Config(server_name="town", data=data), SystemClock(), lambda done, total: None)
    state = node.log.held_log(name)
    assert state is not None
    assert (state.seq, state.hash) == (COMMON, ours[COMMON - 1].hash)
    again = [each for each in node.log.after(0, 100) if each.log.epoch == node.log.epoch]
    again = [each for each in again if each.header.kind == Kind.REGISTER]
    want = ours[COMMON:]
    assert [(each.header.stamp, each.header.scope, each.body) for each in again] == [
        (each.header.stamp, each.header.scope, each.body) for each in want
    ]
    assert all(each.log.lane == Lane.TEXT for each in again)
    assert list(data.glob("log.db.forked-*"))
    # What the others hold comes back as any part of an earlier start does.
    signature = key.sign([theirs[-1].hash])
    await node.log.append_foreign(name, key.public, carried(theirs[COMMON:]), signature)
    state = node.log.held_log(name)
    assert state is not None
    assert state.seq == len(theirs)
    node.close()
    assert not ForkNotes(data).left
    assert not ForkNotes(data).add(fork), "this history was written again before"
