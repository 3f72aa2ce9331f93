"""The commands of the tower, from an officer's key to the export of an incident."""

import json
from pathlib import Path

from bongsu.rootkey import RootKey
from bongsu.tower import keys as tower_keys
from tests.api.client import User, http_client, timeline
from tests.helpers.service import ROOT
from tests.helpers.tower import Officer, alert_content, install, pass_second_factor, rooted_server
from tests.server import Server

WORDS = "다섯 봉수대 가운데 하나"
BASE = "/_bongsu/client/v1"


def officer_key(server: Server, folder: Path) -> tuple[Path, Path, str]:
    """(key file, passphrase file, request)."""
    words, file = folder / "words", folder / "mayor.key"
    words.write_text(f"{WORDS}\n", encoding="utf-8")
    said = server.run("tower", "key", "--out", str(file), "--name", "시장", "--passphrase-file", str(words))
    return file, words, said.strip()


def test_from_a_key_to_an_alert(tmp_path: Path) -> None:
    server = rooted_server(tmp_path / "node")
    file, words, request = officer_key(server, tmp_path)
    public, name = tower_keys.read_request(request)
    # The root key of the tests signs, since that of a file takes a passphrase of its own.
    statement = tower_keys.certify(
        tower_keys.TowerKey(
            public,
            name,
            "commander",
            issued_ms=1_000,
            expires_ms=1_990_000_000_000,
            users=("@mayor:localhost",),
        ),
        ROOT.sign_bytes,
    )
    server.start()
    server.stop()
    line = tmp_path / "statement"
    line.write_text(statement, encoding="ascii")
    server.run("tower", "install", "--data", str(server.data), str(line))
    listed = server.run("tower", "list", "--data", str(server.data)).split("\t")
    assert listed[1:] == ["시장", "commander", "everywhere", "in force\n"]
    server.start()
    try:
        content = tmp_path / "alert.json"
        said = alert_content("")
        for field in ("sender", "sent", "expires"):
            del said[field]
        content.write_text(json.dumps(said), encoding="utf-8")
        key = ("--key", str(file), "--passphrase-file", str(words))
        sent = server.run(
            "tower", "alert", *key, "--url", server.url, "--content", str(content), "--lasts", "30", "--yes"
        )
        name, state = sent.split()
        assert state == "standing"
        with http_client(server.url) as http:
            user = User(http, "alice")
            user.register()
            (shown,) = user.get(f"{BASE}/alerts")["alerts"]
            assert (shown["id"], shown["signed_by"]) == (name, ["시장"])
        server.stop()
        server.verify()
    finally:
        server.kill()


def test_the_root_key_signs_requests(tmp_path: Path) -> None:
    server = Server(tmp_path)
    _, words, request = officer_key(server, tmp_path)
    root = RootKey.generate()
    root.save(tmp_path / "root.key", WORDS)
    signer = ("--root", str(tmp_path / "root.key"), "--passphrase-file", str(words))
    statement = server.run(
        "tower", "add", *signer, request, "--role", "agency", "--area", "okgye", "--two-person"
    )
    key = tower_keys.read_key(root.public, statement.strip())
    assert (key.name, key.role, key.areas, key.two_person) == ("시장", "agency", ("okgye",), True)
    end = server.run("tower", "revoke", *signer, key.id, "--at", "never", "--only-sign")
    assert tower_keys.read_end(root.public, end.strip()).until_ms == 0


def test_export_verify_and_status(tmp_path: Path) -> None:
    server = rooted_server(tmp_path / "node")
    server.start()
    try:
        officer = Officer()
        install(server.url, officer.statement(users=("@mayor:localhost",)))
        opened = {"kind": "<b>산불</b>", "place": "난곡동", "stage": "serious", "status": "Actual"}
        with http_client(server.url) as http:
            user = User(http, "mayor")
            user.register()
            pass_second_factor(user)
            body = officer.act("open", opened, areas=[])
            name = user.post(f"{BASE}/incidents/acts", body=body)["incident"]
            token = tmp_path / "token"
            token.write_text(str(user.access_token), encoding="ascii")
        export = ("tower", "export", name, "--json", str(tmp_path / "incident.json"))
        server.run(*export, "--url", server.url, "--token-file", str(token))
        assert "No problem found." in server.run("tower", "verify", str(tmp_path / "incident.json"))
        server.stop()
        page = tmp_path / "incident.html"
        server.run(*export, "--html", str(page), "--data", str(server.data))
        assert "<b>" not in page.read_text(encoding="utf-8")
        assert "&lt;b&gt;산불" in page.read_text(encoding="utf-8")
        drill = tmp_path / "drill.json"
        drill.write_text('{"drill": "site-kill", "lost": 0, "acknowledged": 5, "struck_p95_s": 1.5}')
        public = tmp_path / "public"
        publish = ("status", "publish", "--data", str(server.data), "--drill", str(drill), str(public))
        server.run(*publish)
        status = json.loads((public / "status.json").read_text(encoding="utf-8"))
        assert status["durability"] == {"promise": "here", "core_sites_up": 1, "core_sites": 1}
        assert [each["kind"] for each in status["incidents"]] == ["<b>산불</b>"]
        html = (public / "index.html").read_text(encoding="utf-8")
        assert "<b>" not in html
        assert "<script" not in html
        assert "site-kill" in html
        assert "1.50" in html
    finally:
        server.kill()


def test_alerts_reach_other_clients_in_a_room(tmp_path: Path) -> None:
    server = rooted_server(tmp_path)
    server.start()
    try:
        officer = Officer()
        with http_client(server.url) as http:
            speaker, alice = User(http, "alerts"), User(http, "alice")
            for user in (speaker, alice):
                user.register()
            levels = {"events_default": 50}
            room = speaker.create_room(preset="public_chat", power_level_content_override=levels)
            alice.join(room)
        server.stop()
        server.run("tower", "room", room, "--as", speaker.user_id, "--data", str(server.data))
        server.start()
        with http_client(server.url) as http:
            alice.http = http
            install(server.url, officer.statement())
            since = alice.sync()["next_batch"]
            name = alice.post(f"{BASE}/alerts", body=officer.alert())["id"]
            alice.post(f"{BASE}/alerts", body=officer.alert(msg_type="Ack", references=[name]))
            answer = alice.sync_until(lambda answer: bool(timeline(answer, room)), since)
            (event,) = timeline(answer, room)
            assert (event["sender"], event["content"]["kr.bongsu.alert"]) == (speaker.user_id, name)
            korean, english = event["content"]["body"].split("\n\n")
            assert korean.startswith("[훈련] 난곡동")
            assert english.startswith("[Exercise] Wildfire")
            alice.refused(403, "M_FORBIDDEN", "PUT", "rooms", room, "send", "m.room.message", "1", body={})
        server.stop()
        server.verify()
    finally:
        server.kill()
