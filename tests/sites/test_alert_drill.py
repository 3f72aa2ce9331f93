"""The drill of alerts: three real sites, everybody who waits is reached from each. No time is asserted."""

import json
from pathlib import Path

from tests.server import Server


def test_everybody_at_three_sites_gets_every_alert(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    Server(tmp_path).run("drill", "alert", "--people", "18", "--no-tls", "--json", str(figures))
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert (found["clients"], found["alerts"], found["reached"], found["missed"]) == (18, 6, 108, 0)
    assert found["reached_p99_s"] >= found["reached_p50_s"] > 0
