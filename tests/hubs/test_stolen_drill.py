"""The drill of a stolen hub: real processes, the real command, a courier's file that is cut short."""

import json
from pathlib import Path

import pytest

from tests.server import Server


@pytest.mark.long
def test_nobody_believes_a_stolen_hub_once_he_has_heard_of_it(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    Server(tmp_path).run("drill", "stolen-hub", "--no-tls", "--json", str(figures))
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert found["broken"] == []
    assert found["believed_before"] == ["h2", "h3"], "before anybody knew, the lies were believed"
    assert set(found["disbelieved_after_s"]) == {"h2", "h3"}
    needed, parts = found["revocation_in_part"]
    assert 0 < needed < parts, "the courier's file may end early"
    read = found["thief_can_read"]
    assert (read["residents"], read["rooms_encrypted"], read["messages_as_ciphertext"]) == (2, 1, 1)
    assert read["rooms_in_clear"] == 1, "the room of all; that of another hub's people is not here"
