"""`bongsu doctor`: a sentence in two languages for each finding, and a status that scripts can use."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import program
from tests.api.client import PASSWORD
from tests.offline.commands import bongsu, succeeds
from tests.server import Server, free_port


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    succeeds(folder, "user", "add", "alice", "--password", PASSWORD)
    return folder


def doctor(data: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = bongsu(data, "doctor", "--json", *arguments)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    for each in found:
        assert each["ko"] != each["en"]
    return done.returncode, {each["name"]: each for each in found}


def test_a_new_node_lacks_a_backup_and_a_private_listener_and_that_is_not_serious(data: Path) -> None:
    status, found = doctor(data)
    assert set(found) == {"backup", "setting private_listen"}
    assert status == 0
    succeeds(data, "backup", "--out", str(data.parent / "copy"))
    assert set(doctor(data)[1]) == {"setting private_listen"}


def test_a_key_that_others_can_read(data: Path) -> None:
    (data / "node.key").chmod(0o644)
    status, found = doctor(data)
    assert status == 1
    assert found["mode node.key"]["serious"]


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    status, found = doctor(tmp_path / "none")
    assert status == 1
    assert found["data"]["serious"]


def test_a_log_that_forked_was_set_aside(data: Path) -> None:
    (data / "log.db.forked-1").write_text("")
    assert "only one runs" in doctor(data)[1]["forked log.db.forked-1"]["en"]


def test_a_suspicion_and_a_log_that_was_set_aside(data: Path) -> None:
    (data / "log.db.suspect").write_text("Record 3.")
    (data / "log.db.damaged-1").write_text("")
    status, found = doctor(data)
    assert status == 1
    assert {"suspect", "set aside log.db.damaged-1"} <= set(found)
    assert "whole" in succeeds(data, "repair")
    assert "suspect" not in doctor(data)[1]


def test_certificates_peers_and_settings(data: Path) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    tls = data.parent / "tls"
    tls.mkdir()
    for name in ("certificate.pem", "key.pem"):
        (tls / name).write_text("no certificate")
        (tls / name).chmod(0o644)
    settings = {
        "tls": str(tls),
        "listen": "0.0.0.0:8008",
        "rate_limits": False,
        "peers": [f"https://{nobody}", "http://192.0.2.7:8449"],
        "root_key": "A" * 43,
    }
    file = data.parent / "bongsu.toml"
    text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    file.write_text(text)
    status, found = doctor(data, "--config", str(file))
    assert status == 1
    wanted = {"certificate tls", "mode key.pem", "setting rate_limits", f"peer https://{nobody}"}
    assert wanted <= set(found)
    assert "is not called" in found["peer http://192.0.2.7:8449"]["en"]
    assert "setting peer_plain" not in found
    nowhere = text.replace("192.0.2.7:8449", nobody) + "peer_plain = true\n"
    file.write_text(nowhere)
    assert "setting peer_plain" not in doctor(data, "--config", str(file))[1], "all is on this machine"
    file.write_text(f'{nowhere}peer_listen = "0.0.0.0:8449"\n')
    assert doctor(data, "--config", str(file))[1]["setting peer_plain"]["serious"]


def test_a_running_node_is_asked(tmp_path: Path) -> None:
    private = f"127.0.0.1:{free_port()}"
    file = tmp_path / "bongsu.toml"
    file.write_text(f'private_listen = "{private}"\nlog_format = "json"\n')
    server = Server(tmp_path, "--config", str(file))
    server.start()
    try:
        status, found = doctor(server.data, "--config", str(file))
        assert (status, set(found)) == (0, {"backup"})
        server.stop()
    finally:
        server.kill()
    status, found = doctor(server.data, "--config", str(file))
    assert status == 1
    assert found["running"]["serious"]
    for line in server.errors.read_text(encoding="utf-8").splitlines():
        assert json.loads(line)["message"], "every message is a JSON object"


def test_what_people_read_is_in_both_languages(data: Path) -> None:
    done = program.run("doctor", "--data", data)
    assert "bongsu backup을 매일 실행하세요" in done.stdout
    assert "Run bongsu backup every day" in done.stdout
