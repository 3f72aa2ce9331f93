"""The tower at a hub: how soon an alert is there over a LAN, and 2,000 check-ins said with the core away.

`.venv/bin/python -m bench.hub_tower`: some ten minutes; `--people` and `--seconds` make it less."""

import argparse
import json
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pyotp

from bongsu.drill.check import percentile
from bongsu.lab import commands
from bongsu.lab.plan import NodePlan, Plan
from bongsu.rootkey import RootKey
from bongsu.tower import keys
from bongsu.tower.keys import TowerKey
from tests.helpers.tower import Officer, install

API = "/_matrix/client/v3"
OWN = "/_bongsu/client/v1"
PASSWORD = "봉수대 다섯 개"
READERS = 50
ALERTS = 6
ATONCE = 8
PATIENCE_S = 300.0


class Somebody:
    """An account at one node."""

    def __init__(self, http: httpx.Client, name: str) -> None:
        self.http = http
        body = {"username": name, "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
        said = self.ask("POST", f"{API}/register", body)
        self.user_id, self.token = said["user_id"], said["access_token"]

    def ask(self, method: str, path: str, body: object = None, **query: Any) -> Any:
        headers = {"authorization": f"Bearer {getattr(self, 'token', '')}"} if hasattr(self, "token") else {}
        answer = self.http.request(method, path, json=body, params=query, headers=headers)
        answer.raise_for_status()
        return answer.json()


class Reader(threading.Thread):
    """Waits in /sync; `seen`: when each alert came."""

    def __init__(self, who: Somebody) -> None:
        super().__init__(daemon=True)
        self.who = who
        self.seen: dict[str, float] = {}
        self.since = who.ask("GET", f"{API}/sync", timeout=0)["next_batch"]
        self.ended = False

    def run(self) -> None:
        while not self.ended:
            said = self.who.ask("GET", f"{API}/sync", timeout=5_000, since=self.since)
            came = time.monotonic()
            self.since = said["next_batch"]
            for each in said.get("kr.bongsu.alerts", {}).get("alerts", []):
                self.seen.setdefault(each["id"], came)


def until(holds: Any, what: str) -> float:
    """Wait until something has happened by itself; how long that took, in seconds."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > PATIENCE_S:
            raise SystemExit(f"it never came to be so: {what}")
        time.sleep(0.05)
    return time.monotonic() - began


def certified(lab: Plan, officer: Officer, user_id: str) -> str:
    """What the laboratory's root key says of an officer."""
    folder = Path(lab.folder)
    words = (folder / commands.PASSPHRASE_FILE).read_text(encoding="utf-8").strip()
    root = RootKey.load(folder / commands.ROOT_FILE, words)
    now_ms = int(time.time()) * 1000
    key = TowerKey(
        officer.key.public,
        officer.name,
        keys.COMMANDER,
        users=(user_id,),
        issued_ms=now_ms,
        expires_ms=now_ms + 86_400_000,
    )
    return keys.certify(key, root.sign)


def alerts(core: Somebody, readers: list[Reader], officer: Officer) -> dict[str, Any]:
    """Alerts handed in at the data centre, and when those who wait at the hub were told."""
    waits: list[float] = []
    missed = 0
    for _ in range(ALERTS):
        handed = officer.alert(texts={"ko": {"headline": f"훈련 {time.time_ns()}"}})
        began = time.monotonic()
        name = core.ask("POST", f"{OWN}/alerts", handed)["id"]
        while time.monotonic() - began < 10 and any(name not in each.seen for each in readers):
            time.sleep(0.01)
        waits += [each.seen[name] - began for each in readers if name in each.seen]
        missed += sum(name not in each.seen for each in readers)
    return {
        "alerts": ALERTS,
        "readers_at_hub": len(readers),
        "missed": missed,
        "reached_p50_s": percentile(waits, 0.5),
        "reached_p99_s": percentile(waits, 0.99),
        "reached_max_s": max(waits, default=None),
    }


def check_ins(people: list[Somebody], call: str, seconds: float) -> dict[str, Any]:
    """Everybody answers once, spread evenly over so many seconds."""
    began = time.monotonic()

    def say(number: int) -> float:
        time.sleep(max(0.0, began + seconds * number / len(people) - time.monotonic()))
        asked = time.monotonic()
        people[number].ask("POST", f"{OWN}/check_ins", {"answer": "safe", "request": call, "where": "회관"})
        return time.monotonic() - asked

    with ThreadPoolExecutor(ATONCE) as pool:
        took = list(pool.map(say, range(len(people))))
    return {
        "check_ins": len(took),
        "in_s": round(time.monotonic() - began, 1),
        "answered_p50_ms": 1000 * (percentile(took, 0.5) or 0),
        "answered_p99_ms": 1000 * (percentile(took, 0.99) or 0),
    }


def measure(lab: Plan, people_count: int, seconds: float) -> dict[str, Any]:
    """All of it, in a laboratory of a data centre and a hub."""
    core_node, hub_node = lab.find("a"), lab.find("h1")
    assert isinstance(core_node, NodePlan)
    assert isinstance(hub_node, NodePlan)
    limits = httpx.Limits(max_connections=READERS + ATONCE + 4)
    core_http = httpx.Client(base_url=core_node.url, timeout=60, trust_env=False)
    hub_http = httpx.Client(base_url=hub_node.url, timeout=60, trust_env=False, limits=limits)
    mayor, officer = Somebody(core_http, "mayor"), Officer()
    install(core_node.url, certified(lab, officer, mayor.user_id))
    secret = mayor.ask("POST", f"{OWN}/second_factor/enrol", {})["secret"]
    mayor.ask("POST", f"{OWN}/second_factor", {"code": pyotp.TOTP(secret).now()})
    began = time.monotonic()
    with ThreadPoolExecutor(ATONCE) as pool:
        people = list(pool.map(lambda number: Somebody(hub_http, f"p{number}"), range(people_count)))
    print(f"{people_count} accounts at the hub after {time.monotonic() - began:.0f} s", file=sys.stderr)
    until(lambda: people[0].ask("GET", f"{OWN}/tower/keys")["keys"], "the tower key at the hub")
    readers = [Reader(each) for each in people[:READERS]]
    for each in readers:
        each.start()
    time.sleep(2)
    found = alerts(mayor, readers, officer)
    for each in readers:
        each.ended = True
    call = mayor.ask("POST", f"{OWN}/safety_calls", officer.call())["id"]
    until(
        lambda: call in {each["id"] for each in people[0].ask("GET", f"{OWN}/check_ins")["calls"]},
        "the question at the hub",
    )
    commands.link(lab, "h1", "core", "none")
    found |= check_ins(people, call, seconds)

    def counted() -> int:
        areas = mayor.ask("GET", f"{OWN}/tower/check_ins/{call}")["areas"]
        return sum(each.get("safe", 0) for each in areas.values())

    found["at_core_before"] = counted()
    commands.link(lab, "h1", "core", "lan")
    found["carried_s"] = round(until(lambda: counted() >= people_count, "all counted at the core"), 2)
    # Whatever is still under way must not be counted a second time.
    time.sleep(3)
    found["counted_at_core"] = counted()
    return found


def main() -> int:
    """Print the figures; 1 if somebody was missed, or not counted once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=280.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bongsu-bench-") as folder:
        lab = commands.up(Path(folder) / "lab", 1, tls=False, hubs=1)
        try:
            found = measure(lab, chosen.people, chosen.seconds)
        finally:
            commands.down(lab)
    print(json.dumps(found, ensure_ascii=False, indent=2))
    return int(found["missed"] > 0 or found["counted_at_core"] != chosen.people)


if __name__ == "__main__":
    sys.exit(main())
