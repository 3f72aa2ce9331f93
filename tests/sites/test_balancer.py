"""Clients that know one address: the balancer of a site, when this site's node is gone."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bongsu.lab import commands, processes
from tests.api.client import User, http_client
from tests.server import free_port
from tests.sites.conftest import Lab

CONFIG = Path(__file__).parents[2] / "deploy" / "haproxy.cfg"
pytestmark = pytest.mark.skipif(shutil.which("haproxy") is None, reason="haproxy is not installed")


def adapted(lab: Lab, port: int) -> str:
    """The configuration as it is shipped, with the laboratory's addresses and without TLS."""
    kept = [
        line
        for line in CONFIG.read_text(encoding="utf-8").splitlines()
        if not re.match(r"\s+(bind :80|http-request redirect|server )", line)
    ]
    text = re.sub(r"bind :443 .*", f"bind 127.0.0.1:{port}", "\n".join(kept))
    for number, node in enumerate(lab.plan.nodes):
        address, check = node.url.removeprefix("http://"), node.private.rpartition(":")[2]
        text += f"\n    server {node.site} {address} port {check}{' backup' if number else ''}"
    return text + "\n"


@pytest.fixture
def balancer(lab: Lab, tmp_path: Path) -> Iterator[str]:
    port = free_port()
    file = tmp_path / "haproxy.cfg"
    file.write_text(adapted(lab, port), encoding="utf-8")
    process = subprocess.Popen(["haproxy", "-db", "-f", str(file)], stdout=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        until(url, "a")
        yield url
    finally:
        process.terminate()
        process.wait()


def until(url: str, site: str) -> None:
    """Ask until this site answers; the balancer has to find that out by itself."""
    said: object = None
    with httpx.Client(base_url=url, trust_env=False) as http:
        for _ in range(10_000):
            try:
                said = http.get("/_bongsu/client/v1/sites").json()["sites"][0]["name"]
            except (httpx.HTTPError, ValueError) as error:
                said = error
            if said == site:
                return
    raise AssertionError(f"{site} never answered: {said!r}")


def test_a_client_of_one_address_goes_on_when_its_node_dies(lab: Lab, balancer: str) -> None:
    with http_client(balancer) as http:
        alice = User(http, "alice-at-one-address")
        alice.register()
        room_id = alice.create_room()
        before = alice.send(room_id, "앞")
        since = alice.sync()["next_batch"]
        processes.kill(lab.node("a"))
        until(balancer, "b")
        after = alice.send(room_id, "뒤")
        events = alice.sync(since)["rooms"]["join"][room_id]["timeline"]["events"]
        assert [event["event_id"] for event in events] == [after]
        history = alice.get("rooms", room_id, "messages", dir="b")["chunk"]
        assert {before, after} <= {event["event_id"] for event in history}
        commands.start(lab.plan, "a")
        until(balancer, "a")
        alice.send(room_id, "다시")
