"""Keys, messages to devices and backups: the same records in any order give the same rows, and so does a
rebuild from a log whose superseded bodies are hollow."""

import random
from pathlib import Path
from typing import Any

import pytest

from bongsu import drafts
from bongsu.clock import SystemClock
from bongsu.log.key import NodeKey
from bongsu.log.record import Draft
from bongsu.log.store import LogStore
from bongsu.offline import differences
from bongsu.view.apply import apply_records, catch_up
from bongsu.view.context import Context
from bongsu.view.db import Database
from bongsu.view.keys import key_digest

ALICE, BOB = "@alice:localhost", "@bob:localhost"
DEVICE, GONE = "KEPT", "GONE"
TABLES = {
    "one_time_keys": "user_id, device_id, algorithm, key_id, digest, value, node, stamp",
    "to_device": "user_id, device_id, id, stamp",
    "to_device_ids": "id",
    "backup_keys": "user_id, version, room_id, session_id, unverified, first_index, forwarded, digest, stamp",
    "backup_counts": "*",
    "registers": "family, owner, key1, key2, value, stamp",
}


def data(index: int, *, verified: bool, text: str) -> dict[str, Any]:
    return {
        "first_message_index": index,
        "forwarded_count": 0,
        "is_verified": verified,
        "session_data": {"ciphertext": text},
    }


def device(device_id: str, value: dict[str, str] | None, stamp: int) -> Draft:
    return drafts.register("device", ALICE, "", device_id, value, stamp, public=True)


def keys(device_id: str, names: str, stamp: int) -> Draft:
    return drafts.one_time_keys(ALICE, device_id, "00", {f"curve25519:{each}": each for each in names}, stamp)


def claim(device_id: str, name: str, stamp: int) -> Draft:
    return drafts.key_claim(ALICE, device_id, f"curve25519:{name}", key_digest(name), stamp)


def message(device_id: str, txn_id: str, stamp: int) -> Draft:
    return drafts.to_device((BOB, "B"), txn_id, "m.test", (ALICE, device_id), {"text": txn_id}, stamp)


def all_drafts() -> list[Draft]:
    name = {"display_name": ""}
    better, worse = data(1, verified=True, text="better"), data(0, verified=False, text="worse")
    equal = data(1, verified=True, text="equal, with another hash")
    return [
        device(DEVICE, name, 10),
        keys(DEVICE, "abc", 11),
        keys(DEVICE, "cd", 12),
        *(claim(DEVICE, each, 13) for each in "acc"),
        *(message(DEVICE, txn_id, 14) for txn_id in ("one", "two", "one")),
        # Forgotten, and made again with the same id.
        device(GONE, name, 10),
        keys(GONE, "ab", 11),
        claim(GONE, "a", 12),
        message(GONE, "old", 12),
        device(GONE, None, 20),
        device(GONE, name, 30),
        keys(GONE, "bc", 31),
        message(GONE, "new", 31),
        drafts.register("key_backup", ALICE, "", "5", {"algorithm": "x"}, 5),
        drafts.backup_keys(ALICE, "5", [["!r", "s", worse], ["!r", "t", worse]], 6),
        drafts.backup_keys(ALICE, "5", [["!r", "s", better]], 7),
        drafts.backup_keys(ALICE, "5", [["!r", "s", equal]], 8),
        drafts.backup_keys(ALICE, "5", [["!gone", "s", better]], 8),
        drafts.register("key_backup_deleted", ALICE, "5", "!gone", {}, 9),
        drafts.register("key_backup", ALICE, "", "6", {"algorithm": "x"}, 6),
        drafts.backup_keys(ALICE, "6", [["!r", "s", better]], 7),
        drafts.register("key_backup", ALICE, "", "6", None, 9),
    ]


async def rows_of(folder: Path, order: list[Draft], batch: int) -> dict[str, list[Any]]:
    """The rows of the records in this order; and a rebuild must give the same."""
    key = NodeKey.generate()
    log = LogStore.open(folder / "log.db", key, clock=SystemClock(), free_bytes_min=0)
    views = [Database.open(folder / name) for name in ("view.db", "again.db")]
    context = Context.build(views[0], log)
    written = [drafts.node(key.public, "core", "here", 1), *order]
    for at in range(0, len(written), batch):
        records = await log.append(written[at : at + batch])
        apply_records(context, records)
    # Bodies that went hollow are gone from the disk now.
    await log.append([device("LAST", None, 1)])
    catch_up(context, lambda done, total: None)
    catch_up(Context.build(views[1], log), lambda done, total: None)
    assert differences(views[0], views[1]) == []
    found = {
        table: sorted(map(repr, views[0].all(f"SELECT {columns} FROM {table}")))
        for table, columns in TABLES.items()
    }
    for view in views:
        view.close()
    log.close()
    return found


@pytest.mark.parametrize("seed", range(12))
async def test_any_order_gives_the_same_rows(tmp_path: Path, seed: int) -> None:
    first, other = tmp_path / "first", tmp_path / "other"
    for folder in (first, other):
        folder.mkdir()
    expected = await rows_of(first, all_drafts(), 1)
    order = all_drafts()
    random.Random(seed).shuffle(order)
    assert await rows_of(other, order, 1 + seed % 5) == expected
    left = [row for row in expected["one_time_keys"] if "None" not in row]
    assert len(left) == 4
    assert len(expected["to_device"]) == 3
    assert len(expected["backup_keys"]) == 2
