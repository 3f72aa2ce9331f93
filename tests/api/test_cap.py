"""CAP 1.2 out and in: what others can prove, and what of others' is believed."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from bongsu.cap.read import read_alert
from bongsu.cap.signing import CapKey
from bongsu.cap.write import cap_alert
from bongsu.tower.alert import State
from bongsu.view.tower import Shown
from tests.api.client import User, http_client
from tests.helpers.tower import Officer, alert_content, install, now_ms, rooted_server
from tests.hubs.conftest import eventually
from tests.server import Server

ALERTS = "/_bongsu/client/v1/alerts"
SENT = now_ms()
ATOM = "{http://www.w3.org/2005/Atom}"


def test_an_alert_goes_out_signed(mayor: tuple[User, Officer], tower: Server) -> None:
    user, officer = mayor
    name = user.post(ALERTS, body=officer.alert(areas=["gangneung"]))["id"]
    closed = user.post(ALERTS, body=officer.alert(scope="Restricted"))["id"]
    with httpx.Client(base_url=f"{tower.url}/_bongsu/cap", trust_env=False) as http:
        feed = http.get("feed.atom")
        assert feed.headers["content-type"] == "application/atom+xml"
        assert f"/_bongsu/cap/{name}.xml" in feed.text
        assert closed not in feed.text
        assert http.get(f"{closed}.xml").status_code == 404
        assert http.get("x.xml").status_code == 404
        document = http.get(f"{name}.xml")
        assert document.headers["content-type"] == "application/cap+xml"
        pinned = http.get("certificates.pem").text
    said, proved = read_alert(document.content, pinned, now_ms())
    assert proved
    content = officer.alert()["content"]
    assert said["identifier"] == name
    for field in ("status", "msg_type", "category", "event", "urgency", "severity", "certainty", "scope"):
        assert said[field] == content[field]
    assert said["areas"] == ["gangneung"]
    assert said["texts"]["ko"]["headline"] == content["texts"]["ko"]["headline"]
    assert said["texts"]["en"]["headline"] == content["texts"]["en"]["headline"]


class _Feed(http.server.BaseHTTPRequestHandler):
    documents: ClassVar[dict[str, bytes]] = {}

    def do_GET(self) -> None:
        body = self.documents.get(self.path)
        self.send_response(404 if body is None else 200)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing."""


@pytest.fixture
def feed() -> Iterator[tuple[str, dict[str, bytes]]]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Feed)
    _Feed.documents = {}
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", _Feed.documents
    server.shutdown()
    thread.join()
    server.server_close()


def foreign(key: CapKey | None, name: str, **changed: Any) -> bytes:
    from lxml import etree

    shown = Shown(name * 32, alert_content("0" * 32, **changed), State.STANDING, (), 1)
    earlier = {
        each: Shown(each, alert_content("0" * 32, sent=SENT), State.STANDING, (), 1)
        for each in changed.get("references", [])
    }
    root = cap_alert(shown, ["기상청"], "kma.example.kr", earlier)
    raw: bytes = etree.tostring(root) if key is None else key.sign(root)
    return raw


def test_alerts_of_a_feed_are_shown_as_somebody_elses(
    feed: tuple[str, dict[str, bytes]], tmp_path: Path
) -> None:
    url, documents = feed
    key, thief = CapKey.open(tmp_path, "kma.example.kr"), tmp_path / "thief"
    thief.mkdir()
    entries = "".join(f'<entry><link href="{name}.xml"/></entry>' for name in "abcdefgh")
    documents["/feed"] = f'<feed xmlns="http://www.w3.org/2005/Atom">{entries}</feed>'.encode()
    documents["/a.xml"] = foreign(key, "a")
    documents["/b.xml"] = foreign(CapKey.open(thief, "kma.example.kr"), "b")
    documents["/c.xml"] = foreign(None, "c")
    old = now_ms() - 7_200_000
    documents["/d.xml"] = foreign(key, "d", sent=old, expires=old + 3_600_000)
    # One that is called off, and one that an exercise claims to call off.
    documents["/e.xml"] = foreign(key, "e", sent=SENT, msg_type="Alert")
    documents["/f.xml"] = foreign(key, "f", msg_type="Cancel", references=["e" * 32])
    documents["/g.xml"] = foreign(key, "g", sent=SENT, status="Actual")
    documents["/h.xml"] = foreign(key, "h", msg_type="Cancel", references=["g" * 32])
    settings = tmp_path / "bongsu.toml"
    settings.write_text("feeds_allow_private = true\n", encoding="utf-8")
    server = rooted_server(tmp_path / "node", "--config", str(settings))
    server.start()
    server.stop()
    pem = tmp_path / "pinned.pem"
    pem.write_bytes(key.certificate)
    add = ("tower", "feeds", "add", "--data", str(server.data), "--name", "기상청", "--pin", str(pem))
    server.run(*add, f"{url}/feed")
    server.start()
    try:
        officer = Officer()
        with http_client(server.url) as client:
            user = User(client, "mayor")
            user.register()
            install(server.url, officer.statement(users=(user.user_id,)))
            section = "kr.bongsu.alerts"
            eventually(lambda: len(user.get(ALERTS)["alerts"]) == 5, "the feed was read")
            found = {each["content"]["identifier"][0]: each for each in user.get(ALERTS)["alerts"]}
            shown = found["a"]
            states = {name: each["state"] for name, each in found.items()}
            assert states == {name: "cancelled" if name == "e" else "foreign" for name in "aefgh"}
            assert (shown["state"], shown["source"]) == ("foreign", {"feed": "기상청", "proved": True})
            told = {each["id"] for each in user.sync()[section]["alerts"]}
            assert told == {each["id"] for name, each in found.items() if name != "e"}
            assert (
                httpx.get(f"{server.url}/_bongsu/cap/{shown['id']}.xml", trust_env=False).status_code == 404
            )
        server.stop()
        server.verify()
    finally:
        server.kill()
