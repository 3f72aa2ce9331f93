"""A site of a running service is stolen and shut out, while everybody else goes on."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bongsu.cuts import format_cuts
from bongsu.rootkey import RootKey
from bongsu.sites import cuts_there
from tests.server import BONGSU

WAIT_S = 30


class Lab:
    """A laboratory of three sites."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        nodes = json.loads((folder / "lab.json").read_text(encoding="utf-8"))["nodes"]
        self.urls = {node["site"]: node["url"] for node in nodes}
        self.headers: dict[str, str] = {}
        self.room_id = ""

    def ask(self, site: str, method: str, path: str, body: Any = None) -> httpx.Response:
        url = f"{self.urls[site]}/_matrix/client/v3/{path}"
        return httpx.request(method, url, json=body, headers=self.headers, timeout=WAIT_S)

    def send(self, site: str, body: str) -> httpx.Response:
        path = f"rooms/{self.room_id}/send/m.room.message/{body}"
        return self.ask(site, "PUT", path, {"msgtype": "m.text", "body": body})

    def name(self, site: str) -> object:
        return self.ask(site, "GET", f"rooms/{self.room_id}/state/m.room.name").json().get("name")

    def linked(self, site: str, other: str) -> bool:
        """Whether the last that a node's log says of another site is that they are linked."""
        log = (self.folder / site / f"{site}.log").read_text(encoding="utf-8")
        return log.rfind(f"linked with site {other}") > log.rfind(f"the link with site {other} is cut")

    def texts(self, site: str) -> set[str]:
        found = self.ask(site, "GET", f"rooms/{self.room_id}/messages?dir=b&limit=50").json()
        events = found.get("chunk", [])
        return {event["content"]["body"] for event in events if event["type"] == "m.room.message"}


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.05)


def sites_of(lab: Lab, site: str) -> set[str]:
    """Where a site sends its clients."""
    found = httpx.get(f"{lab.urls[site]}/_bongsu/client/v1/sites", timeout=WAIT_S).json()
    return {each["name"] for each in found["sites"]}


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    folder = tmp_path / "lab"
    up = ("lab", "up", "--sites", "3", "--no-tls", "--dir", str(folder))
    subprocess.run([str(BONGSU), *up], check=True, capture_output=True, timeout=120)
    try:
        yield Lab(folder)
    finally:
        subprocess.run([str(BONGSU), "lab", "down", "--dir", str(folder)], check=True, timeout=120)


def test_a_stolen_site_is_shut_out_while_the_others_go_on(lab: Lab) -> None:
    auth = {"type": "m.login.dummy"}
    account = {"username": "alice", "password": "long enough 봉수", "auth": auth}
    made = lab.ask("a", "POST", "register", account).json()
    lab.headers = {"Authorization": f"Bearer {made['access_token']}"}
    lab.room_id = lab.ask("a", "POST", "createRoom", {"name": "town"}).json()["room_id"]
    eventually(lambda: lab.name("c") == "town")
    assert lab.send("c", "fair").status_code == 200
    eventually(lambda: "fair" in lab.texts("a"))
    passphrase = lab.folder / "root.passphrase"
    root = RootKey.load(lab.folder / "root.key", passphrase.read_text(encoding="utf-8").strip())
    eventually(lambda: sites_of(lab, "a") == {"a", "b", "c"})
    node, cuts = cuts_there(root, lab.urls["a"], "c", "now")
    # The thief.
    lie = f"rooms/{lab.room_id}/state/m.room.name"
    assert lab.ask("c", "PUT", lie, {"name": "lie"}).status_code == 200
    eventually(lambda: lab.name("a") == lab.name("b") == "lie")
    assert lab.send("b", "built-on-the-lie").status_code == 200
    signs = ("--root", str(lab.folder / "root.key"), "--passphrase-file", str(passphrase))
    at = ("--at", format_cuts(cuts))
    command = [str(BONGSU), "site", "revoke", "--url", lab.urls["a"], *signs, *at, node.hex()]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    eventually(lambda: lab.name("a") == lab.name("b") == lab.name("c") == "town")
    refused = lab.send("c", "too-late")
    assert refused.status_code == 403
    assert "was shut out" in refused.json()["error"]
    # It learned of its end, and from then on of nothing, also while its links last.
    assert lab.send("b", "life-goes-on").status_code == 200
    # Nobody is sent there any more: a client that went would show the thief its token.
    assert sites_of(lab, "a") == {"a", "b"}
    eventually(lambda: not lab.linked("c", "a") and not lab.linked("c", "b"))
    eventually(lambda: lab.texts("a") == {"fair", "built-on-the-lie", "life-goes-on"})
    assert lab.texts("b") == lab.texts("a")
    assert lab.texts("c") == {"fair", "built-on-the-lie"}
