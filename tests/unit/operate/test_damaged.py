"""Whatever page of a log is damaged, opening it works or says so: a start can put right only what is said."""

import sqlite3
from contextlib import closing
from pathlib import Path

from bongsu.author import Author, NewEvent
from bongsu.clock import SystemClock
from bongsu.config import Config
from bongsu.errors import FatalError
from bongsu.log.record import LogName
from bongsu.node import Node
from bongsu.operate.start import open_service
from tests.helpers.crowd import CREATOR, crowd

STARTS = 80
PAGES = 40
HELLO = NewEvent("m.room.message", {"msgtype": "m.text", "body": "안녕"})


def silent(_: int, __: int) -> None:
    pass


async def started_often(data: Path) -> list[LogName]:
    """The logs of many starts."""
    made = await crowd(data, 2)
    made.node.close()
    for _ in range(STARTS):
        node = Node.open(Config(data=data), SystemClock(), silent)
        await Author(node).send(made.room_id, CREATOR, HELLO)
        logs = list(node.log.held())
        node.close()
    return logs


async def test_whatever_page_is_damaged_a_site_among_others_starts(tmp_path: Path) -> None:
    data = tmp_path / "data"
    await started_often(data)
    config = Config(data=data, peers=("wss://other.example",))
    with closing(sqlite3.connect(data / "log.db")) as log:
        (page_bytes,) = log.execute("PRAGMA page_size").fetchone()
    whole = {name: (data / name).read_bytes() for name in ("log.db", "view.db")}
    pages = len(whole["log.db"]) // page_bytes
    found = []
    for page in range(0, pages, 1 + pages // PAGES):
        at, pages_after = page * page_bytes, (page + 1) * page_bytes
        log_bytes = whole["log.db"]
        (data / "view.db").write_bytes(whole["view.db"])
        (data / "log.db").write_bytes(log_bytes[:at] + b"\xa5" * page_bytes + log_bytes[pages_after:])
        service = await open_service(config, SystemClock(), silent)
        service.node.close()
        aside = list(data.glob("log.db.damaged-*"))
        found.append("repaired" if aside else "no harm")
        for path in [*aside, *data.glob("*.db-*"), *data.glob("*suspect*")]:
            path.unlink(missing_ok=True)
    assert "repaired" in found


async def test_every_damaged_page_is_said_to_be_damaged_or_does_no_harm(tmp_path: Path) -> None:
    data = tmp_path / "data"
    logs = await started_often(data)
    with closing(sqlite3.connect(data / "view.db")) as view, view:
        # In the view a record of each waits: opening it looks up how far those logs are held.
        names = [log.node + log.epoch.to_bytes(8, "big") + bytes([log.lane]) for log in logs]
        rows = [(number, name, f"${number}") for number, name in enumerate(names)]
        view.executemany("INSERT INTO waiting VALUES(?, '$gone', ?, 2, ?, NULL)", rows)
    with closing(sqlite3.connect(data / "log.db")) as log:
        (page_bytes,) = log.execute("PRAGMA page_size").fetchone()
    whole = (data / "log.db").read_bytes()
    found = []
    for start in range(0, len(whole), page_bytes):
        (data / "log.db").write_bytes(whole[:start] + b"\xa5" * page_bytes + whole[start + page_bytes :])
        try:
            Node.open(Config(data=data), SystemClock(), silent).close()
            found.append("no harm")
        except FatalError:
            found.append("damaged")
        for path in data.glob("log.db-*"):
            path.unlink()
    assert {"no harm", "damaged"} == set(found)
