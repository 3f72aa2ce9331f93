"""The operator's program is run for alerts that concern people here, so that a siren can sound."""

import json
from pathlib import Path

from bongsu.canonical import unpadded_base64
from bongsu.tower import brief
from tests.api.client import User, http_client
from tests.api.test_alerts import ALERTS
from tests.helpers.tower import Officer, install, rooted_server
from tests.hubs.conftest import eventually

# Says what it was told in a file, and fails, which must stop nothing.
PROGRAM = """#!/bin/sh
{ echo "$@"; cat; echo; } >> "$(dirname "$0")/told"
exit 3
"""


def test_the_program_is_told_once_of_each_alert_that_concerns_people_here(tmp_path: Path) -> None:
    hook = tmp_path / "siren"
    hook.write_text(PROGRAM)
    hook.chmod(0o700)
    settings = tmp_path / "settings.toml"
    settings.write_text(f'alert_hook = "{hook}"\n', encoding="utf-8")
    server = rooted_server(tmp_path / "node", "--config", str(settings))
    server.start()
    try:
        with http_client(server.url) as http:
            mayor, officer = User(http, "mayor"), Officer()
            mayor.register()
            install(server.url, officer.statement(users=(mayor.user_id,)))
            first = officer.alert(areas=["gangneung"])
            # By radio first; then the whole alert, which is the same one.
            payload = brief.payload(first["content"])
            raw = brief.encode(payload, officer.id, brief.sign(payload, officer.key.sign_bytes))
            told = [mayor.post(ALERTS, body={"brief": unpadded_base64(raw)})["id"]]
            eventually(lambda: len(_told(tmp_path)) >= 1, "the program was told of the brief")
            mayor.post(ALERTS, body=first)
            mayor.post(ALERTS, body=first)
            mayor.post(ALERTS, body=officer.alert(areas=["busan"]))
            told.append(mayor.post(ALERTS, body=officer.alert(status="Actual"))["id"])
            # In the order in which they came: nothing is to be waited for behind the last.
            eventually(lambda: len(_told(tmp_path)) >= 2, "the program was told of both")
            server.stop()
    finally:
        server.kill()
    said = _told(tmp_path)
    assert [words for words, _ in said] == ["Exercise Alert Extreme", "Actual Alert Extreme"]
    assert [body["id"] for _, body in said] == told
    assert said[0][1]["areas"] == ["gangneung"]
    assert said[0][1]["texts"]["ko"]["headline"].startswith("난곡동 산불")


def _told(folder: Path) -> list[tuple[str, dict[str, object]]]:
    if not (folder / "told").exists():
        return []
    lines = (folder / "told").read_text(encoding="utf-8").splitlines()
    whole = lines[: len(lines) // 2 * 2]
    return [(words, json.loads(body)) for words, body in zip(whole[::2], whole[1::2], strict=True)]
