"""The demo: a town, a fire, nobody loses a word."""

import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server import BONGSU


@pytest.fixture
def page(tmp_path: Path) -> Iterator[str]:
    command = [str(BONGSU), "demo", "--dir", str(tmp_path / "demo")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = re.search(r"http://\S+", process.stdout.readline())
            assert ready is not None
            yield ready[0]
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
    stopped = (tmp_path / "demo" / "lab.json").read_text(encoding="utf-8")
    assert len(re.findall(r'"pid": 0', stopped)) == 16, "every process has ended"


def until(http: httpx.Client, holds: Any) -> dict[str, Any]:
    for _ in range(20_000):
        state: dict[str, Any] = http.get("/state").json()
        if holds(state):
            return state
    raise AssertionError(f"it never came to hold: {state}")


def test_a_site_burns_and_comes_back_and_nothing_is_lost(page: str) -> None:
    with httpx.Client(base_url=page, trust_env=False, timeout=60) as http:
        shown = http.get("/").text
        assert "김하나" in shown
        token = re.search(r'token = "([^"]+)"', shown)
        assert token is not None
        assert http.post("/burn?site=a").status_code == 403, "only the page itself may burn"
        headers = {"X-Demo": token[1]}
        until(http, lambda state: state["acknowledged"] > 5)
        assert http.post("/burn?site=z", headers=headers).status_code == 409
        assert http.post("/burn?site=a", headers=headers).status_code == 200
        state = until(http, lambda state: state["recovered"])
        assert state["recovery_s"] > 0
        assert {each["at"] for each in state["speakers"]} == {"b", "c"}
        before = state["acknowledged"]
        until(http, lambda state: state["acknowledged"] > before + 5)
        assert http.post("/revive?site=a", headers=headers).status_code == 200
        state = until(http, lambda state: state["acknowledged"] > before + 10)
        assert state["lost"] == 0


def test_villages_are_cut_off_a_courier_walks_and_all_merges(page: str) -> None:
    with httpx.Client(base_url=page, trust_env=False, timeout=60) as http:
        token = re.search(r'token = "([^"]+)"', http.get("/").text)
        assert token is not None
        headers = {"X-Demo": token[1]}
        until(http, lambda state: all(hub["said"] > 1 and hub["missing"] < 2 for hub in state["hubs"]))
        assert http.post("/mend", headers=headers).status_code == 409
        assert http.post("/cut", headers=headers).status_code == 200
        state = until(http, lambda state: all(hub["missing"] > 2 for hub in state["hubs"]))
        assert all(hub["cut"] for hub in state["hubs"])
        assert http.post("/walk", headers=headers).status_code == 200
        until(http, lambda state: all(hub["missing"] < 3 for hub in state["hubs"]))
        assert http.post("/mend", headers=headers).status_code == 200
        until(http, lambda state: not any(hub["cut"] or hub["missing"] > 1 for hub in state["hubs"]))
