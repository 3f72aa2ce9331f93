"""A bundle of one store's records is taken by another, whole, hollow or withheld."""

from dataclasses import replace
from pathlib import Path

from bongsu.bearer.bundle import Bundle
from bongsu.clock import SystemClock
from bongsu.log.foreign import Gap, Refused, Taken
from bongsu.log.key import NodeKey
from bongsu.log.record import BodyState, Draft, ForeignRecord, Kind, Lane, room_scope
from bongsu.log.store import LogStore


def open_log(path: Path, key: NodeKey) -> LogStore:
    return LogStore.open(path, key, clock=SystemClock(), free_bytes_min=0)


async def test_a_bundle_carries_a_log_from_store_to_store(tmp_path: Path) -> None:
    key = NodeKey.generate()
    ours, theirs = open_log(tmp_path / "a.db", key), open_log(tmp_path / "b.db", NodeKey.generate())
    written = [
        record
        for number in range(4)
        for record in await ours.append(
            [Draft(Kind.EVENT, room_scope("!r"), Lane.TEXT, number, b"%d" % number)]
        )
    ]
    await ours.hollow(written[1].position, None)
    await ours.hollow(written[2].position, b"pruned")
    log = written[0].log
    held = ours.log_records(log, 1, 100)
    signed = ours.log_signature(log)
    assert signed is not None
    assert signed[0] == len(held) == 5
    records = [ForeignRecord(record.header, record.body, record.state) for record in held]
    records[1] = replace(records[1], body=None, state=BodyState.WITHHELD)

    bundle = Bundle.decode(Bundle(key.public, log.epoch, log.lane, tuple(records), signed[1]).encode())
    assert bundle.log == log
    tail = bundle.records[2:]
    assert await theirs.append_foreign(log, key.public, tail, bundle.signature) == Gap(1)
    forged = replace(bundle, signature=bytes(64))
    verdict = await theirs.append_foreign(log, key.public, forged.records, forged.signature)
    assert isinstance(verdict, Refused)
    taken = await theirs.append_foreign(bundle.log, bundle.public_key, bundle.records, bundle.signature)
    assert isinstance(taken, Taken)
    assert [(record.hash, record.state) for record in taken.records] == [
        (record.hash, carried.state) for record, carried in zip(held, records, strict=True)
    ]
    assert theirs.log_records(log, 4, 1)[0].body == b"pruned"
    assert theirs.vector() == ours.vector()
    ours.close()
    theirs.close()
