"""A node of the release before works beside new ones, is upgraded, and goes back, while people talk."""

import asyncio
import io
import sqlite3
import subprocess
import tarfile
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from bongsu import drafts
from bongsu.clock import SystemClock
from bongsu.lab import commands, processes
from bongsu.log.key import NodeKey
from bongsu.log.record import Draft, Kind, Lane, service_scope
from bongsu.log.store import LogStore
from bongsu.operate.against import ask, compare
from tests.api.client import User, timeline
from tests.sites.conftest import SITES, Lab
from tests.tidy.tree import ROOT

pytestmark = pytest.mark.long
# Has the same links. Does not know lost events (kind 17), and keeps log.db in an earlier form.
FORMER = "e135fabead20be584e1eb5a14c4bfe778a723dd2"
# The first that keeps log.db as this one does: further back a node goes only with a new log.
SAME_LOG = "acbed39f42a08b7675ea95bb86d4199aa1df6a80"
# Of a release that is still to come.
UNKNOWN_KIND = 99
AGREE_S = 30
PLAIN = "peer_plain = true\n"


def program(commit: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program as it was, in a folder of its own."""
    made = subprocess.run(
        ["git", "archive", commit, "bongsu"],
        cwd=ROOT,
        check=False,
        capture_output=True,
    )
    if made.returncode != 0:
        pytest.skip("there is no history of this program here to take the release before from")
    folder = tmp_path_factory.mktemp("former")
    with tarfile.open(fileobj=io.BytesIO(made.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return program(FORMER, tmp_path_factory)


@pytest.fixture(scope="module")
def same_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return program(SAME_LOG, tmp_path_factory)


def deploy(lab: Lab, site: str, release: Path | None, *, new_log: bool = False) -> None:
    """The site's node starts again with another release; None: this one. `new_log`: it fills from others."""
    node = lab.node(site)
    processes.end([node])
    if new_log:
        for file in (*Path(node.data).glob("log.db*"), *Path(node.data).glob("view.db*")):
            file.unlink()
    # A setting of this release alone.
    settings = Path(node.config)
    others = settings.read_text(encoding="utf-8").replace(PLAIN, "")
    settings.write_text(others if release is not None else others + PLAIN, encoding="utf-8")
    node.environment = {} if release is None else {"PYTHONPATH": str(release)}
    commands.start(lab.plan, site)


def write_offline(lab: Lab, site: str, *written: Draft) -> None:
    """Put records into the log of a site's node, which is started again."""
    node = lab.node(site)
    processes.end([node])
    data = Path(node.data)

    async def write() -> None:
        log = LogStore.open(
            data / "log.db", NodeKey.load(data / "node.key"), clock=SystemClock(), free_bytes_min=0
        )
        await log.append(written)
        log.close()

    asyncio.run(write())
    commands.start(lab.plan, site)


def rows(lab: Lab, site: str, file: str, sql: str) -> list[tuple[object, ...]]:
    uri = f"file:{Path(lab.node(site).data, file)}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as db:
        return db.execute(sql).fetchall()


def agree(lab: Lab) -> None:
    assert compare([partial(ask, node.private) for node in lab.plan.nodes], AGREE_S) == []


class Talk:
    """Alice writes where she is told, Bob reads at one site after the other with one token."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.alice, self.bob = lab.user("b", "alice"), lab.user("c", "bob")
        self.room_id = self.alice.create_room(preset="public_chat")
        self.bob.join(self.room_id)
        self.since = self.bob.sync()["next_batch"]
        self.sent: list[str] = []
        self.seen: list[str] = []

    def go_on(self) -> None:
        for site in (*SITES, *SITES):
            text = f"{len(self.sent)}"
            self.lab.at(self.alice, site).send(self.room_id, text)
            self.sent.append(text)
            for other in SITES:
                self.read(other)

    def read(self, site: str) -> None:
        moved: User = self.lab.at(self.bob, site)
        answer = moved.sync(self.since, timeout_ms=300)
        self.seen += [event["content"]["body"] for event in timeline(answer, self.room_id)]
        self.since = answer["next_batch"]


def test_two_releases_work_side_by_side_forwards_and_back(lab: Lab, former: Path, same_log: Path) -> None:
    deploy(lab, "a", former, new_log=True)
    talk = Talk(lab)
    talk.go_on()
    unknown = Draft(UNKNOWN_KIND, service_scope(), Lane.TEXT, 1, b"of a later release")
    write_offline(lab, "b", unknown, drafts.lost(talk.room_id, ["$nowhere"], 5))
    talk.go_on()
    agree(lab)
    # The old one carries what it does not know, and hands it on.
    kinds = f"SELECT count(*) FROM records WHERE kind IN ({UNKNOWN_KIND}, {int(Kind.LOST)})"
    assert {site: rows(lab, site, "log.db", kinds) for site in SITES} == {site: [(2,)] for site in SITES}
    assert rows(lab, "c", "view.db", "SELECT event_id FROM lost") == [("$nowhere",)]

    # Upgraded, log.db with it, it applies what it had carried.
    deploy(lab, "a", None)
    talk.go_on()
    assert rows(lab, "a", "view.db", "SELECT event_id FROM lost") == [("$nowhere",)]
    agree(lab)

    # And back: what the new one wrote into its own log is read by the old one.
    deploy(lab, "a", same_log)
    talk.go_on()
    agree(lab)
    for site in SITES:
        talk.read(site)
    assert talk.seen == talk.sent
    deploy(lab, "a", None)
    agree(lab)
