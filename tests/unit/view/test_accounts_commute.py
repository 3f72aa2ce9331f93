"""What is recorded of accounts gives the same rows in whatever order it arrives."""

import random
from pathlib import Path
from typing import Any

import pytest

from bongsu import drafts
from bongsu.clock import SystemClock
from bongsu.log.key import NodeKey
from bongsu.log.record import Draft
from bongsu.log.store import LogStore
from bongsu.view import sessions
from bongsu.view.apply import apply_records
from bongsu.view.context import Context
from bongsu.view.db import Database

KIM = "@kim:town"


def token(name: str) -> dict[str, Any]:
    return {"hash": name.encode().hex().ljust(64, "0"), "kind": "access"}


def login(name: str, password_stamp: int) -> Draft:
    return drafts.session(KIM, f"D{name}", name, 0, [token(name)], 100, 100, password_stamp)


RECORDS = [
    drafts.user(KIM, 1, 1),
    drafts.password(KIM, "first", 1),
    drafts.password(KIM, "second", 10, logs_out=True, keeps="one"),
    drafts.password(KIM, "third", 20, logs_out=True, keeps="two"),
    login("one", 5),
    login("two", 5),
    login("new", 20),
    drafts.session(KIM, "Dtwo", "two", 1, [token("two again")], 150, 150, 2**52),
    drafts.session(KIM, "Dold", "old", 1, [token("old again")], 150, 150, 2**52),
    login("old", 5),
    login("ended", 20),
    drafts.session_end(KIM, ["ended"], 120),
]
QUESTIONS = (
    "SELECT user_id, password, password_stamp, deactivated FROM users",
    "SELECT session, user_id, device_id, created_ts, password_stamp, generation, ended FROM sessions"
    " ORDER BY session",
    "SELECT hex(token_hash), session, kind, generation FROM tokens ORDER BY token_hash",
)


async def rows(folder: Path, records: list[Draft]) -> tuple[list[Any], list[str]]:
    folder.mkdir()  # noqa: ASYNC240 - nothing else runs on this loop
    log = LogStore.open(folder / "log.db", NodeKey.generate(), clock=SystemClock(), free_bytes_min=0)
    db = Database.open(folder / "view.db")
    context = Context.build(db, log)
    log.on_committed = lambda batch: apply_records(context, batch) and None
    await log.append([drafts.node(log.key.public, "core", "main", 1)])
    for record in records:
        await log.append([record])
    found = [db.all(question) for question in QUESTIONS]
    logged_in = [row.session for row in sessions.of_user(context, KIM)]
    db.close()
    log.close()
    return found, logged_in


async def test_a_login_may_come_before_its_account(tmp_path: Path) -> None:
    records = [login("one", 1), drafts.user(KIM, 1, 1), drafts.password(KIM, "first", 1)]
    _, logged_in = await rows(tmp_path / "late", records)
    assert logged_in == ["one"]


@pytest.mark.parametrize("seed", range(30))
async def test_any_order_gives_the_same_rows(seed: int, tmp_path: Path) -> None:
    expected, logged_in = await rows(tmp_path / "in order", RECORDS)
    assert logged_in == ["new"], "each change kept one session, and the other change ended that"
    records = list(RECORDS)
    random.Random(seed).shuffle(records)
    assert await rows(tmp_path / "shuffled", records) == (expected, logged_in)
