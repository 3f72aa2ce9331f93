"""What is left of a body when it was delivered takes the room of what is left, and no more."""

import random
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from bongsu.clock import SystemClock
from bongsu.log.key import NodeKey
from bongsu.log.record import BodyState, Draft, Kind, Lane, Record, private_scope
from bongsu.log.store import LogStore

MESSAGES, BODY_BYTES = 4_000, 1_000


async def written(store: LogStore, chance: random.Random) -> list[Record]:
    scope = private_scope("@a:localhost")
    bodies = [chance.randbytes(BODY_BYTES) for _ in range(MESSAGES)]
    return await store.append([Draft(Kind.TO_DEVICE, scope, Lane.BULK, 1, body) for body in bodies])


async def pruned(store: LogStore, records: Sequence[Record]) -> None:
    await [store.hollow(record.position, b"identity %020d" % record.position) for record in records][-1]


async def test_delivered_messages_give_their_room_back(tmp_path: Path) -> None:
    store = LogStore.open(tmp_path / "log.db", NodeKey.generate(), clock=SystemClock(), free_bytes_min=0)
    chance = random.Random(1)
    await pruned(store, await written(store, chance))
    first = store.statistics().used_bytes
    records = await written(store, chance)
    await pruned(store, records)
    grown = store.statistics().used_bytes - first
    # Header and index take about 110 bytes, the identity 45.
    assert grown < MESSAGES * 200
    read = store.read(records[7].position)
    assert (read.state, read.body) == (BodyState.HOLLOW, b"identity %020d" % records[7].position)
    await store.hollow(records[7].position, None)
    assert store.read(records[7].position).body is None
    assert store.verify().problems == ()
    store.close()


async def test_a_store_of_the_version_before_goes_on(tmp_path: Path) -> None:
    path, key, chance = tmp_path / "log.db", NodeKey.generate(), random.Random(1)
    store = LogStore.open(path, key, clock=SystemClock(), free_bytes_min=0)
    records = (await written(store, chance))[:3]
    store.close()
    # As the version before left it: what was pruned stands among the passing bodies.
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE pruned_bodies")
    connection.execute("DROP TABLE also_named")
    connection.execute("PRAGMA user_version=2")
    connection.close()
    store = LogStore.open(path, key, clock=SystemClock(), free_bytes_min=0)
    await pruned(store, records[1:])
    await store.hollow(records[2].position, None)
    found = [store.read(record.position).body for record in records]
    assert found == [records[0].body, b"identity %020d" % records[1].position, None]
    assert store.verify().problems == ()
    store.close()
